//! What devices prove themselves with, and whether one does.

use chrono::Utc;
use rustls::pki_types::{CertificateDer, pem::PemObject};
use setpoint_protocol::Key;

use super::{
    super::{CertificateError, ClientCertificate, Credentials, DeviceKeys, Thumbprint, Thumbprints, TrustedAuthority},
    Applicant, CertificateInfo, DpsError, Known, Terms, canonical,
};

/// What an enrolment expects its devices to prove themselves with.
#[derive(Debug, Clone, PartialEq)]
pub enum Attestation {
    /// Symmetric keys, primary and secondary. A device's own; or, for a group, those its devices' keys are made from: the HMAC of the
    /// registration id with one of them. Secret.
    Keys(DeviceKeys),
    /// X.509, for one device: it presents one of these certificates.
    Certificates {
        /// The first.
        primary: EnrolledCertificate,
        /// The one it is being replaced by, if any.
        secondary: Option<EnrolledCertificate>,
    },
    /// X.509, for a group: a certificate that one of these signed, root or intermediate, with the registration id as its common name.
    Authorities {
        /// The first.
        primary: TrustedAuthority,
        /// The one it is being replaced by, if any.
        secondary: Option<TrustedAuthority>,
    },
}

/// A certificate that a device may present.
#[derive(Debug, Clone, PartialEq)]
pub struct EnrolledCertificate {
    /// Which it is.
    pub thumbprint: Thumbprint,
    /// What it says; none when no more than the thumbprint was given.
    pub info: Option<Box<CertificateInfo>>,
}

impl EnrolledCertificate {
    /// The first certificate in a PEM text.
    ///
    /// # Errors
    ///
    /// [`CertificateError`] when there is none, or it cannot be read.
    pub fn from_pem(pem: &str) -> Result<EnrolledCertificate, CertificateError> {
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| CertificateError::Pem)?;
        EnrolledCertificate::from_der(&der).ok_or(CertificateError::Pem)
    }

    /// A certificate in DER form; none when it is not one.
    pub(super) fn from_der(der: &[u8]) -> Option<EnrolledCertificate> {
        let info = CertificateInfo::of(der)?;
        Some(EnrolledCertificate {
            thumbprint: Thumbprint::of(der),
            info: Some(Box::new(info)),
        })
    }
}

impl From<Thumbprint> for EnrolledCertificate {
    fn from(thumbprint: Thumbprint) -> EnrolledCertificate {
        EnrolledCertificate { thumbprint, info: None }
    }
}

impl From<DeviceKeys> for Attestation {
    fn from(keys: DeviceKeys) -> Attestation {
        Attestation::Keys(keys)
    }
}

impl From<Thumbprints> for Attestation {
    fn from(thumbprints: Thumbprints) -> Attestation {
        Attestation::Certificates {
            primary: thumbprints.primary.into(),
            secondary: thumbprints.secondary.map(EnrolledCertificate::from),
        }
    }
}

impl From<Thumbprint> for Attestation {
    fn from(thumbprint: Thumbprint) -> Attestation {
        Thumbprints::from(thumbprint).into()
    }
}

impl From<TrustedAuthority> for Attestation {
    fn from(primary: TrustedAuthority) -> Attestation {
        Attestation::Authorities {
            primary,
            secondary: None,
        }
    }
}

/// Who an applicant turned out to be.
pub(super) struct Verdict<'a> {
    pub(super) terms: &'a Terms,
    /// Its id in the hub.
    pub(super) device_id: String,
    /// What it is to prove itself with to the hub.
    pub(super) credentials: Credentials,
    /// The group it belongs to, if it is not enrolled by itself.
    pub(super) group: Option<&'a str>,
}

impl Known {
    /// Checks the applicant against the individual enrolment, when there is one, else against every group.
    pub(super) fn judge(&self, applicant: &Applicant) -> Result<Verdict<'_>, DpsError> {
        const UNAUTHORIZED: DpsError = DpsError::Unauthorized("Unauthorized");
        let id = canonical(&applicant.registration_id);
        if let Some(stored) = self.individual.get(&id) {
            let enrollment = &stored.entry;
            let credentials = match &enrollment.attestation {
                Attestation::Keys(keys) => applicant.holds(keys).then(|| keys.clone().into()),
                Attestation::Certificates { primary, secondary } => {
                    let thumbprints = Thumbprints {
                        primary: primary.thumbprint,
                        secondary: secondary.as_ref().map(|certificate| certificate.thumbprint),
                    };
                    let presented = applicant.proof().map(ClientCertificate::thumbprint);
                    presented
                        .filter(|presented| thumbprints.contain(*presented))
                        .map(|_| thumbprints.into())
                }
                Attestation::Authorities { .. } => None,
            };
            return Ok(Verdict {
                terms: &enrollment.terms,
                device_id: enrollment.device_id.clone().unwrap_or(id),
                credentials: credentials.ok_or(UNAUTHORIZED)?,
                group: None,
            });
        }
        if self.groups.is_empty() {
            return Err(DpsError::NotEnrolled("The device is not enrolled.".to_owned()));
        }
        let belongs = |group: &super::Group| applicant.credentials_in(&group.attestation, &id);
        let found = self
            .groups
            .values()
            .find_map(|stored| belongs(&stored.entry).map(|credentials| (&stored.entry, credentials)));
        let (group, credentials) = found.ok_or(UNAUTHORIZED)?;
        Ok(Verdict {
            terms: &group.terms,
            device_id: id,
            credentials,
            group: Some(&group.group_id),
        })
    }
}

impl Applicant {
    /// The credentials it has as a member of a group, when it proves to be one; `id` is its registration id in lower case.
    fn credentials_in(&self, attestation: &Attestation, id: &str) -> Option<Credentials> {
        match attestation {
            // The id is the same in any case, but keys derived from two spellings are not: both count.
            Attestation::Keys(keys) => [self.registration_id.as_str(), id]
                .into_iter()
                .map(|spelling| keys.each_ref().map(|key| key.derive(spelling)))
                .find(|keys| self.holds(keys))
                .map(Credentials::Keys),
            Attestation::Authorities { primary, secondary } => self
                .proof()
                .filter(|certificate| {
                    let name = certificate.common_name();
                    name.is_some_and(|name| name.eq_ignore_ascii_case(id))
                        && [Some(primary), secondary.as_ref()]
                            .into_iter()
                            .flatten()
                            .any(|authority| authority.signed(certificate))
                })
                .map(|certificate| certificate.thumbprint().into()),
            Attestation::Certificates { .. } => None,
        }
    }

    /// The certificate it proves itself with; none when it came with a token.
    fn proof(&self) -> Option<&ClientCertificate> {
        self.certificate.as_ref().filter(|_| self.token.is_none())
    }

    fn holds(&self, keys: &[Key]) -> bool {
        let Some(token) = &self.token else { return false };
        let now = u64::try_from(Utc::now().timestamp()).unwrap_or(0);
        let resource = format!("{}/registrations/{}", self.id_scope, self.registration_id);
        token.resource().eq_ignore_ascii_case(&resource) && keys.iter().any(|key| token.verify(key, now).is_ok())
    }
}
