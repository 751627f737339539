//! What a device proves itself with: keys, or certificates known by their thumbprints.

use std::{fmt, str::FromStr};

use rustls::pki_types::{CertificateDer, pem::PemObject};
use setpoint_protocol::Key;
use sha2::{Digest, Sha256};

use super::certificate::CertificateError;

/// Primary and secondary key of a device; either opens a connection.
pub type DeviceKeys = [Key; 2];

/// A certificate's SHA-256 fingerprint. Written as 64 hexadecimal digits, which are read in any case.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Thumbprint([u8; 32]);

/// A text that is no thumbprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a thumbprint has 64 hexadecimal digits: the certificate's SHA-256")]
pub struct ThumbprintError;

impl Thumbprint {
    /// The thumbprint of a certificate in DER form.
    pub fn of(der: &[u8]) -> Thumbprint {
        Thumbprint(Sha256::digest(der).into())
    }

    /// The thumbprint of the first certificate in a PEM text.
    ///
    /// # Errors
    ///
    /// [`CertificateError::Pem`] when there is none.
    pub fn of_pem(pem: &str) -> Result<Thumbprint, CertificateError> {
        let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| CertificateError::Pem)?;
        Ok(Thumbprint::of(&certificate))
    }
}

impl FromStr for Thumbprint {
    type Err = ThumbprintError;

    fn from_str(text: &str) -> Result<Thumbprint, ThumbprintError> {
        // The number parser would take a sign.
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(ThumbprintError);
        }
        let mut bytes = [0; 32];
        for (index, byte) in bytes.iter_mut().enumerate() {
            let digits = text.get(2 * index..2 * index + 2).ok_or(ThumbprintError)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| ThumbprintError)?;
        }
        Ok(Thumbprint(bytes))
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

impl fmt::Debug for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Thumbprint({self})")
    }
}

/// The certificates of a device; either opens a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thumbprints {
    /// The first.
    pub primary: Thumbprint,
    /// The one it is being replaced by, if any.
    pub secondary: Option<Thumbprint>,
}

impl Thumbprints {
    /// Whether `thumbprint` is among these.
    pub fn contain(&self, thumbprint: Thumbprint) -> bool {
        self.primary == thumbprint || self.secondary == Some(thumbprint)
    }
}

impl From<Thumbprint> for Thumbprints {
    fn from(primary: Thumbprint) -> Thumbprints {
        Thumbprints {
            primary,
            secondary: None,
        }
    }
}

/// What a device proves itself with.
#[derive(Debug, Clone, PartialEq)]
pub enum Credentials {
    /// Symmetric keys: it signs tokens with one of them. Secret.
    Keys(DeviceKeys),
    /// X.509: it presents one of these certificates in the TLS handshake, and sends no password.
    Certificates(Thumbprints),
    /// X.509: it presents a certificate with its own id as the common name, of an authority that the hub trusts
    /// ([`Hub::trust_authority`](super::Hub::trust_authority)).
    Authority,
}

impl Credentials {
    /// The keys, when it has some.
    pub fn keys(&self) -> Option<&DeviceKeys> {
        match self {
            Credentials::Keys(keys) => Some(keys),
            Credentials::Certificates(_) | Credentials::Authority => None,
        }
    }

    /// The thumbprints, when it has certificates.
    pub fn thumbprints(&self) -> Option<&Thumbprints> {
        match self {
            Credentials::Keys(_) | Credentials::Authority => None,
            Credentials::Certificates(thumbprints) => Some(thumbprints),
        }
    }

    /// What the service API calls it: `sas`, `selfSigned` or `certificateAuthority`.
    pub fn kind(&self) -> &'static str {
        match self {
            Credentials::Keys(_) => "sas",
            Credentials::Certificates(_) => "selfSigned",
            Credentials::Authority => "certificateAuthority",
        }
    }

    /// The member `x509Thumbprint` of the service API; its values are null for a device with keys.
    pub(crate) fn thumbprints_json(&self) -> serde_json::Value {
        let thumbprints = self.thumbprints();
        let text = |thumbprint: Option<Thumbprint>| thumbprint.map(|thumbprint| thumbprint.to_string());
        serde_json::json!({
            "primaryThumbprint": text(thumbprints.map(|thumbprints| thumbprints.primary)),
            "secondaryThumbprint": text(thumbprints.and_then(|thumbprints| thumbprints.secondary)),
        })
    }
}

impl From<DeviceKeys> for Credentials {
    fn from(keys: DeviceKeys) -> Credentials {
        Credentials::Keys(keys)
    }
}

impl From<Thumbprints> for Credentials {
    fn from(thumbprints: Thumbprints) -> Credentials {
        Credentials::Certificates(thumbprints)
    }
}

impl From<Thumbprint> for Credentials {
    fn from(thumbprint: Thumbprint) -> Credentials {
        Credentials::Certificates(thumbprint.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thumbprint_is_read_in_any_case_and_written_in_one() {
        // SHA-256 of "abc" (FIPS 180-2, appendix B.1).
        let text = "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD";
        let thumbprint = Thumbprint::of(b"abc");
        assert_eq!(thumbprint.to_string(), text);
        assert_eq!(text.parse(), Ok(thumbprint));
        assert_eq!(text.to_lowercase().parse(), Ok(thumbprint));
        for bad in [
            "",
            &text[1..],
            &format!("{text}0"),
            &text.replace('B', "+"),
            &"ä".repeat(32),
        ] {
            assert_eq!(bad.parse::<Thumbprint>(), Err(ThumbprintError), "{bad:?}");
        }
    }
}
