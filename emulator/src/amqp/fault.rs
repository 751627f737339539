//! Errors as a peer is told of them: a condition that programs know, and words for people.

use fe2o3_amqp_types::definitions::{
    AmqpError, ConnectionError, Error, ErrorCondition, Fields, LinkError, SessionError,
};

use crate::state::{HubError, endpoint::ClaimError};

/// An error with its words. There is always a map for more, though an empty one: Microsoft's AMQP for Python asks for it.
pub(super) fn error(condition: impl Into<ErrorCondition>, words: impl Into<String>) -> Error {
    Error::new(condition, Some(words.into()), Some(Fields::new()))
}

/// No valid token, or one for something else.
pub(super) fn unauthorized(what: &str) -> Error {
    error(
        AmqpError::UnauthorizedAccess,
        format!(
            "Unauthorized access. 'Listen' or 'ServiceConnect' claim(s) are required to use {what:?}: put a token for it to $cbs"
        ),
    )
}

/// What is no frame ends the connection.
pub(super) fn framing() -> Error {
    error(
        ConnectionError::FramingError,
        "a frame could not be read: it is too large, or no AMQP",
    )
}

/// What comes at the wrong time ends the connection.
pub(super) fn not_allowed(words: &str) -> Error {
    error(AmqpError::NotAllowed, words)
}

/// What a link is used for that was never attached ends the session.
pub(super) fn unattached(handle: u32) -> Error {
    error(
        SessionError::UnattachedHandle,
        format!("no link has the handle {handle}"),
    )
}

/// A reader that another has sent away, or keeps out.
pub(super) fn stolen(words: impl Into<String>) -> Error {
    error(LinkError::Stolen, words)
}

/// Why a reader is not let in, as the real service says it.
pub(super) fn claim(reason: ClaimError) -> Error {
    match reason {
        ClaimError::HigherEpoch(_) | ClaimError::Exclusive(_) => stolen(reason.to_string()),
        ClaimError::TooMany => error(AmqpError::ResourceLimitExceeded, reason.to_string()),
    }
}

/// Why a message was not taken; the Node SDK tells its errors apart by these conditions.
pub(super) fn hub(reason: &HubError) -> Error {
    let words = reason.to_string();
    match reason {
        HubError::DeviceNotFound(_) => error(AmqpError::NotFound, words),
        HubError::QueueFull(_) => error(AmqpError::ResourceLimitExceeded, words),
        HubError::TooLarge(_) => error(LinkError::MessageSizeExceeded, words),
        _ => error(AmqpError::NotAllowed, words),
    }
}
