//! A model repository: a folder in which every interface has its place.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::dtmi::Dtmi;
use crate::error::ModelError;
use crate::source::{Document, Source, parse};

/// A folder laid out as a device model repository: `dtmi:com:example:Thermostat;1` lies in
/// `dtmi/com/example/thermostat-1.json`, or, with all it refers to, in `dtmi/com/example/thermostat-1.expanded.json`.
///
/// Source: Microsoft, "Device models repository", the DMR convention.
#[derive(Debug, Clone)]
pub struct Repository {
    folder: PathBuf,
}

impl Repository {
    /// The repository in this folder, which need not exist yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Source for Repository {
    fn document(&self, id: &Dtmi) -> Result<Option<Document>, ModelError> {
        for path in [id.path(), id.expanded_path()] {
            let path = self.folder.join(path);
            let file = path.display().to_string();
            match std::fs::read_to_string(&path) {
                Ok(text) => return parse(&file, &text).map(Some),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => {
                    return Err(ModelError::Unreadable {
                        file,
                        reason: error.to_string(),
                    });
                }
            }
        }
        Ok(None)
    }

    fn place(&self, id: &Dtmi) -> String {
        self.folder.join(id.path()).display().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> Dtmi {
        "dtmi:com:example:A;1".parse().unwrap()
    }

    fn repository(name: &str, text: &[u8]) -> (tempfile::TempDir, Repository) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dtmi/com/example");
        std::fs::create_dir_all(&path).unwrap();
        std::fs::write(path.join(name), text).unwrap();
        let repository = Repository::new(folder.path());
        (folder, repository)
    }

    #[test]
    fn an_interface_lies_where_its_identifier_says() {
        for name in ["a-1.json", "a-1.expanded.json"] {
            let (_folder, repository) = repository(name, b"{}");
            let document = repository.document(&id()).unwrap().unwrap();
            assert!(document.file.ends_with(name), "{}", document.file);
        }
    }

    #[test]
    fn another_place_is_not_looked_at() {
        let (_folder, repository) = repository("b-1.json", b"{}");
        assert_eq!(repository.document(&id()), Ok(None));
        assert!(repository.place(&id()).ends_with("a-1.json"));
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let (_folder, repository) = repository("a-1.json", b"{");
        let error = repository.document(&id()).unwrap_err();
        assert!(
            matches!(&error, ModelError::NotJson { file, .. } if file.ends_with("a-1.json")),
            "{error}"
        );
        let (folder, repository) = self::repository("b-1.json", b"{}");
        std::fs::create_dir(folder.path().join("dtmi/com/example/a-1.json")).unwrap();
        let error = repository.document(&id()).unwrap_err();
        assert!(
            matches!(&error, ModelError::Unreadable { file, .. } if file.ends_with("a-1.json")),
            "{error}"
        );
    }
}
