//! rumqttc clients with nothing around them, with the identities of a fleet that ran before and started at the same rate.
//! `setpoint-bench bare N` has them send as a fleet of thermostats, `bare-flat-out N` as fast as they can.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::Utc;
use rumqttc::{AsyncClient, Broker, ConnectionError, Event, EventLoop, MqttOptions, Packet, PublishOptions, Transport};
use rustls::pki_types::ServerName;
use setpoint::cloud::Trust;
use setpoint::fleet::report::Report;
use setpoint::fleet::{Count, Ending, Gauge, Tally, proportional};
use setpoint_protocol::{HubUsername, Token};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};
use tokio_rustls::TlsConnector;

use crate::task::Task;

/// Messages under way of a client that sends as fast as it can: a device's window.
const WINDOW: u16 = 100;

/// As the thermostat's.
const INTERVAL: Duration = Duration::from_secs(8);

/// Due times of messages that were not acknowledged yet.
type Due = Arc<Mutex<VecDeque<Instant>>>;

/// A client that is due to send, after the first time, which is when it is connected.
struct Sender {
    client: AsyncClient,
    topic: String,
    due: Due,
    next: Instant,
}

/// How clients send.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sending {
    /// Each every eight seconds.
    Thermostat,
    /// Each as soon as fewer than [`WINDOW`] messages are under way.
    FlatOut,
}

pub(crate) fn measure(task: &Task, sending: Sending) -> anyhow::Result<Report> {
    tokio::runtime::Runtime::new()?.block_on(clients(task, sending))
}

async fn clients(task: &Task, sending: Sending) -> anyhow::Result<Report> {
    let (devices, ramp) = (task.devices, task.ramp);
    let trust = Trust::system(None)?;
    let tally = Arc::new(Tally::default());
    let before = task.before("none");
    let began = Instant::now();
    let end = began + task.duration;
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
            let client = begin(task, place, &trust, Arc::clone(&tally), sending, next)?;
            if sending == Sending::Thermostat {
                senders.push_back(client);
            }
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

/// A client, its event loop in a task.
fn begin(
    task: &Task,
    place: u64,
    trust: &Trust,
    tally: Arc<Tally>,
    sending: Sending,
    now: Instant,
) -> anyhow::Result<Sender> {
    let (name, endpoint) = (task.pattern.name(place), &task.endpoint);
    let username = HubUsername {
        hub: endpoint.host.clone(),
        device_id: name.clone(),
        module_id: None,
        model_id: None,
        parameters: vec![("api-version".to_owned(), "2021-04-12".to_owned())],
    };
    let expiry = u64::try_from(Utc::now().timestamp())? + 3600;
    let token = Token::sign(
        &format!("{}/devices/{name}", endpoint.host),
        &task.key.derive(&name),
        expiry,
        None,
    );
    let (tls, host) = (
        TlsConnector::from(trust.config()),
        ServerName::try_from(endpoint.host.clone())?,
    );
    let mut options = MqttOptions::new(&name, Broker::tcp(&endpoint.host, endpoint.port_or(8883)));
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
    if sending == Sending::FlatOut {
        options.set_max_request_batch(32).set_inflight(WINDOW);
    }
    let (client, events) = AsyncClient::builder(options).unbounded().try_build()?;
    let sender = Sender {
        client,
        topic: format!("devices/{name}/messages/events/%24.ct=application%2Fjson&%24.ce=utf-8"),
        due: Due::default(),
        next: now + INTERVAL,
    };
    let stream = Stream {
        client: sender.client.clone(),
        topic: sender.topic.clone(),
        due: Arc::clone(&sender.due),
        flat_out: sending == Sending::FlatOut,
    };
    tokio::spawn(async move {
        if let Err(error) = listen(events, &tally, stream).await {
            eprintln!("a bare client: {error}");
            tally.count(Count::Lost);
        }
    });
    Ok(sender)
}

/// What a client sends because something has come.
struct Stream {
    client: AsyncClient,
    topic: String,
    due: Due,
    flat_out: bool,
}

impl Stream {
    fn send(&self, tally: &Tally, messages: u16) -> anyhow::Result<()> {
        for n in 0..messages {
            self.due
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push_back(Instant::now());
            let body = format!("{{\"temperature\":{n}}}");
            self.client
                .try_publish(self.topic.clone(), body, PublishOptions::at_least_once())?;
            tally.count(Count::Queued);
        }
        Ok(())
    }
}

async fn listen(mut events: EventLoop, tally: &Tally, stream: Stream) -> anyhow::Result<()> {
    tally.count(Count::Launched);
    loop {
        match events.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => {
                tally.count(Count::Connected);
                tally.count(Count::Ran);
                tally.up(Gauge::Up);
                stream.send(tally, if stream.flat_out { WINDOW } else { 1 })?;
            }
            Ok(Event::Incoming(Packet::PubAck(_))) => {
                tally.count(Count::Delivered);
                let due = stream.due.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                if let Some(due) = due {
                    tally.puback(0, due.elapsed());
                }
                if stream.flat_out {
                    stream.send(tally, 1)?;
                }
            }
            Ok(_) => {}
            // The end of all.
            Err(ConnectionError::RequestsDone) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}
