//! The page's own files: those that were there when the program was built, or those of a folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};

/// Name and content of each; none when the page was not built.
static BUILT: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/page.rs"));

/// What a person sees where the page would be.
const NOT_BUILT: &str = "This setpoint was built without the page; everything else is there.

To have it, with Node 18 or newer and npm in the checkout:

    ./justw page
    ./justw emulator

The first builds the page, the second the program around it.
";

pub(super) fn is_built() -> bool {
    !BUILT.is_empty()
}

/// Where files come from.
#[derive(Clone)]
pub(super) struct Files {
    folder: Option<Arc<Path>>,
}

impl Files {
    /// Those of `folder`, or those inside the program.
    pub(super) fn new(folder: Option<PathBuf>) -> Files {
        let folder = folder.map(Arc::from);
        Files { folder }
    }

    async fn read(&self, name: &str) -> Option<Vec<u8>> {
        match &self.folder {
            // Files lie side by side: a name with a path in it is none of them.
            Some(folder) if !name.contains(['/', '\\']) && !name.starts_with('.') => {
                let path = folder.join(name);
                tokio::task::spawn_blocking(move || std::fs::read(path))
                    .await
                    .ok()?
                    .ok()
            }
            Some(_) => None,
            None => BUILT
                .iter()
                .find(|(file, _)| *file == name)
                .map(|(_, content)| content.to_vec()),
        }
    }
}

/// Answers with a file; `/` is `index.html`.
pub(super) async fn serve(State(files): State<Files>, request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let name = match request.uri().path().trim_start_matches('/') {
        "" => "index.html",
        name => name,
    };
    match files.read(name).await {
        Some(content) => ([(CONTENT_TYPE, content_type(name))], content).into_response(),
        None if name == "index.html" => (StatusCode::NOT_FOUND, NOT_BUILT).into_response(),
        None => (StatusCode::NOT_FOUND, "there is no such file\n").into_response(),
    }
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_built_is_inside() {
        let dist = Path::new(env!("CARGO_MANIFEST_DIR")).join("../page/dist");
        let entries = std::fs::read_dir(dist).unwrap().map(|entry| entry.unwrap());
        let mut built: Vec<_> = entries
            .map(|entry| {
                (
                    entry.file_name().into_string().unwrap(),
                    std::fs::read(entry.path()).unwrap(),
                )
            })
            .filter(|(name, _)| !name.starts_with('.'))
            .collect();
        built.sort();
        assert_eq!(is_built(), !built.is_empty());
        let inside = BUILT
            .iter()
            .map(|(name, content)| ((*name).to_owned(), content.to_vec()));
        assert!(inside.eq(built), "the page inside is the one in page/dist");
    }

    #[tokio::test]
    async fn where_no_page_is_words_say_how_to_have_it() {
        let folder = std::env::temp_dir().join(format!("setpoint-no-page-{}", std::process::id()));
        let files = State(Files::new(Some(folder)));
        let request = Request::builder().uri("/").body(axum::body::Body::empty()).unwrap();
        let answer = serve(files, request).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND);
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        let text = String::from_utf8(body.to_vec()).unwrap();
        assert!(
            text.contains("./justw page") && text.contains("everything else is there"),
            "{text}"
        );
    }

    #[tokio::test]
    async fn a_folder_has_its_own_files_and_no_others() {
        let folder = std::env::temp_dir().join(format!("setpoint-page-files-{}", std::process::id()));
        let beside = folder.join("inner");
        std::fs::create_dir_all(&beside).unwrap();
        std::fs::write(folder.join("index.html"), "the page").unwrap();
        std::fs::write(folder.join(".hidden"), "hidden").unwrap();
        std::fs::write(beside.join("file"), "inner").unwrap();
        let files = Files::new(Some(folder.clone()));
        assert_eq!(files.read("index.html").await.as_deref(), Some(b"the page".as_slice()));
        for name in [
            "",
            ".",
            "..",
            ".hidden",
            "inner/file",
            "../../../etc/passwd",
            "/etc/passwd",
            "..\\x",
            "missing",
        ] {
            assert_eq!(files.read(name).await, None, "{name}");
        }
        std::fs::remove_dir_all(folder).unwrap();
    }
}
