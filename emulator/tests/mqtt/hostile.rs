//! Clients that mean harm, or come back in a hurry.

use rustls::{HandshakeKind, pki_types::PrivateKeyDer, pki_types::pem::PemObject};
use setpoint_emulator::state::{Thumbprint, Thumbprints};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::client::{Azure, CONNECTED, Connect, shake_hands};

#[tokio::test]
async fn headers_without_end_are_refused() {
    let azure = Azure::start().await;
    for header in [format!("x: {}\r\n", "y".repeat(1000)), "x: y\r\n".to_owned()] {
        let config = azure.tls(rustls::DEFAULT_VERSIONS).with_no_client_auth();
        let mut stream = shake_hands(azure.emulator.https_address(), config).await.unwrap();
        stream.write_all(b"GET /devices HTTP/1.1\r\n").await.unwrap();
        let mut sent = 0;
        // A server that takes too much would take all of this.
        while sent < 16 * 1024 * 1024 && stream.write_all(header.as_bytes()).await.is_ok() {
            sent += header.len();
            let _ = stream.flush().await;
        }
        assert!(sent < 16 * 1024 * 1024);
        let mut answer = Vec::new();
        // The answer may be lost with the connection, which was closed with bytes unread.
        let _ = stream.read_to_end(&mut answer).await;
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 431 "), "{answer:?}");
    }
}

#[tokio::test]
async fn who_comes_back_resumes_and_is_still_known_by_its_certificate() {
    let azure = Azure::start().await;
    let certificate = azure.identity.issue_device_certificate("returning").unwrap();
    setpoint_test_logs::private_key(&certificate.key_pem);
    let thumbprints = Thumbprints {
        primary: Thumbprint::of_pem(&certificate.certificate_pem).unwrap(),
        secondary: None,
    };
    azure
        .emulator
        .hub()
        .create_device("returning", Some(thumbprints.into()))
        .unwrap();
    let chain = rustls::pki_types::CertificateDer::pem_slice_iter(certificate.certificate_pem.as_bytes());
    let chain: Vec<_> = chain.collect::<Result<_, _>>().unwrap();
    let hello = Connect {
        password: None,
        ..Connect::new("returning", "")
    };
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let key = PrivateKeyDer::from_pem_slice(certificate.key_pem.as_bytes()).unwrap();
        let config = azure.tls(&[version]).with_client_auth_cert(chain.clone(), key).unwrap();
        for kind in [HandshakeKind::Full, HandshakeKind::Resumed] {
            let mut stream = shake_hands(azure.emulator.mqtt_address(), config.clone())
                .await
                .unwrap();
            stream.write_all(&hello.bytes()).await.unwrap();
            let mut connack = [0; 4];
            stream.read_exact(&mut connack).await.unwrap();
            assert_eq!(connack, CONNECTED);
            assert_eq!(stream.get_ref().1.handshake_kind(), Some(kind), "{version:?}");
        }
    }
}
