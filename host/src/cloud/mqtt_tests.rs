use super::*;
use crate::cloud::Trust;
use setpoint_protocol::key::Key;
use std::net::Ipv4Addr;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

fn access() -> Access {
    Access::with_key(Key::from_bytes(vec![1; 32]), &Trust::system(None).unwrap())
}

fn login(endpoint: &str) -> Login {
    Login {
        id: "dev-1".to_owned(),
        endpoint: endpoint.parse().unwrap(),
        username: "hub/dev-1/?".to_owned(),
        password: access().sign("hub/devices/dev-1", None),
        clean: false,
    }
}

async fn open(endpoint: &str) -> ConnectError {
    match Session::open(login(endpoint), &access()).await {
        Ok(_) => panic!("{endpoint} accepted"),
        Err(error) => error,
    }
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
