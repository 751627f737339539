//! What a device proves itself with.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::client::Resumption;
use setpoint_protocol::key::Key;

use super::{ClientCertificate, Trust};

/// What a device proves itself with, to DPS as to its hub. `Debug` shows no secret.
#[derive(Debug, Clone)]
pub enum Credential {
    /// The device's own symmetric key: for a group enrolment, the one derived for it. It signs tokens.
    Key(Key),
    /// A certificate, which the TLS handshake shows; no token is needed then.
    Certificate(ClientCertificate),
}

impl Credential {
    /// The TLS settings of whoever believes `trust` and is this.
    pub(super) fn tls(&self, trust: &Trust) -> Arc<ClientConfig> {
        match self {
            Credential::Key(_) => trust.config(),
            Credential::Certificate(certificate) => {
                let mut config = ClientConfig::clone(&trust.config());
                config.client_auth_cert_resolver = certificate.resolver();
                // Not shared: a session that began without a certificate must not be taken up as if it had one.
                config.resumption = Resumption::default();
                Arc::new(config)
            }
        }
    }
}
