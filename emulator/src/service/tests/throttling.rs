//! Throttled calls.

use super::api::Api;
use crate::state::Throttle;

#[tokio::test(start_paused = true)]
async fn calls_wait_their_turn_and_then_are_refused() {
    let api = Api::with_device();
    api.hub.throttles().set(Throttle::TwinReads, Some(0.5));
    let begun = tokio::time::Instant::now();
    for _ in 0..30 {
        assert_eq!(api.get("/twins/d").await.status, 200);
    }
    assert!(begun.elapsed().is_zero(), "a minute's worth");
    assert_eq!(api.get("/twins/d").await.status, 200);
    assert_eq!(begun.elapsed().as_secs(), 2, "then the rate");
    let all = (0..10).map(|_| api.get("/twins/d"));
    let answers = futures_util::future::join_all(all).await;
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status == 429).collect();
    assert_eq!(refused.len(), 5, "as many wait as ten seconds serve");
    refused[0].is_refusal(429, "ThrottlingException");
    assert_eq!(api.get("/devices/d").await.status, 200, "that is another throttle");
}
