//! The network that fails on demand, tried with plain sockets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::io::ErrorKind;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use serde_json::json;
use setpoint::sandbox::THERMOSTAT;
use setpoint_tests::proxy::{Counts, Direction};
use setpoint_tests::{Place, Proxy};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// How long is waited for what must not come. Whether a test passes rests on nothing else: one that comes later is missed.
const QUIET: Duration = Duration::from_millis(200);

/// How a connection of the server has ended: what it had read when it did, and the error if there was one.
type Ended = (Vec<u8>, Option<ErrorKind>);

/// A server that sends back what it gets, after its own name, and says how its connections end.
async fn echo(name: &'static [u8]) -> (u16, mpsc::UnboundedReceiver<Ended>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, ended) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let sender = sender.clone();
            tokio::spawn(async move {
                let (mut all, mut bytes) = (Vec::new(), [0; 1024]);
                let mut greeted = stream.write_all(name).await.map(|()| 1);
                while let Ok(1..) = greeted {
                    greeted = stream.read(&mut bytes).await;
                    let read = &bytes[..*greeted.as_ref().unwrap_or(&0)];
                    all.extend_from_slice(read);
                    // A write that fails shows at the next read.
                    let _ = stream.write_all(read).await;
                }
                let _ = sender.send((all, greeted.err().map(|error| error.kind())));
            });
        }
    });
    (port, ended)
}

/// A proxy before a server, and a client that has sent `ping` and got it back.
async fn connected() -> (Proxy, TcpStream, mpsc::UnboundedReceiver<Ended>) {
    let (port, ended) = echo(b"").await;
    let proxy = Proxy::to(port).await;
    let mut client = connect(&proxy).await;
    client.write_all(b"ping").await.unwrap();
    assert_eq!(read(&mut client, 4).await, b"ping");
    (proxy, client, ended)
}

async fn connect(proxy: &Proxy) -> TcpStream {
    let opened = proxy.opened();
    let client = TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port())).await.unwrap();
    opened.await;
    client
}

async fn read(client: &mut TcpStream, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    client.read_exact(&mut bytes).await.unwrap();
    bytes
}

/// Nothing comes, not even an end.
async fn is_quiet(client: &mut TcpStream) -> bool {
    timeout(QUIET, client.read(&mut [0])).await.is_err()
}

/// How the connection ends for the client; nothing may come before.
async fn end(client: &mut TcpStream) -> Result<(), ErrorKind> {
    match client.read(&mut [0]).await {
        Ok(0) => Ok(()),
        Ok(_) => panic!("a byte came"),
        Err(error) => Err(error.kind()),
    }
}

#[tokio::test]
async fn bytes_go_through_and_are_counted() {
    let (proxy, mut client, mut ended) = connected().await;
    let counts = |open| Counts {
        connections: 1,
        open,
        up: 4,
        down: 4,
    };
    assert_eq!(proxy.counts(), counts(1));
    client.shutdown().await.unwrap();
    assert_eq!(end(&mut client).await, Ok(()));
    assert_eq!(ended.recv().await.unwrap(), (b"ping".to_vec(), None));
    proxy.until(|now| *now == counts(0)).await;
}

#[tokio::test]
async fn much_goes_through_in_order() {
    let (port, _ended) = echo(b"").await;
    let proxy = Proxy::to(port).await;
    let (mut reader, mut writer) = connect(&proxy).await.into_split();
    let sent: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    let expected = sent.clone();
    tokio::spawn(async move { writer.write_all(&sent).await });
    let mut got = vec![0; expected.len()];
    reader.read_exact(&mut got).await.unwrap();
    assert!(got == expected);
}

#[tokio::test]
async fn cut_closes_both_sides_in_good_order_and_lets_the_next_one_through() {
    let (proxy, mut client, mut ended) = connected().await;
    proxy.cut();
    assert_eq!(end(&mut client).await, Ok(()));
    assert_eq!(ended.recv().await.unwrap().1, None);
    proxy.until(|counts| counts.open == 0).await;
    let mut next = connect(&proxy).await;
    next.write_all(b"x").await.unwrap();
    assert_eq!(read(&mut next, 1).await, b"x");
}

#[tokio::test]
async fn reset_breaks_both_sides() {
    let (proxy, mut client, mut ended) = connected().await;
    proxy.reset();
    assert_eq!(end(&mut client).await, Err(ErrorKind::ConnectionReset));
    assert_eq!(ended.recv().await.unwrap().1, Some(ErrorKind::ConnectionReset));
}

