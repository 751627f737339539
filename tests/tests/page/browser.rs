//! What a scenario runs on: the page, built from its sources; Playwright and axe; Chromium; and Node.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use setpoint_protocol::Key;
use setpoint_tests::kept;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// What is missing when it is.
const NEEDS: &str = "Node 18 or newer with npm";

/// The page, built from the sources as they are; its folder.
pub(crate) fn built_page() -> PathBuf {
    let sources = Path::new(ROOT).join("page");
    let names = [
        "package.json",
        "package-lock.json",
        ".npmrc",
        "build.mjs",
        "index.html",
        "icon.svg",
        "src",
    ];
    let mut of = Vec::new();
    for name in names {
        read(&sources.join(name), &mut of);
    }
    let built = |folder: &Path| folder.join("built");
    let folder = kept::made_once(
        "page",
        &of,
        |folder| built(folder).join("index.html").is_file(),
        |folder| {
            for name in names {
                copy(&sources.join(name), &folder.join(name));
            }
            install(folder);
            kept::run(
                Command::new("node")
                    .arg("build.mjs")
                    .arg(built(folder))
                    .current_dir(folder),
                NEEDS,
            );
        },
    );
    built(&folder)
}

/// The folder that Playwright and axe are installed in.
fn tools() -> PathBuf {
    let sources = Path::new(ROOT).join("tests/page");
    let names = ["package.json", "package-lock.json", ".npmrc"];
    let of = fs::read(sources.join("package-lock.json")).unwrap();
    kept::made_once(
        "page-tools",
        &of,
        |folder| folder.join("node_modules/playwright-core").is_dir(),
        |folder| {
            for name in names {
                copy(&sources.join(name), &folder.join(name));
            }
            install(folder);
        },
    )
}

fn install(folder: &Path) {
    let mut npm = Command::new("npm");
    npm.args([
        "ci",
        "--omit=dev",
        "--loglevel=error",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
    ]);
    kept::run(npm.current_dir(folder), NEEDS);
}

/// Chromium, or a browser that is one underneath.
fn chromium() -> PathBuf {
    if let Some(path) = env::var_os("CHROMIUM") {
        return path.into();
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).find_map(|folder| {
        let names = ["chromium", "chromium-browser", "google-chrome"];
        names.iter().map(|name| folder.join(name)).find(|path| path.is_file())
    });
    found.expect("these tests need Chromium: `apt-get install chromium`, or its path in the variable CHROMIUM")
}

/// Plays a scenario with the page behind this link. `answer` does what the scenario asks for, and gives one line back.
///
/// # Panics
/// When the scenario does not pass; what it said is in the message.
pub(crate) fn play(scenario: &str, link: &str, mut answer: impl FnMut(&str) -> String) {
    // The key in the link is a secret like others: it is in no log.
    let (_, key) = link.split_once("#access=").expect("the link carries a key");
    let key = format!("{}=", key.replace('-', "+").replace('_', "/"));
    setpoint_test_logs::keys([&Key::from_base64(&key).unwrap()]);
    let pictures = kept::folder().join("page-pictures");
    let mut child = Command::new("node")
        .arg(Path::new(ROOT).join("tests/page/run.mjs"))
        .arg(scenario)
        .env("PAGE_TOOLS", tools())
        .env("PAGE_CHROMIUM", chromium())
        .env("PAGE_PICTURES", pictures)
        .env("PAGE_LINK", link)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("node: {error}; these tests need {NEEDS}"));
    let mut stdin = child.stdin.take().unwrap();
    let mut said = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        match line.strip_prefix("ASK ") {
            Some(asked) => writeln!(stdin, "{}", answer(asked)).unwrap(),
            None => said.push(line),
        }
    }
    let ended = child.wait().unwrap();
    assert!(
        ended.success() && said.iter().any(|line| line == "PASSED"),
        "{scenario} ended with {ended}: {}",
        said.join("\n")
    );
}

/// Adds path and content of a file, or of all in a folder, always in the same order.
fn read(path: &Path, to: &mut Vec<u8>) {
    for path in files(path) {
        to.extend(path.strip_prefix(ROOT).unwrap_or(&path).to_string_lossy().as_bytes());
        to.extend(fs::read(&path).unwrap());
    }
}

fn copy(from: &Path, to: &Path) {
    for path in files(from) {
        let to = to.join(path.strip_prefix(from).unwrap());
        // Of a file itself nothing is left behind its own path.
        let to = to.to_string_lossy().trim_end_matches('/').to_owned();
        fs::create_dir_all(Path::new(&to).parent().unwrap()).unwrap();
        fs::copy(&path, to).unwrap();
    }
}

fn files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let mut paths: Vec<_> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().flat_map(|path| files(path)).collect()
}
