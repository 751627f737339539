//! Whatever comes: arbitrary calls of the guests that are shipped, and arbitrary bytes in place of a guest.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value};
use setpoint::clock::VirtualClock;
use setpoint::cloud::Assignment;
use setpoint::effect::{Command, DesiredValue, Effect, Member, Outcome, Response, StartReason};
use setpoint::sandbox::{
    Contract, Guest, GuestError, Limits, Program, Quota, Sandbox, SharedRandom, Surroundings, THERMOSTAT, Tap,
    as_component,
};
use setpoint::testing::BEGINNING;
use setpoint_protocol::Endpoint;
use setpoint_tests::{COUNTER, TEMPERATURE_CONTROLLER, THERMOSTATS, foreign_guest};

/// The guests in Rust that are under test, by name. A guest that is shipped belongs here, or to [`THERMOSTATS`].
const GUESTS: [(&str, &[u8]); 3] = [
    ("thermostat", THERMOSTAT),
    ("temperature-controller", TEMPERATURE_CONTROLLER),
    ("counter", COUNTER),
];

/// Names that mean something to one of them, so that not everything is unknown.
const NAMES: [&str; 5] = [
    "targetTemperature",
    "getMaxMinReport",
    "step",
    "reset",
    "maxTempSinceLastReboot",
];

fn sandbox() -> &'static Sandbox {
    static SANDBOX: OnceLock<Sandbox> = OnceLock::new();
    SANDBOX.get_or_init(|| Sandbox::new(Limits::default(), None).unwrap())
}

/// The guests under test.
fn programs() -> &'static [Program] {
    static PROGRAMS: OnceLock<Vec<Program>> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        let sandbox = setpoint_tests::sandbox();
        let load = |name: &str, bytes: &[u8]| Program::load(&sandbox, name, bytes).unwrap();
        let rust = GUESTS.into_iter().map(|(name, bytes)| load(name, bytes));
        rust.chain(THERMOSTATS.map(|name| load(name, &foreign_guest(name))))
            .collect()
    })
}

/// What can be done to a guest that has been started.
#[derive(Debug, Clone)]
enum Call {
    Update(Vec<(Member, Option<Value>)>),
    Invoke(Member, Option<Value>),
    Receive(Vec<u8>, Vec<(String, String)>),
    TimerFired(u32),
    Save,
    /// Time passes, in milliseconds.
    Pass(u32),
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-100..100_i64).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        select(vec![
            "2020-01-01T00:00:00Z",
            "2024-01-01T00:00:00+14:00",
            "9999-12-31T23:59:60Z",
            "-1"
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 20, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(".{0,10}", inner, 0..5)
                .prop_map(|members| Value::Object(Map::from_iter(members))),
        ]
    })
}

fn member() -> impl Strategy<Value = Member> {
    let name = || prop_oneof![3 => select(NAMES.to_vec()).prop_map(str::to_owned), 1 => ".{0,200}"];
    (prop::option::weighted(0.2, name()), name()).prop_map(|(component, name)| Member { component, name })
}

fn call() -> impl Strategy<Value = Call> {
    let value = || prop::option::weighted(0.8, json());
    prop_oneof![
        3 => prop::collection::vec((member(), value()), 0..5).prop_map(Call::Update),
        4 => (member(), value()).prop_map(|(target, payload)| Call::Invoke(target, payload)),
        1 => (any::<Vec<u8>>(), prop::collection::vec((".{0,20}", ".{0,20}"), 0..4))
            .prop_map(|(body, properties)| Call::Receive(body, properties)),
        4 => prop_oneof![0..5_u32, any::<u32>()].prop_map(Call::TimerFired),
        1 => Just(Call::Save),
        2 => any::<u32>().prop_map(Call::Pass),
    ]
}

/// Room for everything, for nothing, and for some things.
fn quota() -> impl Strategy<Value = Quota> {
    let counts = (0..3_usize, 0..2_000_usize, 0..3_usize, 0..3_usize, 0..3_usize);
    let some = counts.prop_map(|(messages, bytes, telemetry, properties, log_lines)| Quota {
        messages,
        bytes,
        property_bytes: bytes,
        telemetry,
        properties,
        log_lines,
        // One over the number ends a guest, and it could not know.
        timers: usize::MAX,
    });
    prop_oneof![2 => Just(Quota::UNLIMITED), 1 => some]
}

