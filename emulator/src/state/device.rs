//! One device: who it is, and what the hub keeps about it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use setpoint_protocol::{key::Key, sas::Token};
use tokio::sync::oneshot;

use super::{
    Credentials, DeviceKeys, HubError, Thumbprint, message::Queue, method::Answer, session::Session, twin::TwinState,
};

/// Length of a key the hub makes, in bytes, as the real one's.
const KEY_BYTES: usize = 32;

/// A device as the service API shows it. A snapshot: it does not follow later changes.
#[derive(Debug, Clone)]
pub struct Device {
    /// Its id, case-sensitive.
    pub device_id: String,
    /// Tells apart two devices that had the same id one after the other.
    pub generation_id: String,
    /// Changes whenever the identity (not the twin) changes; without quotes.
    pub etag: String,
    /// Its keys or certificates. Keys are secret: the service API shows them to the owner, nothing else may.
    pub credentials: Credentials,
    /// Whether it may connect.
    pub enabled: bool,
    /// Whether it is connected now.
    pub connected: bool,
    /// When `connected` last changed, `None` before the first time.
    pub connection_changed: Option<DateTime<Utc>>,
    /// When it last sent anything the hub took, `None` before the first time.
    pub last_activity: Option<DateTime<Utc>>,
    /// Cloud-to-device messages waiting, 0..=50.
    pub waiting_messages: usize,
    /// The model id it announced when it last connected; empty when none.
    pub model_id: String,
}

/// Why a device may not connect. One public answer for all (CONNACK 5), so that nobody can probe for ids; the detail
/// is for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// No such device, or a module of one.
    #[error("the device is not registered with this hub")]
    Unknown,
    /// It is disabled.
    #[error("the device is disabled")]
    Disabled,
    /// The token was made for another resource.
    #[error("the token names another resource than {{hub}}/devices/{{device}}")]
    Resource,
    /// It has keys and presents a certificate, or the other way round.
    #[error("the device is registered with {registered}, and came with {presented}")]
    Kind {
        /// What the hub knows of it.
        registered: &'static str,
        /// What it came with.
        presented: &'static str,
    },
    /// The certificate is another one than it was registered with.
    #[error("the certificate is not one of this device's: its thumbprint is {0}")]
    Certificate(Thumbprint),
    /// The token is too old.
    #[error("the token has expired: check the device's clock")]
    Expired,
    /// The token was signed with another key.
    #[error("the token is not signed with a key of this device")]
    Signature,
}

/// A device inside the hub's lock.
pub(super) struct Entry {
    pub(super) generation: u64,
    pub(super) identity_version: u64,
    pub(super) credentials: Credentials,
    pub(super) enabled: bool,
    pub(super) connection_changed: Option<DateTime<Utc>>,
    pub(super) last_activity: Option<DateTime<Utc>>,
    pub(super) model_id: String,
    pub(super) twin: TwinState,
    pub(super) session: Session,
    pub(super) queue: Queue,
    /// Calls that wait for an answer, by request id.
    pub(super) calls: HashMap<String, oneshot::Sender<Answer>>,
}

impl Entry {
    pub(super) fn new(generation: u64, credentials: Credentials, now: DateTime<Utc>) -> Entry {
        Entry {
            generation,
            identity_version: 1,
            credentials,
            enabled: true,
            connection_changed: None,
            last_activity: None,
            model_id: String::new(),
            twin: TwinState::new(now),
            session: Session::default(),
            queue: Queue::default(),
            calls: HashMap::new(),
        }
    }

    pub(super) fn show(&self, device_id: &str) -> Device {
        Device {
            device_id: device_id.to_owned(),
            generation_id: self.generation.to_string(),
            etag: etag(self.identity_version),
            credentials: self.credentials.clone(),
            enabled: self.enabled,
            connected: self.session.is_connected(),
            connection_changed: self.connection_changed,
            last_activity: self.last_activity,
            waiting_messages: self.queue.len(),
            model_id: self.model_id.clone(),
        }
    }

    /// The system properties that tell a reader how the sender of a message had proved itself.
    pub(super) fn authentication_properties(&self) -> [(String, String); 2] {
        // Source: Microsoft, "Anti-spoofing properties"; the member acceptingIpFilterRule is what the hub really adds.
        let method = match self.credentials {
            Credentials::Keys(_) => r#"{"scope":"device","type":"sas","issuer":"iothub","acceptingIpFilterRule":null}"#,
            Credentials::Certificates(_) => {
                r#"{"scope":"device","type":"x509","issuer":"external","acceptingIpFilterRule":null}"#
            }
        };
        [
            ("iothub-connection-auth-method".to_owned(), method.to_owned()),
            (
                "iothub-connection-auth-generation-id".to_owned(),
                self.generation.to_string(),
            ),
        ]
    }

