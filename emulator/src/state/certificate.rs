//! Certificates that devices present, and authorities that groups trust.

use std::{fmt, sync::Arc};

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, UnixTime, pem::PemObject},
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::Thumbprint;

/// Why a text is not the certificate of an authority.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// No PEM, or none with a certificate.
    #[error("there is no certificate in it: give one in PEM form (-----BEGIN CERTIFICATE-----)")]
    Pem,
    /// A certificate that cannot be used to check others with.
    #[error("the certificate cannot be an authority: {0}")]
    Unusable(String),
}

/// What a client presented in the TLS handshake, where it has shown to have the key; that it may do anything is not said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    certificate: CertificateDer<'static>,
    intermediates: Vec<CertificateDer<'static>>,
}

impl ClientCertificate {
    /// From the chain that was presented, the client's own first; none from an empty one.
    pub fn from_chain(chain: &[CertificateDer<'_>]) -> Option<ClientCertificate> {
        let (certificate, intermediates) = chain.split_first()?;
        Some(ClientCertificate {
            certificate: certificate.clone().into_owned(),
            intermediates: intermediates.iter().map(|der| der.clone().into_owned()).collect(),
        })
    }

    /// Its thumbprint.
    pub fn thumbprint(&self) -> Thumbprint {
        Thumbprint::of(&self.certificate)
    }

    /// The common name of its subject, the last when there are several; none when there is none, or it is not text.
    pub fn common_name(&self) -> Option<String> {
        let (_, parsed) = X509Certificate::from_der(&self.certificate).ok()?;
        let name = parsed.subject().iter_common_name().last()?;
        name.as_str().ok().map(str::to_owned)
    }
}

/// A certificate authority that a group trusts.
#[derive(Clone)]
pub struct TrustedAuthority {
    certificate: CertificateDer<'static>,
    verifier: Arc<dyn ClientCertVerifier>,
}

impl TrustedAuthority {
    /// The first certificate in a PEM text.
    ///
    /// # Errors
    ///
    /// [`CertificateError`] when there is none, or it cannot be one of an authority.
    pub fn from_pem(pem: &str) -> Result<TrustedAuthority, CertificateError> {
        let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| CertificateError::Pem)?;
        TrustedAuthority::from_der(certificate)
    }

    /// A certificate in DER form.
    ///
    /// # Errors
    ///
    /// [`CertificateError::Unusable`] when it is not one, or not one of an authority.
    pub fn from_der(certificate: CertificateDer<'static>) -> Result<TrustedAuthority, CertificateError> {
        let unusable = |error: String| CertificateError::Unusable(error);
        let mut roots = RootCertStore::empty();
        roots
            .add(certificate.clone())
            .map_err(|error| unusable(error.to_string()))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(|error| unusable(error.to_string()))?;
        Ok(TrustedAuthority { certificate, verifier })
    }

    /// Its certificate in DER form.
    pub fn der(&self) -> &[u8] {
        &self.certificate
    }

    /// Its thumbprint.
    pub fn thumbprint(&self) -> Thumbprint {
        Thumbprint::of(&self.certificate)
    }

    /// Whether it signed this certificate, by itself or through intermediates presented with it, and the certificate is for
    /// clients and valid now.
    pub fn signed(&self, certificate: &ClientCertificate) -> bool {
        self.verifier
            .verify_client_cert(&certificate.certificate, &certificate.intermediates, UnixTime::now())
            .is_ok()
    }
}

impl PartialEq for TrustedAuthority {
    fn eq(&self, other: &TrustedAuthority) -> bool {
        self.certificate == other.certificate
    }
}

impl fmt::Debug for TrustedAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TrustedAuthority({})", Thumbprint::of(&self.certificate))
    }
}

#[cfg(test)]
#[path = "certificate_tests.rs"]
mod tests;
