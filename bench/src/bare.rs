//! rumqttc clients with nothing around them, with the identities of a fleet that ran before and started at the same rate.
//! `setpoint-bench bare N` has them send as a fleet of thermostats, `bare-together N` with timers that end together, as a fleet's do,
//! `bare-flat-out N` as fast as they can.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::Arc;
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

/// Timers of a fleet end at multiples of this.
const GRAIN: Duration = Duration::from_millis(20);

/// How clients send.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sending {
    /// Each every eight seconds.
    Thermostat,
    /// The same, at multiples of [`GRAIN`] alone, as a fleet does.
    Together,
    /// Each as soon as fewer than [`WINDOW`] messages are under way.
    FlatOut,
}

pub(crate) fn measure(task: &Task, sending: Sending) -> anyhow::Result<Report> {
    tokio::runtime::Runtime::new()?.block_on(clients(task, sending))
}

async fn clients(task: &Task, sending: Sending) -> anyhow::Result<Report> {
    let trust = Trust::system(None)?;
    let tally = Arc::new(Tally::default());
    let before = task.before("none");
    let began = Instant::now();
    let end = began + task.duration;
    let mut sampled = began;
    let mut place = 0;
    loop {
        let start = (place < task.devices).then(|| began + task.ramp.start_of(place));
        let sample = sampled + Duration::from_secs(1);
        let next = start.map_or(sample, |start| start.min(sample)).min(end);
        sleep_until(next).await;
        if next == end {
            break;
        }
        if next == sample {
            sampled = sample;
            tally.sample(began.elapsed());
        } else {
            place += 1;
            begin(task, place, &trust, Arc::clone(&tally), sending, began)?;
        }
    }
    tally.sample(began.elapsed());
    let ending = Ending {
        devices: task.devices,
        lasted: began.elapsed(),
        drained: Duration::ZERO,
        memory: proportional(),
        connected: tally.level(Gauge::Up),
        abandoned: 0,
    };
    Ok(Report::of(before, &ending, &tally))
}

/// A client, in a task of its own.
fn begin(
    task: &Task,
    place: u64,
    trust: &Trust,
    tally: Arc<Tally>,
    sending: Sending,
    began: Instant,
) -> anyhow::Result<()> {
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
        due: VecDeque::new(),
        next: None,
        together: (sending == Sending::Together).then_some(began),
    };
    tokio::spawn(async move {
        if let Err(error) = sender.live(events, &tally, sending).await {
            eprintln!("a bare client: {error}");
            tally.count(Count::Lost);
        }
    });
    Ok(())
}

/// A client's side of its event loop.
struct Sender {
    client: AsyncClient,
    topic: String,
    /// When the messages that were not acknowledged yet were due.
    due: VecDeque<Instant>,
    /// When the next is.
    next: Option<Instant>,
    /// Since when grains are counted, when it waits for their ends.
    together: Option<Instant>,
}

impl Sender {
    async fn live(mut self, mut events: EventLoop, tally: &Tally, sending: Sending) -> anyhow::Result<()> {
        tally.count(Count::Launched);
        loop {
            let next = self.next.map(|next| self.end_of(next));
            let due = async move {
                match next {
                    Some(next) => sleep_until(next).await,
                    None => pending().await,
                }
            };
            let event = tokio::select! {
                biased;
                event = events.poll() => event,
                () = due => {
                    self.tick(tally)?;
                    continue;
                }
            };
            match event {
                Ok(Event::Incoming(Packet::ConnAck(_))) => {
                    tally.count(Count::Connected);
                    tally.count(Count::Ran);
                    tally.up(Gauge::Up);
                    match sending {
                        Sending::Thermostat | Sending::Together => {
                            self.next = Some(Instant::now());
                            self.tick(tally)?;
                        }
                        Sending::FlatOut => {
                            for _ in 0..WINDOW {
                                self.send(tally, Instant::now())?;
                            }
                        }
                    }
                }
                Ok(Event::Incoming(Packet::PubAck(_))) => {
                    tally.count(Count::Delivered);
                    if let Some(due) = self.due.pop_front() {
                        tally.puback(0, due.elapsed());
                    }
                    if sending == Sending::FlatOut {
                        self.send(tally, Instant::now())?;
                    }
                }
                Ok(_) => {}
                // The end of all.
                Err(ConnectionError::RequestsDone) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// When a wait until then ends.
    fn end_of(&self, next: Instant) -> Instant {
        let Some(began) = self.together else { return next };
        let grains = (next - began).as_nanos().div_ceil(GRAIN.as_nanos());
        began + GRAIN.saturating_mul(u32::try_from(grains).unwrap_or(u32::MAX))
    }

    /// Sends what is due and sets the time of the next.
    fn tick(&mut self, tally: &Tally) -> anyhow::Result<()> {
        let Some(due) = self.next else { return Ok(()) };
        self.send(tally, due)?;
        self.next = Some(due + INTERVAL);
        Ok(())
    }

    fn send(&mut self, tally: &Tally, due: Instant) -> anyhow::Result<()> {
        self.due.push_back(due);
        let body = format!("{{\"temperature\":{}}}", self.due.len());
        self.client
            .try_publish(self.topic.clone(), body, PublishOptions::at_least_once())?;
        tally.count(Count::Queued);
        Ok(())
    }
}
