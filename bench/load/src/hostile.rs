//! Clients that mean harm, one kind after the other and all together, and how long a PUBACK takes for the others meanwhile.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

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

use crate::{client::Client, row, server::Server};

/// The well-behaved: so many devices, each with a message so often, for so long.
const OTHERS: usize = 50;
const PAUSE: Duration = Duration::from_millis(50);
const WHILE: Duration = Duration::from_secs(5);

/// How many of each kind there are.
const HALF_OPEN: usize = 1000;
const ENDLESS: usize = 500;
const NOT_READING: usize = 20;

/// TCP connections a second, each with the beginning of a handshake that costs the server its signature.
const FLOOD: u64 = 10_000;

pub(crate) async fn measure(server: &Server) -> anyhow::Result<()> {
    // Threads of their own: what is measured is how long the server takes, not how long this process is busy with its own harm.
    let threads = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .context("no threads")?;
    let on = threads.handle();
    let mut others = Vec::new();
    for number in 0..OTHERS {
        others.push(Client::connect(server, number).await?);
    }
    let hello = client_hello(server).await?;
    let quiet = beside(&mut others, JoinSet::new()).await?;
    print("alone", &quiet, "");

    let half_open = || half_open(server, &hello, on);
    let endless = || endless_headers(server, on);
    let not_reading = || not_reading(server, on);
    let begun = Arc::new(AtomicU64::new(0));
    let flood = || flood(server, &hello, &begun, on);
    print(
        "beside 1,000 half-open handshakes",
        &beside(&mut others, half_open()).await?,
        "100 ms",
    );
    print(
        "beside 500 never-ending HTTP headers",
        &beside(&mut others, endless()?).await?,
        "100 ms",
    );
    print(
        "beside 20 that ask and do not read",
        &beside(&mut others, not_reading().await?).await?,
        "100 ms",
    );
    begun.store(0, Ordering::Relaxed);
    let latencies = beside(&mut others, flood()).await?;
    let rate = begun.load(Ordering::Relaxed) as f64 / WHILE.as_secs_f64();
    print(
        &format!("beside {rate:.0} connects/s ({FLOOD} wanted)"),
        &latencies,
        "100 ms",
    );
    let mut all = half_open();
    for mut kind in [endless()?, not_reading().await?, flood()] {
        // Each is aborted with the set it is in, so one set owns the others.
        all.spawn_on(async move { while kind.join_next().await.is_some() {} }, on);
    }
    print("beside all of them", &beside(&mut others, all).await?, "100 ms");
    threads.shutdown_background();
    Ok(())
}

/// How long PUBACKs took, sorted, while these tasks did harm.
async fn beside(others: &mut Vec<Client>, mut harm: JoinSet<()>) -> anyhow::Result<Vec<Duration>> {
    let end = Instant::now() + WHILE;
    let mut tasks = JoinSet::new();
    for (index, mut client) in others.drain(..).enumerate() {
        tasks.spawn(async move {
            // They do not all send in one moment.
            time::sleep(PAUSE * index as u32 / OTHERS as u32).await;
            let mut latencies = Vec::new();
            let mut ticks = time::interval(PAUSE);
            while Instant::now() < end {
                ticks.tick().await;
                let begun = Instant::now();
                client.send([1].into_iter()).await?;
                client.acknowledged().await?;
                latencies.push(begun.elapsed());
            }
            anyhow::Ok((client, latencies))
        });
    }
    let mut latencies = Vec::new();
    while let Some(done) = tasks.join_next().await {
        let (client, some) = done?.context("a well-behaved client was thrown out")?;
        others.push(client);
        latencies.extend(some);
    }
    harm.shutdown().await;
    latencies.sort_unstable();
    Ok(latencies)
}

fn print(what: &str, latencies: &[Duration], goal: &str) {
    let at = |share: usize| {
        latencies
            .get(latencies.len() * share / 1000)
            .copied()
            .unwrap_or_default()
    };
    let value = format!(
        "{:.1} / {:.1} ms",
        at(500).as_secs_f64() * 1e3,
        at(990).as_secs_f64() * 1e3
    );
    row(&format!("PUBACK, median / p99, {what}"), &[value], goal);
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
        let mut stream = Client::connect(server, OTHERS + number).await?.stream;
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

fn flood(server: &Server, hello: &Arc<[u8]>, begun: &Arc<AtomicU64>, on: &Handle) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let (address, hello, begun) = (server.mqtt, Arc::clone(hello), Arc::clone(begun));
    tasks.spawn_on(
        async move {
            let mut connects = JoinSet::new();
            let mut ticks = time::interval(Duration::from_millis(1));
            ticks.set_missed_tick_behavior(time::MissedTickBehavior::Skip);
            loop {
                ticks.tick().await;
                while connects.try_join_next().is_some() {}
                // More under way than this the client's own files would not allow.
                for _ in 0..FLOOD / 1000 {
                    if connects.len() > 4000 {
                        break;
                    }
                    let (hello, begun) = (Arc::clone(&hello), Arc::clone(&begun));
                    connects.spawn(async move {
                        if let Ok(mut tcp) = TcpStream::connect(address).await {
                            begun.fetch_add(1, Ordering::Relaxed);
                            let _ = tcp.write_all(&hello).await;
                            // The server's half of the handshake, and gone without a word.
                            let _ = time::timeout(Duration::from_secs(1), tcp.read(&mut [0; 4096])).await;
                        }
                    });
                }
            }
        },
        on,
    );
    tasks
}
