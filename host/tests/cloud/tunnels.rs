//! A proxy that opens tunnels, or does not. It shares no code with the client.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

/// What it does when it is asked for a tunnel.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Manner {
    /// Opens it.
    Open,
    /// Opens it for whoever sends this in `Proxy-Authorization`, and answers others with 407.
    OpenFor(&'static str),
    /// Says this, and closes.
    Say(&'static str),
}

pub(crate) struct TestProxy {
    port: u16,
    /// The requests' first lines.
    asked: Arc<Mutex<Vec<String>>>,
}

impl TestProxy {
    pub(crate) async fn start(manner: Manner) -> TestProxy {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let lines = Arc::clone(&asked);
        // Ends with the test's runtime.
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, manner, Arc::clone(&lines)));
            }
        });
        TestProxy { port, asked }
    }

    pub(crate) fn url(&self, identity: &str) -> String {
        format!("http://{identity}127.0.0.1:{}", self.port)
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(mut client: TcpStream, manner: Manner, lines: Arc<Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let line = head.lines().next().unwrap().to_owned();
    lines.lock().unwrap().push(line.clone());
    let refusal = match manner {
        Manner::Open => None,
        Manner::OpenFor(identity) if head.contains(&format!("\r\nProxy-Authorization: {identity}\r\n")) => None,
        Manner::OpenFor(_) => Some("HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n"),
        Manner::Say(what) => Some(what),
    };
    if let Some(refusal) = refusal {
        client.write_all(refusal.as_bytes()).await.unwrap();
        return;
    }
    let target = line.strip_prefix("CONNECT ").unwrap().split(' ').next().unwrap();
    let mut server = TcpStream::connect(target).await.unwrap();
    // In other words than most proxies, and with the tunnel's first bytes not far behind.
    client
        .write_all(b"HTTP/1.0 200 OK\r\nVia: a test\r\n\r\n")
        .await
        .unwrap();
    // Whoever goes first ends it.
    let _ = copy_bidirectional(&mut client, &mut server).await;
}
