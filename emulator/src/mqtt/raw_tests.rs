//! The raw cases in memory and in virtual time, whole and cut at every byte.

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncWriteExt, DuplexStream, duplex},
    time::Instant,
};

use super::{Services, serve_one};
use crate::{
    keeping::Keeping,
    listener::Origin,
    state::{self, Enrollments, Hub},
};

#[path = "../../tests/mqtt/raw/mod.rs"]
mod raw;

use raw::Begin;

/// Room for the largest packet, so that a server that has closed does not leave its client waiting.
const ROOM: usize = 1024 * 1024;

struct Server {
    hub: Arc<Hub>,
    services: Services,
}

impl Server {
    fn new() -> Server {
        let hub = Hub::new();
        let services = Services {
            hub: Arc::clone(&hub),
            enrollments: Arc::new(Enrollments::new(raw::packets::SCOPE)),
            keeping: Keeping::default(),
        };
        Server { hub, services }
    }

    /// A connection nobody has used, with a device nobody has used.
    fn dial(&self) -> DuplexStream {
        raw::prepare(&self.hub);
        let (near, far) = duplex(ROOM);
        let origin = Origin {
            peer: (Ipv4Addr::LOCALHOST, 0).into(),
            server_name: "localhost".to_owned(),
            certificate: None,
            place: None,
        };
        tokio::spawn(serve_one(far, origin, self.services.clone()));
        near
    }
}

#[tokio::test(start_paused = true)]
async fn every_case_is_answered_as_it_should_be() {
    let server = Server::new();
    for case in raw::cases() {
        raw::run(server.dial(), &case, raw::packets::SCOPE).await;
    }
}

/// The beginning of a packet is no packet: nothing is answered, and the connection waits for the rest until it is time to give it
/// up, or until the client ends it.
#[tokio::test(start_paused = true)]
async fn no_beginning_of_a_packet_is_answered() {
    let server = Server::new();
    let mut cuts = 0;
    for case in raw::cases().into_iter().filter(|case| case.well_formed) {
        let patience = match case.begin {
            Begin::Nothing => Duration::from_secs(10),
            _ => Duration::from_secs(u64::from(raw::packets::KEEP_ALIVE) * 3 / 2),
        };
        for cut in 1..case.send.len() {
            for ends in [false, true] {
                let mut stream = server.dial();
                raw::begin(&mut stream, case.begin, raw::packets::SCOPE).await;
                let begun = Instant::now();
                stream.write_all(&case.send[..cut]).await.unwrap();
                if ends {
                    stream.shutdown().await.unwrap();
                }
                let name = format!("{} cut at {cut}", case.name);
                assert_eq!(raw::to_end(&mut stream).await, b"", "{name}: it was answered");
                let waited = begun.elapsed();
                let expected = if ends { Duration::ZERO } else { patience };
                // Timers go by milliseconds.
                assert!(
                    waited >= expected && waited < expected + Duration::from_millis(5),
                    "{name}: closed after {waited:?}, not {expected:?}"
                );
            }
            cuts += 1;
        }
    }
    assert!(cuts > 5000, "{cuts}");
}

/// The same bytes in two pieces are the same packet.
#[tokio::test(start_paused = true)]
async fn a_packet_in_two_pieces_is_one() {
    let server = Server::new();
    for case in raw::cases()
        .into_iter()
        .filter(|case| case.well_formed && case.begin != Begin::Nothing)
    {
        for cut in 1..case.send.len() {
            let mut stream = server.dial();
            raw::begin(&mut stream, case.begin, raw::packets::SCOPE).await;
            stream.write_all(&case.send[..cut]).await.unwrap();
            // Until the server has read it and waits for more.
            tokio::time::sleep(Duration::from_secs(1)).await;
            let rest = raw::Case {
                begin: Begin::Nothing,
                send: case.send[cut..].to_vec(),
                ..case.clone()
            };
            raw::run(stream, &rest, raw::packets::SCOPE).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_client_is_waited_for_as_long_as_its_keep_alive_says() {
    let server = Server::new();
    for (keep_alive, patience) in [
        (1, 1500),
        (60, 90_000),
        (1177, 1_765_500),
        (1178, 1_767_000),
        (u16::MAX, 1_767_000),
        (0, 1_767_000),
    ] {
        let hello = raw::packets::Hello {
            keep_alive,
            ..raw::packets::Hello::hub()
        };
        let mut stream = server.dial();
        stream.write_all(&hello.bytes()).await.unwrap();
        // A packet, whatever it is, begins the wait anew.
        let pause = Duration::from_millis(patience) - Duration::from_millis(2);
        tokio::time::sleep(pause).await;
        stream.write_all(&raw::PINGREQ).await.unwrap();
        let begun = Instant::now();
        let answers = raw::to_end(&mut stream).await;
        assert_eq!(answers, [&[0x20, 2, 0, 0][..], &raw::PINGRESP].concat(), "{keep_alive}");
        assert_eq!(
            begun.elapsed().as_millis() / 10,
            u128::from(patience) / 10,
            "{keep_alive}"
        );
    }
}
