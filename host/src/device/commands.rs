//! Commands whose handler has not answered yet.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::Value;

use crate::effect::Member;

/// How long a deferred command may take. Source: `responseTimeoutInSeconds` of a direct method is at most 300.
const COMMAND_TIME: Duration = Duration::from_secs(300);

/// Deferred commands a device may hold; further ones are answered 503 until it has answered some.
const OPEN_COMMANDS: usize = 1_000;

/// The open commands, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Commands {
    open: VecDeque<Open>,
    last_request: u64,
}

#[derive(Debug)]
struct Open {
    request: String,
    rid: String,
    expires: Duration,
}

/// A command that is open no more.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Closed {
    /// What the hub calls it.
    pub(super) rid: String,
    /// When it came, by the monotonic clock.
    pub(super) came: Duration,
}

impl From<Open> for Closed {
    fn from(Open { rid, expires, .. }: Open) -> Self {
        Self {
            rid,
            came: expires.saturating_sub(COMMAND_TIME),
        }
    }
}

impl Commands {
    pub(super) fn is_full(&self) -> bool {
        self.open.len() >= OPEN_COMMANDS
    }

    /// Opens a command that the hub calls `rid`, and returns what the guest is to call it. Not the same: a hub may use a
    /// request id again.
    pub(super) fn open(&mut self, rid: String, now: Duration) -> String {
        self.last_request += 1;
        let request = self.last_request.to_string();
        let expires = now.saturating_add(COMMAND_TIME);
        self.open.push_back(Open {
            request: request.clone(),
            rid,
            expires,
        });
        request
    }

    /// Closes it. None for one that was answered or has expired.
    pub(super) fn close(&mut self, request: &str) -> Option<Closed> {
        let index = self.open.iter().position(|open| open.request == request)?;
        self.open.remove(index).map(Closed::from)
    }

    /// Closes all: nobody is left to answer them.
    pub(super) fn close_all(&mut self) -> Vec<Closed> {
        self.open.drain(..).map(Closed::from).collect()
    }

    /// What the guest calls those that are open.
    pub(super) fn requests(&self) -> impl Iterator<Item = String> + '_ {
        self.open.iter().map(|open| open.request.clone())
    }

    /// When the next one expires.
    pub(super) fn next_deadline(&self) -> Option<Duration> {
        self.open.front().map(|open| open.expires)
    }

    /// Takes one that has expired: nobody waits for it any more.
    pub(super) fn take_expired(&mut self, now: Duration) -> Option<String> {
        let open = self.open.pop_front_if(|open| open.expires <= now)?;
        Some(open.request)
    }
}

/// A method's payload as the contract has it: none for nothing and for null.
pub(super) fn json_payload(payload: &[u8]) -> Result<Option<Value>, String> {
    if payload.is_empty() {
        return Ok(None);
    }
    match serde_json::from_slice(payload) {
        Ok(Value::Null) => Ok(None),
        Ok(value) => Ok(Some(value)),
        Err(error) => Err(format!("the payload is not JSON: {error}")),
    }
}

/// Takes `component*command` apart.
pub(super) fn target(name: &str) -> Member {
    match name.split_once('*') {
        Some((component, command)) => Member {
            component: Some(component.to_owned()),
            name: command.to_owned(),
        },
        None => Member::named(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_payload_is_none_for_nothing_and_for_null() {
        assert_eq!(json_payload(b""), Ok(None));
        assert_eq!(json_payload(b" null "), Ok(None));
        assert_eq!(json_payload(b"\"\""), Ok(Some(json!(""))));
        assert!(json_payload(b"{").unwrap_err().starts_with("the payload is not JSON"));
        assert!(json_payload(&[0xff, 0xfe]).is_err());
    }

    #[test]
    fn a_methods_name_carries_its_component() {
        assert_eq!(target("reboot"), Member::named("reboot"));
        assert_eq!(target("t1*report").component.as_deref(), Some("t1"));
        assert_eq!(target("t1*report").to_string(), "t1*report");
    }

    #[test]
    fn a_command_is_closed_once_and_expires_after_five_minutes() {
        let mut commands = Commands::default();
        let first = commands.open("7".to_owned(), Duration::ZERO);
        let second = commands.open("7".to_owned(), Duration::from_secs(1));
        assert_ne!(first, second);
        let (rid, came) = ("7".to_owned(), Duration::from_secs(1));
        assert_eq!(commands.close(&second), Some(Closed { rid, came }));
        assert_eq!(commands.close(&second), None);
        assert_eq!(commands.next_deadline(), Some(Duration::from_secs(300)));
        assert_eq!(commands.take_expired(Duration::from_secs(299)), None);
        assert_eq!(commands.take_expired(Duration::from_secs(300)), Some(first));
    }
}