#[tokio::test]
async fn a_side_that_breaks_breaks_the_other() {
    let (_proxy, client, mut ended) = connected().await;
    client.set_zero_linger().unwrap();
    drop(client);
    assert_eq!(ended.recv().await.unwrap().1, Some(ErrorKind::ConnectionReset));
}

#[tokio::test]
async fn cut_after_lets_that_many_bytes_through_either_way_once() {
    let (proxy, mut client, mut ended) = connected().await;
    proxy.cut_after(3, Direction::Up);
    client.write_all(b"abcdef").await.unwrap();
    assert_eq!(ended.recv().await.unwrap(), (b"pingabc".to_vec(), None));

    let mut client = connect(&proxy).await;
    proxy.cut_after(2, Direction::Down);
    client.write_all(b"abc").await.unwrap();
    assert_eq!(read(&mut client, 2).await, b"ab");
    assert_eq!(end(&mut client).await, Ok(()));
    assert_eq!(ended.recv().await.unwrap(), (b"abc".to_vec(), None));

    let mut client = connect(&proxy).await;
    client.write_all(b"abcdef").await.unwrap();
    assert_eq!(read(&mut client, 6).await, b"abcdef");
    proxy.cut_after(0, Direction::Up);
    client.write_all(b"g").await.unwrap();
    assert_eq!(end(&mut client).await, Ok(()));
    assert_eq!(ended.recv().await.unwrap().0, b"abcdef");
}

#[tokio::test]
async fn delayed_bytes_come_later_and_in_order() {
    let (proxy, mut client, _ended) = connected().await;
    let delay = Duration::from_millis(150);
    proxy.delay(delay);
    let start = Instant::now();
    client.write_all(b"a").await.unwrap();
    proxy.until(|counts| counts.up == 5).await;
    assert!(start.elapsed() >= delay);
    // From here on without delay, and yet not before what is still under way.
    proxy.accept();
    client.write_all(b"b").await.unwrap();
    assert_eq!(read(&mut client, 2).await, b"ab");
    assert!(start.elapsed() >= delay);
}

#[tokio::test]
async fn what_is_stalled_comes_later_and_whole() {
    let (proxy, mut client, mut ended) = connected().await;
    proxy.stall();
    client.write_all(b"abc").await.unwrap();
    client.shutdown().await.unwrap();
    assert!(is_quiet(&mut client).await);
    assert_eq!(proxy.counts().up, 4);
    proxy.resume();
    assert_eq!(read(&mut client, 3).await, b"abc");
    assert_eq!(end(&mut client).await, Ok(()));
    assert_eq!(ended.recv().await.unwrap(), (b"pingabc".to_vec(), None));
}

#[tokio::test]
async fn a_connection_that_comes_while_stalled_waits_as_well() {
    let (port, _ended) = echo(b"hello").await;
    let proxy = Proxy::to(port).await;
    proxy.stall();
    let mut client = connect(&proxy).await;
    assert!(is_quiet(&mut client).await);
    proxy.resume();
    assert_eq!(read(&mut client, 5).await, b"hello");
}

#[tokio::test]
async fn half_open_tells_no_side_of_the_other_for_good() {
    let (proxy, mut client, mut ended) = connected().await;
    proxy.half_open();
    client.write_all(b"abc").await.unwrap();
    assert!(is_quiet(&mut client).await);
    // A new one is taken, and hears as little.
    let mut second = connect(&proxy).await;
    second.write_all(b"abc").await.unwrap();
    assert!(is_quiet(&mut second).await);
    // A third is let through; the first is not brought back to life.
    proxy.accept();
    let mut third = connect(&proxy).await;
    third.write_all(b"x").await.unwrap();
    assert_eq!(read(&mut third, 1).await, b"x");
    client.write_all(b"d").await.unwrap();
    client.shutdown().await.unwrap();
    assert!(is_quiet(&mut client).await);
    assert!(ended.try_recv().is_err());
    assert_eq!(proxy.counts().open, 3);
    proxy.cut();
    assert_eq!(ended.recv().await.unwrap().1, None);
}

#[tokio::test]
async fn half_open_keeps_the_end_of_the_server_from_the_client() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let proxy = Proxy::to(listener.local_addr().unwrap().port()).await;
    let mut client = connect(&proxy).await;
    let (server, _) = listener.accept().await.unwrap();
    proxy.half_open();
    drop(server);
    assert!(is_quiet(&mut client).await);
}

