use super::*;
use std::io;
use std::net::Ipv4Addr;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

fn login(endpoint: &str) -> Login {
    Login {
        id: "dev-1".to_owned(),
        endpoint: endpoint.parse().unwrap(),
        username: "hub/dev-1/?".to_owned(),
        password: sign("hub/devices/dev-1", &Key::from_bytes(vec![1; 32]), None),
        clean: false,
    }
}

async fn open(endpoint: &str) -> ConnectError {
    match Session::open(login(endpoint), &Trust::system(None).unwrap()).await {
        Ok(_) => panic!("{endpoint} accepted"),
        Err(error) => error,
    }
}

#[test]
fn a_token_holds_for_an_hour() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let left = sign("hub", &Key::from_bytes(vec![1]), None).expiry() - now;
    assert!((TOKEN_LIFE..=TOKEN_LIFE + 1).contains(&left), "{left}");
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_unreachable() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let error = open(&address).await;
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
    assert!(error.to_string().contains(&address), "{error}");
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_unreachable() {
    // RFC 6761 keeps this domain from ever existing.
    let error = open("hub.invalid").await;
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
    assert!(error.to_string().contains("hub.invalid"), "{error}");
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_named() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .await
            .unwrap();
        // Held open until the client leaves, so that it reads this and not a reset.
        let _ = stream.read_to_end(&mut Vec::new()).await;
    };
    let (error, ()) = tokio::join!(open(&address), server);
    assert!(matches!(&error, ConnectError::Unreachable { .. }), "{error:?}");
    assert!(error.to_string().contains("TLS"), "{error}");
}

#[test]
fn a_certificate_error_is_found_inside_the_handshake_error() {
    let verdict = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
    let error = TlsError::Io(io::Error::new(io::ErrorKind::InvalidData, verdict.clone()));
    assert_eq!(certificate_error(&error), Some(&verdict));
    let other = TlsError::Io(io::Error::new(io::ErrorKind::InvalidData, rustls::Error::DecryptError));
    assert_eq!(certificate_error(&other), None);
    assert_eq!(
        certificate_error(&TlsError::Io(io::ErrorKind::UnexpectedEof.into())),
        None
    );
}

#[test]
fn only_an_unavailable_service_is_refused_for_now() {
    for code in [ConnectReturnCode::BadUserNamePassword, ConnectReturnCode::NotAuthorized] {
        assert!(matches!(refusal(code), Refusal::Final(_)), "{code:?}");
    }
    assert!(matches!(
        refusal(ConnectReturnCode::ServiceUnavailable),
        Refusal::ForNow(_)
    ));
}
