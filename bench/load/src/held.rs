//! Connections that do nothing.

use std::time::{Duration, Instant};

use tokio::{task::JoinSet, time};

use crate::{client::Client, row, server::Server};

/// Handshakes under way.
const AT_A_TIME: usize = 64;

/// Connections made and ended before memory is read for the first time: by then what there is once is there.
const WARMING: usize = 64;

/// All that are connected with one server.
pub(crate) struct Crowd {
    pub(crate) clients: Vec<Client>,
    took: Duration,
    bytes_each: u64,
}

pub(crate) async fn connect(server: &Server, count: usize) -> anyhow::Result<Crowd> {
    drop(several(server, WARMING.min(count)).await?);
    settle().await;
    let before = server.resident()?;
    let begun = Instant::now();
    let clients = several(server, count).await?;
    let took = begun.elapsed();
    settle().await;
    let bytes_each = server.resident()?.saturating_sub(before) / count as u64;
    Ok(Crowd {
        clients,
        took,
        bytes_each,
    })
}

async fn several(server: &Server, count: usize) -> anyhow::Result<Vec<Client>> {
    let mut clients = Vec::with_capacity(count);
    for first in (0..count).step_by(AT_A_TIME) {
        let group = first..(first + AT_A_TIME).min(count);
        let all: Vec<_> = group.map(|number| Client::connect(server, number)).collect();
        // In turns of one task: the machine has few processors, and the server wants some.
        for client in futures(all).await {
            clients.push(client?);
        }
    }
    Ok(clients)
}

/// Awaits all of them at once.
async fn futures<F: Future>(all: Vec<F>) -> Vec<F::Output> {
    let mut running: Vec<_> = all.into_iter().map(|one| (Box::pin(one), None)).collect();
    std::future::poll_fn(|context| {
        let mut waiting = false;
        for (one, output) in running.iter_mut().filter(|(_, output)| output.is_none()) {
            match one.as_mut().poll(context) {
                std::task::Poll::Ready(done) => *output = Some(done),
                std::task::Poll::Pending => waiting = true,
            }
        }
        if waiting {
            std::task::Poll::Pending
        } else {
            std::task::Poll::Ready(())
        }
    })
    .await;
    running.into_iter().filter_map(|(_, output)| output).collect()
}

/// Lets a server put away what it used.
async fn settle() {
    time::sleep(Duration::from_secs(2)).await;
}

pub(crate) fn print(count: usize, crowds: &[Crowd]) {
    let each = |value: &dyn Fn(&Crowd) -> String| crowds.iter().map(value).collect::<Vec<_>>();
    row(
        &format!("{count} TLS connections, a second"),
        &each(&|crowd| format!("{:.0}/s", count as f64 / crowd.took.as_secs_f64())),
        "",
    );
    row(
        "memory of an idle one",
        &each(&|crowd| format!("{:.1} KiB", crowd.bytes_each as f64 / 1024.0)),
        "mosquitto's and 16 KiB",
    );
}

/// Everybody does the same at once, on all processors; the crowd comes back.
pub(crate) async fn everybody<F, W>(clients: Vec<Client>, work: W) -> anyhow::Result<Vec<Client>>
where
    F: Future<Output = anyhow::Result<Client>> + Send + 'static,
    W: Fn(Client) -> F,
{
    let mut tasks = JoinSet::new();
    for client in clients {
        tasks.spawn(work(client));
    }
    let mut back = Vec::new();
    while let Some(done) = tasks.join_next().await {
        back.push(done??);
    }
    Ok(back)
}
