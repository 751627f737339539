//! The well-behaved: how long a PUBACK takes for them, and a connection for one who comes anew, while others do harm.

use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::{task::JoinSet, time};

use crate::{client::Client, server::Server};

/// So many devices, each with a message so often, for so long.
pub(crate) const DEVICES: usize = 50;
const PAUSE: Duration = Duration::from_millis(50);
pub(crate) const WHILE: Duration = Duration::from_secs(5);

/// Devices that are connected and go on as they should.
pub(crate) struct WellBehaved<'a> {
    server: &'a Server,
    clients: Vec<Client>,
}

/// What they saw; each sorted.
pub(crate) struct Seen {
    /// How long PUBACKs took.
    acknowledged: Vec<Duration>,
    /// How long connections of one more took, which comes and goes; and for the last one, how long it had waited at the end.
    connected: Vec<Duration>,
    /// How much later than asked a timer of a millisecond was, in the runtime that measures: what it waited for a processor
    /// itself is in all figures, and is not the server's doing.
    late: Vec<Duration>,
}

impl WellBehaved<'_> {
    pub(crate) async fn connect(server: &Server) -> anyhow::Result<WellBehaved<'_>> {
        let mut clients = Vec::new();
        for number in 0..DEVICES {
            clients.push(Client::connect(server, number).await?);
        }
        Ok(WellBehaved { server, clients })
    }

    /// Goes on for a while.
    pub(crate) async fn go_on(&mut self) -> anyhow::Result<Seen> {
        let end = Instant::now() + WHILE;
        let mut tasks = JoinSet::new();
        for (index, mut client) in self.clients.drain(..).enumerate() {
            tasks.spawn(async move {
                // They do not all send in one moment.
                time::sleep(PAUSE * index as u32 / DEVICES as u32).await;
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
        let late = tokio::spawn(lateness(end));
        let mut connected = newcomers(self.server, end).await?;
        let mut acknowledged = Vec::new();
        while let Some(done) = tasks.join_next().await {
            let (client, some) = done?.context("a well-behaved client was thrown out")?;
            self.clients.push(client);
            acknowledged.extend(some);
        }
        let mut late = late.await?;
        for durations in [&mut acknowledged, &mut connected, &mut late] {
            durations.sort_unstable();
        }
        Ok(Seen {
            acknowledged,
            connected,
            late,
        })
    }
}

async fn newcomers(server: &Server, end: Instant) -> anyhow::Result<Vec<Duration>> {
    let mut took = Vec::new();
    while Instant::now() < end {
        let begun = Instant::now();
        // The last one is not waited for.
        if let Ok(connected) = time::timeout_at(end.into(), Client::connect(server, DEVICES)).await {
            drop(connected);
        }
        took.push(begun.elapsed());
        time::sleep(PAUSE).await;
    }
    Ok(took)
}

async fn lateness(end: Instant) -> Vec<Duration> {
    const ASKED: Duration = Duration::from_millis(1);
    let mut late = Vec::new();
    while Instant::now() < end {
        let begun = Instant::now();
        time::sleep(ASKED).await;
        late.push(begun.elapsed().saturating_sub(ASKED));
    }
    late
}

/// The table's head.
pub(crate) fn print_head() {
    println!();
    println!(
        "| beside | PUBACK, median | p99, goal 100 ms | a timer of the client's own late, p99 | a new connection, median | slowest |"
    );
    println!("| --- | --- | --- | --- | --- | --- |");
}

impl Seen {
    /// A line of the table.
    pub(crate) fn print(&self, beside: &str) {
        let at = |durations: &[Duration], share: usize| {
            let index = (durations.len() * share / 1000).min(durations.len().saturating_sub(1));
            let duration = durations.get(index).copied().unwrap_or_default();
            format!("{:.1} ms", duration.as_secs_f64() * 1e3)
        };
        println!(
            "| {beside} | {} | {} | {} | {} | {} |",
            at(&self.acknowledged, 500),
            at(&self.acknowledged, 990),
            at(&self.late, 990),
            at(&self.connected, 500),
            at(&self.connected, 1000),
        );
    }
}
