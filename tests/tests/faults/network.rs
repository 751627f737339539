//! The network between a device and its hub.

use std::time::Instant;

use super::*;
use setpoint_tests::proxy::Direction;

#[tokio::test]
async fn a_connection_is_cut() {
    let mut watched = Watched::start().await;
    // Twice: a third time in so few seconds would be taken for another client with the same identity.
    for _ in 0..2 {
        watched.proxy.cut();
        watched.lost().await;
        watched.deliver(5).await;
    }
    watched.settle().await;
}

#[tokio::test]
async fn a_connection_is_reset() {
    let mut watched = Watched::start().await;
    watched.proxy.reset();
    watched.lost().await;
    watched.settle().await;
}

/// In the middle of a record, of a packet, of an answer: wherever.
async fn cut_after(bytes: u64, direction: Direction) {
    let mut watched = Watched::start().await;
    watched.proxy.cut_after(bytes, direction);
    watched.lost().await;
    watched.settle().await;
}

#[tokio::test]
async fn a_connection_is_cut_after_one_byte_up() {
    cut_after(1, Direction::Up).await;
}

#[tokio::test]
async fn a_connection_is_cut_in_the_middle_of_a_message() {
    cut_after(777, Direction::Up).await;
}

#[tokio::test]
async fn a_connection_is_cut_after_many_messages() {
    cut_after(5_003, Direction::Up).await;
}

#[tokio::test]
async fn a_connection_is_cut_in_the_middle_of_a_puback() {
    cut_after(131, Direction::Down).await;
}

#[tokio::test]
async fn a_handshake_is_cut() {
    let mut watched = Watched::start().await;
    watched.proxy.cut();
    // The next connection is cut again, in its first flight.
    watched.proxy.cut_after(100, Direction::Up);
    watched.lost().await;
    watched.lost().await;
    watched.settle().await;
}

#[tokio::test]
async fn a_line_is_slow() {
    let mut watched = Watched::start().await;
    watched.proxy.delay(SECOND / 4);
    watched.promise(100).await;
    watched.deliver(50).await;
    assert_eq!(watched.connects(), 1, "slow is not broken");
    watched.settle().await;
}

#[tokio::test]
async fn a_line_stands_still_and_goes_on() {
    let mut watched = Watched::start().await;
    watched.proxy.stall();
    watched.promise(200).await;
    watched.proxy.resume();
    watched.deliver(200).await;
    assert_eq!(watched.connects(), 1);
    assert_eq!(watched.settle().await, 0);
}

#[tokio::test]
async fn a_gateway_accepts_and_closes() {
    let mut watched = Watched::start().await;
    watched.proxy.refuse();
    watched.proxy.cut();
    for _ in 0..3 {
        watched.lost().await;
    }
    watched.proxy.accept();
    watched.listening().await;
    watched.settle().await;
}

#[tokio::test]
async fn nobody_listens_at_the_port() {
    let mut watched = Watched::start().await;
    watched.proxy.close_port().await;
    watched.proxy.cut();
    for _ in 0..3 {
        watched.lost().await;
    }
    watched.proxy.accept();
    watched.listening().await;
    watched.settle().await;
}

#[tokio::test]
async fn an_outage_lasts_longer_than_the_window() {
    let mut watched = Watched::start().await;
    watched.proxy.refuse();
    watched.proxy.cut();
    watched.promise(300).await;
    watched.proxy.accept();
    watched.deliver(300).await;
    watched.settle().await;
}

#[tokio::test]
async fn a_connection_is_half_open_while_the_device_sends() {
    let mut watched = Watched::start_with(|access| access.keep_alive(2 * SECOND)).await;
    let since = Instant::now();
    watched.proxy.half_open();
    let reason = watched.lost().await;
    assert!(reason.contains("nothing was heard"), "{reason}");
    // Within 1.5 keep-alives, and what a machine with much to do adds to that.
    assert!(since.elapsed() >= 2 * SECOND, "{:?}", since.elapsed());
    watched.proxy.accept();
    watched.listening().await;
    watched.settle().await;
}

#[tokio::test]
async fn a_hub_goes_mute() {
    let mut watched = Watched::start_with(|access| access.keep_alive(2 * SECOND)).await;
    assert!(watched.place.emulator.hub().mute(watched::DEVICE).unwrap());
    let reason = watched.lost().await;
    assert!(reason.contains("nothing was heard"), "{reason}");
    assert!(watched.settle().await > 0, "what it stored and did not say came again");
}

#[tokio::test]
async fn what_comes_back_is_swallowed() {
    let mut watched = Watched::start_with(|access| access.keep_alive(2 * SECOND)).await;
    watched.proxy.blackhole(Direction::Down);
    watched.lost().await;
    watched.proxy.accept();
    watched.settle().await;
}

#[tokio::test]
async fn a_token_ends_and_the_connection_is_renewed_before() {
    let mut watched = Watched::start_with(|access| access.token_life(6 * SECOND)).await;
    while watched.connects() < 3 {
        watched.deliver(10).await;
    }
    assert_eq!(watched.settle().await, 0, "each message once: nothing was under way");
}
