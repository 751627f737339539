//! What all connections of one device have in common, to DPS as to its hub: who it is, whom it believes, how it gets there.

use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use setpoint_protocol::key::Key;
use setpoint_protocol::sas::Token;

use super::{Credential, Proxies, TokenClock, Trust, mqtt, websocket};

/// How long a token holds unless told otherwise, as in the SDKs. The hub ends the session when it expires.
const TOKEN_LIFE: Duration = Duration::from_secs(3600);

/// As the Python SDK's. The services drop a silent client after one and a half times as long.
const KEEP_ALIVE: Duration = Duration::from_secs(60);

/// IoT Hub's limit for the keep-alive, in seconds.
const LONGEST_KEEP_ALIVE: u16 = 1177;

/// How a device reaches Azure's services and proves who it is. Clones share their TLS settings and what their clock learned.
#[derive(Clone)]
pub struct Access {
    credential: Credential,
    /// One for all connections.
    pub(super) tls: Arc<ClientConfig>,
    pub(super) clock: TokenClock,
    token_life: Duration,
    keep_alive: Duration,
    websockets: bool,
    pub(super) proxies: Proxies,
    loopback: u32,
}

impl Access {
    /// Proves itself with `credential`, and believes `trust`.
    pub fn new(credential: Credential, trust: &Trust) -> Access {
        Access {
            tls: credential.tls(trust),
            credential,
            clock: TokenClock::system(),
            token_life: TOKEN_LIFE,
            keep_alive: KEEP_ALIVE,
            websockets: false,
            proxies: Proxies::default(),
            loopback: 0,
        }
    }

    /// With the device's own symmetric key: for a group enrolment, the one derived for it.
    pub fn with_key(key: Key, trust: &Trust) -> Access {
        Access::new(Credential::Key(key), trust)
    }

    /// The same way for another device, which proves itself with a key of its own. Not for one with a certificate: its TLS
    /// settings hold that.
    #[must_use]
    pub fn for_key(&self, key: Key) -> Access {
        Access {
            credential: Credential::Key(key),
            ..self.clone()
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

    /// Speaks MQTT over WebSockets, on port 443 unless an endpoint names another.
    #[must_use]
    pub fn websockets(self) -> Access {
        Access {
            websockets: true,
            ..self
        }
    }

    /// Through which proxies services are reached; through none by default.
    #[must_use]
    pub fn proxies(self, proxies: Proxies) -> Access {
        Access { proxies, ..self }
    }

    /// Reaches services on this machine from the loopback address with this number: 0, the default, leaves it to the system, 1
    /// is 127.0.0.2, and so on. Each has local ports of its own, of which a connection to one address and port takes one.
    #[must_use]
    pub fn from_loopback(self, number: u32) -> Access {
        Access {
            loopback: number,
            ..self
        }
    }

    /// None: any. Only Linux has all of 127.0.0.0/8 without being told.
    pub(super) fn source(&self) -> Option<Ipv4Addr> {
        let address = Ipv4Addr::from(u32::from(Ipv4Addr::LOCALHOST).checked_add(self.loopback)?);
        (cfg!(target_os = "linux") && self.loopback > 0 && address.is_loopback()).then_some(address)
    }

    pub(super) fn is_over_websockets(&self) -> bool {
        self.websockets
    }

    /// Where services listen when an endpoint does not say.
    pub(super) fn port(&self) -> u16 {
        if self.websockets { websocket::PORT } else { mqtt::PORT }
    }

    pub(super) fn keep_alive_seconds(&self) -> u16 {
        let seconds = u16::try_from(self.keep_alive.as_secs()).unwrap_or(u16::MAX);
        seconds.clamp(1, LONGEST_KEEP_ALIVE)
    }

    pub(super) fn longest_silence(&self) -> Duration {
        Duration::from_secs(self.keep_alive_seconds().into()) * 3 / 2
    }

    /// Signs `resource` for as long as a session may last; not when TLS proves who the device is.
    pub(super) fn sign(&self, resource: &str, policy: Option<&str>) -> Option<Token> {
        let Credential::Key(key) = &self.credential else {
            return None;
        };
        // A clock before 1970 makes a token that has expired, which the service then says.
        let now = u64::try_from(self.clock.now().timestamp()).unwrap_or(0);
        let expiry = now.saturating_add(self.token_life.as_secs());
        Some(Token::sign(resource, key, expiry, policy))
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access")
            .field("credential", &self.credential)
            .field("token_life", &self.token_life)
            .field("keep_alive", &self.keep_alive)
            .finish_non_exhaustive()
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
        Access::with_key(Key::from_bytes(vec![1; 32]), &Trust::system(None).unwrap())
            .clock(TokenClock::new(Arc::new(clock)))
    }

    fn expiry(access: &Access) -> u64 {
        access.sign("hub", None).unwrap().expiry()
    }

    #[test]
    fn a_token_holds_for_an_hour() {
        assert_eq!(expiry(&access()), 1_000_003_600);
    }

    #[test]
    fn a_token_holds_as_long_as_was_asked_for() {
        assert_eq!(expiry(&access().token_life(Duration::from_secs(5))), 1_000_000_005);
    }

    #[test]
    fn a_token_is_signed_with_the_time_that_was_learned() {
        let access = access();
        access.clock.learn(DateTime::from_timestamp(1_000_090_000, 0).unwrap());
        assert_eq!(expiry(&access), 1_000_093_600);
    }

    #[test]
    fn the_keep_alive_stays_in_the_hubs_limits() {
        let seconds = |millis| access().keep_alive(Duration::from_millis(millis)).keep_alive_seconds();
        assert_eq!([0, 2_500, 60_000, 90_000_000].map(seconds), [1, 2, 60, 1177]);
    }

    #[test]
    fn debug_does_not_show_the_key() {
        let access = Access::with_key(Key::from_bytes(b"secret".to_vec()), &Trust::system(None).unwrap());
        let shown = format!("{access:?}");
        assert!(shown.contains("Key(..)") && !shown.contains("secret"), "{shown}");
    }
}
