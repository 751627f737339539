use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use setpoint_protocol::Key;

use super::{
    super::{Allocation, Reprovisioning, Terms},
    *,
};

fn read(value: Value) -> Result<Enrollment, DpsError> {
    let linked = Linked::default();
    let source = Source::Service {
        before: None,
        linked: &linked,
    };
    read_enrollment(&value, "dev-1", &source)
}

#[track_caller]
fn refused(value: Value) -> String {
    let error = read(value).unwrap_err();
    assert_eq!(error.code(), 400_004);
    error.to_string()
}

fn stored(enrollment: Enrollment) -> Stored<Enrollment> {
    let now = Utc::now();
    Stored {
        entry: enrollment,
        etag: "tag".to_owned(),
        created: now,
        updated: now,
    }
}

fn certificate(authority: bool) -> rcgen::Certificate {
    let mut params = CertificateParams::default();
    if authority {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
    params.self_signed(&KeyPair::generate().unwrap()).unwrap()
}

#[test]
fn everything_is_read_and_shown_again() {
    let value = json!({
        "registrationId": "Dev-1", "deviceId": "Shed", "provisioningStatus": "disabled",
        "attestation": {"type": "symmetricKey", "symmetricKey": {"primaryKey": "AAAAAAAAAAAAAAAAAAAAAA==", "secondaryKey": "AAAAAAAAAAAAAAAAAAAAAQ=="}},
        "allocationPolicy": "geoLatency", "iotHubs": ["LOCALHOST"],
        "reprovisionPolicy": {"updateHubAssignment": true, "migrateDeviceData": false},
        "initialTwin": {"tags": {"site": "a", "$version": 7}, "properties": {"desired": {"targetTemperature": 20}}},
        "capabilities": {"iotEdge": true}, "optionalDeviceInformation": {"colour": "red"}, "payload": {"a": 1},
        "registrationState": {"status": "assigned"}, "tpm": null,
    });
    let enrollment = read(value.clone()).unwrap();
    assert_eq!(enrollment.terms.reprovisioning, Some(Reprovisioning::RESET));
    assert_eq!(enrollment.terms.allocation, Some(Allocation::GeoLatency));
    let stored = stored(enrollment.clone());
    let shown = show_enrollment(&stored, Shown::Keys);
    for member in [
        "registrationId",
        "deviceId",
        "provisioningStatus",
        "attestation",
        "allocationPolicy",
        "iotHubs",
        "reprovisionPolicy",
        "capabilities",
        "optionalDeviceInformation",
        "payload",
    ] {
        assert_eq!(shown[member], value[member], "{member}");
    }
    assert_eq!(shown["initialTwin"]["tags"], json!({"site": "a"}));
    let public = show_enrollment(&stored, Shown::Public);
    assert_eq!(public["attestation"], json!({"type": "symmetricKey"}));
    let whole = show_enrollment(&stored, Shown::Whole);
    let kept = restored(&whole, read_enrollment(&whole, "dev-1", &Source::Kept).unwrap()).unwrap();
    assert_eq!(kept, stored);
}

#[test]
fn little_is_enough() {
    let enrollment = read(json!({"attestation": {"type": "symmetricKey"}})).unwrap();
    assert_eq!(
        (enrollment.registration_id.as_str(), &enrollment.terms),
        ("dev-1", &Terms::default())
    );
    let Attestation::Keys([primary, secondary]) = &enrollment.attestation else {
        panic!("no keys")
    };
    assert_ne!(primary, secondary);
    assert_eq!(primary.to_base64().len(), 88, "64 bytes");
}

#[test]
fn keys_that_are_left_out_stay() {
    let keys = [1, 2].map(|byte| Key::from_bytes(vec![byte; 32]));
    let (linked, before) = (Linked::default(), Attestation::Keys(keys));
    let source = Source::Service {
        before: Some(&before),
        linked: &linked,
    };
    for empty in [
        json!({"type": "symmetricKey"}),
        json!({"type": "symmetricKey", "symmetricKey": {"primaryKey": "", "secondaryKey": null}}),
    ] {
        let read = read_enrollment(&json!({"attestation": empty}), "dev-1", &source).unwrap();
        assert_eq!(read.attestation, before);
    }
}

#[test]
fn what_cannot_be_is_refused_with_a_reason() {
    let with = |name: &str, value: Value| {
        let mut json = json!({"attestation": {"type": "symmetricKey"}});
        json[name] = value;
        json
    };
    for (value, reason) in [
        (json!({}), "no attestation"),
        (
            with("attestation", json!({"type": "tpm", "tpm": {"endorsementKey": "A"}})),
            "no TPM attestation",
        ),
        (with("attestation", json!({"type": "none"})), "symmetricKey or x509"),
        (with("attestation", json!({"type": "x509"})), "has no x509"),
        (
            with("attestation", json!({"type": "x509", "x509": {}})),
            "no clientCertificates",
        ),
        (
            with(
                "attestation",
                json!({"type": "symmetricKey", "symmetricKey": {"primaryKey": "AAAA"}}),
            ),
            "one key",
        ),
        (with("registrationId", json!("dev-2")), "not the one in the path"),
        (with("deviceId", json!("a/b")), "not a device id"),
        (with("provisioningStatus", json!("asleep")), "enabled or disabled"),
        (with("allocationPolicy", json!("custom")), "calls a function in Azure"),
        (
            with("customAllocationDefinition", json!({"webhookUrl": "https://a"})),
            "does not have",
        ),
        (with("allocationPolicy", json!("static")), "needs one hub"),
        (
            with("iotHubs", json!(["elsewhere.azure-devices.net"])),
            "\"elsewhere.azure-devices.net\" is no hub",
        ),
        (with("iotHubHostName", json!("elsewhere")), "\"elsewhere\" is no hub"),
        (with("initialTwin", json!({"tags": {"a.b": 1}})), "initialTwin: "),
        (with("initialTwin", json!([])), "expected"),
    ] {
        let said = refused(value);
        assert!(said.contains(reason), "{said}");
    }
    let keys = json!({"primaryKey": "c2VjcmV0", "secondaryKey": "c2VjcmV0"});
    let said = refused(with(
        "attestation",
        json!({"type": "symmetricKey", "symmetricKey": keys}),
    ));
    assert!(said.contains("6 bytes") && !said.contains("c2VjcmV0"), "{said}");
    let said = refused(with(
        "attestation",
        json!({"type": "symmetricKey", "symmetricKey": "c2VjcmV0"}),
    ));
    assert!(!said.contains("c2VjcmV0"), "{said}");
}

#[test]
fn a_certificate_comes_in_any_form_and_is_shown_described() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let certificate = certificate(false);
    let (pem, other) = (certificate.pem(), self::certificate(false).pem());
    for text in [pem.clone(), STANDARD.encode(&pem), STANDARD.encode(certificate.der())] {
        let x509 =
            json!({"clientCertificates": {"primary": {"certificate": text}, "secondary": {"certificate": other}}});
        let enrollment = read(json!({"attestation": {"type": "x509", "x509": x509}})).unwrap();
        let shown = show_enrollment(&stored(enrollment.clone()), Shown::Public);
        let info = &shown["attestation"]["x509"]["clientCertificates"]["primary"]["info"];
        let Attestation::Certificates { primary, .. } = &enrollment.attestation else {
            panic!("no certificates")
        };
        assert_eq!(info["sha256Thumbprint"], primary.thumbprint.to_string());
        // What was shown is what stays.
        let linked = Linked::default();
        let source = Source::Service {
            before: Some(&enrollment.attestation),
            linked: &linked,
        };
        let again = read_enrollment(&shown, "dev-1", &source).unwrap();
        assert_eq!(again.attestation, enrollment.attestation);
        assert!(refused(shown).contains("the primary certificate is none"));
        let whole = show_enrollment(&stored(enrollment.clone()), Shown::Whole);
        assert_eq!(read_enrollment(&whole, "dev-1", &Source::Kept).unwrap(), enrollment);
    }
    for text in ["-----BEGIN CERTIFICATE-----", "AAAA", "?"] {
        let x509 = json!({"clientCertificates": {"primary": {"certificate": text}}});
        assert!(
            refused(json!({"attestation": {"type": "x509", "x509": x509}})).contains("primary certificate is none")
        );
    }
}

