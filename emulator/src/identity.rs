//! Who the emulator is: its id scope, its keys, its certificate authority. Generated, never fixed.
//!
//! An identity kept in a directory is one file, `identity.json` (mode 0600), beside `ca.pem`, the certificate that clients are
//! pointed at. Whoever opens the directory takes the lock file first, so that two processes that open an empty one agree.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rustls::crypto::SecureRandom;
use setpoint_protocol::Key;

use crate::authority::{Authority, AuthorityError};
use crate::private_file;

mod kept;
mod policy;

pub use policy::{Policy, Right};

use kept::Kept;

/// The name a device finds the emulator under, and the first in its certificate.
const DEFAULT_HOST: &str = "localhost";

/// What the server certificate always covers.
const LOOPBACK_NAMES: [&str; 3] = [DEFAULT_HOST, "127.0.0.1", "::1"];

/// The registration id the documents use for this sample, and so does whoever pastes from them.
const DEVICE_ID: &str = "my-pnp-device";

/// The policy every IoT hub is made with; it may do everything.
const SERVICE_POLICY: &str = policy::OWNER;

/// The policy every DPS is made with; it may do everything there.
pub const PROVISIONING_POLICY: &str = "provisioningserviceowner";

/// The length of the keys a hub makes for its devices and policies.
const HUB_KEY_BYTES: usize = 32;

/// The length of the keys DPS makes for its enrolments.
const ENROLLMENT_KEY_BYTES: usize = 64;

/// The identity of one emulator.
///
/// It holds secrets; its `Debug` shows none of them.
pub struct Identity {
    host: String,
    names: Vec<String>,
    id_scope: String,
    group_keys: [Key; 2],
    device_keys: [Key; 2],
    service_key: Key,
    authority: Arc<Authority>,
    directory: Option<PathBuf>,
}

/// A device's certificate with its key.
#[derive(Clone)]
pub struct DeviceCertificate {
    /// The certificate.
    pub certificate_pem: String,
    /// Its private key (PKCS #8). Secret; `Debug` does not show it.
    pub key_pem: String,
}

impl std::fmt::Debug for DeviceCertificate {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("DeviceCertificate")
            .field("certificate_pem", &self.certificate_pem)
            .finish_non_exhaustive()
    }
}

/// A certificate for a server that stands beside the emulator, with its key.
#[derive(Clone)]
pub struct ServerCertificate {
    /// The certificate.
    pub certificate_pem: String,
    /// Its private key (PKCS #8). Secret; `Debug` does not show it.
    pub key_pem: String,
}

impl std::fmt::Debug for ServerCertificate {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ServerCertificate")
            .field("certificate_pem", &self.certificate_pem)
            .finish_non_exhaustive()
    }
}

/// Why an identity could not be had.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A file could not be read, written or locked.
    #[error("{}: {error}; choose a directory you may write to with --data", path.display())]
    File {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The kept file is not what this program writes. Says where, and quotes nothing of it.
    #[error("{}: {reason}; remove the file to have a new identity made", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The system gave no randomness to make keys from.
    #[error("the system gave no randomness to make keys from")]
    NoRandomness,
    /// A certificate could not be made.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
}

impl Identity {
    /// The identity kept in `dir`; made, with the directory, at the first call. Blocks while another process does the same.
    ///
    /// # Errors
    ///
    /// When the directory cannot be used, or what it keeps was not written by this program.
    pub fn open(dir: &Path) -> Result<Identity, IdentityError> {
        let in_file = |path: &Path| {
            let path = path.to_owned();
            move |error| IdentityError::File { path, error }
        };
        private_file::make_directory(dir).map_err(in_file(dir))?;
        let lock_path = dir.join("identity.lock");
        let lock = private_file::open(&lock_path).map_err(in_file(&lock_path))?;
        lock.lock().map_err(in_file(&lock_path))?;

        let path = dir.join("identity.json");
        let now = SystemTime::now();
        let mut identity = match fs::read(&path) {
            Ok(text) => {
                Kept::parse(&text)
                    .and_then(Kept::into_identity)
                    .map_err(|reason| IdentityError::Malformed {
                        path: path.clone(),
                        reason,
                    })?
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let identity = Identity::make(now)?;
                Kept::of(&identity).write(&path).map_err(in_file(&path))?;
                identity
            }
            Err(error) => return Err(in_file(&path)(error)),
        };
        if identity.authority.is_ending(now) {
            identity.authority = Arc::new(Authority::make(identity.authority.name(), now)?);
            Kept::of(&identity).write(&path).map_err(in_file(&path))?;
        }
        let ca_path = dir.join("ca.pem");
        if fs::read(&ca_path).ok().as_deref() != Some(identity.ca_pem().as_bytes()) {
            private_file::replace(&ca_path, identity.ca_pem().as_bytes()).map_err(in_file(&ca_path))?;
        }
        identity.directory = Some(dir.to_owned());
        Ok(identity)
    }

    /// A new identity that lives in memory alone, for tests.
    ///
    /// # Errors
    ///
    /// When the system gives no randomness.
    pub fn temporary() -> Result<Identity, IdentityError> {
        Identity::make(SystemTime::now())
    }

    /// The same identity, with `host` (a DNS name or an IP address without a port) as the name devices are sent to and the server
    /// certificate covers, beside the loopback names.
    #[must_use]
    pub fn with_host(mut self, host: &str) -> Identity {
        host.clone_into(&mut self.host);
        if !self.names.iter().any(|name| name == host) {
            self.names.push(host.to_owned());
        }
        self
    }

