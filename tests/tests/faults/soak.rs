//! A short soak; `./justw soak` is the long one.

use std::time::Duration;

use setpoint_tests::soak::{Plan, soak};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_devices_under_random_faults_lose_nothing() {
    let plan = Plan {
        seed: u64::from(rand::random::<u32>()),
        devices: 20,
        length: Duration::from_secs(10),
        every: Duration::from_millis(200),
        settling: Duration::from_secs(240),
    };
    let outcome = soak(plan).await;
    assert!(outcome.is_good(), "{outcome}");
}
