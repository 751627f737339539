//! The search, when all tests have run.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use aho_corasick::{AhoCorasick, BuildError};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

use crate::KEYS;

/// Shorter keys, in bytes, are only in tests of what is too short, and would be found in any text.
const SHORTEST: usize = 16;

/// Nothing was found, in this much.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    /// Logs searched.
    pub logs: usize,
    /// Bytes of them.
    pub bytes: usize,
    /// Keys searched for.
    pub keys: usize,
}

/// Why the search fails. Shows no key.
#[derive(Debug)]
pub enum Failure {
    /// A file cannot be read.
    Unreadable(PathBuf, io::Error),
    /// There is nothing to search for, or nothing to search: then it says nothing that no key was found.
    Nothing(&'static str),
    /// The keys do not make a search.
    Unsearchable(BuildError),
    /// These files hold keys, in these lines, from 1.
    Keys(BTreeSet<(PathBuf, usize)>),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failure::Unreadable(path, error) => write!(f, "{}: {error}", path.display()),
            Failure::Nothing(what) => write!(f, "the tests have left no {what}, so that a search would say nothing"),
            Failure::Unsearchable(error) => write!(f, "the keys cannot be searched for: {error}"),
            Failure::Keys(places) => places
                .iter()
                .try_for_each(|(path, line)| writeln!(f, "{}:{line}: a key was logged", path.display())),
        }
    }
}

/// Searches every log in `folder` for every key noted there.
///
/// # Errors
/// When one is found, when there is nothing to search or to search for, and when a file cannot be read.
pub fn search(folder: &Path) -> Result<Found, Failure> {
    let file = folder.join(KEYS);
    let noted = match fs::read_to_string(&file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Failure::Nothing("keys")),
        noted => noted.map_err(|error| Failure::Unreadable(file.clone(), error))?,
    };
    let keys: BTreeSet<&str> = noted.lines().collect();
    let forms: BTreeSet<Vec<u8>> = keys.iter().flat_map(|key| forms(key)).collect();
    if forms.is_empty() {
        return Err(Failure::Nothing("keys"));
    }
    let searcher = AhoCorasick::new(&forms).map_err(Failure::Unsearchable)?;
    let mut found = Found {
        logs: 0,
        bytes: 0,
        keys: keys.len(),
    };
    let mut places = BTreeSet::new();
    for path in logs(folder).map_err(|error| Failure::Unreadable(folder.to_owned(), error))? {
        let log = fs::read(&path).map_err(|error| Failure::Unreadable(path.clone(), error))?;
        found.logs += usize::from(!log.is_empty());
        found.bytes += log.len();
        let lines = searcher.find_iter(&log).map(|at| line_of(&log, at.start()));
        places.extend(lines.map(|line| (path.clone(), line)));
    }
    match found.logs {
        0 => Err(Failure::Nothing("logs")),
        _ if places.is_empty() => Ok(found),
        _ => Err(Failure::Keys(places)),
    }
}

fn logs(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let paths = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = paths.collect::<io::Result<Vec<_>>>()?;
    paths.retain(|path| path.file_name().is_some_and(|name| name != KEYS));
    Ok(paths)
}

fn line_of(log: &[u8], place: usize) -> usize {
    log.iter().take(place).filter(|byte| **byte == b'\n').count() + 1
}

/// What a key looks like in a log: as itself, in base64, also without its end or URL-encoded, in hexadecimal, and as Rust's
/// `Debug` shows bytes.
fn forms(base64: &str) -> Vec<Vec<u8>> {
    let Ok(raw) = STANDARD.decode(base64) else {
        return Vec::new();
    };
    if raw.len() < SHORTEST {
        return Vec::new();
    }
    let upper = base64.replace('+', "%2B").replace('/', "%2F");
    let hexadecimal = raw.iter().fold(String::new(), |mut digits, byte| {
        // A text takes whatever is written to it.
        let _ = write!(digits, "{byte:02x}");
        digits
    });
    let decimal = format!("{raw:?}");
    let texts = [
        // The end may have been cut off, or encoded.
        base64.trim_end_matches('=').to_owned(),
        URL_SAFE.encode(&raw).trim_end_matches('=').to_owned(),
        upper.trim_end_matches('=').to_owned(),
        upper.trim_end_matches('=').replace("%2B", "%2b").replace("%2F", "%2f"),
        hexadecimal.to_uppercase(),
        hexadecimal,
        decimal.trim_matches(['[', ']']).to_owned(),
    ];
    let forms = texts.into_iter().map(String::into_bytes);
    forms.chain([raw]).collect()
}

#[cfg(test)]
mod tests {
    use setpoint_protocol::Key;

    use super::*;

    /// One with every character that other forms encode.
    fn key() -> Key {
        Key::from_base64("+/8AAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0=").unwrap()
    }

    fn folder(keys: &str, log: &[u8]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(KEYS), keys).unwrap();
        fs::write(folder.path().join("a.traces"), log).unwrap();
        folder
    }

    #[test]
    fn a_key_is_found_in_each_of_its_forms_and_not_shown() {
        let key = key().to_base64();
        let raw = STANDARD.decode(&key).unwrap();
        let hexadecimal: String = raw.iter().map(|byte| format!("{byte:02X}")).collect();
        let planted = [
            key.clone().into_bytes(),
            key.trim_end_matches('=').as_bytes().to_vec(),
            b"%2B%2F8AAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0%3D".to_vec(),
            b"%2b%2f8AAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0%3d".to_vec(),
            b"-_8AAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0".to_vec(),
            hexadecimal.to_lowercase().into_bytes(),
            hexadecimal.into_bytes(),
            format!("Key({raw:?})").into_bytes(),
            raw,
        ];
        for planted in planted {
            let log = [b"nothing\nand then key=", planted.as_slice(), b"\n"].concat();
            let folder = folder(&format!("{key}\n"), &log);
            let failure = search(folder.path()).unwrap_err();
            let expected = format!("{}:2: a key was logged\n", folder.path().join("a.traces").display());
            assert_eq!(failure.to_string(), expected, "{planted:02x?}");
        }
    }

    #[test]
    fn another_key_is_not_found() {
        let other = Key::from_bytes(vec![7; 32]).to_base64();
        let folder = folder(&format!("{other}\n{other}\n"), key().to_base64().as_bytes());
        let expected = Found {
            logs: 1,
            bytes: 44,
            keys: 1,
        };
        assert_eq!(search(folder.path()).unwrap(), expected);
    }

    #[test]
    fn a_search_of_nothing_or_for_nothing_fails() {
        let nothing = |folder: &Path| matches!(search(folder), Err(Failure::Nothing(_)));
        assert!(nothing(tempfile::tempdir().unwrap().path()));
        assert!(nothing(folder("", b"a log").path()));
        let key = key().to_base64();
        assert!(nothing(folder(&key, b"").path()));
        assert!(!nothing(folder(&key, b"a log").path()));
    }

    #[test]
    fn a_short_key_is_nothing_to_search_for() {
        let short = Key::from_bytes(b"secret".to_vec()).to_base64();
        assert!(matches!(
            search(folder(&short, b"secret").path()),
            Err(Failure::Nothing("keys"))
        ));
    }
}
