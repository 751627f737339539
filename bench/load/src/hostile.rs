//! Clients that mean harm, one kind after the other and all together, beside those that are well-behaved.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime::Handle,
    task::JoinSet,
    time,
};
use tokio_rustls::TlsConnector;

use crate::{
    beside::{self, DEVICES, WHILE, WellBehaved},
    client::Client,
    flood::{self, Flood, RATE},
    server::Server,
};

/// How many of each kind there are.
const HALF_OPEN: usize = 1000;
const ENDLESS: usize = 500;
const NOT_READING: usize = 20;

pub(crate) async fn measure(server: &Server) -> anyhow::Result<()> {
    // Threads of their own: what is measured is how long the server takes, not how long this process is busy with its own harm.
    let threads = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .context("no threads")?;
    let on = threads.handle();
    let hello = client_hello(server).await?;
    let bare = flood::against_nothing(&hello, WHILE)?;
    let mut others = WellBehaved::connect(server).await?;
    beside::print_head();
    others.go_on().await?.print("nobody");

    let harm = half_open(server, &hello, on);
    others.go_on().await?.print("1,000 half-open handshakes");
    end(harm).await;
    let harm = endless_headers(server, on)?;
    others.go_on().await?.print("500 HTTP requests whose headers never end");
    end(harm).await;
    let harm = not_reading(server, on).await?;
    others.go_on().await?.print("20 that ask and do not read");
    end(harm).await;
    let flood = Flood::begin(server.mqtt, &hello);
    let seen = others.go_on().await?;
    let alone = flood.rates();
    drop(flood);
    seen.print(&format!("{RATE} connects/s"));
    let kinds = [
        half_open(server, &hello, on),
        endless_headers(server, on)?,
        not_reading(server, on).await?,
    ];
    let flood = Flood::begin(server.mqtt, &hello);
    let seen = others.go_on().await?;
    let among = flood.rates();
    drop(flood);
    for kind in kinds {
        end(kind).await;
    }
    seen.print("all of them");

    println!();
    println!("| the flood, {RATE} connects/s wanted | offered | connected |");
    println!("| --- | --- | --- |");
    for (against, rates) in [
        ("against a port that only accepts and closes", bare),
        ("against the emulator", alone),
        ("against the emulator, with all the others", among),
    ] {
        println!("| {against} | {:.0}/s | {:.0}/s |", rates.offered, rates.completed);
    }
    threads.shutdown_background();
    Ok(())
}

async fn end(mut harm: JoinSet<()>) {
    harm.shutdown().await;
}

/// The first bytes of a handshake, as a client sends them.
async fn client_hello(server: &Server) -> anyhow::Result<Arc<[u8]>> {
    let (near, mut far) = tokio::io::duplex(64 * 1024);
    let connector = TlsConnector::from(Arc::clone(&server.tls));
    let connecting = tokio::spawn(async move {
        connector
            .connect(ServerName::try_from("localhost")?, near)
            .await
            .map(drop)
            .context("")
    });
    let mut bytes = vec![0; 4096];
    let count = far.read(&mut bytes).await?;
    connecting.abort();
    bytes.truncate(count);
    Ok(bytes.into())
}

/// Half begin nothing, the others send half of a ClientHello; each comes again when it is thrown out.
fn half_open(server: &Server, hello: &Arc<[u8]>, on: &Handle) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    for number in 0..HALF_OPEN {
        let (address, hello) = (server.mqtt, Arc::clone(hello));
        tasks.spawn_on(
            async move {
                loop {
                    let Ok(mut tcp) = TcpStream::connect(address).await else {
                        return;
                    };
                    let some = hello.get(..hello.len() / 2 * (number % 2)).unwrap_or_default();
                    let _ = tcp.write_all(some).await;
                    // Until it is closed.
                    let _ = tcp.read(&mut [0; 64]).await;
                }
            },
            on,
        );
    }
    tasks
}

fn endless_headers(server: &Server, on: &Handle) -> anyhow::Result<JoinSet<()>> {
    let address = server.https.context("only the emulator has HTTPS")?;
    let mut tasks = JoinSet::new();
    for _ in 0..ENDLESS {
        let tls = TlsConnector::from(Arc::clone(&server.tls));
        tasks.spawn_on(
            async move {
                loop {
                    let Ok(tcp) = TcpStream::connect(address).await else {
                        return;
                    };
                    let Ok(name) = ServerName::try_from("localhost") else {
                        return;
                    };
                    let Ok(mut stream) = tls.connect(name, tcp).await else {
                        continue;
                    };
                    let _ = stream.write_all(b"GET /devices HTTP/1.1\r\n").await;
                    while stream
                        .write_all(b"x: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n")
                        .await
                        .is_ok()
                    {
                        let _ = stream.flush().await;
                        time::sleep(Duration::from_millis(20)).await;
                    }
                }
            },
            on,
        );
    }
    Ok(tasks)
}

/// Each asks for its twin without end and reads no answer.
async fn not_reading(server: &Server, on: &Handle) -> anyhow::Result<JoinSet<()>> {
    let filter = crate::client::text("$iothub/twin/res/#")?;
    let subscribe = crate::client::packet(0x82, &[&[0, 1][..], &filter, &[0]].concat());
    let ask = crate::client::packet(0x30, &crate::client::text("$iothub/twin/GET/?$rid=1")?).repeat(100);
    let mut tasks = JoinSet::new();
    for number in 0..NOT_READING {
        let mut stream = Client::connect(server, DEVICES + 1 + number).await?.stream;
        let (subscribe, ask) = (subscribe.clone(), ask.clone());
        tasks.spawn_on(
            async move {
                let _ = stream.write_all(&subscribe).await;
                // The server may stop to read, too, or throw it out.
                while stream.write_all(&ask).await.is_ok() {}
            },
            on,
        );
    }
    Ok(tasks)
}
