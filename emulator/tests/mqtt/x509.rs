//! Devices that prove themselves with certificates.

use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};
use rustls::{
    SignatureScheme,
    client::ResolvesClientCert,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::CertifiedKey,
};
use serde_json::json;
use setpoint_emulator::{
    identity::DeviceCertificate,
    state::{Enrollment, Group, Thumbprint, Thumbprints, TrustedAuthority},
};

use crate::client::{Azure, CONNECTED, Client, Connect, Message};

const REFUSED: [u8; 4] = [0x20, 2, 0, 5];
const TLS13: &rustls::SupportedProtocolVersion = &rustls::version::TLS13;

/// A certificate that nobody but its own key signed.
fn self_signed() -> DeviceCertificate {
    let key = KeyPair::generate().unwrap();
    setpoint_test_logs::private_key(&key.serialize_pem());
    let certificate = CertificateParams::default().self_signed(&key).unwrap();
    DeviceCertificate {
        certificate_pem: certificate.pem(),
        key_pem: key.serialize_pem(),
    }
}

fn thumbprint(certificate: &DeviceCertificate) -> Thumbprint {
    Thumbprint::of_pem(&certificate.certificate_pem).unwrap()
}

/// A CONNECT to the hub without a password.
fn hello(id: &str) -> Connect {
    Connect {
        password: None,
        ..Connect::new(id, "")
    }
}

async fn connect(azure: &Azure, certificate: &DeviceCertificate, hello: &Connect, connack: [u8; 4]) -> Client {
    let mut client = azure.dial_as(TLS13, certificate).await;
    client.send(&hello.bytes()).await;
    assert_eq!(client.packet().await, connack);
    client
}

/// Registers with DPS without a password: the answer, and the connection.
async fn register(azure: &Azure, id: &str, certificate: &DeviceCertificate) -> (Client, Message) {
    let hello = Connect {
        password: None,
        ..Connect::dps(azure.identity.id_scope(), id, &azure.identity.device_keys()[0])
    };
    let mut client = connect(azure, certificate, &hello, CONNECTED).await;
    client.subscribe("$dps/registrations/res/#", 1).await;
    let body = json!({"registrationId": id}).to_string();
    let register = "$dps/registrations/PUT/iotdps-register/?$rid=1";
    let answer = client.request(register, body.as_bytes()).await;
    (client, answer)
}

async fn is_assigned(azure: &Azure, id: &str, certificate: &DeviceCertificate) {
    let (mut client, answer) = register(azure, id, certificate).await;
    let operation = answer.json()["operationId"].as_str().unwrap().to_owned();
    let poll = format!("$dps/registrations/GET/iotdps-get-operationstatus/?$rid=2&operationId={operation}");
    assert_eq!(client.request(&poll, b"").await.json()["status"], "assigned");
    connect(azure, certificate, &hello(id), CONNECTED).await;
}

async fn is_unauthorized(azure: &Azure, id: &str, certificate: &DeviceCertificate) {
    let (_, answer) = register(azure, id, certificate).await;
    assert_eq!(answer.topic, "$dps/registrations/res/401/?$rid=1");
    assert_eq!(answer.json()["errorCode"], 401_002);
}

#[tokio::test]
async fn either_thumbprint_opens_the_hub_in_both_versions_of_tls() {
    let azure = Azure::start().await;
    let [first, second, other] = [(); 3].map(|()| self_signed());
    let thumbprints = Thumbprints {
        primary: thumbprint(&first),
        secondary: Some(thumbprint(&second)),
    };
    let hub = azure.emulator.hub();
    hub.create_device("cert-1", Some(thumbprints.into())).unwrap();
    for version in [TLS13, &rustls::version::TLS12] {
        for (certificate, connack) in [(&first, CONNECTED), (&second, CONNECTED), (&other, REFUSED)] {
            let mut client = azure.dial_as(version, certificate).await;
            client.send(&hello("cert-1").bytes()).await;
            assert_eq!(client.packet().await, connack);
        }
    }
}

