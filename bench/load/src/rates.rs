//! Messages a second of QoS 1, each acknowledged. The two servers take turns.

use std::time::{Duration, Instant};

use crate::{
    client::Client,
    held::{Crowd, everybody},
    row,
    server::Server,
};

/// Messages of one turn.
const MESSAGES: usize = 100_000;

const TURNS: usize = 5;

/// Devices that send much, and how much of each is under way.
const BUSY: usize = 50;
const WINDOW: usize = 50;

pub(crate) async fn measure(servers: &[&Server], crowds: &mut [Crowd]) -> anyhow::Result<()> {
    let (mut all, mut busy) = (vec![Vec::new(); servers.len()], vec![Vec::new(); servers.len()]);
    for _ in 0..TURNS {
        for (index, crowd) in crowds.iter_mut().enumerate() {
            let clients = std::mem::take(&mut crowd.clients);
            let each = MESSAGES / clients.len();
            let begun = Instant::now();
            let mut clients = everybody(clients, move |client| stream(client, each, 1)).await?;
            note(&mut all, index, begun.elapsed());

            let rest = clients.split_off(BUSY.min(clients.len()));
            let each = MESSAGES / clients.len();
            let begun = Instant::now();
            let mut clients = everybody(clients, move |client| stream(client, each, WINDOW)).await?;
            note(&mut busy, index, begun.elapsed());
            clients.extend(rest);
            crowd.clients = clients;
        }
    }
    let held = crowds.first().map_or(0, |crowd| crowd.clients.len());
    print(
        &format!("messages of QoS 1 from all {held}, one of each under way"),
        &all,
    );
    print(
        &format!("the same from {BUSY} of them, {WINDOW} of each under way"),
        &busy,
    );
    Ok(())
}

async fn stream(mut client: Client, messages: usize, window: usize) -> anyhow::Result<Client> {
    let (mut sent, mut acknowledged) = (0, 0);
    while acknowledged < messages {
        let next = (acknowledged + window).min(messages);
        if next > sent {
            client
                .send((sent..next).map(|number| (number % 60_000) as u16 + 1))
                .await?;
            sent = next;
        }
        acknowledged += client.acknowledged().await?;
    }
    Ok(client)
}

fn note(times: &mut [Vec<Duration>], index: usize, time: Duration) {
    if let Some(times) = times.get_mut(index) {
        times.push(time);
    }
}

fn print(figure: &str, times: &[Vec<Duration>]) {
    let median = |times: &Vec<Duration>| {
        let mut rates: Vec<f64> = times.iter().map(|time| MESSAGES as f64 / time.as_secs_f64()).collect();
        rates.sort_by(f64::total_cmp);
        rates.get(rates.len() / 2).copied().unwrap_or_default()
    };
    let rates: Vec<f64> = times.iter().map(median).collect();
    let shown: Vec<String> = rates.iter().map(|rate| format!("{rate:.0}/s")).collect();
    row(figure, &shown, "20000/s, or 0.7 of mosquitto");
    if let [ours, theirs] = rates[..] {
        row("- of mosquitto", &[format!("{:.2}", ours / theirs)], "0.7");
    }
}