    /// The same identity, with further names that the server certificate covers: those of declared hubs.
    #[must_use]
    pub fn with_names<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Identity {
        for name in names {
            if !self.names.iter().any(|known| known == name) {
                self.names.push(name.to_owned());
            }
        }
        self
    }

    fn make(now: SystemTime) -> Result<Identity, IdentityError> {
        let random = rustls::crypto::ring::default_provider().secure_random;
        // As Azure's look: `0ne` and eight hexadecimal digits.
        let id_scope = format!("0ne{:08X}", u32::from_be_bytes(random_bytes(random)?));
        let enrollment_key = || random_bytes::<ENROLLMENT_KEY_BYTES>(random).map(|key| Key::from_bytes(key.to_vec()));
        let hub_key = || random_bytes::<HUB_KEY_BYTES>(random).map(|key| Key::from_bytes(key.to_vec()));
        // The name sets one emulator's authority apart from another's in a store that trusts both.
        let authority = Authority::make(&format!("Setpoint emulator authority {id_scope}"), now)?;
        Ok(Identity {
            host: DEFAULT_HOST.to_owned(),
            names: LOOPBACK_NAMES.map(str::to_owned).to_vec(),
            id_scope,
            group_keys: [enrollment_key()?, enrollment_key()?],
            device_keys: [hub_key()?, hub_key()?],
            service_key: hub_key()?,
            authority: Arc::new(authority),
            directory: None,
        })
    }

    /// The host name, without a port, that devices are assigned to and that stands in tokens and connection strings.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Every name and address the server certificate covers; a device may have used any of them.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The DPS id scope.
    pub fn id_scope(&self) -> &str {
        &self.id_scope
    }

    /// Primary and secondary key of the enrolment group: device keys are derived from either.
    pub fn group_keys(&self) -> &[Key; 2] {
        &self.group_keys
    }

    /// The registration id of the individual enrolment, and the id of the device it gives.
    pub fn device_id(&self) -> &str {
        DEVICE_ID
    }

    /// Primary and secondary key of the individual enrolment and of its device.
    pub fn device_keys(&self) -> &[Key; 2] {
        &self.device_keys
    }

    /// The shared access policy that service calls name in `skn`.
    pub fn service_policy(&self) -> &str {
        SERVICE_POLICY
    }

    /// The key of that policy.
    pub fn service_key(&self) -> &Key {
        &self.service_key
    }

    /// The key of DPS's policy, [`PROVISIONING_POLICY`]. Made from the hub's, from which nobody can find the other.
    pub fn provisioning_key(&self) -> Key {
        self.service_key.derive(&format!("policy {PROVISIONING_POLICY}"))
    }

    /// The certificate authority's certificate, for clients to trust.
    pub fn ca_pem(&self) -> &str {
        self.authority.certificate_pem()
    }

    /// Where that certificate stands as a file; none for a temporary identity.
    pub fn ca_path(&self) -> Option<PathBuf> {
        self.directory.as_ref().map(|dir| dir.join("ca.pem"))
    }

    /// The directory that keeps this identity; none for a temporary one.
    pub fn directory(&self) -> Option<&Path> {
        self.directory.as_deref()
    }

    /// A certificate for a device, signed by the emulator's authority and valid for a year. With `registration_id` as its common
    /// name it provisions through the group [`X509_GROUP`](crate::X509_GROUP).
    ///
    /// # Errors
    ///
    /// When the name cannot stand in a certificate.
    pub fn issue_device_certificate(&self, registration_id: &str) -> Result<DeviceCertificate, IdentityError> {
        let (certificate_pem, key_pem) = self.authority.issue_device(registration_id, SystemTime::now())?;
        Ok(DeviceCertificate {
            certificate_pem,
            key_pem,
        })
    }

    /// A certificate like the emulator's own, for another server that is reached by the same [`names`](Identity::names): a proxy, a
    /// gateway, or a broker to compare with.
    ///
    /// # Errors
    ///
    /// When a name is neither a DNS name nor an address.
    pub fn issue_server_certificate(&self) -> Result<ServerCertificate, IdentityError> {
        let (certificate_pem, key_pem) = self.authority.issue_server(&self.names, SystemTime::now())?;
        Ok(ServerCertificate {
            certificate_pem,
            key_pem,
        })
    }

    /// TLS for the emulator's ports: TLS 1.2 and 1.3, for [`names`](Identity::names), with a server certificate that renews itself
    /// while the configuration is in use. Clients may present certificates, which are let in whoever signed them.
    ///
    /// # Errors
    ///
    /// When a name is neither a DNS name nor an address.
    pub fn server_config(&self) -> Result<Arc<rustls::ServerConfig>, IdentityError> {
        Ok(Arc::new(self.authority.server_config(&self.names)?))
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Identity")
            .field("names", &self.names)
            .field("id_scope", &self.id_scope)
            .field("directory", &self.directory)
            .finish_non_exhaustive()
    }
}

fn random_bytes<const N: usize>(random: &dyn SecureRandom) -> Result<[u8; N], IdentityError> {
    let mut bytes = [0; N];
    random.fill(&mut bytes).map_err(|_| IdentityError::NoRandomness)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