#[tokio::test]
async fn keys_and_certificates_do_not_stand_in_for_each_other() {
    let azure = Azure::start().await;
    let certificate = self_signed();
    let hub = azure.emulator.hub();
    hub.create_device("cert-1", Some(thumbprint(&certificate).into()))
        .unwrap();
    azure.connect(&hello("cert-1"), REFUSED).await.closed().await;
    let key = &azure.identity.device_keys()[0];
    let token = setpoint_protocol::Token::sign("localhost/devices/cert-1", key, u64::MAX, None).to_string();
    // A token counts before a certificate, and no certificate mends a wrong one.
    for password in [token.as_str(), "secret"] {
        let hello = Connect::new("cert-1", password);
        connect(&azure, &certificate, &hello, REFUSED).await.closed().await;
    }
    let id = azure.identity.device_id();
    connect(&azure, &certificate, &hello(id), REFUSED).await.closed().await;
    connect(&azure, &certificate, &hello("nobody"), REFUSED)
        .await
        .closed()
        .await;
    // A device with keys may present a certificate: it is not what lets it in.
    connect(&azure, &certificate, &azure.hello(), CONNECTED).await;
}

#[tokio::test]
async fn a_certificate_without_its_key_ends_the_handshake() {
    #[derive(Debug)]
    struct Stolen(Arc<CertifiedKey>);
    impl ResolvesClientCert for Stolen {
        fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
            Some(Arc::clone(&self.0))
        }
        fn has_certs(&self) -> bool {
            true
        }
    }
    let azure = Azure::start().await;
    let (stolen, own) = (self_signed(), self_signed());
    let hub = azure.emulator.hub();
    hub.create_device("cert-1", Some(thumbprint(&stolen).into())).unwrap();
    let der = CertificateDer::from_pem_slice(stolen.certificate_pem.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(own.key_pem.as_bytes()).unwrap();
    let key = rustls::crypto::ring::sign::any_supported_type(&key).unwrap();
    let resolver = Arc::new(Stolen(Arc::new(CertifiedKey::new(vec![der], key))));
    for version in [TLS13, &rustls::version::TLS12] {
        let config = azure.tls(&[version]).with_client_cert_resolver(resolver.clone());
        // In TLS 1.3 the client is through before the server has read its certificate.
        if let Ok(mut client) = azure.dial_with(config).await {
            let _ = client.try_send(&hello("cert-1").bytes()).await;
            client.closed().await;
        }
    }
}

#[tokio::test]
async fn an_individual_enrolment_has_thumbprints() {
    let azure = Azure::start().await;
    let (certificate, other) = (self_signed(), self_signed());
    let enrollment = Enrollment::new("cert-1", thumbprint(&certificate));
    azure.emulator.enrollments().put(enrollment).unwrap();
    is_unauthorized(&azure, "cert-1", &other).await;
    is_assigned(&azure, "cert-1", &certificate).await;
    // Nor does a certificate open what has keys.
    is_unauthorized(&azure, azure.identity.device_id(), &certificate).await;
}

#[tokio::test]
async fn a_group_trusts_the_emulators_authority() {
    let azure = Azure::start().await;
    let certificate = azure.identity.issue_device_certificate("Cert-1").unwrap();
    is_unauthorized(&azure, "cert-2", &certificate).await;
    is_unauthorized(&azure, "cert-1", &self_signed()).await;
    is_assigned(&azure, "cert-1", &certificate).await;
    let device = azure.emulator.hub().device("cert-1").unwrap();
    assert_eq!(device.credentials, thumbprint(&certificate).into());
    // The hub knows this one certificate of the device, and no other of the authority.
    let another = azure.identity.issue_device_certificate("cert-1").unwrap();
    connect(&azure, &another, &hello("cert-1"), REFUSED).await;
    is_assigned(&azure, "cert-1", &another).await;
}

#[tokio::test]
async fn a_group_trusts_an_authority_of_its_own() {
    let (azure, other) = (Azure::start().await, Azure::start().await);
    let certificate = other.identity.issue_device_certificate("cert-1").unwrap();
    is_unauthorized(&azure, "cert-1", &certificate).await;
    let authority = TrustedAuthority::from_pem(other.identity.ca_pem()).unwrap();
    let enrollments = azure.emulator.enrollments();
    enrollments.put_group(Group::new("other", authority)).unwrap();
    is_assigned(&azure, "cert-1", &certificate).await;
}
