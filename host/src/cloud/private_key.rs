//! A device's private key, from the file it is kept in.

use std::fmt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pkcs8::EncryptedPrivateKeyInfoRef;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use zeroize::{Zeroize, Zeroizing};

use super::client_certificate::CertificateError;

const ENCRYPTED_BEGIN: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----";
const ENCRYPTED_END: &str = "-----END ENCRYPTED PRIVATE KEY-----";

/// How OpenSSL marked keys before PKCS #8 (RFC 1421, 4.6.1.1).
const LEGACY: &str = "Proc-Type: 4,ENCRYPTED";

/// What a private key is locked with. `Debug` does not show it, and the memory is wiped on drop.
#[derive(Clone)]
pub struct PassPhrase(Zeroizing<String>);

impl PassPhrase {
    /// Takes it over as it is, white space too.
    pub fn new(text: String) -> PassPhrase {
        PassPhrase(Zeroizing::new(text))
    }
}

impl fmt::Debug for PassPhrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PassPhrase(..)")
    }
}

/// A private key in the form the TLS library takes. No `Debug`, and the memory is wiped on drop.
pub(super) struct PrivateKey(PrivateKeyDer<'static>);

impl PrivateKey {
    /// Reads the first private key in a PEM file: PKCS #8, encrypted or not, PKCS #1 or SEC 1.
    pub(super) fn read(file: &Path, pass_phrase: Option<&PassPhrase>) -> Result<PrivateKey, CertificateError> {
        let unusable = |reason: String| CertificateError::Key {
            file: file.to_owned(),
            reason,
        };
        let bytes = std::fs::read(file).map(Zeroizing::new);
        let bytes = bytes.map_err(|error| unusable(format!("it cannot be read: {error}")))?;
        let text = std::str::from_utf8(&bytes).map_err(|_| unusable("it is not a PEM file".to_owned()))?;
        if text.contains(LEGACY) {
            return Err(CertificateError::LegacyKey { file: file.to_owned() });
        }
        if let Some(begun) = text.split(ENCRYPTED_BEGIN).nth(1) {
            let pass_phrase = pass_phrase.ok_or_else(|| CertificateError::NoPassPhrase { file: file.to_owned() })?;
            let body = begun.split(ENCRYPTED_END).next().unwrap_or_default();
            return decrypt(body, pass_phrase).map_err(|reason| unusable(reason.to_owned()));
        }
        let key = PrivateKeyDer::from_pem_slice(text.as_bytes());
        let key = key.map_err(|_| unusable("it holds no private key in PEM form".to_owned()))?;
        Ok(PrivateKey(key))
    }

    /// For the TLS library, which keeps a copy of its own while it is in use.
    pub(super) fn der(&self) -> &PrivateKeyDer<'static> {
        &self.0
    }
}

impl Drop for PrivateKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Opens PKCS #8's `EncryptedPrivateKeyInfo` (RFC 5958), here between its PEM lines.
fn decrypt(base64: &str, pass_phrase: &PassPhrase) -> Result<PrivateKey, &'static str> {
    const MALFORMED: &str = "its encrypted private key is malformed; copy the file whole";
    const WRONG: &str = "PASS_PHRASE does not open it; set it to the key's pass phrase";
    let base64: String = base64.split_whitespace().collect();
    let der = STANDARD.decode(base64).map_err(|_| MALFORMED)?;
    let locked = EncryptedPrivateKeyInfoRef::try_from(der.as_slice()).map_err(|_| MALFORMED)?;
    let opened = locked.decrypt(pass_phrase.0.as_bytes()).map_err(|error| match error {
        pkcs8::Error::EncryptedPrivateKey(
            pkcs8::pkcs5::Error::NoPbes1CryptSupport | pkcs8::pkcs5::Error::UnsupportedAlgorithm { .. },
        ) => {
            "it is encrypted in a way that is not read here; convert it with \
              `openssl pkcs8 -topk8 -v2 aes256 -in KEY -out NEW`"
        }
        // One wrong pass phrase in 256 gives what looks like a text, but is no key.
        _ => WRONG,
    })?;
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(opened.as_bytes().to_vec());
    Ok(PrivateKey(PrivateKeyDer::Pkcs8(key)))
}
