//! What a single instance does with what a session seldom gives it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use setpoint::clock::VirtualClock;
use setpoint::effect::{Effect, Level, StartReason};
use setpoint::sandbox::{Guest, Program, Quota, SharedRandom, Surroundings, Tap};
use setpoint::testing::BEGINNING;
use setpoint_tests::sandbox;

pub(crate) fn check(guest: &[u8]) {
    let program = Program::load(&sandbox(), "guest", guest).unwrap();
    for state in [
        "",
        "{}",
        "null",
        "counting",
        "\u{0}\u{1}",
        r#"{"count":7}"#,
        r#"{"count":7,"step":2147483648}"#,
        r#"{"count":7,"step":1.5}"#,
        r#"{"count":7.5,"step":5}"#,
        r#"{"count":"7","step":5}"#,
        r#"{"count":9007199254740992,"step":5}"#,
        r#"{"count":-9007199254740992,"step":5}"#,
        r#"{"count":7,"step":5"#,
        r#"{"count":7,"step":5}}"#,
    ] {
        let (_, effects) = started(&program, StartReason::Replaced, state.as_bytes());
        let ignored = warning("the saved state cannot be read and is ignored");
        assert_eq!(effects[0], ignored, "{state:?}");
        assert_eq!(counted_on(&program, state), 1, "{state:?}");
    }
    for (state, count) in [
        (r#"{ "step": -5, "count": 7 }"#, 2),
        (r#"{"count":9007199254740990,"step":5}"#, 9_007_199_254_740_991),
        (r#"{"count":-9007199254740990,"step":-5}"#, -9_007_199_254_740_991),
    ] {
        assert_eq!(counted_on(&program, state), count, "{state}");
    }
    for reason in [StartReason::Failure, StartReason::Replaced, StartReason::Resumed] {
        let (_, effects) = started(&program, reason, br#"{"count":7,"step":5}"#);
        let [Effect::Every { period, .. }] = effects[..] else {
            panic!("{effects:?}")
        };
        assert_eq!(period, Duration::from_secs(5));
    }
    what_cannot_be_sent_is_logged(&program);
}

/// The count that follows after a state.
fn counted_on(program: &Program, state: &str) -> i64 {
    let (mut guest, effects) = started(program, StartReason::Replaced, state.as_bytes());
    let Some(Effect::Every { timer, .. }) = effects.last() else {
        panic!("{effects:?}")
    };
    guest.timer_fired(*timer).unwrap();
    let effects = guest.take_effects();
    let [Effect::Telemetry { body, .. }] = &effects[..] else {
        panic!("{effects:?}")
    };
    serde_json::from_str::<serde_json::Value>(body).unwrap()["count"]
        .as_i64()
        .unwrap()
}

fn what_cannot_be_sent_is_logged(program: &Program) {
    let state = br#"{"count":7,"step":1}"#;
    let (mut guest, effects) = started(program, StartReason::Resumed, state);
    let [Effect::Every { timer, .. }] = effects[..] else {
        panic!("{effects:?}")
    };
    guest.grant(Quota {
        telemetry: 0,
        properties: 0,
        ..Quota::UNLIMITED
    });
    guest.timer_fired(timer).unwrap();
    assert_eq!(
        guest.take_effects(),
        [warning("a count was not sent: the outbox is full")]
    );
    guest.update(Vec::new()).unwrap();
    assert_eq!(
        guest.take_effects(),
        [warning("an acknowledgement was not sent: the outbox is full")]
    );
    guest.grant(Quota::UNLIMITED);
    guest.timer_fired(timer).unwrap();
    let [Effect::Telemetry { body, .. }] = &guest.take_effects()[..] else {
        panic!()
    };
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(body).unwrap(),
        serde_json::json!({ "count": 9 })
    );
}

fn started(program: &Program, reason: StartReason, state: &[u8]) -> (Guest, Vec<Effect>) {
    let surroundings = Surroundings {
        clock: Arc::new(VirtualClock::starting_at(BEGINNING)),
        random: SharedRandom::new(|| 0),
        config: Arc::new(BTreeMap::new()),
        assignment: None,
        tap: Tap::default(),
    };
    let mut guest = Guest::new(program, surroundings).unwrap();
    guest.grant(Quota::UNLIMITED);
    guest.start(reason, Some(state)).unwrap();
    let effects = guest.take_effects();
    (guest, effects)
}

fn warning(message: &str) -> Effect {
    Effect::Log {
        level: Level::Warn,
        message: message.to_owned(),
    }
}
