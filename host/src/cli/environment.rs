//! Which cloud a device goes to, from the variables of Microsoft's samples: a user of the Python sample changes nothing.
//!
//! | variable | meaning |
//! | --- | --- |
//! | `IOTHUB_DEVICE_SECURITY_TYPE` | `DPS` or `connectionString`; unset, the device goes to the local Azure IoT |
//! | `IOTHUB_DEVICE_DPS_ENDPOINT` | the provisioning service, `global.azure-devices-provisioning.net` by default; it may carry a port |
//! | `IOTHUB_DEVICE_DPS_ID_SCOPE`, `.._DPS_DEVICE_ID`, `.._DPS_DEVICE_KEY` | the id scope, the registration id, the base64 device key |
//! | `IOTHUB_DEVICE_CONNECTION_STRING` | `HostName=..;DeviceId=..;SharedAccessKey=..`, or `HostName=..;DeviceId=..;x509=true` |
//! | `X509_CERT_FILE`, `X509_KEY_FILE`, `PASS_PHRASE` | in place of a key: the device's certificate, its private key, and what that is locked with |

use std::path::PathBuf;

use setpoint::cloud::{CertificateError, ClientCertificate, PassPhrase};
use setpoint_protocol::connection_string::DeviceConnectionString;
use setpoint_protocol::endpoint::Endpoint;
use setpoint_protocol::identifier::is_registration_id;
use setpoint_protocol::key::Key;

use super::Usage;

const SECURITY_TYPE: &str = "IOTHUB_DEVICE_SECURITY_TYPE";
const DPS_ENDPOINT: &str = "IOTHUB_DEVICE_DPS_ENDPOINT";
const DPS_ID_SCOPE: &str = "IOTHUB_DEVICE_DPS_ID_SCOPE";
const DPS_DEVICE_ID: &str = "IOTHUB_DEVICE_DPS_DEVICE_ID";
const DPS_DEVICE_KEY: &str = "IOTHUB_DEVICE_DPS_DEVICE_KEY";
const CONNECTION_STRING: &str = "IOTHUB_DEVICE_CONNECTION_STRING";
const CERTIFICATE: &str = "X509_CERT_FILE";
const CERTIFICATE_KEY: &str = "X509_KEY_FILE";
const PASS_PHRASE: &str = "PASS_PHRASE";

/// Azure's global provisioning endpoint, the same for every customer.
const GLOBAL_ENDPOINT: &str = "global.azure-devices-provisioning.net";

/// Where the environment sends a device.
#[derive(Debug)]
pub(crate) enum Cloud {
    /// Nowhere: to the local Azure IoT.
    Local,
    /// To the hub that this provisioning service assigns.
    Dps(Dps),
    /// To the hub named here.
    Hub(DeviceConnectionString, Proof),
}

/// Where the devices of an enrolment group register.
#[derive(Debug)]
pub(crate) struct GroupDps {
    pub(crate) endpoint: Endpoint,
    pub(crate) id_scope: String,
}

