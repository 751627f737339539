//! The certificate authority of one emulator: made once, kept, and trusted by whoever is pointed at its certificate.
//!
//! Only the authority's own key is kept on disk. The server certificate lives in memory, is made when a TLS configuration
//! is asked for, and is made again by the handshake that finds it near its end.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::client_auth::AnyCertificate;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Ten years: whoever trusted the authority once should not have to do it again while the machine lives.
const AUTHORITY_LIFE: Duration = Duration::from_secs(3650 * DAY.as_secs());

/// An authority with less than this left is replaced, so that no server certificate outlives it.
const AUTHORITY_MARGIN: Duration = Duration::from_secs(60 * DAY.as_secs());

/// Short, because nothing can revoke it; every client sees a fresh one at the next handshake anyway.
const SERVER_LIFE: Duration = Duration::from_secs(30 * DAY.as_secs());

/// A year, as devices' certificates usually have.
const DEVICE_LIFE: Duration = Duration::from_secs(365 * DAY.as_secs());

/// Renewed with this much left.
const SERVER_MARGIN: Duration = Duration::from_secs(10 * DAY.as_secs());

/// Certificates are valid from a day back, for clients in a container or a virtual machine whose clock runs behind.
const CLOCK_SKEW: Duration = DAY;

/// What can go wrong with certificates.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// The certificate could not be made or the kept key could not be read.
    #[error("cannot make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The TLS library refused what was made.
    #[error("cannot set up TLS: {0}")]
    Tls(#[from] rustls::Error),
}

/// A certificate authority with its key.
pub(crate) struct Authority {
    name: String,
    certificate: String,
    not_after: SystemTime,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Makes an authority called `name` (its common name) that is valid from `now`.
    pub(crate) fn make(name: &str, now: SystemTime) -> Result<Authority, AuthorityError> {
        let key = KeyPair::generate()?;
        let mut params = issuer_params(name);
        let not_after = now + AUTHORITY_LIFE;
        set_validity(&mut params, now, not_after);
        let certificate = params.self_signed(&key)?.pem();
        Ok(Authority {
            name: name.to_owned(),
            certificate,
            not_after,
            issuer: Issuer::new(params, key),
        })
    }

    /// Takes up an authority that was kept: its name, certificate (PEM), key (PEM) and the end of its life.
    pub(crate) fn load(
        name: &str,
        certificate: String,
        key: &str,
        not_after: SystemTime,
    ) -> Result<Authority, AuthorityError> {
        let issuer = Issuer::new(issuer_params(name), KeyPair::from_pem(key)?);
        Ok(Authority {
            name: name.to_owned(),
            certificate,
            not_after,
            issuer,
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn certificate_pem(&self) -> &str {
        &self.certificate
    }

    /// Secret.
    pub(crate) fn key_pem(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    pub(crate) fn not_after(&self) -> SystemTime {
        self.not_after
    }

    /// Whether too little of its life is left to sign with.
    pub(crate) fn is_ending(&self, now: SystemTime) -> bool {
        now + AUTHORITY_MARGIN > self.not_after
    }

    /// A TLS configuration for a server known by `names` (host names and addresses): TLS 1.3, and 1.2 for the SDKs that speak
    /// nothing newer (azure-iot-device 2.14 asks for TLS 1.2 alone).
    pub(crate) fn server_config(self: &Arc<Self>, names: &[String]) -> Result<rustls::ServerConfig, AuthorityError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let resolver = RenewedCertificate::new(Arc::clone(self), names.to_vec(), SystemTime::now())?;
        let mut config = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
            .with_client_cert_verifier(Arc::new(AnyCertificate::new(provider)))
            .with_cert_resolver(Arc::new(resolver));
        // Who comes back saves both sides the signature; the cache that would else remember them holds 256.
        config.ticketer = rustls::crypto::ring::Ticketer::new()?;
        Ok(config)
    }

    /// A certificate for a device, whose common name is to be its registration id, and its key; both PEM, the key secret.
    pub(crate) fn issue_device(&self, name: &str, now: SystemTime) -> Result<(String, String), AuthorityError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name = common_name(name);
        set_validity(&mut params, now, self.not_after.min(now + DEVICE_LIFE));
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok((certificate.pem(), key.serialize_pem()))
    }

    /// A certificate for another server known by `names`, and its key; both PEM, the key secret.
    pub(crate) fn issue_server(&self, names: &[String], now: SystemTime) -> Result<(String, String), AuthorityError> {
        let (certificate, key) = self.sign_server(names, now)?;
        Ok((certificate.pem(), key.serialize_pem()))
    }

    fn issue(&self, names: &[String], now: SystemTime) -> Result<CertifiedKey, AuthorityError> {
        let (certificate, key) = self.sign_server(names, now)?;
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = rustls::crypto::ring::default_provider();
        Ok(CertifiedKey::from_der(
            vec![certificate.der().clone()],
            private,
            &provider,
        )?)
    }

    fn sign_server(&self, names: &[String], now: SystemTime) -> Result<(Certificate, KeyPair), AuthorityError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name = common_name("Setpoint emulator");
        set_validity(&mut params, now, now + SERVER_LIFE);
        // Says "not an authority" in so many words, and with it carries the subject key identifier that strict checks ask for.
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        Ok((params.signed_by(&key, &self.issuer)?, key))
    }
}

/// Everything but the dates; the same for making and for taking up, since the issuer's name and key identifier come from here.
fn issuer_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = common_name(name);
    // It signs servers and devices and nothing below them.
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.use_authority_key_identifier_extension = true;
    params
}