    /// Checks a device's token at `now` (Unix seconds).
    pub(super) fn authenticate(&self, device_id: &str, hub: &str, token: &Token, now: u64) -> Result<(), AuthError> {
        if !self.enabled {
            return Err(AuthError::Disabled);
        }
        let (host, rest) = token.resource().split_once('/').ok_or(AuthError::Resource)?;
        if !host.eq_ignore_ascii_case(hub) || rest.strip_prefix("devices/") != Some(device_id) {
            return Err(AuthError::Resource);
        }
        if token.expiry() <= now {
            return Err(AuthError::Expired);
        }
        let Credentials::Keys(keys) = &self.credentials else {
            return Err(AuthError::Kind {
                registered: "certificates",
                presented: "a token",
            });
        };
        if keys.iter().any(|key| token.verify(key, now).is_ok()) {
            Ok(())
        } else {
            Err(AuthError::Signature)
        }
    }

    /// Checks the certificate a device has shown to have the key of.
    pub(super) fn authenticate_certificate(&self, thumbprint: Thumbprint) -> Result<(), AuthError> {
        if !self.enabled {
            return Err(AuthError::Disabled);
        }
        match &self.credentials {
            Credentials::Keys(_) => Err(AuthError::Kind {
                registered: "keys",
                presented: "a certificate",
            }),
            Credentials::Certificates(thumbprints) if thumbprints.contain(thumbprint) => Ok(()),
            Credentials::Certificates(_) => Err(AuthError::Certificate(thumbprint)),
        }
    }
}

/// A version as the hub writes ETags: eight bytes, big endian, in base64; without quotes.
pub(super) fn etag(version: u64) -> String {
    Key::from_bytes(version.to_be_bytes().to_vec()).to_base64()
}

/// Two fresh random keys.
pub(crate) fn make_keys() -> Result<DeviceKeys, HubError> {
    let random = rustls::crypto::ring::default_provider().secure_random;
    let make = || {
        let mut bytes = vec![0; KEY_BYTES];
        random.fill(&mut bytes).map_err(|_| HubError::NoRandomness)?;
        Ok::<_, HubError>(Key::from_bytes(bytes))
    };
    Ok([make()?, make()?])
}

#[cfg(test)]
mod tests {
    use super::{super::Thumbprints, *};

    fn entry() -> Entry {
        Entry::new(
            1,
            [Key::from_bytes(vec![1; 32]), Key::from_bytes(vec![2; 32])].into(),
            Utc::now(),
        )
    }

    #[test]
    fn either_key_opens_a_connection_and_no_other_does() {
        let entry = entry();
        for (byte, expected) in [(1, Ok(())), (2, Ok(())), (3, Err(AuthError::Signature))] {
            let token = Token::sign("hub/devices/d", &Key::from_bytes(vec![byte; 32]), 100, None);
            assert_eq!(entry.authenticate("d", "HUB", &token, 99), expected);
        }
    }

    #[test]
    fn a_token_is_for_one_device_of_one_hub_and_one_time() {
        let entry = entry();
        let sign = |resource: &str| Token::sign(resource, &Key::from_bytes(vec![1; 32]), 100, None);
        assert_eq!(
            entry.authenticate("d", "hub", &sign("hub/devices/e"), 99),
            Err(AuthError::Resource)
        );
        assert_eq!(
            entry.authenticate("d", "hub", &sign("other/devices/d"), 99),
            Err(AuthError::Resource)
        );
        assert_eq!(
            entry.authenticate("d", "hub", &sign("hub"), 99),
            Err(AuthError::Resource)
        );
        assert_eq!(
            entry.authenticate("d", "hub", &sign("hub/devices/d"), 100),
            Err(AuthError::Expired)
        );
    }

    #[test]
    fn either_certificate_opens_a_connection_and_keys_do_not() {
        let [first, second, other] = ["1", "2", "3"].map(|text| Thumbprint::of(text.as_bytes()));
        let thumbprints = Thumbprints {
            primary: first,
            secondary: Some(second),
        };
        let mut entry = Entry::new(1, thumbprints.into(), Utc::now());
        assert_eq!(entry.authenticate_certificate(first), Ok(()));
        assert_eq!(entry.authenticate_certificate(second), Ok(()));
        assert_eq!(
            entry.authenticate_certificate(other),
            Err(AuthError::Certificate(other))
        );
        let token = Token::sign("hub/devices/d", &Key::from_bytes(vec![1; 32]), 100, None);
        let kind = entry.authenticate("d", "hub", &token, 99);
        assert!(matches!(kind, Err(AuthError::Kind { .. })), "{kind:?}");
        entry.enabled = false;
        assert_eq!(entry.authenticate_certificate(first), Err(AuthError::Disabled));
        let kind = self::entry().authenticate_certificate(first);
        assert!(matches!(kind, Err(AuthError::Kind { .. })), "{kind:?}");
    }

    #[test]
    fn etags_look_like_the_hubs() {
        assert_eq!(etag(1), "AAAAAAAAAAE=");
    }
}
