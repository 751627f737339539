//! What the operator's commands print on standard output: JSON, for people and for `jq`.

use std::io::{self, Write};

use serde_json::Value;

/// Prints a document over several lines. Somebody who has read enough of it, as `head` has, is no error.
pub(crate) fn print_json(value: &Value) -> io::Result<()> {
    match writeln!(io::stdout(), "{value:#}") {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
