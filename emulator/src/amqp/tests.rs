//! A whole connection over a stream in memory, and clients that mean no good.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, helpers too"
)]

use fe2o3_amqp_types::{
    performatives::{ChannelMax, Close, MaxFrameSize, Open, Performative},
    sasl::{SaslCode, SaslInit, SaslMechanisms, SaslOutcome},
};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::{
    frame::{Frame, Kind},
    *,
};

const SASL: &[u8] = b"AMQP\x03\x01\x00\x00";
const AMQP: &[u8] = b"AMQP\x00\x01\x00\x00";

/// A served connection; the identity it is served with.
fn served() -> (DuplexStream, Arc<Identity>, tokio::task::JoinHandle<Ended>) {
    let identity = Arc::new(Identity::temporary().unwrap());
    let services = Services {
        hub: Hub::new(),
        identity: Arc::clone(&identity),
        keeping: Keeping::default(),
    };
    let (client, server) = duplex(1024);
    (client, identity, tokio::spawn(serve_to_end(server, services)))
}

fn framed(kind: Kind, body: &impl serde::Serialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame::write(&mut bytes, kind, 0, body, &[]);
    bytes
}

fn init(mechanism: &str, response: Option<&[u8]>) -> Vec<u8> {
    let init = SaslInit {
        mechanism: mechanism.into(),
        initial_response: response.map(|response| response.to_vec().into()),
        hostname: None,
    };
    framed(Kind::Sasl, &init)
}

fn open(idle_time_out: Option<u32>) -> Vec<u8> {
    let open = Open {
        container_id: "client".to_owned(),
        hostname: None,
        max_frame_size: MaxFrameSize(u32::MAX),
        channel_max: ChannelMax(0),
        idle_time_out,
        outgoing_locales: None,
        incoming_locales: None,
        offered_capabilities: None,
        desired_capabilities: None,
        properties: None,
    };
    framed(Kind::Amqp, &open)
}

async fn frame(stream: &mut DuplexStream) -> Frame {
    let mut bytes = vec![0; 4];
    stream.read_exact(&mut bytes).await.unwrap();
    let size = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize;
    bytes.resize(size, 0);
    stream.read_exact(&mut bytes[4..]).await.unwrap();
    Frame::split(&bytes).unwrap().unwrap().0
}

async fn expect(stream: &mut DuplexStream, expected: &[u8]) {
    let mut bytes = vec![0; expected.len()];
    stream.read_exact(&mut bytes).await.unwrap();
    assert_eq!(bytes, expected);
}

/// Greets with a mechanism; how it ended.
async fn greet(stream: &mut DuplexStream, init: &[u8]) -> SaslCode {
    stream.write_all(SASL).await.unwrap();
    expect(stream, SASL).await;
    let offered = frame(stream).await;
    assert!(serde_amqp::from_slice::<SaslMechanisms>(&offered.body).is_ok());
    stream.write_all(init).await.unwrap();
    let outcome: SaslOutcome = serde_amqp::from_slice(&frame(stream).await.body).unwrap();
    outcome.code
}

/// A client that is let in and has opened the connection.
async fn opened(stream: &mut DuplexStream, idle_time_out: Option<u32>) {
    assert_eq!(greet(stream, &init("MSSBCBS", None)).await, SaslCode::Ok);
    stream.write_all(AMQP).await.unwrap();
    stream.write_all(&open(idle_time_out)).await.unwrap();
    expect(stream, AMQP).await;
    let answer = frame(stream).await;
    assert!(matches!(answer.performative().unwrap().0, Performative::Open(_)));
}

#[tokio::test]
async fn who_closes_is_answered() {
    let (mut client, _, served) = served();
    opened(&mut client, None).await;
    client
        .write_all(&framed(Kind::Amqp, &Close { error: None }))
        .await
        .unwrap();
    let answer = frame(&mut client).await;
    assert!(matches!(
        answer.performative().unwrap().0,
        Performative::Close(Close { error: None })
    ));
    drop(client);
    assert!(matches!(served.await.unwrap(), Ended::Gone));
}

#[tokio::test]
async fn a_name_and_its_password_are_asked_for_with_plain() {
    for (right, expected) in [(true, SaslCode::Ok), (false, SaslCode::Auth)] {
        let (mut client, identity, _served) = served();
        let key = if right {
            identity.service_key().to_base64()
        } else {
            "AAAA".to_owned()
        };
        let response = format!("\0{}\0{key}", identity.service_policy());
        assert_eq!(
            greet(&mut client, &init("PLAIN", Some(response.as_bytes()))).await,
            expected
        );
    }
    for (mechanism, response) in [("PLAIN", None), ("PLAIN", Some(&b"\0a\0b\0c"[..])), ("EXTERNAL", None)] {
        let (mut client, _, _served) = served();
        assert_eq!(
            greet(&mut client, &init(mechanism, response)).await,
            SaslCode::Auth,
            "{mechanism}"
        );
        assert_eq!(client.read(&mut [0; 1]).await.unwrap(), 0, "and that is all");
    }
}

