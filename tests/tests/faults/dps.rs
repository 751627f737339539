//! Provisioning, at the start and again.

use super::*;
use setpoint::cloud::ProvisionError;
use setpoint::device::SessionError;
use setpoint::sandbox::THERMOSTAT;
use setpoint_emulator::state::DpsFault;
use setpoint_tests::Place;
use watched::DEVICE;

fn faulty(place: &Place, fault: DpsFault, when: When) {
    place.emulator.enrollments().faults().inject(DEVICE, fault, when);
}

/// A device comes to work although this happens to it before.
async fn survives(fault: DpsFault, when: When) {
    let mut watched = Watched::before_it_listens(|place| faulty(place, fault, when)).await;
    watched.listening().await;
    watched.settle().await;
}

#[tokio::test]
async fn dps_is_too_busy_and_says_for_how_long() {
    let (error_code, retry_after) = (429_001, Some(1));
    survives(
        DpsFault::Refuse {
            error_code,
            retry_after,
        },
        When::next(1),
    )
    .await;
}

#[tokio::test]
async fn dps_is_broken_for_a_moment() {
    let (error_code, retry_after) = (500_000, Some(1));
    survives(
        DpsFault::Refuse {
            error_code,
            retry_after,
        },
        When::next(2),
    )
    .await;
}

#[tokio::test]
async fn dps_takes_its_time_to_assign() {
    survives(DpsFault::StayAssigning { retry_after: Some(1) }, When::next(3)).await;
}

async fn fails(fault: DpsFault) -> String {
    let place = Place::new().await;
    faulty(&place, fault, When::always());
    let error = place
        .run(THERMOSTAT, &[])
        .ended()
        .await
        .expect_err("it must not come up");
    assert!(
        matches!(
            error,
            SessionError::Provision(ProvisionError::NotAssigned { .. } | ProvisionError::Refused { .. })
        ),
        "{error:?}"
    );
    error.to_string()
}

#[tokio::test]
async fn a_registration_fails_with_the_whole_reason() {
    let message = "no hub has room".to_owned();
    let text = fails(DpsFault::Fail {
        error_code: 400_209,
        message,
    })
    .await;
    assert!(
        ["failed", "400209", "no hub has room"]
            .iter()
            .all(|part| text.contains(part)),
        "{text}"
    );
}

#[tokio::test]
async fn a_registration_is_disabled_with_the_whole_reason() {
    let message = "switched off by its owner".to_owned();
    let text = fails(DpsFault::Disable {
        error_code: 401_003,
        message,
    })
    .await;
    assert!(
        ["disabled", "401003", "switched off by its owner"]
            .iter()
            .all(|part| text.contains(part)),
        "{text}"
    );
}

#[tokio::test]
async fn a_hub_that_refuses_the_device_has_it_provisioned_again() {
    let mut watched = Watched::start().await;
    watched.inject(HubFault::RefuseConnect { code: 5 }, When::next(1));
    watched.proxy.cut();
    let reason = watched.lost().await;
    assert!(!reason.contains("code 5"), "{reason}");
    let reason = watched.lost().await;
    assert!(reason.contains("code 5"), "{reason}");
    watched.listening().await;
    watched.settle().await;
}

#[tokio::test]
async fn a_device_that_is_disabled_and_enabled_again_comes_back_by_itself() {
    let mut watched = Watched::start().await;
    watched.inject(HubFault::RefuseConnect { code: 5 }, When::next(1));
    let message = "switched off".to_owned();
    let fault = DpsFault::Disable {
        error_code: 401_003,
        message,
    };
    faulty(&watched.place, fault, When::next(2));
    watched.proxy.cut();
    while !watched.lost().await.contains("switched off") {}
    watched.listening().await;
    watched.settle().await;
}

#[tokio::test]
async fn a_device_goes_to_the_hub_it_is_assigned_to_now_and_takes_its_outbox_along() {
    let mut watched = Watched::start().await;
    let other = Place::new().await;
    other.emulator.hub().keep_telemetry(100_000);
    // The new hub has a name of its own, which the old one's certificate has as well: its address.
    let endpoint = format!("localhost:{}", other.port());
    let enrollments = watched.place.emulator.enrollments();
    enrollments.assign_to(DEVICE, &endpoint, other.emulator.hub());
    watched.inject(HubFault::RefuseConnect { code: 5 }, When::next(1));
    watched.proxy.refuse();
    watched.proxy.cut();
    watched.promise(50).await;
    let before = watched.place.emulator.hub().telemetry_of(DEVICE).len();
    watched.proxy.accept();
    // The other emulator's authority is not believed: what is seen is that it is tried, with what waits kept.
    let reason = loop {
        let reason = watched.lost().await;
        if reason.contains(&endpoint) {
            break reason;
        }
    };
    assert!(reason.contains("certificate"), "{reason}");
    assert!(watched.device.operator.status().await.unwrap().queued >= 50);
    assert_eq!(watched.place.emulator.hub().telemetry_of(DEVICE).len(), before);
}
