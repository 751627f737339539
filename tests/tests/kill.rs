//! SIGKILL, at random moments; `./justw soak` does it a hundred times.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_is_killed_ten_times_loses_nothing() {
    let seed = u64::from(rand::random::<u32>());
    let killed = setpoint_tests::kill::kill(seed, 10).await;
    assert!(killed.balance.is_good() && killed.lives >= 3, "seed {seed}: {killed:?}");
}