#[tokio::test]
async fn sasl_can_be_left_out() {
    let (mut client, _, _served) = served();
    client.write_all(&[AMQP, &open(None)].concat()).await.unwrap();
    expect(&mut client, AMQP).await;
    let answer = frame(&mut client).await;
    assert!(matches!(answer.performative().unwrap().0, Performative::Open(_)));
}

#[tokio::test]
async fn who_speaks_something_else_is_told_what_is_spoken_here() {
    for hello in [b"AMQP\x00\x00\x09\x01", b"GET / HT"] {
        let (mut client, _, served) = served();
        client.write_all(hello).await.unwrap();
        expect(&mut client, SASL).await;
        assert_eq!(client.read(&mut [0; 1]).await.unwrap(), 0);
        drop(client);
        assert!(matches!(served.await.unwrap(), Ended::OtherProtocol));
    }
}

#[tokio::test(start_paused = true)]
async fn who_does_not_go_on_is_cut_off() {
    // With nothing said, and with half a greeting.
    for said in [&b""[..], &SASL[..5]] {
        let (mut client, _, served) = served();
        client.write_all(said).await.unwrap();
        assert!(matches!(served.await.unwrap(), Ended::Late));
    }
    // Without a token.
    let (mut client, _, served) = served();
    opened(&mut client, None).await;
    let answer = frame(&mut client).await;
    let (Performative::Close(Close { error: Some(error) }), _) = answer.performative().unwrap() else {
        panic!("{answer:?}")
    };
    assert_eq!(error.condition, AmqpError::UnauthorizedAccess.into());
    drop(client);
    assert!(matches!(served.await.unwrap(), Ended::Late));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_wants_to_hear_something_does_and_one_that_is_silent_is_cut_off() {
    let (mut client, identity, served) = served();
    let response = format!(
        "\0{}\0{}",
        identity.service_policy(),
        identity.service_key().to_base64()
    );
    assert_eq!(
        greet(&mut client, &init("PLAIN", Some(response.as_bytes()))).await,
        SaslCode::Ok
    );
    client.write_all(&[AMQP, &open(Some(60_000))].concat()).await.unwrap();
    expect(&mut client, AMQP).await;
    frame(&mut client).await;
    let begun = Instant::now();
    assert!(frame(&mut client).await.body.is_empty());
    assert_eq!(begun.elapsed().as_secs(), 30);
    let rest = async {
        let mut bytes = Vec::new();
        client.read_to_end(&mut bytes).await.unwrap();
    };
    rest.await;
    assert_eq!(begun.elapsed().as_secs(), 240);
    assert!(matches!(served.await.unwrap(), Ended::Silent));
}

#[tokio::test]
async fn a_frame_that_is_none_closes_the_connection_with_the_reason() {
    // Too large, nested without end, cut short within, and of no type.
    let deep = [&[0, 0, 0x20, 0, 2, 0, 0, 0][..], &[0; 0x2000 - 8]].concat();
    for bad in [
        &[0xff; 8][..],
        &deep,
        &[0, 0, 0, 9, 2, 0, 0, 0, 0],
        &[0, 0, 0, 8, 2, 9, 0, 0],
    ] {
        let (mut client, _, _served) = served();
        opened(&mut client, None).await;
        let (mut reader, mut writer) = tokio::io::split(client);
        let writing = tokio::spawn({
            let bad = bad.to_vec();
            async move {
                let _ = writer.write_all(&bad).await;
                writer
            }
        });
        let mut answer = Vec::new();
        reader.read_to_end(&mut answer).await.unwrap();
        let (answer, _) = Frame::split(&answer).unwrap().unwrap();
        let (Performative::Close(Close { error: Some(error) }), _) = answer.performative().unwrap() else {
            panic!("{answer:?}")
        };
        assert_eq!(error.condition, ConnectionError::FramingError.into(), "{:?}", &bad[..8]);
        drop(writing.await);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is said after the greeting ends in an answer or an end, and never in a panic.
    #[test]
    fn nonsense_does_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..400), framed in any::<bool>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (mut client, _, served) = served();
            opened(&mut client, None).await;
            let mut said = Vec::new();
            if framed {
                // As if it were a performative with some fields.
                let code = 0x10 + bytes.first().copied().unwrap_or(0) % 9;
                let length = u8::try_from(bytes.len().min(250)).unwrap();
                let list = [&[0x00, 0x53, code, 0xc0, length + 1, length][..], &bytes[..usize::from(length)]].concat();
                frame::write_encoded(&mut said, Kind::Amqp, 0, &list, &[]);
            } else {
                said = bytes;
            }
            let _ = client.write_all(&said).await;
            client.shutdown().await.unwrap();
            let mut answer = Vec::new();
            client.read_to_end(&mut answer).await.unwrap();
            drop(client);
            served.await.unwrap();
        });
    }
}