impl GroupDps {
    /// Reads the variables through `get`. None: the devices go to the local Azure IoT.
    pub(crate) fn from_environment(get: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, Usage> {
        let variables = Variables(get);
        match variables.get(SECURITY_TYPE) {
            None => Ok(None),
            Some(security_type) if security_type.eq_ignore_ascii_case("DPS") => variables.group().map(Some),
            Some(security_type) => Err(Usage(format!(
                "{SECURITY_TYPE} is {security_type:?}, and the devices of a fleet are provisioned; set it to DPS, or unset it for the \
                 local Azure IoT"
            ))),
        }
    }
}

/// How a device registers.
#[derive(Debug)]
pub(crate) struct Dps {
    pub(crate) endpoint: Endpoint,
    pub(crate) id_scope: String,
    pub(crate) registration_id: String,
    pub(crate) proof: Proof,
}

/// What a device proves itself with.
#[derive(Debug)]
pub(crate) enum Proof {
    Key(Key),
    Certificate(CertificateFiles),
}

/// Where a device's certificate is.
#[derive(Debug)]
pub(crate) struct CertificateFiles {
    certificate: PathBuf,
    key: PathBuf,
    pass_phrase: Option<PassPhrase>,
}

impl CertificateFiles {
    pub(crate) fn open(&self) -> Result<ClientCertificate, CertificateError> {
        ClientCertificate::open(&self.certificate, &self.key, self.pass_phrase.as_ref())
    }
}

/// The variables, one at a time. White space around a value is a slip of whoever set it.
struct Variables<G>(G);

impl<G: Fn(&str) -> Option<String>> Variables<G> {
    fn get(&self, name: &str) -> Option<String> {
        let value = (self.0)(name)?;
        Some(value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    fn need(&self, name: &str) -> Result<String, Usage> {
        self.get(name)
            .ok_or_else(|| Usage(format!("{name} is not set; {}", purpose(name))))
    }

    /// The files of a certificate, when one is named.
    fn certificate(&self) -> Result<Option<CertificateFiles>, Usage> {
        let Some(certificate) = self.get(CERTIFICATE) else {
            return Ok(None);
        };
        Ok(Some(CertificateFiles {
            certificate: certificate.into(),
            key: self.need(CERTIFICATE_KEY)?.into(),
            // As it is: white space may be part of it.
            pass_phrase: (self.0)(PASS_PHRASE)
                .filter(|text| !text.is_empty())
                .map(PassPhrase::new),
        }))
    }

    fn group(&self) -> Result<GroupDps, Usage> {
        let endpoint = self.get(DPS_ENDPOINT).unwrap_or_else(|| GLOBAL_ENDPOINT.to_owned());
        Ok(GroupDps {
            endpoint: endpoint
                .parse()
                .map_err(|_| malformed(DPS_ENDPOINT, "is not a host name"))?,
            id_scope: self.need(DPS_ID_SCOPE)?,
        })
    }

    fn dps(&self) -> Result<Dps, Usage> {
        let GroupDps { endpoint, id_scope } = self.group()?;
        let registration_id = self.need(DPS_DEVICE_ID)?;
        if !is_registration_id(&registration_id) {
            return Err(malformed(DPS_DEVICE_ID, "is not a registration id"));
        }
        let proof = match (self.certificate()?, self.get(DPS_DEVICE_KEY)) {
            (Some(_), Some(_)) => return Err(two_proofs(DPS_DEVICE_KEY)),
            (Some(certificate), None) => Proof::Certificate(certificate),
            (None, _) => {
                let key = self.need(DPS_DEVICE_KEY)?;
                Proof::Key(Key::from_base64(&key).map_err(|_| malformed(DPS_DEVICE_KEY, "is not base64"))?)
            }
        };
        Ok(Dps {
            endpoint,
            id_scope,
            registration_id,
            proof,
        })
    }

    fn hub(&self) -> Result<Cloud, Usage> {
        let text = self.need(CONNECTION_STRING)?;
        let parsed = text.parse::<DeviceConnectionString>();
        let string = parsed.map_err(|error| Usage(format!("{CONNECTION_STRING}: {error}")))?;
        let proof = match (&string.key, self.certificate()?) {
            (Some(_), Some(_)) => return Err(two_proofs(CONNECTION_STRING)),
            (Some(key), None) => Proof::Key(key.clone()),
            (None, Some(certificate)) => Proof::Certificate(certificate),
            (None, None) => {
                return Err(Usage(format!(
                    "{CONNECTION_STRING} says x509=true and {CERTIFICATE} is not set; {}",
                    purpose(CERTIFICATE)
                )));
            }
        };
        Ok(Cloud::Hub(string, proof))
    }
}

impl Cloud {
    /// Reads the variables through `get`.
    pub(crate) fn from_environment(get: impl Fn(&str) -> Option<String>) -> Result<Self, Usage> {
        let variables = Variables(get);
        let Some(security_type) = variables.get(SECURITY_TYPE) else {
            let stray = [DPS_ID_SCOPE, DPS_DEVICE_ID, DPS_DEVICE_KEY, CONNECTION_STRING];
            return match stray.into_iter().find(|name| variables.get(name).is_some()) {
                None => Ok(Self::Local),
                Some(name) => Err(Usage(format!(
                    "{name} is set, but {SECURITY_TYPE} is not; {}",
                    purpose(SECURITY_TYPE)
                ))),
            };
        };
        if security_type.eq_ignore_ascii_case("DPS") {
            return variables.dps().map(Self::Dps);
        }
        if security_type.eq_ignore_ascii_case("connectionString") {
            return variables.hub();
        }
        Err(Usage(format!(
            "{SECURITY_TYPE} is {security_type:?}; {}",
            purpose(SECURITY_TYPE)
        )))
    }
}

fn malformed(name: &str, why: &str) -> Usage {
    Usage(format!("{name} {why}; {}", purpose(name)))
}

/// A key stands in the variable `with_key`, and there is a certificate too.
fn two_proofs(with_key: &str) -> Usage {
    Usage(format!(
        "{with_key} gives a key and {CERTIFICATE} a certificate; a device proves itself with one or the other: unset one"
    ))
}

/// What to set a variable to.
fn purpose(name: &str) -> &'static str {
    match name {
        DPS_ENDPOINT => "set it to the provisioning service's host name, or unset it for Azure's own",
        DPS_ID_SCOPE => "set it to the provisioning service's id scope, such as 0ne00000000",
        DPS_DEVICE_ID => "set it to the registration id: up to 128 letters, digits and - . _ :",
        DPS_DEVICE_KEY => {
            "set it to the device's symmetric key, as the portal shows it, or X509_CERT_FILE and X509_KEY_FILE to a certificate"
        }
        CONNECTION_STRING => "set it to HostName=..;DeviceId=..;SharedAccessKey=..",
        CERTIFICATE => {
            "set it to the PEM file of the device's certificate, and X509_KEY_FILE to that of its private key"
        }
        CERTIFICATE_KEY => "set it to the PEM file of the private key of the certificate in X509_CERT_FILE",
        _ => "set it to DPS or connectionString, or unset all IOTHUB_DEVICE_ variables for the local Azure IoT",
    }
}

#[cfg(test)]
#[path = "environment_tests.rs"]
mod tests;
