use futures_util::FutureExt;
use rumqttc::{PubAck, Publish, QoS};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::timeout;

use super::*;

const MINUTE: Duration = Duration::from_secs(60);

fn wire(room: usize) -> (Wire, DuplexStream) {
    let (ours, theirs) = duplex(room);
    (Wire::new(Box::new(ours), MINUTE, MINUTE * 3 / 2), theirs)
}

fn bytes(packets: &[Packet]) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    for packet in packets {
        packet.write(&mut bytes, LARGEST_PACKET).unwrap();
    }
    bytes.to_vec()
}

fn message(body: &[u8]) -> Packet {
    Packet::Publish(Publish::new("a/topic", QoS::AtMostOnce, body))
}

fn acknowledged(id: u16) -> Packet {
    Packet::PubAck(PubAck::new(id))
}

#[tokio::test]
async fn packets_come_whole_however_they_are_cut() {
    let sent = [
        message(b"one"),
        acknowledged(7),
        message(&[0; 10_000]),
        Packet::PingResp,
        message(b""),
    ];
    for step in [1, 2, 3, 1_000, 100_000] {
        let (mut wire, mut peer) = wire(8_192);
        let all = bytes(&sent);
        let writing = tokio::spawn(async move {
            for part in all.chunks(step) {
                peer.write_all(part).await.unwrap();
            }
            peer
        });
        for packet in &sent {
            assert_eq!(&wire.next().await.unwrap(), packet);
        }
        assert_eq!(
            (wire.incoming.capacity(), wire.outgoing.capacity()),
            (0, 0),
            "an idle wire holds nothing"
        );
        drop(writing.await.unwrap());
        assert!(matches!(wire.next().await, Err(Broken::Ended)));
        assert!(matches!(wire.next().await, Err(Broken::Over)));
        assert!(matches!(wire.put(&Packet::PingReq), Err(Broken::Over)));
    }
}

#[tokio::test]
async fn what_answers_packets_that_came_together_leaves_together() {
    let (mut wire, mut peer) = wire(8_192);
    peer.write_all(&bytes(&[1, 2, 3].map(acknowledged))).await.unwrap();
    for id in [1, 2, 3] {
        assert_eq!(wire.next().await.unwrap(), acknowledged(id));
        wire.put(&message(&[0; 10])).unwrap();
    }
    assert!(wire.ready().is_none());
    assert_eq!(
        peer.read_u8().now_or_never().transpose().unwrap(),
        None,
        "nothing has left before all were asked for"
    );
    // All of it, before the next is waited for.
    assert!(wire.next().now_or_never().is_none());
    let all = bytes(&[1, 2, 3].map(|_| message(&[0; 10])));
    let mut left = vec![0; all.len()];
    peer.read_exact(&mut left).now_or_never().unwrap().unwrap();
    assert_eq!(left, all);
}

#[tokio::test]
async fn a_wait_that_is_given_up_loses_nothing() {
    let (mut wire, mut peer) = wire(64);
    let long = message(&[1; 500]);
    wire.put(&long).unwrap();
    let incoming = [message(b"in"), message(b"two")];
    let mut got = Vec::new();
    for byte in bytes(&incoming).chunks(1) {
        peer.write_all(byte).await.unwrap();
        // Polled once, and dropped when that was not enough.
        got.extend(wire.next().now_or_never().transpose().unwrap());
    }
    assert_eq!(got, incoming);
    // What was to go out had room for a part of it each time.
    let wanted = bytes(&[long]);
    let reading = tokio::spawn(async move {
        let mut got = vec![0; wanted.len()];
        peer.read_exact(&mut got).await.unwrap();
        assert_eq!(got, wanted);
    });
    wire.flush().await.unwrap();
    reading.await.unwrap();
}

#[tokio::test]
async fn what_is_no_packet_ends_it() {
    let (mut wire, mut peer) = wire(64);
    peer.write_all(&[0xff; 8]).await.unwrap();
    assert!(matches!(wire.next().await, Err(Broken::Packet(_))));
}

#[tokio::test]
async fn a_packet_that_is_too_long_is_not_waited_for() {
    let (mut wire, mut peer) = wire(64);
    peer.write_all(&[0x30, 0xff, 0xff, 0xff, 0x7f]).await.unwrap();
    assert!(matches!(wire.next().await, Err(Broken::Packet(_))));
}

#[tokio::test]
async fn ids_are_used_again_once_they_are_free_and_never_zero() {
    let (mut wire, mut peer) = wire(64);
    assert_eq!((wire.new_id(), wire.new_id()), (1, 2));
    peer.write_all(&bytes(&[acknowledged(2)])).await.unwrap();
    wire.next().await.unwrap();
    wire.last_id = u16::MAX - 1;
    assert_eq!(wire.new_id(), u16::MAX);
    assert_eq!(wire.new_id(), 2, "0 is none, and 1 is not acknowledged");
}

#[tokio::test(start_paused = true)]
async fn a_quiet_peer_is_asked_after_the_keep_alive_and_left_after_half_as_long_again() {
    let (mut wire, mut peer) = wire(64);
    let began = Instant::now();
    let peer = tokio::spawn(async move {
        let mut asked = [0; 2];
        peer.read_exact(&mut asked).await.unwrap();
        assert_eq!(asked.to_vec(), bytes(&[Packet::PingReq]));
        assert_eq!(began.elapsed(), MINUTE);
        peer.write_all(&bytes(&[Packet::PingResp])).await.unwrap();
        peer.read_exact(&mut asked).await.unwrap();
        assert_eq!(began.elapsed(), MINUTE * 2);
        // Not answered; held open until the other has left.
        let _ = peer.read_to_end(&mut Vec::new()).await;
    });
    assert_eq!(wire.next().await.unwrap(), Packet::PingResp);
    assert!(matches!(wire.next().await, Err(Broken::Silence(_))));
    assert_eq!(began.elapsed(), MINUTE + MINUTE * 3 / 2);
    drop(wire);
    peer.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_sends_is_not_asked_to_be_asked() {
    let (mut wire, mut peer) = wire(1_024);
    for _ in 0..5 {
        wire.put(&message(b"x")).unwrap();
        assert!(timeout(MINUTE / 2, wire.next()).await.is_err());
        peer.write_all(&bytes(&[acknowledged(1)])).await.unwrap();
        wire.next().await.unwrap();
    }
    drop(wire);
    let mut sent = Vec::new();
    peer.read_to_end(&mut sent).await.unwrap();
    assert_eq!(sent, bytes(&vec![message(b"x"); 5]));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_is_left() {
    let (mut wire, _peer) = wire(16);
    wire.put(&message(&[0; 1_000])).unwrap();
    assert!(matches!(wire.next().await, Err(Broken::Silence(_))));
}