fn common_name(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

/// rcgen counts in the `time` crate; its own constructor gives the epoch, and the rest is addition.
fn set_validity(params: &mut CertificateParams, now: SystemTime, not_after: SystemTime) {
    let epoch = date_time_ymd(1970, 1, 1);
    params.not_before = epoch + (now - CLOCK_SKEW).duration_since(UNIX_EPOCH).unwrap_or_default();
    params.not_after = epoch + not_after.duration_since(UNIX_EPOCH).unwrap_or_default();
}

/// Hands out one server certificate and makes the next when it nears its end.
struct RenewedCertificate {
    authority: Arc<Authority>,
    names: Vec<String>,
    current: Mutex<Current>,
}

struct Current {
    key: Arc<CertifiedKey>,
    renew_at: SystemTime,
}

impl RenewedCertificate {
    fn new(authority: Arc<Authority>, names: Vec<String>, now: SystemTime) -> Result<Self, AuthorityError> {
        let key = Arc::new(authority.issue(&names, now)?);
        let current = Mutex::new(Current {
            key,
            renew_at: now + SERVER_LIFE - SERVER_MARGIN,
        });
        Ok(RenewedCertificate {
            authority,
            names,
            current,
        })
    }

    fn at(&self, now: SystemTime) -> Arc<CertifiedKey> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if now >= current.renew_at {
            match self.authority.issue(&self.names, now) {
                Ok(key) => {
                    *current = Current {
                        key: Arc::new(key),
                        renew_at: now + SERVER_LIFE - SERVER_MARGIN,
                    };
                }
                // The one in hand still serves for SERVER_MARGIN; the next handshake tries again.
                Err(error) => tracing::error!(%error, "the server certificate could not be renewed"),
            }
        }
        Arc::clone(&current.key)
    }
}

impl std::fmt::Debug for RenewedCertificate {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("RenewedCertificate")
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

impl ResolvesServerCert for RenewedCertificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.at(SystemTime::now()))
    }
}

#[cfg(test)]
mod tests {
    use rustls::client::danger::ServerCertVerifier;
    use rustls::pki_types::{ServerName, UnixTime, pem::PemObject};

    use super::*;

    fn names() -> Vec<String> {
        vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()]
    }

    #[test]
    fn the_server_certificate_is_kept_until_it_nears_its_end_and_then_renewed() {
        let now = SystemTime::now();
        let authority = Arc::new(Authority::make("test", now).unwrap());
        let resolver = RenewedCertificate::new(authority, names(), now).unwrap();
        let first = resolver.at(now);
        let last_moment = now + SERVER_LIFE - SERVER_MARGIN - Duration::from_secs(1);
        assert!(Arc::ptr_eq(&first, &resolver.at(last_moment)));
        let second = resolver.at(now + SERVER_LIFE - SERVER_MARGIN);
        assert_ne!(first.cert, second.cert);
        assert!(Arc::ptr_eq(&second, &resolver.at(now + SERVER_LIFE)));
    }

    #[test]
    fn an_authority_taken_up_again_signs_what_its_certificate_verifies() {
        let now = SystemTime::now();
        let made = Authority::make("test", now).unwrap();
        let loaded = Authority::load(
            "test",
            made.certificate_pem().to_owned(),
            &made.key_pem(),
            made.not_after(),
        )
        .unwrap();
        let mut roots = rustls::RootCertStore::empty();
        let root = PemObject::from_pem_slice(loaded.certificate_pem().as_bytes()).unwrap();
        roots.add(root).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = rustls::client::WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .unwrap();
        let server = loaded.issue(&names(), now).unwrap();
        for name in ["localhost", "127.0.0.1", "::1"] {
            let name = ServerName::try_from(name).unwrap();
            verifier
                .verify_server_cert(&server.cert[0], &[], &name, &[], UnixTime::now())
                .unwrap_or_else(|error| panic!("{name:?}: {error}"));
        }
        let other = ServerName::try_from("example.com").unwrap();
        let refused = verifier.verify_server_cert(&server.cert[0], &[], &other, &[], UnixTime::now());
        assert!(refused.is_err());
    }

    #[test]
    fn an_authority_ends_before_its_last_server_certificate_could() {
        let now = SystemTime::now();
        let authority = Authority::make("test", now).unwrap();
        assert!(!authority.is_ending(now));
        assert!(!authority.is_ending(now + AUTHORITY_LIFE - AUTHORITY_MARGIN));
        assert!(authority.is_ending(now + AUTHORITY_LIFE - SERVER_LIFE));
    }
}
