//! Telemetry, as fast as it goes: one device with a hundred messages in flight, beside a bare MQTT publisher with as many.
//!
//! Both speak to one emulator over TLS, in turns, in one run: the machine's speed divides out of the ratio.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use rumqttc::{AsyncClient, Broker, Event, MqttOptions, Packet, PublishOptions, Transport};
use rustls::pki_types::ServerName;
use setpoint::clock::{Clock, SystemClock};
use setpoint::cloud::{Access, AzureConnector, DpsProvisioner, Outgoing, Trust};
use setpoint::device::{Capacity, Device, Notice, Operator, Session, Store, run};
use setpoint::sandbox::{Limits, Program, Rate, Rates, Sandbox, SharedRandom, Surroundings, Tap};
use setpoint_emulator::{Emulator, Identity, Options};
use setpoint_protocol::{Endpoint, HubUsername, Token};
use setpoint_tests::ROGUE;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::TlsConnector;

use crate::figures::Table;

/// Messages of one turn.
const MESSAGES: usize = 20_000;

/// Turns of each.
const TURNS: usize = 5;

/// Messages in flight: the device's window, and the publisher's.
const WINDOW: u16 = 100;

pub(crate) fn measure(folder: &Path, table: &mut Table) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("no threads")?;
    runtime.block_on(turns(folder, table))
}

async fn turns(folder: &Path, table: &mut Table) -> anyhow::Result<()> {
    let identity = Arc::new(Identity::temporary()?);
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let options = Options {
        mqtt: any,
        https: any,
        identity: Arc::clone(&identity),
        data: None,
    };
    let emulator = Emulator::start(options).await?;
    let place = Place {
        trust: Trust::only(identity.ca_pem())?,
        endpoint: Endpoint {
            host: "localhost".to_owned(),
            port: Some(emulator.mqtt_address().port()),
        },
        identity,
    };
    let (mut bare, mut memory, mut disk) = (Vec::new(), Vec::new(), Vec::new());
    for turn in 0..TURNS {
        bare.push(publisher(&place).await?);
        memory.push(device(&place, None).await?);
        let store = Store::open(&folder.join(format!("outbox-{turn}")), "bench")?;
        disk.push(device(&place, Some(store)).await?);
    }
    emulator.stop().await;
    table.rates(
        "telemetry of a bare MQTT publisher",
        "100 in flight, each acknowledged",
        MESSAGES,
        &bare,
    );
    table.rates(
        "telemetry of a device",
        "the same, from its guest through its outbox",
        MESSAGES,
        &memory,
    );
    table.rates(
        "telemetry of a device with --data",
        "the same, each batch on the disk first",
        MESSAGES,
        &disk,
    );
    table.ratio("device / publisher", "0.8", &bare, &memory);
    table.ratio("device with --data / publisher", "0.8", &bare, &disk);
    Ok(())
}

struct Place {
    identity: Arc<Identity>,
    trust: Trust,
    endpoint: Endpoint,
}

/// rumqttc alone, with nothing around it.
async fn publisher(place: &Place) -> anyhow::Result<Duration> {
    let device_id = place.identity.device_id();
    let [key, _] = place.identity.device_keys();
    let username = HubUsername {
        hub: place.endpoint.host.clone(),
        device_id: device_id.to_owned(),
        module_id: None,
        model_id: None,
        parameters: vec![("api-version".to_owned(), "2021-04-12".to_owned())],
    };
    let expiry = u64::try_from(setpoint_guest::chrono::Utc::now().timestamp())? + 3600;
    let token = Token::sign(
        &format!("{}/devices/{device_id}", place.endpoint.host),
        key,
        expiry,
        None,
    );
    let tls = TlsConnector::from(place.trust.config());
    let name = ServerName::try_from(place.endpoint.host.clone())?;
    let mut options = MqttOptions::new(
        device_id,
        Broker::tcp(&place.endpoint.host, place.endpoint.port_or(8883)),
    );
    options
        .set_transport(Transport::tcp())
        .set_socket_connector(move |address, _| {
            let (tls, name) = (tls.clone(), name.clone());
            async move {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                tls.connect(name, stream).await
            }
        })
        .set_credentials(username.to_string(), token.to_string())
        .set_max_request_batch(32)
        .set_inflight(WINDOW);
    let (client, mut events) = AsyncClient::builder(options).unbounded().try_build()?;
    events.poll().await?;
    let topic = format!("devices/{device_id}/messages/events/%24.ct=application%2Fjson&%24.ce=utf-8");
    for n in 0..MESSAGES {
        client.try_publish(topic.clone(), format!("{{\"n\":{n}}}"), PublishOptions::at_least_once())?;
    }
    let began = Instant::now();
    let mut acknowledged = 0;
    while acknowledged < MESSAGES {
        if let Event::Incoming(Packet::PubAck(_)) = events.poll().await? {
            acknowledged += 1;
        }
    }
    Ok(began.elapsed())
}

/// A device whose guest sends whenever there is room.
async fn device(place: &Place, store: Option<Store>) -> anyhow::Result<Duration> {
    let unlimited = Rate {
        burst: u32::MAX,
        per_second: u32::MAX,
    };
    let rates = Rates {
        telemetry: unlimited,
        ..Rates::default()
    };
    let sandbox = Sandbox::new(
        Limits {
            instances: 1,
            rates,
            ..Limits::default()
        },
        None,
    )?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let surroundings = Surroundings {
        clock: Arc::clone(&clock),
        random: SharedRandom::new(|| 0),
        config: Arc::new([("does".to_owned(), "stream".to_owned())].into()),
        assignment: None,
        tap: Tap::default(),
    };
    let program = Program::load(&sandbox, "stream", ROGUE)?;
    let (sender, mut marks) = mpsc::unbounded_channel();
    let mut delivered = 0;
    let observer = move |notice: &Notice<'_>| {
        let at = match notice {
            Notice::Queued(_) if delivered == 0 => Some(0),
            Notice::Delivered(Outgoing::Telemetry { .. }) => {
                delivered += 1;
                (delivered == MESSAGES).then_some(delivered)
            }
            _ => None,
        };
        if let Some(at) = at {
            // Whoever has seen enough no longer listens.
            let _ = sender.send((at, Instant::now()));
        }
    };
    let (operator, control) = Operator::new(surroundings.clone());
    let mut device = Device::new(&program, surroundings, Box::new(observer))?.capacity(Capacity::default());
    if let Some(store) = store {
        device = device.keep_in(store)?;
    }
    let [key, _] = place.identity.device_keys();
    let access = Access::with_key(key.clone(), &place.trust);
    let (id_scope, registration_id) = (place.identity.id_scope(), place.identity.device_id());
    let provisioner = DpsProvisioner::new(place.endpoint.clone(), id_scope, registration_id, access.clone());
    let session = tokio::spawn(run(Session {
        device,
        provisioner: Arc::new(provisioner),
        connector: Arc::new(AzureConnector::new(access)),
        clock,
        random: Box::new(|| 0),
        control,
    }));
    let mut began = None;
    while let Some((at, time)) = marks.recv().await {
        match began {
            None => began = Some(time),
            Some(began) if at == MESSAGES => {
                session.abort();
                let _ = session.await;
                drop(operator);
                return Ok(time - began);
            }
            Some(_) => {}
        }
    }
    anyhow::bail!("the device ended: {:?}", session.await)
}
