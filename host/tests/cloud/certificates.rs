//! Devices that prove themselves with a certificate.

use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::SupportedProtocolVersion;
use rustls::version::{TLS12, TLS13};
use serde_json::json;
use setpoint::cloud::{
    Access, AzureConnector, ClientCertificate, ConnectError, Connector, Credential, DpsProvisioner, Event, Outgoing,
    ProvisionError, Provisioner,
};
use setpoint_emulator::identity::DeviceCertificate;
use tempfile::TempDir;

use crate::local::{DEVICE, Local, MODEL};
use crate::server::Server;

/// An authority, and a device's certificate of it in files.
struct Issued {
    authority: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Issued {
    fn by(authority: &str) -> Issued {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, authority);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, DEVICE);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &authority).unwrap();
        setpoint_test_logs::private_key(&key.serialize_pem());
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("device.pem"), certificate.pem()).unwrap();
        std::fs::write(folder.path().join("device.key"), key.serialize_pem()).unwrap();
        Issued { authority, folder }
    }

    async fn server(&self, version: &'static SupportedProtocolVersion) -> Server {
        Server::asking(version, self.authority.der().clone()).await
    }

    /// How the device proves itself to `server`.
    fn access(&self, server: &Server) -> Access {
        let file = |name: &str| -> PathBuf { self.folder.path().join(name) };
        let certificate = ClientCertificate::open(&file("device.pem"), &file("device.key"), None).unwrap();
        Access::new(Credential::Certificate(certificate), &server.trust())
    }
}

#[tokio::test]
async fn a_certificate_takes_the_place_of_tokens() {
    for version in [&TLS12, &TLS13] {
        let issued = Issued::by("one");
        let server = issued.server(version).await;
        let access = issued.access(&server);

        let provisioner = server.provisioner(access.clone());
        let dps = async {
            let mut client = server.device(1).await;
            let state =
                json!({"registrationId": DEVICE, "assignedHub": "localhost", "deviceId": DEVICE, "status": "assigned"});
            let assigned = json!({"operationId": "4.d0", "status": "assigned", "registrationState": state});
            client.answer("200/?", &assigned).await;
            client.left().await;
            client
        };
        let (assignment, client) = tokio::join!(provisioner.provision(MODEL), dps);
        let assignment = assignment.unwrap();
        assert!(client.shows_certificate(), "{version:?}");
        let expected = format!("0ne000A1B2C/registrations/{DEVICE}/api-version=2019-03-31");
        assert!(client.name_alone().starts_with(&expected), "{}", client.name_alone());

        let connector = AzureConnector::new(access);
        let (connection, client) = tokio::join!(connector.connect(&assignment, MODEL), server.device(4));
        assert!(client.shows_certificate(), "{version:?}");
        let expected = format!("localhost/{DEVICE}/?");
        assert!(client.name_alone().starts_with(&expected), "{}", client.name_alone());
        assert_eq!(connection.unwrap().expires(), None, "no token, no end");
    }
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_refused() {
    for version in [&TLS12, &TLS13] {
        let server = Issued::by("one").server(version).await;
        let access = Issued::by("another").access(&server);
        let provisioner = server.provisioner(access);
        let (refused, ()) = tokio::join!(provisioner.provision(MODEL), server.turn_away());
        let Err(ProvisionError::Connect(error @ ConnectError::Refused { .. })) = &refused else {
            panic!("{version:?}: {refused:?}")
        };
        assert!(error.to_string().contains("certificate"), "{error}");
    }
}

#[tokio::test]
async fn a_key_where_a_certificate_is_asked_for_is_refused() {
    let server = Issued::by("one").server(&TLS13).await;
    let provisioner = server.provisioner(server.access());
    let (refused, ()) = tokio::join!(provisioner.provision(MODEL), server.turn_away());
    let Err(ProvisionError::Connect(error @ ConnectError::Refused { .. })) = &refused else {
        panic!("{refused:?}")
    };
    assert!(error.to_string().contains("asks for a certificate"), "{error}");
}

/// How the device proves itself to the emulator with this certificate.
fn with(certificate: &DeviceCertificate, local: &Local) -> Access {
    setpoint_test_logs::private_key(&certificate.key_pem);
    let folder = tempfile::tempdir().unwrap();
    let [pem, key] = ["device.pem", "device.key"].map(|name| folder.path().join(name));
    std::fs::write(&pem, &certificate.certificate_pem).unwrap();
    std::fs::write(&key, &certificate.key_pem).unwrap();
    let opened = ClientCertificate::open(&pem, &key, None).unwrap();
    Access::new(Credential::Certificate(opened), &local.trust())
}

#[tokio::test]
async fn a_device_of_a_known_authority_registers_and_connects() {
    let local = Local::start().await;
    let certificate = local.identity.issue_device_certificate("cert-1").unwrap();
    let access = with(&certificate, &local);
    for (endpoint, access) in [
        (local.endpoint(), access.clone()),
        (local.endpoint_for_websockets(), access.websockets()),
    ] {
        let provisioner = DpsProvisioner::new(endpoint, local.identity.id_scope(), "cert-1", access.clone());
        let assignment = provisioner.provision(MODEL).await.unwrap();
        assert_eq!(assignment.device_id, "cert-1");
        let mut connection = AzureConnector::new(access).connect(&assignment, MODEL).await.unwrap();
        connection.send(1, &Outgoing::GetTwin).unwrap();
        let event = connection.next().await.unwrap();
        assert!(matches!(event, Event::Twin(_)), "{event:?}");
        connection.close().await;
    }
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_refused_by_the_emulator() {
    let (local, other) = (Local::start().await, Local::start().await);
    let stranger = other.identity.issue_device_certificate("cert-1").unwrap();
    let access = with(&stranger, &local);
    let provisioner = DpsProvisioner::new(local.endpoint(), local.identity.id_scope(), "cert-1", access);
    let refused = provisioner.provision(MODEL).await;
    assert!(
        matches!(refused, Err(ProvisionError::Refused { status: 401, .. })),
        "{refused:?}"
    );
}
