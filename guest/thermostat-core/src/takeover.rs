//! What an instance may know of the one before it.

use setpoint_guest::{Host, Level, StartReason};

/// The state of the instance that this one takes over from, if it does: when it replaces or resumes another. State that
/// `read` refuses is logged and ignored.
pub fn predecessor<S>(
    host: &mut impl Host,
    reason: StartReason,
    state: Option<Vec<u8>>,
    read: impl FnOnce(&[u8]) -> Result<S, String>,
) -> Option<S> {
    if !matches!(reason, StartReason::Replaced | StartReason::Resumed) {
        return None;
    }
    match read(&state?) {
        Ok(state) => Some(state),
        Err(error) => {
            host.log(
                Level::Warn,
                format_args!("the saved state cannot be read and is ignored: {error}"),
            );
            None
        }
    }
}
