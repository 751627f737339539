//! An arbitrary life of each guest, recorded and replayed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value, json};
use setpoint::clock::VirtualClock;
use setpoint::cloud::Assignment;
use setpoint::effect::{Command, DesiredValue, Member, StartReason};
use setpoint::sandbox::{Guest, Program, Quota, SharedRandom, Surroundings, THERMOSTAT, Tap};
use setpoint::testing::{BEGINNING, TestDevice};
use setpoint_protocol::Endpoint;
use setpoint_tests::{COUNTER, TEMPERATURE_CONTROLLER};

use super::shelf::{Recording, record, replay, sandbox, themselves};

const GUESTS: [&[u8]; 3] = [THERMOSTAT, COUNTER, TEMPERATURE_CONTROLLER];

/// What may happen to a device, or to a guest alone.
#[derive(Debug, Clone)]
enum Step {
    Advance(u32),
    Desire(Map<String, Value>),
    Call(String, Option<Value>),
    Message(Vec<u8>),
    Reconnect,
    Swap(Index),
    ClockJumps(i32),
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        Just(json!("2024-01-01T00:00:30Z")),
    ];
    leaf.prop_recursive(3, 10, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-zA-Z]{1,8}", inner, 0..4)
                .prop_map(|members| Value::Object(Map::from_iter(members))),
        ]
    })
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => select(vec!["targetTemperature", "thermostat1", "step", "reset", "reboot", "getMaxMinReport"])
            .prop_map(str::to_owned),
        1 => "[a-zA-Z]{1,10}",
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let commands = select(vec![
        "reset",
        "reboot",
        "getMaxMinReport",
        "thermostat1*getMaxMinReport",
        "no*such",
    ]);
    prop_oneof![
        4 => (0..100_000_u32).prop_map(Step::Advance),
        3 => prop::collection::btree_map(name(), json_value(), 0..3)
            .prop_map(|patch| Step::Desire(Map::from_iter(patch))),
        3 => (commands, prop::option::of(prop_oneof![json_value(), (0..9_u8).prop_map(Value::from)]))
            .prop_map(|(name, payload)| Step::Call(name.to_owned(), payload)),
        1 => any::<Vec<u8>>().prop_map(Step::Message),
        1 => Just(Step::Reconnect),
        1 => any::<Index>().prop_map(Step::Swap),
        1 => any::<i32>().prop_map(Step::ClockJumps),
    ]
}

fn carry_out(device: &mut TestDevice, guest: &[u8], step: &Step) {
    match step {
        Step::Advance(milliseconds) => device.advance(Duration::from_millis((*milliseconds).into())).unwrap(),
        Step::Desire(patch) => device.hub().desire(patch.clone()),
        Step::Call(name, payload) => {
            let payload = payload.as_ref().map(Value::to_string).unwrap_or_default();
            device.hub().call(name, payload.as_bytes());
        }
        Step::Message(body) => device.hub().message(body, vec![("a b".to_owned(), "ü".to_owned())]),
        Step::Reconnect => device.hub().cut(),
        // Mostly the same guest again; at times one of another model.
        Step::Swap(index) => {
            let others = [guest, guest, guest, COUNTER];
            device.swap(others[index.index(others.len())]).unwrap();
        }
        Step::ClockJumps(seconds) => {
            let wall = BEGINNING + chrono::TimeDelta::seconds((*seconds).into());
            device.clock().jump_to(wall);
        }
    }
    device.settle().unwrap();
}

/// Room for everything, and for some things.
fn quota() -> impl Strategy<Value = Quota> {
    let some = (0..3_usize, 0..500_usize, 0..3_usize).prop_map(|(messages, bytes, log_lines)| Quota {
        messages,
        bytes,
        property_bytes: bytes,
        telemetry: messages,
        properties: messages,
        log_lines,
        timers: usize::MAX,
    });
    prop_oneof![Just(Quota::UNLIMITED), some]
}

/// A generator that is as good as any here.
fn random(mut state: u64) -> impl FnMut() -> u64 {
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state.rotate_left(29)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_life_is_lived_again(which in any::<Index>(), seed: u64, steps in prop::collection::vec(step(), 0..25)) {
        let guest = GUESTS[which.index(GUESTS.len())];
        let written = record(
            guest,
            |setup| setup.random(random(seed)).config("interval", "2.5").config("secret", "\u{1b}ü\""),
            |device| steps.iter().for_each(|step| carry_out(device, guest, step)),
        );
        let (differences, summary) = replay(&written, themselves());
        prop_assert!(differences.is_empty(), "{}", differences[0]);
        prop_assert_eq!(summary.not_made, 0);
        prop_assert_eq!(written.lines().filter(|line| line.starts_with("{\"called\"")).count() as u64, summary.calls);
    }

    /// What a hub would never let through, and quotas that run out.
    #[test]
    fn a_guest_alone_does_the_same_again(
        which in any::<Index>(),
        values in prop::collection::vec((".{0,30}", prop::option::of(json_value()), quota()), 0..25),
    ) {
        let program = Program::load(sandbox(), "guest", GUESTS[which.index(GUESTS.len())]).unwrap();
        let (recording, tap) = (Recording::new(), Tap::default());
        tap.attach(recording.tape.recorder()).unwrap();
        let mut guest = Guest::new(&program, Surroundings {
            clock: Arc::new(VirtualClock::starting_at(BEGINNING)),
            random: SharedRandom::new(random(1)),
            config: Arc::new(BTreeMap::new()),
            assignment: Some(Assignment {
                hub: Endpoint::new("hub.example"),
                device_id: "alone".to_owned(),
                payload: Some(json!({ "a": 0.1 })),
            }),
            tap,
        }).unwrap();
        guest.grant(Quota::UNLIMITED);
        guest.start(StartReason::PowerOn, None).unwrap();
        for (number, (name, value, quota)) in values.into_iter().enumerate() {
            let property = Member { component: value.is_none().then(|| name.clone()), name };
            guest.grant(quota);
            guest.update(vec![DesiredValue { property: property.clone(), value: value.clone(), version: u64::MAX }]).unwrap();
            guest.invoke(Command { request: number.to_string(), target: property, payload: value }).unwrap();
            if number % 3 == 0 {
                guest.take_effects();
            }
            if number % 4 == 0 {
                guest.forget_request(&number.to_string());
            }
            guest.timer_fired(1).unwrap();
            guest.save().unwrap();
        }
        drop(guest);
        let (differences, _) = replay(&recording.finish(), themselves());
        prop_assert!(differences.is_empty(), "{}", differences[0]);
    }
}
