//! A connection after its CONNECT was accepted, for either service.

use std::{io, time::Duration};

use mqtt_protocol_core::mqtt::result_code::MqttError;
use setpoint_protocol::{CloudTopic, Filter};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    task,
    time::{self, Instant},
};

use super::{
    departures::Departures,
    packet::{self, Packet, Publish, Violation},
    wire::Wire,
};
use crate::state::{CloseReason, faults::Acknowledgement};

/// The longest the hub waits for a client to be heard of, also for one that asks for no keep-alive: 29.45 minutes (Microsoft:
/// "Default keep-alive timeout"), which is one and a half times 1,177 seconds and a bit.
const PATIENCE_LIMIT: Duration = Duration::from_secs(1767);

/// Packets of one client that are answered before it is another's turn. Tokio counts reads, and a read can hold a hundred packets.
const TURN: u32 = 32;

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    #[error("the client closed the connection without DISCONNECT")]
    Gone,
    #[error("the client was not heard of for one and a half times its keep-alive")]
    Silent,
    #[error("the client does not read what is sent to it")]
    NotReading,
    #[error("the client sent no CONNECT in time")]
    NoConnect,
    #[error("the client's token has expired")]
    TokenExpired,
    #[error("{0}")]
    Hub(CloseReason),
    #[error("a fault was asked for that closes the connection")]
    Fault,
    #[error("the hub's devices send more than it takes")]
    Throttled,
    #[error("a fault was asked for that severs the connection")]
    Severed,
    #[error(transparent)]
    Violation(#[from] Violation),
    #[error("the connection broke: {0}")]
    Io(io::Error),
    #[error("a packet could not be built: {0}")]
    Codec(MqttError),
}

impl From<MqttError> for Ended {
    fn from(error: MqttError) -> Ended {
        Ended::Codec(error)
    }
}

/// A message to the client.
pub(super) struct Outgoing {
    pub(super) topic: CloudTopic,
    pub(super) body: Vec<u8>,
    /// Set for QoS 1.
    pub(super) packet_id: Option<u16>,
    /// MQTT's DUP.
    pub(super) again: bool,
    /// How long it waits; zero but for faults.
    pub(super) after: Duration,
}

impl Outgoing {
    /// A message with QoS 0.
    pub(super) fn new(topic: CloudTopic, body: Vec<u8>) -> Outgoing {
        Outgoing {
            topic,
            body,
            packet_id: None,
            again: false,
            after: Duration::ZERO,
        }
    }
}

/// What a service does with one client. Owned by the connection's task; dropped when the connection has ended.
pub(super) trait Service {
    /// Takes a published message; an answer, if there is one, goes out after the PUBACK. An error closes the connection
    /// without a PUBACK.
    fn publish(&mut self, publish: Publish) -> Result<Option<Outgoing>, Ended>;

    /// How the PUBACK of what was just published goes out.
    fn acknowledgement(&mut self) -> Acknowledgement {
        Acknowledgement::PROPER
    }

    /// Whether a PINGREQ is answered.
    fn answers_ping(&mut self) -> bool {
        true
    }

    /// Whether nothing is to reach the client any more.
    fn is_mute(&self) -> bool {
        false
    }

    /// Subscribes with the QoS asked for (0 to 2); the QoS granted, `None` when the filter is not one of the service's, which
    /// ends the connection.
    fn subscribe(&mut self, filter: Filter, qos: u8) -> Option<u8>;

    /// Unsubscribes.
    fn unsubscribe(&mut self, filter: Filter);

    /// The client has taken the message of this packet id.
    fn acknowledge(&mut self, packet_id: u16);

    /// What the service has for the client next. Cancel safe.
    async fn next(&mut self) -> Result<Outgoing, Ended>;

    /// The connection ended without a DISCONNECT.
    fn lost(&mut self);
}

/// Runs a connection to its end. `expiry` is when its token ends. `Ok` when the client said DISCONNECT.
pub(super) async fn run<S: AsyncRead + AsyncWrite + Unpin>(
    wire: &mut Wire<S>,
    service: &mut impl Service,
    keep_alive: u16,
    expiry: Instant,
) -> Result<(), Ended> {
    let ended = converse(wire, service, patience(keep_alive), expiry).await;
    if ended.is_err() {
        service.lost();
    }
    if service.is_mute() {
        wire.discard();
    }
    ended
}

