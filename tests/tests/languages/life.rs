//! The life of a device, told by what its hub and its log get.

use std::time::Duration;

use serde_json::{Value, json};
use setpoint::cloud::Outgoing;
use setpoint::effect::Level;
use setpoint::testing::TestDevice;

use crate::{Language, common, languages};
use Happening::{Back, Call, Cut, Desire, Message, Pass, Swap};

enum Happening {
    /// So many milliseconds.
    Pass(u64),
    /// The cloud wants this.
    Desire(&'static str),
    /// The cloud calls this command.
    Call(&'static str, &'static str),
    /// The cloud sends this.
    Message(&'static [u8]),
    /// The hub is gone.
    Cut,
    /// The hub is back.
    Back,
    /// The next guest takes over.
    Swap,
}

/// Twenty-six minutes.
const LIFE: &[Happening] = &[
    Pass(100_000),
    Desire(r#"{"targetTemperature": 42.5}"#),
    Desire(r#"{"targetTemperature": "warm"}"#),
    // Numbers that languages like to write in ways of their own. After each, a refusal shows what is in force.
    Desire(r#"{"targetTemperature": 1e2}"#),
    Desire(r#"{"targetTemperature": "1"}"#),
    Desire(r#"{"targetTemperature": 21.0}"#),
    Desire(r#"{"targetTemperature": true}"#),
    Desire(r#"{"targetTemperature": -0}"#),
    Desire(r#"{"targetTemperature": []}"#),
    Desire(r#"{"targetTemperature": -0.0}"#),
    Desire(r#"{"targetTemperature": {}}"#),
    Desire(r#"{"targetTemperature": 0.1}"#),
    Desire(r#"{"targetTemperature": [0.1]}"#),
    Desire(r#"{"targetTemperature": 1e-7}"#),
    Desire(r#"{"targetTemperature": "NaN"}"#),
    Desire(r#"{"targetTemperature": -1e300}"#),
    Desire(r#"{"targetTemperature": " 5"}"#),
    Desire(r#"{"targetTemperature": 5e-324}"#),
    Desire(r#"{"targetTemperature": ""}"#),
    Desire(r#"{"targetTemperature": 1.7976931348623157e308}"#),
    Desire(r#"{"targetTemperature": false}"#),
    Desire(r#"{"targetTemperature": 18446744073709551615}"#),
    Desire(r#"{"targetTemperature": "18446744073709551615"}"#),
    Desire(r#"{"targetTemperature": -9223372036854775808}"#),
    Desire(r#"{"targetTemperature": {"value": 5}}"#),
    Desire(r#"{"targetTemperature": 9007199254740993}"#),
    Desire(r#"{"targetTemperature": "Infinity"}"#),
    Desire(r#"{"targetTemperature": 10000000000000000000}"#),
    Desire(r#"{"targetTemperature": "null"}"#),
    Desire(r#"{"targetTemperature": 123456789012345680000}"#),
    Desire(r#"{"targetTemperature": "{}"}"#),
    Desire(
        r#"{"targetTemperature": 0.30000000000000004, "unknown": { "deep": null, "kept": [null, 1.0, "\u00e9\ud83d\ude00\\"] }}"#,
    ),
    Desire(r#"{"größe": 1e2, "say\"hi": "\u0007\u007f", "a": null, "b": {"c": {"d": {"e": {"f": {"g": 1}}}}}}"#),
    Desire(
        r#"{"thermostat1": {"__t": "c", "targetTemperature": 5, "other": null}, "thermostat2": {"targetTemperature": 6}}"#,
    ),
    Desire(r#"{"thermostat1": {"targetTemperature": null}, "targetTemperature": 25}"#),
    Desire(r#"{"thermostat1": null, "thermostat2": null, "unknown": null, "größe": null}"#),
    Pass(100_000),
    Call("getMaxMinReport", ""),
    Call("getMaxMinReport", "null"),
    Call("getMaxMinReport", r#""""#),
    Call("getMaxMinReport", r#""2024-01-01T00:02:00Z""#),
    Call("getMaxMinReport", r#""2024-01-01T00:02:00.000000001Z""#),
    Call("getMaxMinReport", r#""2024-01-01t01:01:59.9999999999+01:00""#),
    Call("getMaxMinReport", r#""2024-01-01 00:02:00.5-00:00""#),
    Call("getMaxMinReport", r#""2023-12-31T12:02:00−12:00""#),
    Call("getMaxMinReport", r#""1969-12-31T23:59:59.25Z""#),
    Call("getMaxMinReport", r#""0000-01-01T00:00:00+23:59""#),
    Call("getMaxMinReport", r#""2024-01-01T00:03:19.120Z""#),
    Call("getMaxMinReport", r#""2024-02-29T00:00:00.120Z""#),
    Call("getMaxMinReport", r#""9999-12-31T23:59:59.123456789-23:59""#),
    Call("getMaxMinReport", r#""2016-12-31T23:59:60Z""#),
    Call("getMaxMinReport", r#""2023-02-29T00:00:00Z""#),
    Call("getMaxMinReport", r#""2024-01-01T24:00:00Z""#),
    Call("getMaxMinReport", r#""2024-01-01T00:60:00Z""#),
    Call("getMaxMinReport", r#""2024-01-01T00:00:00+24:00""#),
    Call("getMaxMinReport", r#""2024-01-01T00:00:00+00:60""#),
    Call("getMaxMinReport", r#""2024-01-01T00:00:00.Z""#),
    Call("getMaxMinReport", r#""2024-01-01T00:00:00""#),
    Call("getMaxMinReport", r#""2024-1-1T00:00:00Z""#),
    Call("getMaxMinReport", r#"" 2024-01-01T00:00:00Z""#),
    Call("getMaxMinReport", r#""+2024-01-01T00:00:00Z""#),
    Call("getMaxMinReport", r#""２024-01-01T00:00:00Z""#),
    Call(
        "getMaxMinReport",
        r#""say \"hi\": \\ \n\t\u0001\u007f\u00e9\u2028\ud83d\ude00""#,
    ),
    // Of a text as long as this one, eighty characters are quoted: up to the thumb.
    Call(
        "getMaxMinReport",
        "\"0123456789 123456789 123456789 123456789 123456789 123456789 123456789 12345678👍 too long\"",
    ),
    Call("getMaxMinReport", r#"" ""#),
    Call("getMaxMinReport", "17"),
    Call("getMaxMinReport", "true"),
    Call("getMaxMinReport", r#"["2024-01-01T00:02:00Z"]"#),
    Call("getMaxMinReport", r#"{"since": "2024-01-01T00:02:00Z"}"#),
    Call("getMaxMinReport", "{"),
    Call("getmaxminreport", ""),
    Call("reboot", r#"{"delay": 5}"#),
    Call("thermostat1*getMaxMinReport", ""),
    Call("*getMaxMinReport", ""),
    Call("größe", "[]"),
    Message(b"hello \xff"),
    Swap,
    Call("getMaxMinReport", ""),
    Pass(100_000),
    Desire(r#"{"targetTemperature": "what is in force?"}"#),
    Desire(r#"{"targetTemperature": null}"#),
    Desire(r#"{"targetTemperature": "what is in force?"}"#),
    Pass(3_123),
    Swap,
    Pass(4_877),
    Call("getMaxMinReport", r#""2024-01-01T00:04:00Z""#),
    Desire(r#"{"targetTemperature": 7.5}"#),
    // Longer than the outbox can keep what is measured meanwhile: the log says so.
    Cut,
    Pass(1_100_000),
    Desire(r#"{"targetTemperature": 8}"#),
    Back,
    Pass(120_000),
    Swap,
    Pass(60_000),
    Call("getMaxMinReport", ""),
];

/// What a device sent and wrote to its log, up to each swap and to the end.
type Told = Vec<(Vec<Outgoing>, Vec<(Level, String)>)>;

/// Randomness of all 64 bits, and of both ends of them: SplitMix64, with the largest number and zero among its own.
fn random() -> impl FnMut() -> u64 + Send + 'static {
    let mut n = 0_u64;
    move || {
        n = n.wrapping_add(1);
        let mut z = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        match n % 16 {
            5 => u64::MAX,
            6 => u64::MAX - 16,
            11 => 0,
            12 => (1 << 53) + 1,
            _ => z ^ (z >> 31),
        }
    }
}

/// Lives [`LIFE`] in these guests, one after the other, and from the first again.
fn live(guests: &[&Language]) -> Told {
    let mut guests = guests.iter().cycle();
    let first = guests.next().unwrap();
    let mut device = TestDevice::load_into(first.program.sandbox(), &first.bytes)
        .unwrap()
        .config("interval", "1.0005")
        .config("window", "150")
        .random(random())
        .start()
        .unwrap();
    let mut told = Told::new();
    let mut tell = |device: &mut TestDevice| {
        let failures = device.failures();
        assert!(failures.is_empty(), "{failures:?}");
        told.push((device.received().into_iter().map(comparable).collect(), device.logs()));
    };
    for happening in LIFE {
        match happening {
            Pass(milliseconds) => device.advance(Duration::from_millis(*milliseconds)).unwrap(),
            Desire(patch) => device.hub().desire(serde_json::from_str(patch).unwrap()),
            Call(name, payload) => _ = device.hub().call(name, payload.as_bytes()),
            Message(body) => device.hub().message(body, vec![("kind".to_owned(), String::new())]),
            Cut => {
                device.hub().set_unreachable(true);
                device.hub().cut();
            }
            Back => device.hub().set_unreachable(false),
            Swap => {
                tell(&mut device);
                let swapped = device.swap_program(guests.next().unwrap().program.clone()).unwrap();
                assert!(swapped.state, "{swapped:?}");
            }
        }
        device.settle().unwrap();
    }
    tell(&mut device);
    told
}

/// Without a library's own words, and with telemetry as the value it is.
fn comparable(outgoing: Outgoing) -> Outgoing {
    match outgoing {
        Outgoing::Telemetry {
            component,
            body,
            properties,
        } => Outgoing::Telemetry {
            component,
            body: serde_json::from_str::<Value>(&body).unwrap().to_string(),
            properties,
        },
        Outgoing::Response { rid, status, payload } => {
            let mut payload: Value = serde_json::from_str(&payload).unwrap();
            if let Some(message) = payload.get_mut("message") {
                *message = json!(common(message.as_str().unwrap()));
            }
            Outgoing::Response {
                rid,
                status,
                payload: payload.to_string(),
            }
        }
        report => report,
    }
}

/// Compares one by one, so that a failure shows the first difference and not a thousand lines.
fn assert_same(who: &str, told: &Told, expected: &Told) {
    for (part, ((sent, logged), (expected_sent, expected_logged))) in told.iter().zip(expected).enumerate() {
        for (n, (one, expected)) in sent.iter().zip(expected_sent).enumerate() {
            assert_eq!(one, expected, "{who}, message {n} of part {part}");
        }
        assert_eq!(sent.len(), expected_sent.len(), "{who}, messages of part {part}");
        assert_eq!(logged, expected_logged, "{who}, log of part {part}");
    }
    assert_eq!(told.len(), expected.len());
}

#[test]
fn is_the_same_in_every_language() {
    let (rust, foreign) = languages();
    let expected = live(&[rust]);
    // It is what it is meant to be: everything was answered, something was lost and said so.
    let sent = |wanted: fn(&Outgoing) -> bool| {
        expected
            .iter()
            .flat_map(|(sent, _)| sent)
            .filter(|one| wanted(one))
            .count()
    };
    assert!(sent(|one| matches!(one, Outgoing::Telemetry { .. })) > 1_000);
    let calls = LIFE.iter().filter(|one| matches!(one, Call(..))).count();
    assert_eq!(sent(|one| matches!(one, Outgoing::Response { .. })), calls);
    assert!(!expected.last().unwrap().1.is_empty());
    for language in foreign {
        assert_same(language.name(), &live(&[language]), &expected);
    }
}

#[test]
fn is_the_same_when_languages_take_turns() {
    let (rust, foreign) = languages();
    let expected = live(&[rust]);
    for language in foreign {
        assert_same(language.name(), &live(&[language, rust]), &expected);
        assert_same(language.name(), &live(&[rust, language]), &expected);
    }
    let all: Vec<_> = foreign.iter().chain([rust]).collect();
    assert_same("all of them", &live(&all), &expected);
}
