//! One device: who it is, and what the hub keeps about it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use setpoint_protocol::{key::Key, sas::Token};
use tokio::sync::oneshot;

use super::{
    ClientCertificate, Credentials, DeviceKeys, HubError, Thumbprint, TrustedAuthority,
    message::Queue,
    method::Answer,
    name::{path_of, split_name},
    session::Session,
    twin::TwinState,
};

/// Length of a key the hub makes, in bytes, as the real one's.
const KEY_BYTES: usize = 32;

/// What the registry keeps of an identity beside its credentials. Plain values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// Why it is enabled or disabled, as a service said.
    pub status_reason: Option<String>,
    /// When it was last enabled or disabled, `None` before the first time.
    pub status_changed: Option<DateTime<Utc>>,
    /// Whether it is an IoT Edge device.
    pub edge: bool,
    /// An edge device's own scope, or that of the edge device it is a child of.
    pub scope: Option<String>,
    /// The scopes of the edge devices above it.
    pub parent_scopes: Vec<String>,
    /// Who looks after a module.
    pub managed_by: Option<String>,
}

/// A device or module as the service API shows it. A snapshot: it does not follow later changes.
#[derive(Debug, Clone)]
pub struct Device {
    /// Its id, case-sensitive; a module's device.
    pub device_id: String,
    /// A module's id.
    pub module_id: Option<String>,
    /// Tells apart two devices that had the same id one after the other.
    pub generation_id: String,
    /// Changes whenever the identity (not the twin) changes; without quotes.
    pub etag: String,
    /// Its keys or certificates. Keys are secret: the service API shows them to the owner, nothing else may.
    pub credentials: Credentials,
    /// Whether it may connect.
    pub enabled: bool,
    /// What else the registry keeps.
    pub details: Details,
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
    #[error("the token names another resource than {{hub}}/devices/{{device}}[/modules/{{module}}]")]
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
    /// The certificate is not of an authority the hub trusts, or has another name in it.
    #[error("the certificate is not of a trusted authority, or its common name is not the device's id")]
    Authority,
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
    pub(super) details: Details,
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
            details: Details::default(),
            connection_changed: None,
            last_activity: None,
            model_id: String::new(),
            twin: TwinState::new(now),
            session: Session::default(),
            queue: Queue::default(),
            calls: HashMap::new(),
        }
    }

    pub(super) fn show(&self, name: &str) -> Device {
        let (device_id, module_id) = split_name(name);
        Device {
            device_id: device_id.to_owned(),
            module_id: module_id.map(str::to_owned),
            generation_id: self.generation.to_string(),
            etag: etag(self.identity_version),
            credentials: self.credentials.clone(),
            enabled: self.enabled,
            details: self.details.clone(),
            connected: self.session.is_connected(),
            connection_changed: self.connection_changed,
            last_activity: self.last_activity,
            waiting_messages: self.queue.len(),
            model_id: self.model_id.clone(),
        }
    }

    /// What the hub says of a message's sender, so that its reader need not look it up.
    pub(super) fn authentication_properties(&self, name: &str) -> [(String, String); 2] {
        let scope = if split_name(name).1.is_some() {
            "module"
        } else {
            "device"
        };
        let (kind, issuer) = match self.credentials {
            Credentials::Keys(_) => ("sas", "iothub"),
            Credentials::Certificates(_) | Credentials::Authority => ("x509Certificate", "external"),
        };
        // In the hub's own order, as its readers may compare it as a text.
        let method =
            format!(r#"{{"scope":"{scope}","type":"{kind}","issuer":"{issuer}","acceptingIpFilterRule":null}}"#);
        [
            ("iothub-connection-auth-generation-id", self.generation.to_string()),
            ("iothub-connection-auth-method", method),
        ]
        .map(|(name, value)| (name.to_owned(), value))
    }

    /// Checks the token of a device or module at `now` (Unix seconds). It is signed with a key of its own, or that of one of
    /// `policies`, which it names.
    pub(super) fn authenticate(
        &self,
        name: &str,
        hub: &str,
        token: &Token,
        now: u64,
        policies: &[(&str, Key)],
    ) -> Result<(), AuthError> {
        if !self.enabled {
            return Err(AuthError::Disabled);
        }
        let policy = policies.iter().find(|(policy, _)| token.policy() == Some(policy));
        let (host, rest) = token.resource().split_once('/').unwrap_or((token.resource(), ""));
        // A policy's token may be for all devices.
        let covers = rest == path_of(name) || (policy.is_some() && ["", "devices"].contains(&rest));
        if !host.eq_ignore_ascii_case(hub) || !covers {
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
        let policy_key = policy.map(|(_, key)| key);
        if keys.iter().chain(policy_key).any(|key| token.verify(key, now).is_ok()) {
            Ok(())
        } else {
            Err(AuthError::Signature)
        }
    }

    /// Checks the certificate a device has shown to have the key of.
    pub(super) fn authenticate_certificate(
        &self,
        name: &str,
        certificate: &ClientCertificate,
        authorities: &[TrustedAuthority],
    ) -> Result<(), AuthError> {
        if !self.enabled {
            return Err(AuthError::Disabled);
        }
        let thumbprint = certificate.thumbprint();
        match &self.credentials {
            Credentials::Keys(_) => Err(AuthError::Kind {
                registered: "keys",
                presented: "a certificate",
            }),
            Credentials::Certificates(thumbprints) if thumbprints.contain(thumbprint) => Ok(()),
            Credentials::Certificates(_) => Err(AuthError::Certificate(thumbprint)),
            Credentials::Authority => {
                let named = certificate.common_name().is_some_and(|common_name| common_name == name);
                let signed = named && authorities.iter().any(|authority| authority.signed(certificate));
                if signed { Ok(()) } else { Err(AuthError::Authority) }
            }
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
            assert_eq!(entry.authenticate("d", "HUB", &token, 99, &[]), expected);
        }
    }

    #[test]
    fn a_token_is_for_one_device_of_one_hub_and_one_time() {
        let entry = entry();
        let sign = |resource: &str| Token::sign(resource, &Key::from_bytes(vec![1; 32]), 100, None);
        assert_eq!(
            entry.authenticate("d", "hub", &sign("hub/devices/e"), 99, &[]),
            Err(AuthError::Resource)
        );
        assert_eq!(
            entry.authenticate("d", "hub", &sign("other/devices/d"), 99, &[]),
            Err(AuthError::Resource)
        );
        assert_eq!(
            entry.authenticate("d", "hub", &sign("hub"), 99, &[]),
            Err(AuthError::Resource)
        );
        assert_eq!(
            entry.authenticate("d", "hub", &sign("hub/devices/d"), 100, &[]),
            Err(AuthError::Expired)
        );
    }

    #[test]
    fn a_policy_opens_for_every_device_when_the_token_names_it() {
        let entry = entry();
        let key = Key::from_bytes(vec![9; 32]);
        let policies = [("device", key.clone())];
        let check = |resource: &str, key: &Key, policy| {
            let token = Token::sign(resource, key, 100, policy);
            entry.authenticate("d", "hub", &token, 99, &policies)
        };
        for resource in ["hub", "hub/devices", "hub/devices/d"] {
            assert_eq!(check(resource, &key, Some("device")), Ok(()), "{resource}");
        }
        assert_eq!(check("hub/devices/e", &key, Some("device")), Err(AuthError::Resource));
        assert_eq!(check("hub", &key, Some("service")), Err(AuthError::Resource));
        assert_eq!(check("hub/devices/d", &key, None), Err(AuthError::Signature));
        let own = Key::from_bytes(vec![1; 32]);
        assert_eq!(check("hub/devices/d", &own, Some("device")), Ok(()));
    }

    #[test]
    fn either_certificate_opens_a_connection_and_keys_do_not() {
        let [first, second, other] =
            ["1", "2", "3"].map(|text| ClientCertificate::from_chain(&[text.as_bytes().to_vec().into()]).unwrap());
        let thumbprints = Thumbprints {
            primary: first.thumbprint(),
            secondary: Some(second.thumbprint()),
        };
        let mut entry = Entry::new(1, thumbprints.into(), Utc::now());
        let show = |entry: &Entry, certificate| entry.authenticate_certificate("d", certificate, &[]);
        assert_eq!(show(&entry, &first), Ok(()));
        assert_eq!(show(&entry, &second), Ok(()));
        assert_eq!(show(&entry, &other), Err(AuthError::Certificate(other.thumbprint())));
        let token = Token::sign("hub/devices/d", &Key::from_bytes(vec![1; 32]), 100, None);
        let kind = entry.authenticate("d", "hub", &token, 99, &[]);
        assert!(matches!(kind, Err(AuthError::Kind { .. })), "{kind:?}");
        entry.enabled = false;
        assert_eq!(show(&entry, &first), Err(AuthError::Disabled));
        let kind = show(&self::entry(), &first);
        assert!(matches!(kind, Err(AuthError::Kind { .. })), "{kind:?}");
    }

    #[test]
    fn etags_look_like_the_hubs() {
        assert_eq!(etag(1), "AAAAAAAAAAE=");
    }
}
