//! Errors, as the outside sees them: one line, and an exit code.

use setpoint::cloud::{ConnectError, ProvisionError};
use setpoint::device::{SessionError, StoreError};
use setpoint::printable;
use setpoint::record::{RecordError, ReplayError};
use setpoint::sandbox::{GuestError, LoadError};
use setpoint_dtdl::ModelError;

use super::fleet::Outcome;

/// Wrong use or configuration: says what is wrong and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(pub(crate) String);

/// No scenario could be played, because the guest did not start.
#[derive(Debug, thiserror::Error)]
#[error("the guest cannot be started: {0}")]
pub(crate) struct NotStarted(pub(crate) String);

pub(super) const FAILED: u8 = 1;
const WRONG_USE: u8 = 2;
pub(super) const PROVISIONING_REFUSED: u8 = 3;
pub(super) const GUEST_FAILED: u8 = 4;
/// As shells report a process that SIGTERM ended: 128 and the signal's number.
pub(super) const TERMINATED: u8 = 143;

/// The exit code for an error. Success is 0; clap ends with 2 by itself.
pub(crate) fn exit_code(error: &anyhow::Error) -> u8 {
    if matches!(error.downcast_ref(), Some(StoreError::InUse { .. })) {
        return WRONG_USE;
    }
    if error.is::<Usage>() || error.is::<LoadError>() || error.is::<ModelError>() || error.is::<RecordError>() {
        return WRONG_USE;
    }
    if let Some(error) = error.downcast_ref::<ReplayError>() {
        return match error {
            ReplayError::NoGuest { .. } | ReplayError::NoInstance { .. } | ReplayError::Load(_) => WRONG_USE,
            ReplayError::Sandbox(_) => FAILED,
        };
    }
    if error.is::<GuestError>() || error.is::<NotStarted>() {
        return GUEST_FAILED;
    }
    if let Some(outcome) = error.downcast_ref::<Outcome>() {
        return outcome.exit_code();
    }
    match error.downcast_ref::<SessionError>() {
        Some(SessionError::Guest(_)) => GUEST_FAILED,
        Some(SessionError::Provision(refused)) => match refused {
            ProvisionError::Refused { .. }
            | ProvisionError::NotAssigned { .. }
            | ProvisionError::Connect(ConnectError::Refused { .. }) => PROVISIONING_REFUSED,
            ProvisionError::Connect(_) | ProvisionError::TimedOut { .. } | ProvisionError::Protocol { .. } => FAILED,
        },
        Some(SessionError::Connect(_)) | None => FAILED,
    }
}

/// The error with its causes, on one line.
pub(crate) fn one_line(error: &anyhow::Error) -> String {
    let text = format!("{error:#}");
    printable(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_as_documented() {
        let refused = ProvisionError::Refused {
            registration_id: "d".into(),
            status: 401,
            error_code: 401_002,
            message: "no".into(),
            tracking_id: "t".into(),
        };
        let endpoint = "h".parse().unwrap();
        let at_connect = ConnectError::Refused {
            device: "d".into(),
            endpoint,
            reason: "code 5".into(),
        };
        assert_eq!(
            exit_code(&SessionError::from(ProvisionError::from(at_connect.clone())).into()),
            3
        );
        assert_eq!(exit_code(&SessionError::from(at_connect).into()), 1);
        let guest = GuestError::Refused {
            guest: "g".into(),
            reason: "no".into(),
        };
        assert_eq!(exit_code(&SessionError::from(refused).into()), 3);
        assert_eq!(exit_code(&SessionError::from(guest.clone()).into()), 4);
        assert_eq!(exit_code(&guest.into()), 4);
        assert_eq!(exit_code(&NotStarted("x".into()).into()), 4);
        assert_eq!(exit_code(&Usage("x".into()).into()), 2);
        assert_eq!(exit_code(&LoadError::NotWasm { guest: "g".into() }.into()), 2);
        let no_model = ModelError::NotFound {
            id: "dtmi:a;1".parse().unwrap(),
            wanted_by: None,
            place: "models".into(),
        };
        assert_eq!(exit_code(&no_model.into()), 2);
        assert_eq!(exit_code(&RecordError::NotARecord("r.jsonl".into()).into()), 2);
        let unknown = ReplayError::NoInstance { line: 2, instance: 1 };
        assert_eq!(exit_code(&anyhow::Error::from(unknown).context("r.jsonl")), 2);
        assert_eq!(exit_code(&anyhow::anyhow!("anything else")), 1);
    }

    #[test]
    fn an_error_is_one_line() {
        assert_eq!(one_line(&anyhow::anyhow!("a\n  b").context("c")), "c: a b");
        assert_eq!(one_line(&anyhow::anyhow!("\u{1b}[2J\u{9b}x")), "\\u{1b}[2J\\u{9b}x");
    }
}
