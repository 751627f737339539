//! The file an identity is kept in.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use setpoint_protocol::Key;

use super::{DEFAULT_HOST, Identity, LOOPBACK_NAMES};
use crate::authority::Authority;
use crate::private_file;

/// `identity.json`. Secret.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Kept {
    pub(super) id_scope: String,
    pub(super) group_keys: [String; 2],
    pub(super) device_keys: [String; 2],
    pub(super) service_key: String,
    pub(super) ca_name: String,
    pub(super) ca_certificate: String,
    pub(super) ca_key: String,
    /// Seconds since 1970.
    pub(super) ca_not_after: u64,
}

impl Kept {
    pub(super) fn of(identity: &Identity) -> Kept {
        let [first_group, second_group] = &identity.group_keys;
        let [first_device, second_device] = &identity.device_keys;
        Kept {
            id_scope: identity.id_scope.clone(),
            group_keys: [first_group.to_base64(), second_group.to_base64()],
            device_keys: [first_device.to_base64(), second_device.to_base64()],
            service_key: identity.service_key.to_base64(),
            ca_name: identity.authority.name().to_owned(),
            ca_certificate: identity.authority.certificate_pem().to_owned(),
            ca_key: identity.authority.key_pem(),
            ca_not_after: identity
                .authority
                .not_after()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default()
                .as_secs(),
        }
    }

    /// The reasons given leave out serde's own words: they quote the value, which may be a key.
    pub(super) fn parse(text: &[u8]) -> Result<Kept, String> {
        serde_json::from_slice(text).map_err(|error| format!("not as written at line {}", error.line()))
    }

    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        private_file::replace(path, &serde_json::to_vec_pretty(self)?)
    }

    pub(super) fn into_identity(self) -> Result<Identity, String> {
        let key = |name: &str, text: &str| Key::from_base64(text).map_err(|error| format!("{name}: {error}"));
        let keys = |name: &str, [first, second]: &[String; 2]| Ok::<_, String>([key(name, first)?, key(name, second)?]);
        let not_after = UNIX_EPOCH + Duration::from_secs(self.ca_not_after);
        let authority = Authority::load(&self.ca_name, self.ca_certificate, &self.ca_key, not_after)
            .map_err(|error| format!("caKey: {error}"))?;
        Ok(Identity {
            host: DEFAULT_HOST.to_owned(),
            names: LOOPBACK_NAMES.map(str::to_owned).to_vec(),
            group_keys: keys("groupKeys", &self.group_keys)?,
            device_keys: keys("deviceKeys", &self.device_keys)?,
            service_key: key("serviceKey", &self.service_key)?,
            id_scope: self.id_scope,
            authority: Arc::new(authority),
            directory: None,
        })
    }
}
