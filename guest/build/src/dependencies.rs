//! The list of files that cargo leaves beside what it builds: `output: file file ..`, spaces escaped by a backslash.

use std::path::PathBuf;

/// The files that the first output of a list was made of.
pub(crate) fn parse(list: &str) -> Vec<PathBuf> {
    let Some((_, files)) = list.lines().next().and_then(|line| line.split_once(": ")) else {
        return Vec::new();
    };
    let mut paths = Vec::new();
    let mut path = String::new();
    let mut characters = files.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' if characters.peek() == Some(&' ') => path.extend(characters.next()),
            ' ' => paths.push(std::mem::take(&mut path)),
            other => path.push(other),
        }
    }
    paths.push(path);
    paths
        .into_iter()
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn files_are_separated_by_spaces_that_are_not_escaped() {
        let list = "/t/counter.wasm: /w/my\\ guests/lib.rs /w/wit/device.wit\n";
        assert_eq!(
            parse(list),
            [Path::new("/w/my guests/lib.rs"), Path::new("/w/wit/device.wit")]
        );
    }

    #[test]
    fn a_list_without_files_is_empty() {
        assert_eq!(parse(""), Vec::<PathBuf>::new());
        assert_eq!(parse("/t/counter.wasm: \n"), Vec::<PathBuf>::new());
    }

    #[test]
    fn windows_paths_keep_their_backslashes() {
        assert_eq!(
            parse("C:\\t\\c.wasm: C:\\w\\lib.rs\n"),
            [PathBuf::from("C:\\w\\lib.rs")]
        );
    }
}