fn reason() -> impl Strategy<Value = StartReason> {
    select(vec![
        StartReason::PowerOn,
        StartReason::Failure,
        StartReason::Replaced,
        StartReason::Resumed,
    ])
}

fn instance(program: &Program, clock: &VirtualClock, random: u64) -> Guest {
    let surroundings = Surroundings {
        clock: Arc::new(clock.clone()),
        random: SharedRandom::new(move || random),
        config: Arc::new(BTreeMap::new()),
        assignment: None,
        tap: Tap::default(),
    };
    let mut guest = Guest::new(program, surroundings).unwrap();
    guest.model_id().unwrap();
    guest.assign(Assignment {
        hub: Endpoint {
            host: "hub.example".to_owned(),
            port: None,
        },
        device_id: "device".to_owned(),
        payload: None,
    });
    guest
}

/// What a guest owes: answers, and the timers it set to give them.
#[derive(Default)]
struct Owed {
    answers: BTreeSet<String>,
    timers: BTreeSet<u32>,
}

impl Owed {
    /// Takes what the guest has done.
    fn settle(&mut self, guest: &mut Guest) {
        for effect in guest.take_effects() {
            match effect {
                Effect::After { timer, .. } => _ = self.timers.insert(timer),
                Effect::Cancel { timer } => _ = self.timers.remove(&timer),
                Effect::Respond { request, response } => {
                    assert!(self.answers.remove(&request), "{request} was answered twice");
                    check_answer(&response);
                }
                _ => {}
            }
        }
    }

    /// Lets every timer fire that is set for once; what is owed then will never be given.
    fn collect(mut self, guest: &mut Guest, clock: &VirtualClock) {
        clock.advance(Duration::from_secs(300));
        guest.grant(Quota::UNLIMITED);
        for timer in std::mem::take(&mut self.timers) {
            guest.timer_fired(timer).unwrap();
            self.settle(guest);
        }
        assert_eq!(self.answers, BTreeSet::new());
    }
}

/// Whoever asks nonsense is told so: it is not the device that has failed.
fn check_answer(response: &Response) {
    assert!(matches!(response.status, 200..=299 | 400..=499), "{response:?}");
}

/// Carries out one call.
fn carry_out(
    guest: &mut Guest,
    clock: &VirtualClock,
    owed: &mut Owed,
    number: u64,
    call: Call,
) -> Result<(), GuestError> {
    match call {
        Call::Update(values) => {
            let desired = values.into_iter().map(|(property, value)| DesiredValue {
                property,
                value,
                version: number,
            });
            guest.update(desired.collect())
        }
        Call::Invoke(target, payload) => {
            let command = Command {
                request: number.to_string(),
                target,
                payload,
            };
            match guest.invoke(command)? {
                Outcome::Done(response) => check_answer(&response),
                Outcome::Deferred => _ = owed.answers.insert(number.to_string()),
            }
            Ok(())
        }
        Call::Receive(body, properties) => guest.receive(&body, &properties),
        Call::TimerFired(timer) => guest.timer_fired(timer),
        Call::Save => guest.save().map(drop),
        Call::Pass(milliseconds) => {
            clock.advance(Duration::from_millis(milliseconds.into()));
            Ok(())
        }
    }
}

/// Wasm, changed at some places or cut short.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let originals: Vec<Vec<u8>> = GUESTS
        .iter()
        .flat_map(|(name, bytes)| [bytes.to_vec(), as_component(name, bytes).unwrap().into_owned()])
        .collect();
    let changes = prop::collection::vec((any::<Index>(), any::<u8>()), 0..6);
    let cut = prop::option::weighted(0.2, any::<Index>());
    // Most of a guest is code; the front, where its types and imports are, is changed as often.
    (select(originals), changes, any::<bool>(), cut).prop_map(|(mut bytes, changes, front, cut)| {
        let reach = if front { bytes.len().min(4_096) } else { bytes.len() };
        for (at, byte) in changes {
            bytes[at.index(reach)] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        bytes
    })
}

