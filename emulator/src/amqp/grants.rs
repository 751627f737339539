//! What a connection may use: what the tokens allow that it was given, until they expire.

use std::sync::Arc;

use chrono::Utc;
use setpoint_protocol::{Key, Token};

use crate::{identity::Identity, service::covers};

/// Tokens kept of one connection. A client renews what it has; it needs no more than a few.
const LIMIT: usize = 32;

/// What SDKs write in front of the resource: the signature covers it, and it says nothing.
const SCHEMES: [&str; 4] = ["sb://", "amqps://", "amqp://", "https://"];

/// What one token allows, or a key.
struct Grant {
    /// The hub and what is below it, in lower case.
    resource: String,
    /// Unix seconds.
    expiry: u64,
}

/// What a connection may use.
pub(super) struct Grants {
    identity: Arc<Identity>,
    grants: Vec<Grant>,
}

impl Grants {
    pub(super) fn new(identity: Arc<Identity>) -> Grants {
        Grants {
            identity,
            grants: Vec::new(),
        }
    }

    /// Adds what a token allows; why not, for the log and the peer.
    pub(super) fn add(&mut self, token: &str) -> Result<(), String> {
        let token = Token::parse(token).map_err(|error| error.to_string())?;
        if token.policy() != Some(self.identity.service_policy()) {
            return Err("the token names another policy, or none".to_owned());
        }
        // IoT Hub signs with the key, Event Hubs with the very text of it.
        let key = self.identity.service_key();
        let text = Key::from_bytes(key.to_base64().into_bytes());
        token
            .verify(key, now())
            .or_else(|_| token.verify(&text, now()))
            .map_err(|error| error.to_string())?;
        let resource = token.resource().to_ascii_lowercase();
        let resource = SCHEMES
            .iter()
            .find_map(|scheme| resource.strip_prefix(scheme))
            .unwrap_or(&resource)
            .to_owned();
        if self.grants.len() >= LIMIT {
            self.grants.remove(0);
        }
        self.grants.retain(|grant| grant.resource != resource);
        self.grants.push(Grant {
            resource,
            expiry: token.expiry(),
        });
        Ok(())
    }

    /// Adds everything for who knows the policy's key itself, as Event Hubs lets SASL PLAIN do, or has a token under the name
    /// `{policy}@sas.root.{hub}`, as IoT Hub does. False when it is neither.
    pub(super) fn log_in(&mut self, user: &str, password: &str) -> bool {
        let policy = user.split_once("@sas.").map_or(user, |(policy, _)| policy);
        if policy != self.identity.service_policy() {
            return false;
        }
        if Key::from_base64(password).is_ok_and(|key| key == *self.identity.service_key()) {
            self.grants.push(Grant {
                resource: self.identity.host().to_ascii_lowercase(),
                expiry: u64::MAX,
            });
            return true;
        }
        self.add(password).is_ok()
    }

    /// Whether a path of the hub may be used now.
    pub(super) fn allow(&self, path: &str) -> bool {
        let (now, path) = (now(), path.to_ascii_lowercase());
        self.grants
            .iter()
            .any(|grant| now < grant.expiry && covers(&grant.resource, &path, self.identity.names()))
    }

    /// When the next token expires, in seconds from now; `None` without a token.
    pub(super) fn ends_in(&self) -> Option<u64> {
        self.grants
            .iter()
            .map(|grant| grant.expiry)
            .min()
            .map(|expiry| expiry.saturating_sub(now()))
    }

    /// Whether nothing is allowed.
    pub(super) fn is_empty(&self) -> bool {
        self.grants.is_empty()
    }

    /// Forgets what has expired.
    pub(super) fn expire(&mut self) {
        let now = now();
        self.grants.retain(|grant| now < grant.expiry);
    }
}

fn now() -> u64 {
    u64::try_from(Utc::now().timestamp()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(identity: &Identity, resource: &str, expiry: u64) -> String {
        Token::sign(
            resource,
            identity.service_key(),
            expiry,
            Some(identity.service_policy()),
        )
        .to_string()
    }

    #[test]
    fn a_token_opens_what_it_names_and_what_is_below() {
        let identity = Arc::new(Identity::temporary().unwrap());
        let allowed = |resource: &str, path: &str| {
            let mut grants = Grants::new(Arc::clone(&identity));
            grants.add(&token(&identity, resource, now() + 100)).unwrap();
            grants.allow(path)
        };
        let place = "hub/ConsumerGroups/$Default/Partitions/0";
        for resource in [
            "localhost",
            "https://localhost",
            "sb://localhost/hub",
            "sb://LOCALHOST/hub/consumergroups/$default",
            "amqps://localhost:5671/hub/",
        ] {
            assert!(allowed(resource, place), "{resource}");
        }
        for resource in [
            "sb://elsewhere/hub",
            "sb://localhost/hu",
            "sb://localhost/hub/consumergroups/other",
            "ftp://localhost",
        ] {
            assert!(!allowed(resource, place), "{resource}");
        }
    }

    #[test]
    fn only_the_policys_key_opens_and_only_for_a_time() {
        let identity = Arc::new(Identity::temporary().unwrap());
        let mut grants = Grants::new(Arc::clone(&identity));
        assert!(grants.add(&token(&identity, "localhost", now())).is_err(), "expired");
        let text = Key::from_bytes(identity.service_key().to_base64().into_bytes());
        let as_event_hubs = Token::sign("sb://localhost/", &text, u64::MAX, Some(identity.service_policy()));
        assert_eq!(
            Grants::new(Arc::clone(&identity)).add(&as_event_hubs.to_string()),
            Ok(())
        );
        let wrong = Token::sign(
            "localhost",
            &Key::from_bytes(vec![1; 32]),
            u64::MAX,
            Some(identity.service_policy()),
        );
        assert!(grants.add(&wrong.to_string()).is_err());
        let device = Token::sign("localhost", identity.service_key(), u64::MAX, None);
        assert!(grants.add(&device.to_string()).is_err());
        assert!(!grants.allow("hub") && grants.ends_in().is_none());
        grants.add(&token(&identity, "localhost", now() + 1000)).unwrap();
        assert!(grants.allow("hub") && grants.ends_in().unwrap() > 900);
    }

    #[test]
    fn a_name_and_a_password_open_too() {
        let identity = Arc::new(Identity::temporary().unwrap());
        let log_in = |user: &str, password: &str| {
            let mut grants = Grants::new(Arc::clone(&identity));
            grants.log_in(user, password) && grants.allow("hub")
        };
        let key = identity.service_key().to_base64();
        let token = token(&identity, "localhost", u64::MAX);
        assert!(log_in("iothubowner", &key) && log_in("iothubowner@sas.root.localhost", &token));
        assert!(!log_in("somebody", &key) && !log_in("iothubowner", "AAAA") && !log_in("iothubowner", ""));
    }
}
