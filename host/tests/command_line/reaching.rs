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
    // The password, however it is written.
    assert!(!ended.stderr.contains("sesame"), "{}", ended.stderr);
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

#[test]
fn a_proxy_that_is_none_is_a_mistake_and_shows_no_password() {
    let environment = Environment::new().device(&DPS).device(&[("DPS_DEVICE_KEY", "a2V5")]);
    let url = format!("socks5://user:{SECRET}@proxy:1");
    refused(
        &environment,
        &["--proxy", &url],
        2,
        &["--proxy names no proxy", "http://HOST:PORT"],
    );
    let environment = environment.set("HTTPS_PROXY", &url);
    refused(
        &environment,
        &[],
        2,
        &["HTTPS_PROXY names no proxy", "http://HOST:PORT"],
    );
}

#[test]
fn a_proxy_that_does_not_answer_is_named_without_the_password() {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let url = format!("http://user:{SECRET}@{address}").replace(' ', "%20");
    let said = format!("the proxy http://{address} does not answer");
    let variables = [("DPS_ENDPOINT", "dps.invalid"), ("DPS_DEVICE_KEY", "a2V5")];
    let environment = Environment::new().device(&DPS).device(&variables);
    refused(
        &environment,
        &["--proxy", &url],
        1,
        &["dps.invalid:8883 cannot be reached", &said],
    );
    refused(
        &environment,
        &["--proxy", &url, "--websockets"],
        1,
        &["dps.invalid:443 cannot be reached", &said],
    );
    let environment = environment.set("HTTPS_PROXY", &url).set("SETPOINT_WEBSOCKETS", "1");
    refused(&environment, &[], 1, &["dps.invalid:443 cannot be reached", &said]);
    // A name that never exists is looked up here only when it is reached without the proxy.
    let environment = environment.set("NO_PROXY", "invalid").set("SETPOINT_WEBSOCKETS", "0");
    refused(&environment, &[], 1, &["dps.invalid:8883 cannot be reached", "lookup"]);
}

#[test]
fn a_device_gets_to_the_embedded_hub_over_websockets() {
    let environment = Environment::new();
    for (environment, arguments) in [
        (&environment, &["run", "--websockets"][..]),
        (&Environment::new().set("SETPOINT_WEBSOCKETS", "1"), &["run"][..]),
    ] {
        let mut program = environment.start(arguments);
        program.until("Sent message");
        program.press("q\n");
        let (status, stderr) = program.wait();
        assert_eq!((status.code(), stderr.as_str()), (Some(0), ""));
    }
}
