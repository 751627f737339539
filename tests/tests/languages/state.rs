//! What one instance hands to the next, whatever language that one is written in.

use serde_json::{Value, json};
use setpoint::effect::{Effect, Member, Outcome, StartReason};

use crate::instance::Instance;
use crate::{Language, languages};

/// A state that has been saved a moment ago, with other members than it should have put in their place.
fn with(member: &str, value: Value) -> Value {
    let mut state = json!({
        "version": 1, "maximum": 49.0, "target": 1e21, "times": [1_704_067_190_000_i64, 8_001, 1], "temperatures": [10, 49, 11],
    });
    state[member] = value;
    state
}

/// Left out are what no thermostat writes and libraries differ about: a whole number written as `1.0`, a member that is there
/// twice, an array in place of the object.
fn states() -> Vec<Vec<u8>> {
    let values = [
        with("version", json!(1)),
        with("version", json!(2)),
        with("version", json!(-1)),
        with("version", json!(4_294_967_296_u64)),
        with("version", json!("1")),
        with("version", json!(true)),
        with("version", json!(null)),
        with("maximum", json!(49)),
        with("maximum", json!(-0.0)),
        with("maximum", json!(10.96)),
        with("maximum", json!(0.1)),
        with("maximum", json!(1e300)),
        with("maximum", json!(u64::MAX)),
        with("maximum", json!("49")),
        with("maximum", json!(true)),
        with("maximum", json!(null)),
        with("maximum", json!([49])),
        with("target", json!(20)),
        with("target", json!(1e19)),
        with("target", json!(9_007_199_254_740_994_u64)),
        with("target", json!(-1e-7)),
        with("target", json!({})),
        with("times", json!([])),
        with("times", json!([1, 2, 3, 4])),
        with("times", json!([1_704_067_190_000_i64, -8_001, 1])),
        with("times", json!([1_704_067_200_000_i64, 123, 1])),
        with("times", json!([1_704_067_200_000_i64, 123, 0])),
        with("times", json!([i64::MAX, 1, i64::MIN])),
        with("times", json!([i64::MIN, -1, 0])),
        with("times", json!([8_210_266_876_799_999_i64, 1, 0])),
        with("times", json!([-8_334_601_228_800_000_i64, -1, 0])),
        with("times", json!([-62_198_755_200_000_i64, 1, 500])),
        with("times", json!([253_402_300_800_000_i64, 1, 500])),
        with("times", json!([u64::MAX, 1, 1])),
        with("times", json!(["1", 1, 1])),
        with("times", json!([true, 1, 1])),
        with("times", json!({"0": 1, "1": 1, "2": 1})),
        with("times", json!("123")),
        with("times", json!(null)),
        with("temperatures", json!([0, 255, 11])),
        with("temperatures", json!([0, 256, 11])),
        with("temperatures", json!([-1, 25, 11])),
        with("temperatures", json!([10, null, 11])),
        with("temperatures", json!("abc")),
        with("more", json!({"a": [1]})),
        json!([]),
        json!({}),
        json!(null),
        json!("state"),
        json!(1),
    ];
    let texts: [&[u8]; 9] = [
        b"",
        b"{",
        b"\xff",
        b" {\"version\":1,\"maximum\":49,\"target\":2e1,\"times\":[],\"temperatures\":[]}\n",
        b"{\"version\":1,\"maximum\":49,\"target\":2e1,\"times\":[],\"temperatures\":[]} 1",
        b"{\"version\":1,\"maximum\":49,\"target\":1e400,\"times\":[],\"temperatures\":[]}",
        b"{\"version\":1,\"maximum\":NaN,\"target\":20,\"times\":[],\"temperatures\":[]}",
        b"{\"version\":1,\"maximum\":Infinity,\"target\":20,\"times\":[],\"temperatures\":[]}",
        b"\xef\xbb\xbf{\"version\":1,\"maximum\":49,\"target\":20,\"times\":[],\"temperatures\":[]}",
    ];
    let values = values.into_iter().map(|state| state.to_string().into_bytes());
    values.chain(texts.map(<[u8]>::to_vec)).collect()
}

/// What an instance does that is given this state, what it then reports, and what it hands on.
fn take_over(language: &Language, reason: StartReason, state: &[u8]) -> (Vec<Effect>, Value, Value) {
    let mut instance = Instance::start(language, &[], reason, Some(state)).unwrap();
    let command = setpoint::effect::Command {
        request: "1".to_owned(),
        target: Member::named("getMaxMinReport"),
        payload: None,
    };
    let Outcome::Done(report) = instance.guest.invoke(command).unwrap() else {
        panic!("deferred")
    };
    (instance.effects(), report.payload, instance.saved())
}

#[test]
fn is_taken_over_or_ignored_alike_in_every_language() {
    let (rust, foreign) = languages();
    for state in states() {
        for reason in [StartReason::Replaced, StartReason::Resumed, StartReason::Failure] {
            let expected = take_over(rust, reason, &state);
            for language in foreign {
                let (who, text) = (language.name(), String::from_utf8_lossy(&state));
                assert_eq!(
                    take_over(language, reason, &state),
                    expected,
                    "{who}: {reason:?} with {text}"
                );
            }
        }
    }
}

/// Readings that every language keeps in the memory a guest has by default: five days of them at the default interval.
const MANY: usize = 50_000;

#[test]
fn of_a_large_window_is_handed_on_but_for_the_oldest() {
    let (rust, foreign) = languages();
    let mut state = with("times", json!(vec![8_000; MANY + 1]));
    state["temperatures"] = json!(vec![22; MANY + 1]);
    let state = state.to_string().into_bytes();
    let hand_on = |language| {
        let settings = [("window", MANY.to_string())];
        let settings = settings.each_ref().map(|(key, value)| (*key, value.as_str()));
        Instance::start(language, &settings, StartReason::Resumed, Some(&state))
            .unwrap()
            .saved()
    };
    let expected = hand_on(rust);
    assert_eq!(expected["times"].as_array().unwrap().len(), MANY);
    for language in foreign {
        // Not shown when they differ: that would be half a megabyte.
        assert!(hand_on(language) == expected, "{}", language.name());
    }
}
