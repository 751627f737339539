//! The files beside this were made by OpenSSL 3.0 from one key, for nobody but these tests:
//!
//! ```text
//! openssl ecparam -name prime256v1 -genkey -noout -out sec1.key
//! openssl req -x509 -new -key sec1.key -subj /CN=my-pnp-device -days 36500 -out device.pem
//! openssl pkcs8 -topk8 -nocrypt -in sec1.key -out pkcs8.key
//! openssl pkcs8 -topk8 -v2 aes256 -in sec1.key -out aes256.key        with the pass phrase `open sesame`, as all that follow
//! openssl pkcs8 -topk8 -v2 des3 -v2prf hmacWithSHA1 -in sec1.key -out des3.key
//! openssl pkcs8 -topk8 -scrypt -in sec1.key -out scrypt.key
//! openssl pkcs8 -topk8 -v1 PBE-MD5-DES -provider legacy -provider default -in sec1.key -out pbes1.key
//! openssl ec -aes128 -in sec1.key -out legacy.key
//! openssl genrsa -traditional -out rsa.key 2048; openssl req -x509 -new -key rsa.key .. -out rsa.pem
//! openssl genpkey -algorithm X448 -out x448.key
//! ```

use super::*;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cloud/client_certificate_tests")
}

fn pass_phrase(text: &str) -> PassPhrase {
    PassPhrase::new(text.to_owned())
}

fn open(certificate: &str, key: &str, pass: Option<&str>) -> Result<ClientCertificate, CertificateError> {
    let folder = folder();
    let pass = pass.map(pass_phrase);
    ClientCertificate::open(&folder.join(certificate), &folder.join(key), pass.as_ref())
}

#[test]
fn every_form_of_key_is_read() {
    for key in ["sec1.key", "pkcs8.key"] {
        open("device.pem", key, None).unwrap();
        open("device.pem", key, Some("needless")).unwrap();
    }
    for key in ["aes256.key", "des3.key", "scrypt.key"] {
        open("device.pem", key, Some("open sesame")).unwrap();
    }
    open("rsa.pem", "rsa.key", None).unwrap();
}

#[test]
fn a_locked_key_needs_its_pass_phrase() {
    for key in ["aes256.key", "des3.key", "scrypt.key"] {
        let error = open("device.pem", key, None).unwrap_err();
        assert_eq!(
            error,
            CertificateError::NoPassPhrase {
                file: folder().join(key)
            }
        );
        for wrong in ["open", "open sesame ", ""] {
            let error = open("device.pem", key, Some(wrong)).unwrap_err().to_string();
            assert!(
                error.contains(key) && error.contains("PASS_PHRASE does not open it"),
                "{error}"
            );
        }
    }
}

/// As when what a wrong pass phrase gives happens to end like a padded text, which it does once in 256.
#[test]
fn no_wrong_pass_phrase_gives_anything_else() {
    for number in 0..600 {
        let error = open("device.pem", "aes256.key", Some(&number.to_string())).unwrap_err();
        assert!(
            error.to_string().contains("PASS_PHRASE does not open it"),
            "{number}: {error}"
        );
    }
}

#[test]
fn forms_that_are_not_read_are_named_with_what_to_do() {
    for key in ["legacy.key", "pbes1.key"] {
        let error = open("device.pem", key, Some("open sesame")).unwrap_err().to_string();
        assert!(
            error.contains(key) && error.contains("openssl pkcs8 -topk8 -v2 aes256"),
            "{error}"
        );
    }
    let error = open("device.pem", "x448.key", None).unwrap_err().to_string();
    assert!(error.contains("x448.key") && error.contains("P-256"), "{error}");
}

#[test]
fn a_key_of_another_certificate_is_a_mismatch() {
    let error = open("device.pem", "rsa.key", None).unwrap_err();
    assert!(matches!(error, CertificateError::Mismatch { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("device.pem") && text.contains("rsa.key"), "{text}");
}

#[test]
fn files_that_are_something_else_are_named() {
    let cases = [
        ("missing.pem", "sec1.key", "missing.pem"),
        ("device.pem", "missing.key", "missing.key"),
        ("sec1.key", "sec1.key", "sec1.key is no certificate"),
        ("device.pem", "device.pem", "device.pem gives no private key"),
    ];
    for (certificate, key, named) in cases {
        let error = open(certificate, key, None).unwrap_err().to_string();
        assert!(error.contains(named), "{certificate}, {key}: {error}");
    }
}

#[test]
fn files_that_were_cut_off_are_named() {
    let directory = tempfile::tempdir().unwrap();
    for (file, cut) in [("aes256.key", 100), ("sec1.key", 90), ("device.pem", 300)] {
        let whole = std::fs::read(folder().join(file)).unwrap();
        let damaged = directory.path().join(file);
        std::fs::write(&damaged, &whole[..cut]).unwrap();
        let (certificate, key) = match file {
            "device.pem" => (damaged, folder().join("sec1.key")),
            _ => (folder().join("device.pem"), damaged),
        };
        let error = ClientCertificate::open(&certificate, &key, Some(&pass_phrase("open sesame")));
        let error = error.unwrap_err().to_string();
        assert!(error.contains(file), "{error}");
    }
}

#[test]
fn dates_are_looked_at() {
    let directory = tempfile::tempdir().unwrap();
    let (certificate, key) = (directory.path().join("device.pem"), directory.path().join("device.key"));
    let pair = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.not_before = date_time_ymd(2024, 1, 1);
    params.not_after = date_time_ymd(2025, 1, 1);
    std::fs::write(&certificate, params.self_signed(&pair).unwrap().pem()).unwrap();
    std::fs::write(&key, pair.serialize_pem()).unwrap();
    let opened = ClientCertificate::open(&certificate, &key, None).unwrap();
    let concern = |day: &str| opened.concern(format!("{day}T00:00:00Z").parse().unwrap());
    assert_eq!(concern("2024-06-01"), None);
    let expired = concern("2025-06-01").unwrap();
    assert!(
        expired.contains("device.pem") && expired.contains("expired on 2025-01-01"),
        "{expired}"
    );
    let early = concern("2023-06-01").unwrap();
    assert!(early.contains("not valid before 2024-01-01"), "{early}");
}

#[test]
fn nothing_shows_a_secret() {
    assert_eq!(format!("{:?}", pass_phrase("open sesame")), "PassPhrase(..)");
    let opened = open("device.pem", "aes256.key", Some("open sesame")).unwrap();
    let shown = format!("{opened:?}");
    assert!(shown.contains("device.pem") && !shown.contains("key"), "{shown}");
    let error = format!(
        "{:?}",
        open("device.pem", "aes256.key", Some("abracadabra")).unwrap_err()
    );
    assert!(!error.contains("abracadabra"), "{error}");
}
