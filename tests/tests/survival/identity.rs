//! The device is not let in, or another one is in its place.

use super::*;
use setpoint::cloud::ProvisionError;
use setpoint::device::{Cause, SessionError};
use setpoint::testing::TestError;

pub(super) fn disabled() -> ProvisionError {
    ProvisionError::NotAssigned {
        registration_id: "device".into(),
        status: "disabled",
        error_code: 401_003,
        message: "the enrolment is disabled".into(),
        tracking_id: "t-1".into(),
        operation_id: "o-1".into(),
    }
}

fn causes(states: &[ConnectionState]) -> Vec<Cause> {
    let cause = |state: &ConnectionState| match state {
        ConnectionState::Down { cause, .. } => Some(*cause),
        _ => None,
    };
    states.iter().filter_map(cause).collect()
}

#[test]
fn a_device_that_its_hub_refuses_is_provisioned_again_and_loses_nothing() {
    let mut device = running();
    device.hub().set_refusing(true);
    device.hub().cut();
    device.advance(10 * SECOND).unwrap();
    assert!(device.hub().provisioned() > 1);
    device.hub().set_refusing(false);
    device.advance(MINUTE).unwrap();
    assert_eq!(device.status().unwrap().connection, ConnectionState::Up);
    assert_eq!(first_times(&counts(&device.received())), counts(&device.accepted()));
}

#[test]
fn a_disabled_device_asks_less_and_less_often_and_comes_back_when_it_is_enabled() {
    let mut device = running();
    device.hub().set_refusing(true);
    device.hub().set_unassigned(Some(disabled()));
    device.hub().cut();
    device.connection_states();
    device.advance(24 * HOUR).unwrap();
    let asked = device.hub().provisioned() - 1;
    assert!((24..70).contains(&asked), "{asked} times in a day");
    let causes = causes(&device.connection_states());
    assert_eq!(causes[..3], [Cause::Network, Cause::Refused, Cause::NotAssigned]);
    device.hub().set_refusing(false);
    device.hub().set_unassigned(None);
    device.advance(HOUR).unwrap();
    assert_eq!(device.status().unwrap().connection, ConnectionState::Up);
}

#[test]
fn a_device_that_is_refused_at_its_very_first_start_ends_with_the_whole_reason() {
    let hub = MemoryHub::new();
    hub.set_unassigned(Some(disabled()));
    let Err(TestError::Session(SessionError::Provision(error))) = counter(&hub).start() else {
        panic!("it must end");
    };
    let text = error.to_string();
    assert!(
        ["disabled", "401003", "the enrolment is disabled"]
            .iter()
            .all(|part| text.contains(part)),
        "{text}"
    );
}

#[test]
fn who_is_thrown_out_by_another_client_does_not_fight() {
    let mut device = running();
    device.connection_states();
    let before = device.hub().connections();
    // The other one takes the connection whenever there is one, within a second.
    for _ in 0..3_600 {
        device.hub().close();
        device.advance(SECOND).unwrap();
    }
    let connections = device.hub().connections() - before;
    assert!((5..=30).contains(&connections), "{connections} in an hour");
    assert!(causes(&device.connection_states()).contains(&Cause::ThrownOut));
    // The other one gives up.
    device.advance(20 * MINUTE).unwrap();
    assert_eq!(device.status().unwrap().connection, ConnectionState::Up);
    assert_eq!(first_times(&counts(&device.received())), counts(&device.accepted()));
}

#[test]
fn in_a_fight_there_is_at_most_one_connection_in_half_a_minute() {
    let mut device = running();
    let mut connected = Vec::new();
    for second in 0..7_200 {
        device.hub().close();
        let before = device.hub().connections();
        device.advance(SECOND).unwrap();
        if device.hub().connections() > before {
            connected.push(second);
        }
    }
    let calm = &connected[3..];
    assert!(
        calm.len() > 3 && calm.windows(2).all(|pair| pair[1] - pair[0] >= 29),
        "{connected:?}"
    );
}