/// Loads it and, should it be a program, runs it. It may fail in any way but one: a panic.
fn load_and_run(bytes: &[u8]) {
    let Ok(program) = Program::load(sandbox(), "guest", bytes) else {
        return;
    };
    let surroundings = Surroundings {
        clock: Arc::new(VirtualClock::starting_at(BEGINNING)),
        random: SharedRandom::new(|| 0),
        config: Arc::new(BTreeMap::new()),
        assignment: None,
        tap: Tap::default(),
    };
    let Ok(mut guest) = Guest::new(&program, surroundings) else {
        return;
    };
    guest.grant(Quota::UNLIMITED);
    let _ = guest
        .model_id()
        .and_then(|_| guest.start(StartReason::PowerOn, None))
        .and_then(|()| guest.update(Vec::new()));
    guest.take_effects();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_asked_of_a_guest_it_answers_in_time(
        which in any::<Index>(),
        start in (reason(), any::<u64>(), prop::option::of(prop::collection::vec(any::<u8>(), 0..200))),
        calls in prop::collection::vec((call(), quota()), 0..40),
    ) {
        let program = which.get(programs());
        let clock = VirtualClock::starting_at(BEGINNING);
        let (reason, random, state) = start;
        let mut guest = instance(program, &clock, random);
        guest.grant(Quota::UNLIMITED);
        match guest.start(reason, state.as_deref()) {
            Ok(()) => {}
            // That is its right, when it is handed rubbish.
            Err(GuestError::Refused { .. }) if state.is_some() => return Ok(()),
            Err(error) => panic!("{error}"),
        }
        guest.update(Vec::new()).unwrap();
        let mut owed = Owed::default();
        owed.settle(&mut guest);
        for (number, (call, quota)) in (1..).zip(calls) {
            guest.grant(quota);
            if let Err(error) = carry_out(&mut guest, &clock, &mut owed, number, call.clone()) {
                panic!("{call:?}: {error}");
            }
            owed.settle(&mut guest);
        }
        owed.collect(&mut guest, &clock);
    }

    #[test]
    fn what_a_guest_saves_the_next_one_takes(
        which in any::<Index>(),
        random in any::<u64>(),
        calls in prop::collection::vec(call(), 0..20),
    ) {
        let program = which.get(programs());
        let clock = VirtualClock::starting_at(BEGINNING);
        let mut guest = instance(program, &clock, random);
        guest.grant(Quota::UNLIMITED);
        guest.start(StartReason::PowerOn, None).unwrap();
        guest.update(Vec::new()).unwrap();
        let mut owed = Owed::default();
        for (number, call) in (1..).zip(calls) {
            carry_out(&mut guest, &clock, &mut owed, number, call).unwrap();
            owed.settle(&mut guest);
        }
        let state = guest.save().unwrap();
        let mut next = instance(program, &clock, random);
        next.grant(Quota::UNLIMITED);
        next.start(StartReason::Replaced, state.as_deref()).unwrap();
        next.update(Vec::new()).unwrap();
    }

    #[test]
    fn bytes_that_are_no_guest_are_an_error(
        header in select(vec![&b""[..], b"\0asm\x01\0\0\0", b"\0asm\x0d\0\x01\0"]),
        bytes in prop::collection::vec(any::<u8>(), 0..2_000),
    ) {
        prop_assert!(Program::load(sandbox(), "guest", &[header, &bytes[..]].concat()).is_err());
    }

    #[test]
    fn a_damaged_guest_is_read_or_refused(bytes in prop::collection::vec(damaged(), 4)) {
        for bytes in bytes {
            if let Ok(component) = as_component("guest", &bytes) {
                let _ = Contract::read("guest", &component).and_then(|contract| contract.check("guest", &Limits::default()));
            }
        }
    }
}

proptest! {
    // Each that turns out to be a program is compiled, which takes its time.
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_guest_is_an_error_or_a_program(bytes in damaged()) {
        load_and_run(&bytes);
    }
}
