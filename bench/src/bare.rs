//! `setpoint-bench bare N`: as many rumqttc clients with nothing around them, in the pattern of a fleet of thermostats: started at
//! the same rate, with the identities of a fleet that ran before, each sending every eight seconds.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use chrono::Utc;
use rumqttc::{AsyncClient, Broker, Event, EventLoop, MqttOptions, Packet, PublishOptions, Transport};
use rustls::pki_types::ServerName;
use setpoint::cloud::Trust;
use setpoint::fleet::report::{Before, Report};
use setpoint::fleet::{Count, Ending, Gauge, Pattern, Ramp, Tally, Usage, proportional};
use setpoint_protocol::{Endpoint, HubUsername, Key, Token};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};
use tokio_rustls::TlsConnector;

/// As the thermostat's.
const INTERVAL: Duration = Duration::from_secs(8);

/// Due times of messages that were not acknowledged yet.
type Due = Arc<Mutex<VecDeque<Instant>>>;

/// A client that is due to send.
struct Sender {
    client: AsyncClient,
    topic: String,
    due: Due,
    next: Instant,
}

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    let option = |name: &str| {
        let place = arguments.iter().position(|argument| argument == name)?;
        arguments.get(place + 1)
    };
    let devices: u64 = arguments.first().context("how many?")?.parse()?;
    let ramp: Ramp = option("--ramp").context("--ramp is missing")?.parse()?;
    let seconds = option("--duration")
        .context("--duration is missing")?
        .trim_end_matches('s')
        .parse()?;
    let file = option("--report").context("--report is missing")?;
    let runtime = tokio::runtime::Runtime::new()?;
    let report = runtime.block_on(clients(devices, ramp, Duration::from_secs(seconds)))?;
    std::fs::write(file, report.json())?;
    Ok(())
}

async fn clients(devices: u64, ramp: Ramp, duration: Duration) -> anyhow::Result<Report> {
    let variable = |name: &str| std::env::var(name).with_context(|| name.to_owned());
    let endpoint: Endpoint = variable("IOTHUB_DEVICE_DPS_ENDPOINT")?.parse()?;
    let key = Key::from_base64(&variable("SETPOINT_GROUP_KEY")?)?;
    let trust = Trust::system(None)?;
    let pattern: Pattern = "sim-{:05}".parse()?;
    let tally = Arc::new(Tally::default());
    let before = Before {
        id: pattern.to_string(),
        devices,
        shard: "0/1".to_owned(),
        ramp: ramp.to_string(),
        put_aside: false,
        guests: vec!["none".to_owned()],
        cloud: endpoint.to_string(),
        began: Utc::now(),
        usage: Usage::now(),
        memory: proportional(),
    };
    let began = Instant::now();
    let end = began + duration;
    let mut senders: VecDeque<Sender> = VecDeque::new();
    let mut sampled = began;
    let mut place = 0;
    loop {
        let start = (place < devices).then(|| began + ramp.start_of(place));
        let send = senders.front().map(|sender| sender.next);
        let sample = sampled + Duration::from_secs(1);
        let next = [start, send, Some(sample), Some(end)]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(end);
        sleep_until(next).await;
        if next == end {
            break;
        }
        if next == sample {
            sampled = sample;
            tally.sample(began.elapsed());
        } else if Some(next) == start {
            place += 1;
            senders.push_back(begin(
                &pattern.name(place),
                &endpoint,
                &key,
                &trust,
                Arc::clone(&tally),
                next,
            )?);
        } else if let Some(mut sender) = senders.pop_front() {
            sender
                .due
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push_back(next);
            let body = format!("{{\"temperature\":{}}}", place % 40);
            sender
                .client
                .try_publish(sender.topic.clone(), body, PublishOptions::at_least_once())?;
            tally.count(Count::Queued);
            // All have the same interval, so that they stay in their order.
            sender.next += INTERVAL;
            senders.push_back(sender);
        }
    }
    tally.sample(began.elapsed());
    let ending = Ending {
        devices,
        lasted: began.elapsed(),
        drained: Duration::ZERO,
        memory: proportional(),
        connected: tally.level(Gauge::Up),
        abandoned: 0,
    };
    Ok(Report::of(before, &ending, &tally))
}

/// A client, its event loop in a task. It sends for the first time when it is started, as a thermostat does.
fn begin(
    name: &str,
    endpoint: &Endpoint,
    group: &Key,
    trust: &Trust,
    tally: Arc<Tally>,
    now: Instant,
) -> anyhow::Result<Sender> {
    let username = HubUsername {
        hub: endpoint.host.clone(),
        device_id: name.to_owned(),
        module_id: None,
        model_id: None,
        parameters: vec![("api-version".to_owned(), "2021-04-12".to_owned())],
    };
    let expiry = u64::try_from(Utc::now().timestamp())? + 3600;
    let token = Token::sign(
        &format!("{}/devices/{name}", endpoint.host),
        &group.derive(name),
        expiry,
        None,
    );
    let (tls, host) = (
        TlsConnector::from(trust.config()),
        ServerName::try_from(endpoint.host.clone())?,
    );
    let mut options = MqttOptions::new(name, Broker::tcp(&endpoint.host, endpoint.port_or(8883)));
    options
        .set_transport(Transport::tcp())
        .set_socket_connector(move |address, _| {
            let (tls, host) = (tls.clone(), host.clone());
            async move {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                tls.connect(host, stream).await
            }
        })
        .set_credentials(username.to_string(), token.to_string())
        .set_keep_alive(60);
    let (client, events) = AsyncClient::builder(options).unbounded().try_build()?;
    let due = Due::default();
    tokio::spawn(listen(events, tally, Arc::clone(&due)));
    Ok(Sender {
        client,
        topic: format!("devices/{name}/messages/events/%24.ct=application%2Fjson&%24.ce=utf-8"),
        due,
        next: now,
    })
}

async fn listen(mut events: EventLoop, tally: Arc<Tally>, due: Due) {
    tally.count(Count::Launched);
    loop {
        match events.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => {
                tally.count(Count::Connected);
                tally.count(Count::Ran);
                tally.up(Gauge::Up);
            }
            Ok(Event::Incoming(Packet::PubAck(_))) => {
                tally.count(Count::Delivered);
                if let Some(due) = due.lock().unwrap_or_else(PoisonError::into_inner).pop_front() {
                    tally.puback(0, due.elapsed());
                }
            }
            Ok(_) => {}
            Err(error) => {
                eprintln!("a bare client: {error}");
                tally.count(Count::Lost);
                return;
            }
        }
    }
}