#[tokio::test]
async fn a_black_hole_is_one_way() {
    let (proxy, mut client, mut ended) = connected().await;
    proxy.blackhole(Direction::Down);
    client.write_all(b"abc").await.unwrap();
    proxy.until(|counts| counts.up == 7).await;
    assert!(is_quiet(&mut client).await);
    client.shutdown().await.unwrap();
    assert_eq!(ended.recv().await.unwrap(), (b"pingabc".to_vec(), None));
    assert!(is_quiet(&mut client).await);

    let (proxy, mut client, mut ended) = connected().await;
    proxy.blackhole(Direction::Up);
    client.write_all(b"abc").await.unwrap();
    assert!(is_quiet(&mut client).await);
    assert!(ended.try_recv().is_err());
    assert_eq!(proxy.counts().up, 4);
}

#[tokio::test]
async fn refused_connections_end_at_once_and_the_others_go_on() {
    let (proxy, mut client, _ended) = connected().await;
    proxy.refuse();
    let mut second = connect(&proxy).await;
    assert_eq!(end(&mut second).await, Ok(()));
    assert_eq!((proxy.counts().connections, proxy.counts().open), (2, 1));
    client.write_all(b"a").await.unwrap();
    assert_eq!(read(&mut client, 1).await, b"a");
    proxy.accept();
    let mut third = connect(&proxy).await;
    third.write_all(b"b").await.unwrap();
    assert_eq!(read(&mut third, 1).await, b"b");
}

#[tokio::test]
async fn a_closed_port_refuses_and_is_opened_again() {
    let (proxy, mut client, _ended) = connected().await;
    proxy.close_port().await;
    let error = TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port())).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    client.write_all(b"a").await.unwrap();
    assert_eq!(read(&mut client, 1).await, b"a");
    // Nobody else gets it meanwhile.
    let other = TcpListener::bind((Ipv4Addr::LOCALHOST, proxy.port())).await;
    assert_eq!(other.unwrap_err().kind(), ErrorKind::AddrInUse);
    proxy.accept();
    let mut second = connect(&proxy).await;
    second.write_all(b"b").await.unwrap();
    assert_eq!(read(&mut second, 1).await, b"b");
}

#[tokio::test]
async fn connections_to_come_go_to_the_new_port() {
    let (proxy, mut client, _ended) = connected().await;
    let (port, _other) = echo(b"other").await;
    proxy.retarget(port);
    client.write_all(b"a").await.unwrap();
    assert_eq!(read(&mut client, 1).await, b"a");
    assert_eq!(read(&mut connect(&proxy).await, 5).await, b"other");
}

#[tokio::test]
async fn a_target_where_nobody_listens_breaks_the_connection() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let proxy = Proxy::to(listener.local_addr().unwrap().port()).await;
    drop(listener);
    let mut client = connect(&proxy).await;
    assert_eq!(end(&mut client).await, Err(ErrorKind::ConnectionReset));
}

#[tokio::test]
async fn a_dropped_proxy_closes_everything() {
    let (proxy, mut client, mut ended) = connected().await;
    let port = proxy.port();
    proxy.half_open();
    drop(proxy);
    assert_eq!(end(&mut client).await, Ok(()));
    assert_eq!(ended.recv().await.unwrap().1, None);
    // The task that listens ends as soon as it is looked at.
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_device_provisions_and_works_through_it_and_comes_back() {
    let place = Place::new().await;
    let proxy = place.proxy().await;
    let mut device = place.through(&proxy).run(THERMOSTAT, &[("interval", "0.1")]);
    device.delivered().await;
    // One connection for DPS, one for the hub.
    assert_eq!(proxy.counts().connections, 2);
    proxy.reset();
    device.lost().await;
    device.listening().await;
    device.delivered().await;
    assert_eq!(proxy.counts().connections, 3);
    let twin = place.emulator.hub().twin(place.identity.device_id()).unwrap();
    assert_eq!(twin["connectionState"], json!("Connected"));
    device.stop().await.unwrap();

    let mut device = place.through(&proxy).run_by_connection_string(THERMOSTAT, &[]);
    device.delivered().await;
    assert_eq!(proxy.counts().connections, 4);
    device.stop().await.unwrap();
}
