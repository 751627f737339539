//! A device that proves itself with an X.509 certificate in place of a key that its hub knows too.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::private_key::{PassPhrase, PrivateKey};

/// A device's certificate, those of the authorities between it and one that the services know, and its private key. `Debug`
/// shows no key. What was read from the files is wiped; the TLS library's own copy is not.
#[derive(Clone)]
pub struct ClientCertificate {
    file: PathBuf,
    pair: Arc<CertifiedKey>,
    not_before: DateTime<Utc>,
    not_after: DateTime<Utc>,
}

/// Why a certificate cannot be used. Names the file, and shows nothing of what is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// The certificate's file is not one.
    #[error(
        "{} is no certificate to prove a device with: {reason}; name the device's certificate in PEM form, followed by those of \
         its authorities",
        file.display()
    )]
    Certificate {
        /// Which.
        file: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The key's file is not one, or the pass phrase is another's.
    #[error("{} gives no private key: {reason}", file.display())]
    Key {
        /// Which.
        file: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The key is encrypted and there is nothing to open it with.
    #[error("{} is encrypted and PASS_PHRASE is not set; set it to the key's pass phrase", file.display())]
    NoPassPhrase {
        /// Which.
        file: PathBuf,
    },
    /// The key is encrypted as OpenSSL did it long ago, with a hash that is broken.
    #[error(
        "{} is encrypted in OpenSSL's old form, which is not read here; convert it with \
         `openssl pkcs8 -topk8 -v2 aes256 -in {} -out NEW`",
        file.display(),
        file.display()
    )]
    LegacyKey {
        /// Which.
        file: PathBuf,
    },
    /// The two do not belong together.
    #[error("the private key in {} is not that of the certificate in {}; name the files of one pair", key.display(), certificate.display())]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
}

impl ClientCertificate {
    /// Reads both from PEM files. `pass_phrase` opens a key that is encrypted (PKCS #8); for others it is not needed.
    pub fn open(
        certificate: &Path,
        key: &Path,
        pass_phrase: Option<&PassPhrase>,
    ) -> Result<ClientCertificate, CertificateError> {
        let unusable = |reason: String| CertificateError::Certificate {
            file: certificate.to_owned(),
            reason,
        };
        let chain: Vec<_> = CertificateDer::pem_file_iter(certificate)
            .and_then(Iterator::collect::<Result<_, _>>)
            .map_err(|error| unusable(error.to_string()))?;
        let first = chain.first().ok_or_else(|| unusable("it holds none".to_owned()))?;
        let (not_before, not_after) = validity(first).map_err(unusable)?;

        let private_key = PrivateKey::read(key, pass_phrase)?;
        let signer = any_supported_type(private_key.der()).map_err(|_| CertificateError::Key {
            file: key.to_owned(),
            reason: "TLS does not sign with a key of its kind; make one with RSA of 2048 bits or more, or with the curve P-256 \
                     or P-384"
                .to_owned(),
        })?;
        let pair = CertifiedKey::new(chain, signer);
        pair.keys_match().map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => CertificateError::Mismatch {
                certificate: certificate.to_owned(),
                key: key.to_owned(),
            },
            error => unusable(error.to_string()),
        })?;
        Ok(ClientCertificate {
            file: certificate.to_owned(),
            pair: Arc::new(pair),
            not_before,
            not_after,
        })
    }

    /// What is wrong with its dates at `now`, in a sentence. The services will refuse it; or this machine's clock is wrong.
    pub fn concern(&self, now: DateTime<Utc>) -> Option<String> {
        let file = self.file.display();
        if now > self.not_after {
            let end = self.not_after;
            Some(format!(
                "the certificate in {file} has expired on {end}; get the device another"
            ))
        } else if now < self.not_before {
            let begin = self.not_before;
            Some(format!(
                "the certificate in {file} is not valid before {begin}; look at this machine's clock"
            ))
        } else {
            None
        }
    }

    /// Gives it to whoever asks for a client's certificate.
    pub(super) fn resolver(&self) -> Arc<SingleCertAndKey> {
        Arc::new(SingleCertAndKey::from(Arc::clone(&self.pair)))
    }
}

/// From when until when.
fn validity(certificate: &CertificateDer<'_>) -> Result<(DateTime<Utc>, DateTime<Utc>), String> {
    let (_, parsed) = X509Certificate::from_der(certificate).map_err(|error| error.to_string())?;
    let validity = parsed.validity();
    let time = |seconds| DateTime::from_timestamp(seconds, 0).ok_or_else(|| "its dates are beyond all time".to_owned());
    Ok((
        time(validity.not_before.timestamp())?,
        time(validity.not_after.timestamp())?,
    ))
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificate")
            .field("file", &self.file)
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "client_certificate_tests.rs"]
mod tests;
