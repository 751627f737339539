//! What all connections of one device have in common, to DPS as to its hub: who it is and whom it believes.

use std::time::Duration;

use setpoint_protocol::key::Key;
use setpoint_protocol::sas::Token;

use super::{TokenClock, Trust};

/// How long a token holds unless told otherwise, as in the SDKs. The hub ends the session when it expires.
const TOKEN_LIFE: Duration = Duration::from_secs(3600);

/// As the Python SDK's. The services drop a silent client after one and a half times as long.
const KEEP_ALIVE: Duration = Duration::from_secs(60);

/// IoT Hub's limit for the keep-alive, in seconds.
const LONGEST_KEEP_ALIVE: u16 = 1177;

/// How a device reaches Azure's services and proves who it is.
#[derive(Debug, Clone)]
pub struct Access {
    key: Key,
    pub(super) trust: Trust,
    pub(super) clock: TokenClock,
    token_life: Duration,
    keep_alive: Duration,
}

impl Access {
    /// With the device's own symmetric key: for a group enrolment, the one derived for it.
    pub fn with_key(key: Key, trust: Trust) -> Access {
        Access {
            key,
            trust,
            clock: TokenClock::system(),
            token_life: TOKEN_LIFE,
            keep_alive: KEEP_ALIVE,
        }
    }

    /// Signs tokens with this clock's time, in place of the system's.
    #[must_use]
    pub fn clock(self, clock: TokenClock) -> Access {
        Access { clock, ..self }
    }

    /// How long each token holds, an hour by default; counted in whole seconds. The hub ends the connection with it.
    #[must_use]
    pub fn token_life(self, life: Duration) -> Access {
        Access {
            token_life: life,
            ..self
        }
    }

    /// After how long of sending nothing the device asks the service whether it is still there, a minute by default; counted
    /// in whole seconds, 1 to 1177. A service of which nothing was heard for one and a half times as long counts as lost.
    #[must_use]
    pub fn keep_alive(self, keep_alive: Duration) -> Access {
        Access { keep_alive, ..self }
    }

    pub(super) fn keep_alive_seconds(&self) -> u16 {
        let seconds = u16::try_from(self.keep_alive.as_secs()).unwrap_or(u16::MAX);
        seconds.clamp(1, LONGEST_KEEP_ALIVE)
    }

    pub(super) fn longest_silence(&self) -> Duration {
        Duration::from_secs(self.keep_alive_seconds().into()) * 3 / 2
    }

    /// Signs `resource` for as long as a session may last.
    pub(super) fn sign(&self, resource: &str, policy: Option<&str>) -> Token {
        // A clock before 1970 makes a token that has expired, which the service then says.
        let now = u64::try_from(self.clock.now().timestamp()).unwrap_or(0);
        Token::sign(
            resource,
            &self.key,
            now.saturating_add(self.token_life.as_secs()),
            policy,
        )
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::DateTime;

    use super::*;
    use crate::clock::VirtualClock;

    fn access() -> Access {
        let clock = VirtualClock::starting_at(DateTime::from_timestamp(1_000_000_000, 0).unwrap());
        Access::with_key(Key::from_bytes(vec![1; 32]), Trust::system(None).unwrap())
            .clock(TokenClock::new(Arc::new(clock)))
    }

    #[test]
    fn a_token_holds_for_an_hour() {
        assert_eq!(access().sign("hub", None).expiry(), 1_000_003_600);
    }

    #[test]
    fn a_token_holds_as_long_as_was_asked_for() {
        let access = access().token_life(Duration::from_secs(5));
        assert_eq!(access.sign("hub", None).expiry(), 1_000_000_005);
    }

    #[test]
    fn a_token_is_signed_with_the_time_that_was_learned() {
        let access = access();
        access.clock.learn(DateTime::from_timestamp(1_000_090_000, 0).unwrap());
        assert_eq!(access.sign("hub", None).expiry(), 1_000_093_600);
    }

    #[test]
    fn debug_does_not_show_the_key() {
        let shown = format!(
            "{:?}",
            Access::with_key(Key::from_bytes(b"secret".to_vec()), Trust::system(None).unwrap())
        );
        assert!(shown.contains("Key(..)") && !shown.contains("secret"), "{shown}");
    }
}