#[test]
fn a_group_has_signing_certificates() {
    let linked = Linked::default();
    let source = Source::Service {
        before: None,
        linked: &linked,
    };
    let group = |x509: Value| read_group(&json!({"attestation": {"type": "x509", "x509": x509}}), "g", &source);
    let authority = certificate(true);
    let group_of = group(json!({"signingCertificates": {"primary": {"certificate": authority.pem()}}})).unwrap();
    let now = Utc::now();
    let stored = Stored {
        entry: group_of,
        etag: "tag".to_owned(),
        created: now,
        updated: now,
    };
    let public = show_group(&stored, Shown::Public);
    let shown = &public["attestation"]["x509"]["signingCertificates"]["primary"];
    assert_eq!(
        (shown["info"]["version"].as_u64(), shown.get("certificate")),
        (Some(3), None)
    );
    let whole = show_group(&stored, Shown::Whole);
    assert_eq!(
        restored(&whole, read_group(&whole, "g", &Source::Kept).unwrap()).unwrap(),
        stored
    );
    for (x509, reason) in [
        (json!({}), "no signingCertificates"),
        (json!({"caReferences": {"primary": "mine"}}), "caReferences"),
        (
            json!({"signingCertificates": {"primary": {"certificate": "AAAA"}}}),
            "primary: ",
        ),
        (json!({"signingCertificates": {}}), "no primary certificate"),
    ] {
        let said = group(x509).unwrap_err().to_string();
        assert!(said.contains(reason), "{said}");
    }
}