/// One and a half times the keep-alive, as MQTT demands, within the hub's limit.
fn patience(keep_alive: u16) -> Duration {
    match keep_alive {
        0 => PATIENCE_LIMIT,
        seconds => PATIENCE_LIMIT.min(Duration::from_millis(u64::from(seconds) * 1500)),
    }
}

async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    wire: &mut Wire<S>,
    service: &mut impl Service,
    patience: Duration,
    expiry: Instant,
) -> Result<(), Ended> {
    let mut departures = Departures::default();
    let mut heard = Instant::now();
    let mut answered: u32 = 0;
    loop {
        while let Some(raw) = wire.received()? {
            heard = Instant::now();
            answered = answered.wrapping_add(1);
            if answered.is_multiple_of(TURN) {
                task::yield_now().await;
            }
            if answer(wire, &mut departures, service, Packet::parse(&raw)?)? == Goodbye::Said {
                return Ok(());
            }
            if wire.is_full() {
                flush(wire, service).await?;
            }
        }
        departures.release(wire);
        if wire.receive_ahead() {
            continue;
        }
        flush(wire, service).await?;
        // Only waited for when there is something due.
        let due = departures.due().unwrap_or(expiry);
        tokio::select! {
            received = wire.receive() => received?,
            outgoing = service.next() => send(wire, &mut departures, outgoing?)?,
            () = time::sleep_until(due), if departures.due().is_some() => {}
            () = time::sleep_until(heard + patience) => return Err(Ended::Silent),
            () = time::sleep_until(expiry) => return Err(Ended::TokenExpired),
        }
    }
}

async fn flush<S: AsyncRead + AsyncWrite + Unpin>(wire: &mut Wire<S>, service: &impl Service) -> Result<(), Ended> {
    if service.is_mute() {
        wire.discard();
    }
    wire.flush().await
}

#[derive(PartialEq, Eq)]
enum Goodbye {
    Said,
    NotYet,
}

fn answer<S: AsyncRead + AsyncWrite + Unpin>(
    wire: &mut Wire<S>,
    departures: &mut Departures,
    service: &mut impl Service,
    packet: Packet,
) -> Result<Goodbye, Ended> {
    match packet {
        Packet::Connect(_) => return Err(Violation::Unexpected("a second CONNECT").into()),
        Packet::Disconnect => return Ok(Goodbye::Said),
        Packet::Pingreq if service.answers_ping() => departures.send(wire, packet::pingresp()),
        Packet::Pingreq => {}
        Packet::Puback(id) => service.acknowledge(id),
        Packet::Publish(publish) => {
            let acknowledge = publish.acknowledge;
            let answer = service.publish(publish)?;
            if let Some(id) = acknowledge {
                let Acknowledgement { copies, after } = service.acknowledgement();
                for _ in 0..copies {
                    departures.hold(wire, packet::puback(id)?, after);
                }
            }
            if let Some(outgoing) = answer {
                send(wire, departures, outgoing)?;
            }
        }
        Packet::Subscribe { id, entries } => {
            let grant = |(filter, qos): (String, u8)| service.subscribe(Filter::parse(&filter).ok()?, qos);
            // The hub closes rather than to refuse in a SUBACK.
            let granted: Option<Vec<_>> = entries.into_iter().map(grant).collect();
            let granted = granted.ok_or(Violation::Filter)?;
            departures.send(wire, packet::suback(id, &granted)?);
        }
        Packet::Unsubscribe { id, filters } => {
            filters
                .iter()
                .filter_map(|filter| Filter::parse(filter).ok())
                .for_each(|filter| service.unsubscribe(filter));
            departures.send(wire, packet::unsuback(id)?);
        }
    }
    Ok(Goodbye::NotYet)
}

fn send<S: AsyncRead + AsyncWrite + Unpin>(
    wire: &mut Wire<S>,
    departures: &mut Departures,
    outgoing: Outgoing,
) -> Result<(), Ended> {
    let Outgoing {
        topic,
        body,
        packet_id,
        again,
        after,
    } = outgoing;
    let message = packet::message(&topic.to_string(), body, packet_id, again)?;
    departures.defer(wire, message, after);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_is_one_and_a_half_times_the_keep_alive_within_the_limit() {
        assert_eq!(patience(60), Duration::from_secs(90));
        assert_eq!(patience(1), Duration::from_millis(1500));
        assert_eq!(patience(1177), Duration::from_millis(1_765_500));
        assert_eq!(patience(0), Duration::from_secs(1767));
        assert_eq!(patience(u16::MAX), Duration::from_secs(1767));
    }
}
