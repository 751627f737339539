//! Files that only their owner may read: keys, and where a running emulator can be reached.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Makes `dir` and its missing parents, readable by their owner alone. A directory that exists keeps its mode: the operator chose it.
pub(crate) fn make_directory(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// Opens `path` for reading and writing, made with mode 0600 if it is missing; the content is left as it is.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Replaces `path` by `content` so that a reader, or a crash at any point, sees the old file or the new one and never half of it.
///
/// Only one process may do so at a time for one path: the caller holds a lock.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut staged = path.as_os_str().to_owned();
    staged.push(".new");
    let staged = Path::new(&staged);
    // What a crash left behind may carry another mode, so it is not written to.
    match fs::remove_file(staged) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = open(staged)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(staged, path)
}
