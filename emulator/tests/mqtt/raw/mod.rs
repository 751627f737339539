//! MQTT 3.1.1 as bytes: what a client sends, well and ill formed, and exactly what it is to get for it.
//!
//! The same cases run over TLS in the integration tests, and in memory in virtual time among the unit tests of the emulator's
//! MQTT, there cut at every byte too. Nothing here shares code with the emulator's codec.
//!
//! Source: OASIS MQTT 3.1.1; Microsoft, "Communicate with an IoT hub using the MQTT protocol", for what the hub does otherwise.
//! Where both are silent, Azure's own open MQTT front end (azure-iot-protocol-gateway) and its device libraries decide; the case
//! says so.

mod connect;
mod control;
mod dps;
pub(crate) mod packets;
mod publish;
mod subscribe;
mod twin;

use std::time::Duration;

use setpoint_protocol::Key;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time,
};

// As either kind of tests names it.
use super::state::{Credentials, Hub};

/// After this a case has failed.
const FAILED: Duration = Duration::from_secs(3600);

pub(crate) const PINGREQ: [u8; 2] = [0xC0, 0];
pub(crate) const PINGRESP: [u8; 2] = [0xD0, 0];

/// What has been said on the connection before the case begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begin {
    /// Nothing: the case is about the first packet.
    Nothing,
    /// The device [`packets::DEVICE`] is connected with the hub, its keep-alive [`packets::KEEP_ALIVE`].
    Hub,
    /// The same, and it has subscribed to answers to twin requests.
    Listening,
    /// A client is connected with DPS.
    Dps,
}

/// What becomes of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// It stays, and pings are answered.
    Open,
    /// The server ends it.
    Closed,
}

/// A part of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    Bytes(Vec<u8>),
    /// So many bytes that are other ones each time: a time, a tracking id.
    Any(usize),
}

#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) begin: Begin,
    pub(crate) send: Vec<u8>,
    pub(crate) answer: Vec<Part>,
    pub(crate) end: End,
    /// Whether `send` is one packet that MQTT allows, whatever the service thinks of it: so that no beginning of it is answered.
    pub(crate) well_formed: bool,
}

impl Case {
    /// One packet that MQTT allows.
    pub(crate) fn good(name: &'static str, begin: Begin, send: Vec<u8>, answer: impl Into<Vec<u8>>, end: End) -> Case {
        Case {
            well_formed: true,
            ..Case::bad(name, begin, send, answer, end)
        }
    }

    /// Something else: no MQTT, or several packets.
    pub(crate) fn bad(name: &'static str, begin: Begin, send: Vec<u8>, answer: impl Into<Vec<u8>>, end: End) -> Case {
        Case {
            name,
            begin,
            send,
            answer: vec![Part::Bytes(answer.into())],
            end,
            well_formed: false,
        }
    }
}

/// All there are.
pub(crate) fn cases() -> Vec<Case> {
    [
        connect::well_formed(),
        connect::refused(),
        connect::ill_formed(),
        connect::other_first_packets(),
        control::cases(),
        publish::telemetry(),
        publish::elsewhere(),
        publish::ill_formed(),
        subscribe::taken(),
        subscribe::not_taken(),
        subscribe::unsubscribe(),
        twin::cases(),
        dps::cases(),
    ]
    .concat()
}

/// The device's key.
pub(crate) fn key() -> Key {
    Key::from_bytes(vec![1; 32])
}

/// A device as the cases want it, that nobody has used.
pub(crate) fn prepare(hub: &Hub) {
    // The first time there is none.
    drop(hub.delete_device(packets::DEVICE));
    let keys = Credentials::from([key(), Key::from_bytes(vec![2; 32])]);
    hub.create_device(packets::DEVICE, Some(keys)).unwrap();
}

/// Says what comes before the case.
pub(crate) async fn begin<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, begin: Begin, id_scope: &str) {
    let hello = packets::Hello::hub();
    let (send, answer) = match begin {
        Begin::Nothing => return,
        Begin::Hub => (hello.bytes(), vec![0x20, 2, 0, 0]),
        Begin::Listening => (
            [hello.bytes(), packets::subscribe(9, &[("$iothub/twin/res/#", 0)])].concat(),
            vec![0x20, 2, 0, 0, 0x90, 3, 0, 9, 0],
        ),
        Begin::Dps => (packets::Hello::dps(id_scope).bytes(), vec![0x20, 2, 0, 0]),
    };
    stream.write_all(&send).await.unwrap();
    stream.flush().await.unwrap();
    assert_eq!(exactly(stream, answer.len()).await, answer, "before the case");
}

/// Runs a case on a new connection.
pub(crate) async fn run<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, case: &Case, id_scope: &str) {
    begin(&mut stream, case.begin, id_scope).await;
    let send = match case.begin {
        Begin::Dps | Begin::Nothing => packets::with_scope(&case.send, id_scope),
        Begin::Hub | Begin::Listening => case.send.clone(),
    };
    let written = stream.write_all(&send).await;
    assert!(
        written.is_ok() || case.end == End::Closed,
        "{}: the server did not read it",
        case.name
    );
    let _ = stream.flush().await;
    let length = case.answer.iter().map(Part::len).sum();
    match case.end {
        End::Open => {
            compare(case, &exactly(&mut stream, length).await);
            stream.write_all(&PINGREQ).await.unwrap();
            stream.flush().await.unwrap();
            assert_eq!(exactly(&mut stream, 2).await, PINGRESP, "{}", case.name);
            stream.shutdown().await.unwrap();
            assert_eq!(to_end(&mut stream).await, b"", "{}: more was sent", case.name);
        }
        End::Closed => compare(case, &to_end(&mut stream).await),
    }
}

impl Part {
    fn len(&self) -> usize {
        match self {
            Part::Bytes(bytes) => bytes.len(),
            Part::Any(count) => *count,
        }
    }
}

fn compare(case: &Case, got: &[u8]) {
    let mut at = 0;
    for part in &case.answer {
        let end = (at + part.len()).min(got.len());
        let piece = &got[at..end];
        let same = match part {
            Part::Bytes(bytes) => piece == bytes,
            Part::Any(count) => piece.len() == *count,
        };
        assert!(same, "{}: expected {:02x?}, got {got:02x?}", case.name, case.answer);
        at = end;
    }
    assert_eq!(at, got.len(), "{}: more than expected came: {got:02x?}", case.name);
}

async fn exactly<S: AsyncRead + Unpin>(stream: &mut S, count: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut stream = stream.take(count as u64);
    // Less than asked for comes of a connection that was closed.
    let _ = time::timeout(FAILED, stream.read_to_end(&mut bytes))
        .await
        .expect("nothing came");
    bytes
}

/// What comes until the server closes.
pub(crate) async fn to_end<S: AsyncRead + Unpin>(stream: &mut S) -> Vec<u8> {
    let mut bytes = Vec::new();
    // An error is an end as well: the server may close with bytes unread.
    let _ = time::timeout(FAILED, stream.read_to_end(&mut bytes))
        .await
        .expect("the connection is still open");
    bytes
}
