//! What a device proves itself with and how it gets to its cloud, as far as the command line can be wrong about it.

use crate::program::Environment;

const SECRET: &str = "open sesame";

const DPS: [(&str, &str); 4] = [
    ("SECURITY_TYPE", "DPS"),
    ("DPS_ENDPOINT", "localhost:1"),
    ("DPS_ID_SCOPE", "0ne"),
    ("DPS_DEVICE_ID", "device"),
];

/// Made by OpenSSL for tests alone; the private key is encrypted with `SECRET`.
const CERTIFICATE: &str = include_str!("../../src/cloud/client_certificate_tests/device.pem");
const LOCKED_KEY: &str = include_str!("../../src/cloud/client_certificate_tests/aes256.key");
const OTHER_KEY: &str = include_str!("../../src/cloud/client_certificate_tests/rsa.key");
const LEGACY_KEY: &str = include_str!("../../src/cloud/client_certificate_tests/legacy.key");

/// Runs the device and expects this exit code and all of these parts in its one line.
fn refused(environment: &Environment, arguments: &[&str], code: i32, parts: &[&str]) {
    let ended = environment.run(&[&["run"], arguments].concat());
    assert_eq!(ended.code, Some(code), "{arguments:?}: {}", ended.stderr);
    for part in parts {
        assert!(ended.error().contains(part), "{part:?} is not in {:?}", ended.error());
    }
    assert!(!ended.stderr.contains(SECRET), "{}", ended.stderr);
}

/// A device with a certificate, and this private key.
fn with_certificate(key: &str) -> Environment {
    let environment = Environment::new();
    environment.write("device.pem", CERTIFICATE.as_bytes());
    environment.write("device.key", key.as_bytes());
    environment
        .device(&DPS)
        .set("X509_CERT_FILE", "device.pem")
        .set("X509_KEY_FILE", "device.key")
}

#[test]
fn a_certificate_that_cannot_be_used_is_a_mistake_of_configuration() {
    let environment = with_certificate(LOCKED_KEY);
    refused(
        &environment,
        &[],
        2,
        &["device.key is encrypted and PASS_PHRASE is not set"],
    );
    let environment = environment.set("PASS_PHRASE", "open");
    refused(&environment, &[], 2, &["device.key", "PASS_PHRASE does not open it"]);
    let environment = with_certificate(OTHER_KEY);
    refused(
        &environment,
        &[],
        2,
        &["device.key is not that of the certificate in device.pem"],
    );
    let environment = with_certificate(LEGACY_KEY).set("PASS_PHRASE", SECRET);
    refused(
        &environment,
        &[],
        2,
        &["openssl pkcs8 -topk8 -v2 aes256 -in device.key"],
    );
    let environment = with_certificate(OTHER_KEY).set("X509_CERT_FILE", "gone.pem");
    refused(&environment, &[], 2, &["gone.pem is no certificate"]);
    let environment = with_certificate(OTHER_KEY).device(&[("DPS_DEVICE_KEY", "a2V5")]);
    refused(
        &environment,
        &[],
        2,
        &["IOTHUB_DEVICE_DPS_DEVICE_KEY", "X509_CERT_FILE", "one or the other"],
    );
}

#[test]
fn a_certificate_that_can_be_used_is_taken_along() {
    let environment = with_certificate(LOCKED_KEY).set("PASS_PHRASE", SECRET);
    refused(&environment, &[], 1, &["localhost:1 cannot be reached"]);
}
