//! The twin, when the hub is busy, slow or forgetful.

use super::*;
use setpoint_emulator::state::{Stored, TwinRequest};
use watched::DEVICE;

/// Waits until the device has acknowledged this wish, and returns the version it did so for.
async fn acknowledged(watched: &Watched, wish: u64) -> u64 {
    let reported = watched
        .place
        .reported(DEVICE, |reported| reported["wish"]["value"] == json!(wish));
    reported.await["wish"]["av"].as_u64().unwrap()
}

fn refuse(of: TwinRequest, status: u16, retry_after: Option<u64>) -> HubFault {
    HubFault::RefuseTwin {
        of,
        status,
        retry_after,
    }
}

#[tokio::test]
async fn a_report_is_throttled_and_sent_when_the_hub_has_time() {
    let watched = Watched::start().await;
    watched.inject(refuse(TwinRequest::Report, 429, Some(1)), When::next(1));
    watched.wish(1);
    acknowledged(&watched, 1).await;
    assert_eq!(watched.connects(), 1, "it is no reason to connect again");
    watched.settle().await;
}

#[tokio::test]
async fn a_report_meets_a_broken_hub_and_is_sent_again() {
    let watched = Watched::start().await;
    watched.inject(refuse(TwinRequest::Report, 500, None), When::next(1));
    watched.wish(1);
    acknowledged(&watched, 1).await;
    watched.settle().await;
}

#[tokio::test]
async fn the_twin_is_refused_after_a_reconnect_and_asked_for_again() {
    let mut watched = Watched::start().await;
    watched.inject(refuse(TwinRequest::Read, 503, Some(1)), When::next(1));
    watched.proxy.refuse();
    watched.proxy.cut();
    watched.lost().await;
    watched.wish(3);
    watched.proxy.accept();
    acknowledged(&watched, 3).await;
    watched.settle().await;
}

#[tokio::test]
async fn a_report_that_the_hub_cannot_take_holds_nothing_up() {
    for status in [400, 413] {
        let watched = Watched::start().await;
        let refused = watched.inject(refuse(TwinRequest::Report, status, None), When::next(1));
        watched.wish(1);
        while refused.struck() == 0 {
            tokio::task::yield_now().await;
        }
        watched.wish(2);
        acknowledged(&watched, 2).await;
        assert_eq!(watched.connects(), 1);
        watched.settle().await;
    }
}

#[tokio::test]
async fn the_answer_to_a_report_comes_late() {
    let watched = Watched::start().await;
    let fault = HubFault::DelayTwin {
        of: TwinRequest::Report,
        by: SECOND,
    };
    watched.inject(fault, When::next(1));
    watched.wish(1);
    watched.wish(2);
    acknowledged(&watched, 2).await;
    watched.settle().await;
}

#[tokio::test]
async fn a_desired_patch_is_lost_and_the_next_one_shows_it() {
    let watched = Watched::start().await;
    watched.inject(HubFault::DropDesired, When::next(1));
    watched.wish(1);
    let patch = json!({ "properties": { "desired": { "other": 1 } } });
    watched
        .place
        .emulator
        .hub()
        .patch_twin(DEVICE, &document(patch), None)
        .unwrap();
    assert_eq!(
        acknowledged(&watched, 1).await,
        3,
        "it was read with the twin of that version"
    );
    watched.settle().await;
}

#[tokio::test]
async fn an_old_desired_patch_changes_nothing() {
    let watched = Watched::start().await;
    watched.wish(1);
    watched.wish(2);
    acknowledged(&watched, 2).await;
    let hub = watched.place.emulator.hub().clone();
    assert!(hub.send_desired(DEVICE, document(json!({ "wish": 1 })), 2).unwrap());
    watched.wish(3);
    acknowledged(&watched, 3).await;
    watched.settle().await;
}

#[tokio::test]
async fn the_hub_dies_over_a_report() {
    for stored in [true, false] {
        let mut watched = Watched::start().await;
        let publish = Stored::Report;
        watched.inject(HubFault::CloseOn { publish, stored }, When::next(1));
        watched.wish(1);
        watched.lost().await;
        acknowledged(&watched, 1).await;
        watched.settle().await;
    }
}

#[tokio::test]
async fn a_wish_made_during_an_outage_is_granted_after_it() {
    let mut watched = Watched::start().await;
    watched.proxy.refuse();
    watched.proxy.cut();
    watched.lost().await;
    for wish in 1..=5 {
        watched.wish(wish);
    }
    watched.proxy.accept();
    assert_eq!(acknowledged(&watched, 5).await, 6, "the last one alone");
    watched.settle().await;
}
