//! Whatever the cloud may say.

use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence, TestRunner};
use serde_json::{Map, Number, Value, json};
use setpoint::effect::{Command, DesiredValue, Effect, Member, Outcome, StartReason};

use crate::instance::Instance;
use crate::{Language, common, languages};

/// Any JSON, and often what the thermostat knows what to do with.
fn value() -> impl Strategy<Value = Value> {
    let number = any::<f64>().prop_filter_map("JSON has no such number", |number| {
        Number::from_f64(number).map(Value::Number)
    });
    let simple = prop_oneof![
        4 => number,
        1 => any::<u64>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => (0_i64..50).prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<String>().prop_map(Value::from),
        1 => Just(Value::Null),
    ];
    simple.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|members| Value::Object(Map::from_iter(members))),
        ]
    })
}

fn member(names: &'static str) -> impl Strategy<Value = Member> {
    let component = prop_oneof![4 => Just(None), 1 => "[a-z0-9]{1,8}".prop_map(Some)];
    let name = prop_oneof![4 => Just(names.to_owned()), 1 => any::<String>(), 1 => "[A-Za-z]{1,12}"];
    (component, name).prop_map(|(component, name)| Member { component, name })
}

/// Times as RFC 3339 writes them, or nearly.
fn time() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        // Close to the readings, whose time is 2024-01-01T00:00:00.123Z.
        "2024-01-01[Tt ]0[0-2]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,12})?([Zz]|[-+]0[0-2]:[0-5][0-9])",
        "[0-9]{4}-[01][0-9]-[0-3][0-9][Tt _][0-2][0-9]:[0-6][0-9]:[0-5][0-9](\\.[0-9]{0,12})?([Zz]|[-+\u{2212}][0-2][0-9]:?[0-6][0-9])?",
    ];
    text.prop_map(|text: String| text)
}

#[derive(Debug, Clone)]
enum Happening {
    Desired(Vec<(Member, Option<Value>, u64)>),
    Command(Member, Option<Value>),
    Timer,
}

fn happening() -> impl Strategy<Value = Happening> {
    let desired = (
        member("targetTemperature"),
        prop::option::weighted(0.9, value()),
        any::<u64>(),
    );
    let payload = prop_oneof![3 => time().prop_map(|text| Some(json!(text))), 1 => prop::option::of(value())];
    prop_oneof![
        4 => prop::collection::vec(desired, 0..5).prop_map(Happening::Desired),
        4 => (member("getMaxMinReport"), payload).prop_map(|(target, payload)| Happening::Command(target, payload)),
        1 => Just(Happening::Timer),
    ]
}

/// What an instance does, answers and saves in the end.
fn tell(language: &Language, happenings: &[Happening]) -> (Vec<Effect>, Vec<Outcome>, Value) {
    let mut instance = Instance::start(language, &[], StartReason::PowerOn, None).unwrap();
    let mut answers = Vec::new();
    for happening in happenings {
        match happening.clone() {
            Happening::Desired(desired) => {
                let desired = desired.into_iter().map(|(property, value, version)| DesiredValue {
                    property,
                    value,
                    version,
                });
                instance.guest.update(desired.collect()).unwrap();
            }
            Happening::Command(target, payload) => {
                let command = Command {
                    request: "1".to_owned(),
                    target,
                    // As the host hands it over.
                    payload: payload.filter(|payload| !payload.is_null()),
                };
                answers.push(without_own_words(instance.guest.invoke(command).unwrap()));
            }
            Happening::Timer => instance.guest.timer_fired(1).unwrap(),
        }
    }
    (instance.effects(), answers, instance.saved())
}

fn without_own_words(mut outcome: Outcome) -> Outcome {
    if let Outcome::Done(response) = &mut outcome
        && let Some(message) = response.payload.get_mut("message")
    {
        *message = json!(common(message.as_str().unwrap()));
    }
    outcome
}

#[test]
fn is_answered_alike_in_every_language() {
    let (rust, foreign) = languages();
    let config = Config {
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        ..Config::with_cases(300)
    };
    let mut runner = TestRunner::new(config);
    let whatever = prop::collection::vec(happening(), 0..12);
    let alike = runner.run(&whatever, |happenings| {
        let expected = tell(rust, &happenings);
        for language in foreign {
            prop_assert_eq!(tell(language, &happenings), expected.clone(), "{}", language.name());
        }
        Ok(())
    });
    if let Err(error) = alike {
        panic!("{error}");
    }
}
