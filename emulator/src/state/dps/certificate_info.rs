//! What DPS says of a certificate.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use x509_parser::prelude::{FromDer, X509Certificate};

/// A certificate, described; `X509CertificateInfo` of the service API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateInfo {
    /// Whose it is: `CN=dev-1`.
    pub subject_name: String,
    /// 40 hexadecimal digits.
    pub sha1_thumbprint: String,
    /// 64 hexadecimal digits.
    pub sha256_thumbprint: String,
    /// Who signed it.
    pub issuer_name: String,
    /// From when on it is valid; RFC 3339, UTC.
    pub not_before_utc: String,
    /// Until when.
    pub not_after_utc: String,
    /// In hexadecimal digits.
    pub serial_number: String,
    /// 3 for those with extensions.
    pub version: u32,
}

impl CertificateInfo {
    /// Of a certificate in DER form; none when it is not one.
    pub fn of(der: &[u8]) -> Option<CertificateInfo> {
        let (rest, certificate) = X509Certificate::from_der(der).ok()?;
        if !rest.is_empty() {
            return None;
        }
        let validity = certificate.validity();
        Some(CertificateInfo {
            subject_name: certificate.subject().to_string(),
            sha1_thumbprint: hexadecimal(&Sha1::digest(der)),
            sha256_thumbprint: hexadecimal(&Sha256::digest(der)),
            issuer_name: certificate.issuer().to_string(),
            not_before_utc: time(validity.not_before.timestamp())?,
            not_after_utc: time(validity.not_after.timestamp())?,
            serial_number: hexadecimal(certificate.raw_serial()),
            version: certificate.version().0.saturating_add(1),
        })
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// Of Unix seconds.
fn time(seconds: i64) -> Option<String> {
    let time: DateTime<Utc> = DateTime::from_timestamp(seconds, 0)?;
    Some(time.to_rfc3339_opts(SecondsFormat::Secs, true))
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};

    use super::*;

    #[test]
    fn a_certificate_is_described() {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "dev-1");
        params.distinguished_name.push(DnType::OrganizationName, "Contoso");
        params.serial_number = Some(vec![0x0A, 0xFF].into());
        params.not_before = date_time_ymd(2024, 2, 29);
        params.not_after = date_time_ymd(2034, 1, 1);
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let info = CertificateInfo::of(certificate.der()).unwrap();
        assert_eq!(info.subject_name, "CN=dev-1, O=Contoso");
        assert_eq!(info.issuer_name, info.subject_name);
        assert_eq!((info.serial_number.as_str(), info.version), ("0AFF", 3));
        assert_eq!(info.not_before_utc, "2024-02-29T00:00:00Z");
        assert_eq!(info.not_after_utc, "2034-01-01T00:00:00Z");
        assert_eq!((info.sha1_thumbprint.len(), info.sha256_thumbprint.len()), (40, 64));
        assert_eq!(CertificateInfo::of(b"no certificate"), None);
        assert_eq!(CertificateInfo::of(&[certificate.der(), &[0][..]].concat()), None);
    }
}
