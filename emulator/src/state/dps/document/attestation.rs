//! The part of an enrolment that says what devices prove themselves with.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use setpoint_protocol::Key;

use super::{
    super::{
        super::{DeviceKeys, HubError, TrustedAuthority},
        Attestation, CertificateInfo, DpsError, EnrolledCertificate,
    },
    Shown, Source,
};

/// Length of a key DPS makes, in bytes, as the real one's.
const KEY_BYTES: usize = 64;

/// Lengths of keys it takes, in bytes (Microsoft: "Symmetric key attestation").
const KEY_LENGTHS: std::ops::RangeInclusive<usize> = 16..=64;

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Individual,
    Group,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Written {
    #[serde(rename = "type")]
    kind: Option<String>,
    symmetric_key: Option<SymmetricKey>,
    x509: Option<X509>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SymmetricKey {
    primary_key: Option<String>,
    secondary_key: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct X509 {
    client_certificates: Option<Pair>,
    signing_certificates: Option<Pair>,
    ca_references: Option<Value>,
}

#[derive(Deserialize)]
struct Pair {
    primary: Option<Certificate>,
    secondary: Option<Certificate>,
}

#[derive(Deserialize)]
struct Certificate {
    certificate: Option<String>,
    info: Option<Info>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Info {
    sha256_thumbprint: Option<String>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

fn invalid<T>(reason: &str) -> Result<T, DpsError> {
    Err(DpsError::Invalid(reason.to_owned()))
}

pub(super) fn read(written: Option<Written>, kind: Kind, source: &Source<'_>) -> Result<Attestation, DpsError> {
    let Some(written) = written else {
        return invalid("the enrollment has no attestation");
    };
    let before = match source {
        Source::Service { before, .. } => *before,
        Source::Kept => None,
    };
    match written.kind.as_deref() {
        Some("symmetricKey") => keys(written.symmetric_key, before).map(Attestation::Keys),
        Some("x509") => {
            let Some(x509) = written.x509 else {
                return invalid("attestation of type x509 has no x509");
            };
            match kind {
                Kind::Individual => x509.certificates(before, source),
                Kind::Group => x509.authorities(before),
            }
        }
        Some("tpm") => invalid("the emulator has no TPM attestation: enroll with symmetricKey or x509"),
        Some(_) => invalid("attestation.type is symmetricKey or x509"),
        None => invalid("attestation has no type: symmetricKey or x509"),
    }
}

/// The keys given; those there were, or fresh ones, when none are.
fn keys(written: Option<SymmetricKey>, before: Option<&Attestation>) -> Result<DeviceKeys, DpsError> {
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let (primary, secondary) = written.map_or((None, None), |keys| {
        (given(keys.primary_key), given(keys.secondary_key))
    });
    match (primary, secondary, before) {
        (None, None, Some(Attestation::Keys(keys))) => Ok(keys.clone()),
        (None, None, _) => Ok(make_keys()?),
        (Some(primary), Some(secondary), _) => Ok([key("primaryKey", &primary)?, key("secondaryKey", &secondary)?]),
        _ => invalid("symmetricKey has one key: give both, or neither to have them made"),
    }
}

fn key(name: &str, text: &str) -> Result<Key, DpsError> {
    let key = Key::from_base64(text).map_err(|error| DpsError::Invalid(format!("{name}: {error}")))?;
    let text = key.to_base64();
    let length = text.len() / 4 * 3 - text.bytes().filter(|byte| *byte == b'=').count();
    if KEY_LENGTHS.contains(&length) {
        Ok(key)
    } else {
        Err(DpsError::Invalid(format!(
            "{name} has {length} bytes: keys have from 16 to 64"
        )))
    }
}

fn make_keys() -> Result<DeviceKeys, HubError> {
    let random = rustls::crypto::ring::default_provider().secure_random;
    let make = || {
        let mut bytes = vec![0; KEY_BYTES];
        random.fill(&mut bytes).map_err(|_| HubError::NoRandomness)?;
        Ok::<_, HubError>(Key::from_bytes(bytes))
    };
    Ok([make()?, make()?])
}

impl X509 {
    fn certificates(self, before: Option<&Attestation>, source: &Source<'_>) -> Result<Attestation, DpsError> {
        let known = match before {
            Some(Attestation::Certificates { primary, secondary }) => vec![Some(primary), secondary.as_ref()],
            _ => Vec::new(),
        };
        let read = |place: &str, written: Certificate| -> Result<Option<EnrolledCertificate>, DpsError> {
            if let Some(der) = written.der(place)? {
                let read = EnrolledCertificate::from_der(&der);
                return read.map(Some).ok_or_else(|| no_certificate(place));
            }
            let Some(thumbprint) = written.thumbprint() else {
                return Ok(None);
            };
            let same = known.iter().flatten().find(|known| known.thumbprint == thumbprint);
            match (same, source) {
                (Some(known), _) => Ok(Some((*known).clone())),
                (None, Source::Kept) => Ok(Some(EnrolledCertificate {
                    thumbprint,
                    info: written.info().map(Box::new),
                })),
                (None, Source::Service { .. }) => Err(no_certificate(place)),
            }
        };
        let Some(pair) = self.client_certificates else {
            return invalid("x509 of an individual enrollment has no clientCertificates");
        };
        let primary = pair
            .primary
            .map(|written| read("primary", written))
            .transpose()?
            .flatten();
        let secondary = pair
            .secondary
            .map(|written| read("secondary", written))
            .transpose()?
            .flatten();
        let Some(primary) = primary else {
            return invalid("clientCertificates has no primary certificate");
        };
        Ok(Attestation::Certificates { primary, secondary })
    }

    fn authorities(self, before: Option<&Attestation>) -> Result<Attestation, DpsError> {
        let known = match before {
            Some(Attestation::Authorities { primary, secondary }) => vec![Some(primary), secondary.as_ref()],
            _ => Vec::new(),
        };
        let read = |place: &str, written: Certificate| -> Result<Option<TrustedAuthority>, DpsError> {
            if let Some(der) = written.der(place)? {
                let authority = TrustedAuthority::from_der(der);
                return authority
                    .map(Some)
                    .map_err(|error| DpsError::Invalid(format!("{place}: {error}")));
            }
            let Some(thumbprint) = written.thumbprint() else {
                return Ok(None);
            };
            let same = known.iter().flatten().find(|known| known.thumbprint() == thumbprint);
            same.map(|known| Some((*known).clone()))
                .ok_or_else(|| no_certificate(place))
        };
        let Some(pair) = self.signing_certificates else {
            return invalid(if self.ca_references.is_some_and(|references| !references.is_null()) {
                "the emulator keeps no CA certificates that caReferences could name: give them in signingCertificates"
            } else {
                "x509 of an enrollment group has no signingCertificates"
            });
        };
        let primary = pair
            .primary
            .map(|written| read("primary", written))
            .transpose()?
            .flatten();
        let secondary = pair
            .secondary
            .map(|written| read("secondary", written))
            .transpose()?
            .flatten();
        let Some(primary) = primary else {
            return invalid("signingCertificates has no primary certificate");
        };
        Ok(Attestation::Authorities { primary, secondary })
    }
}

fn no_certificate(place: &str) -> DpsError {
    DpsError::Invalid(format!(
        "the {place} certificate is none: give it in PEM form, or as the base64 of that or of its DER form"
    ))
}

impl Certificate {
    /// The certificate given, if one is. SDKs send PEM, the C SDK its base64, the portal that of DER.
    fn der(&self, place: &str) -> Result<Option<CertificateDer<'static>>, DpsError> {
        let Some(text) = self
            .certificate
            .as_deref()
            .map(str::trim)
            .filter(|text| !text.is_empty())
        else {
            return Ok(None);
        };
        let from_pem = |pem: &[u8]| CertificateDer::from_pem_slice(pem).map_err(|_| no_certificate(place));
        const BEGIN: &[u8] = b"-----BEGIN";
        if text.as_bytes().starts_with(BEGIN) {
            return from_pem(text.as_bytes()).map(Some);
        }
        let packed: String = text.split_whitespace().collect();
        let bytes = STANDARD.decode(packed).map_err(|_| no_certificate(place))?;
        if bytes.starts_with(BEGIN) {
            return from_pem(&bytes).map(Some);
        }
        Ok(Some(CertificateDer::from(bytes)))
    }

    fn thumbprint(&self) -> Option<super::super::super::Thumbprint> {
        self.info.as_ref()?.sha256_thumbprint.as_deref()?.parse().ok()
    }

    fn info(self) -> Option<CertificateInfo> {
        let Info {
            sha256_thumbprint,
            mut rest,
        } = self.info?;
        rest.insert("sha256Thumbprint".to_owned(), json!(sha256_thumbprint?));
        serde_json::from_value(Value::Object(rest)).ok()
    }
}

/// The attestation as JSON.
pub(in super::super) fn show(attestation: &Attestation, shown: Shown) -> Value {
    match attestation {
        Attestation::Keys(_) if shown == Shown::Public => json!({"type": "symmetricKey"}),
        Attestation::Keys([primary, secondary]) => {
            let keys = json!({"primaryKey": primary.to_base64(), "secondaryKey": secondary.to_base64()});
            json!({"type": "symmetricKey", "symmetricKey": keys})
        }
        Attestation::Certificates { primary, secondary } => {
            let show = |certificate: &EnrolledCertificate| {
                let thumbprint = || json!({"sha256Thumbprint": certificate.thumbprint.to_string()});
                json!({"info": certificate.info.as_ref().map_or_else(thumbprint, |info| json!(info))})
            };
            let pair = json!({"primary": show(primary), "secondary": secondary.as_ref().map(show)});
            json!({"type": "x509", "x509": {"clientCertificates": pair}})
        }
        Attestation::Authorities { primary, secondary } => {
            let show = |authority: &TrustedAuthority| {
                let info = json!(CertificateInfo::of(authority.der()));
                match shown {
                    Shown::Whole => json!({"info": info, "certificate": STANDARD.encode(authority.der())}),
                    Shown::Public | Shown::Keys => json!({ "info": info }),
                }
            };
            let pair = json!({"primary": show(primary), "secondary": secondary.as_ref().map(show)});
            json!({"type": "x509", "x509": {"signingCertificates": pair}})
        }
    }
}
