//! Whose certificates are believed.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// Where systems keep their certificate authorities in one file: Debian and its kin, Fedora and its kin, SUSE, and
/// Alpine, the BSDs and macOS. Needed because rustls-native-certs reads SSL_CERT_FILE in the system's place.
const SYSTEM_BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The certificate authorities a device believes, ready for use. Build it once: reading the system's takes milliseconds,
/// and every connection made with one `Trust` shares its memory and its TLS session tickets.
#[derive(Clone)]
pub struct Trust {
    config: Arc<ClientConfig>,
}

/// Why there is nobody to believe.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// A file that was named cannot be read.
    #[error("{} cannot be read as PEM certificates: {reason}; name a CA certificate in PEM form", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The system has none and none was named.
    #[error("no certificate authority is known on this system; install ca-certificates, or name one with --ca FILE")]
    None,
    /// The TLS library would not have it.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

impl Trust {
    /// The system's authorities, those of the files in SSL_CERT_FILE and SSL_CERT_DIR when they are set, and those of
    /// `further` (PEM) when one is named.
    pub fn system(further: Option<&Path>) -> Result<Trust, TrustError> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(Trust::authorities(further.as_slice())?);
        Trust::of(roots)
    }

    /// What [`Trust::system`] believes, as certificates, for clients that take them so.
    pub fn authorities(further: &[&Path]) -> Result<Vec<CertificateDer<'static>>, TrustError> {
        let mut found = Vec::new();
        if let Some(file) = std::env::var_os("SSL_CERT_FILE") {
            // Read here as well, because below an unreadable file is passed over without a word.
            found.extend(read_file(Path::new(&file))?);
            if let Some(bundle) = SYSTEM_BUNDLES.into_iter().map(Path::new).find(|bundle| bundle.exists()) {
                found.extend(rustls_native_certs::load_certs_from_paths(Some(bundle), None).certs);
            }
        }
        found.extend(rustls_native_certs::load_native_certs().certs);
        for file in further {
            found.extend(read_file(file)?);
        }
        Ok(found)
    }

    /// These authorities (PEM) and nobody else.
    pub fn only(pem: &str) -> Result<Trust, TrustError> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()).flatten() {
            roots.add(certificate)?;
        }
        Trust::of(roots)
    }

    fn of(roots: RootCertStore) -> Result<Trust, TrustError> {
        if roots.is_empty() {
            return Err(TrustError::None);
        }
        // Named, not taken from the process's default, so that no other crate's choice changes ours.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Trust {
            config: Arc::new(config),
        })
    }

    /// The TLS settings.
    pub fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.config)
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Trust")
    }
}

fn read_file(file: &Path) -> Result<Vec<CertificateDer<'static>>, TrustError> {
    let failed = |reason: String| TrustError::File {
        file: file.to_owned(),
        reason,
    };
    let certificates: Vec<_> = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<_, _>>)
        .map_err(|error| failed(error.to_string()))?;
    if certificates.is_empty() {
        return Err(failed("it holds no certificate".to_owned()));
    }
    // A bundle may hold an odd one that nobody needs; a file in which none can be used is a mistake.
    match RootCertStore::empty().add_parsable_certificates(certificates.iter().cloned()) {
        (0, _) => Err(failed("no certificate in it can be used".to_owned())),
        _ => Ok(certificates),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_file_that_is_missing() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("ca.pem");
        let error = Trust::system(Some(&file)).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("{} cannot be read", file.display())),
            "{error}"
        );
    }

    #[test]
    fn names_the_file_that_holds_no_certificate() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("ca.pem");
        std::fs::write(&file, "not a certificate").unwrap();
        let error = Trust::system(Some(&file)).unwrap_err().to_string();
        assert!(
            error.contains("ca.pem") && error.contains("holds no certificate"),
            "{error}"
        );
    }

    #[test]
    fn trusting_nobody_is_an_error() {
        assert!(matches!(Trust::only(""), Err(TrustError::None)));
    }
}
