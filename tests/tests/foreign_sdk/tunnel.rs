//! An HTTP proxy that opens tunnels (RFC 9110, 9.3.6), for devices that are told to go through one.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{self, AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// The proxy: whatever host on port 443 is asked for, it dials `target`. It ends when it is dropped.
pub(crate) struct Tunnels {
    address: SocketAddr,
    opened: Arc<AtomicUsize>,
    _accepting: JoinSet<()>,
}

impl Tunnels {
    pub(crate) async fn to(target: SocketAddr) -> Tunnels {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let opened = Arc::new(AtomicUsize::new(0));
        let mut accepting = JoinSet::new();
        let counter = Arc::clone(&opened);
        accepting.spawn(async move {
            let mut tunnels = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let counter = Arc::clone(&counter);
                // How a tunnel ends is for the two at its ends to say.
                tunnels.spawn(async move { drop(tunnel(client, target, &counter).await) });
            }
        });
        Tunnels {
            address,
            opened,
            _accepting: accepting,
        }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many tunnels it has opened.
    pub(crate) fn opened(&self) -> usize {
        self.opened.load(Ordering::Acquire)
    }
}

async fn tunnel(client: TcpStream, target: SocketAddr, opened: &AtomicUsize) -> io::Result<()> {
    let mut client = BufReader::new(client);
    let mut request = String::new();
    client.read_line(&mut request).await?;
    let mut header = String::new();
    // Nothing is read of what follows the headers, which end with an empty line.
    while client.read_line(&mut header).await? > 2 {
        header.clear();
    }
    if !(request.starts_with("CONNECT ") && request.contains(":443 ")) {
        return client.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n").await;
    }
    let mut server = TcpStream::connect(target).await?;
    opened.fetch_add(1, Ordering::AcqRel);
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    io::copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}
