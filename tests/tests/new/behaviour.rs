//! What the device of a new project does, whatever it is written in: with a hub, in virtual time.

use std::time::Duration;

use serde_json::{Value, json};
use setpoint::testing::TestDevice;
use setpoint_tests::sandbox;

const NO_STEP: &str = "step is an integer from -2147483648 to 2147483647";

pub(crate) fn check(guest: &[u8]) {
    let mut device = TestDevice::load_into(&sandbox(), guest).unwrap().start().unwrap();
    assert_eq!(device.hub().model_id().as_deref(), Some("dtmi:com:example:MyDevice;1"));
    assert_eq!(step(&device), json!({ "ac": 203, "av": 0, "value": 1 }));
    it_counts(&mut device);
    it_takes_steps(&mut device);
    it_refuses_others(&mut device);
    it_answers_commands(&mut device);
    // It has no use for messages, and does not mind them.
    device
        .hub()
        .message(b"\xff", vec![("key".to_owned(), "value".to_owned())]);
    device.settle().unwrap();
    assert!(device.failures().is_empty(), "{:?}", device.failures());
    assert_eq!(device.logs(), []);
}

fn it_counts(device: &mut TestDevice) {
    seconds(device, 14);
    assert_eq!(device.telemetry(), [json!({ "count": 1 }), json!({ "count": 2 })]);
    seconds(device, 1);
    assert_eq!(device.telemetry(), [json!({ "count": 3 })]);
}

fn it_takes_steps(device: &mut TestDevice) {
    let mut count = 3;
    for (version, wanted) in [(2, i32::MAX), (3, i32::MIN), (4, 0), (5, 7)] {
        desire(device, json!({ "step": wanted }));
        assert_eq!(step(device), json!({ "ac": 200, "av": version, "value": wanted }));
        seconds(device, 5);
        count += i64::from(wanted);
        assert_eq!(device.telemetry(), [json!({ "count": count })]);
    }
    assert_eq!(count, 9);
    desire(device, json!({ "step": null }));
    assert_eq!(step(device), json!({ "ac": 203, "av": 6, "value": 1 }));
}

fn it_refuses_others(device: &mut TestDevice) {
    let values = [
        json!(2_147_483_648_i64),
        json!(-2_147_483_649_i64),
        json!(7.5),
        json!(7.0),
        json!(1e300),
        json!(u64::MAX),
        json!(""),
        json!("7"),
        json!(true),
        json!([7]),
        json!({ "by": 7 }),
    ];
    for (index, value) in values.into_iter().enumerate() {
        desire(device, json!({ "step": value }));
        let refused = json!({ "ac": 400, "ad": NO_STEP, "av": 7 + index, "value": 1 });
        assert_eq!(step(device), refused, "{value}");
    }
    desire(device, json!({ "speed": "fast", "part": { "__t": "c", "step": 7 } }));
    let refused = |name: &str, value: Value| {
        let description = format!("this device has no writable property {name}");
        json!({ "ac": 404, "ad": description, "av": 18, "value": value })
    };
    let reported = device.hub().reported();
    assert_eq!(reported["speed"], refused("speed", json!("fast")));
    assert_eq!(reported["part"]["step"], refused("part.step", json!(7)));
    // What a component would have is none of the device's.
    seconds(device, 5);
    assert_eq!(device.telemetry(), [json!({ "count": 10 })]);
}

fn it_answers_commands(device: &mut TestDevice) {
    assert_eq!(device.call("reset", b"").unwrap(), Some((200, json!(10))));
    assert_eq!(device.call("reset", b"{\"now\": true}").unwrap(), Some((200, json!(0))));
    seconds(device, 5);
    assert_eq!(device.telemetry(), [json!({ "count": 1 })]);
    for (called, name) in [
        ("stop", "stop"),
        ("part*reset", "part.reset"),
        ("\u{e4}\"\\", "\u{e4}\"\\"),
    ] {
        let refused = json!({ "message": format!("this device has no command {name}") });
        assert_eq!(device.call(called, b"").unwrap(), Some((404, refused)));
    }
    assert_eq!(device.call("reset", b"").unwrap(), Some((200, json!(1))));
}

/// Each guest takes over from the one before it, the first from the last.
pub(crate) fn check_relay(guests: &[Vec<u8>]) {
    let first = guests.first().unwrap();
    let mut device = TestDevice::load_into(&sandbox(), first).unwrap().start().unwrap();
    desire(&mut device, json!({ "step": 10 }));
    // Refused, so that only the state says what is in force.
    desire(&mut device, json!({ "step": "far" }));
    let followers = guests.iter().skip(1).chain([first]);
    for (runner, follower) in (1..).zip(followers) {
        seconds(&mut device, 5);
        assert_eq!(device.telemetry(), [json!({ "count": 10 * runner })]);
        device.swap(follower).unwrap();
        let refused = json!({ "ac": 400, "ad": NO_STEP, "av": 3, "value": 10 });
        assert_eq!(step(&device), refused);
    }
    let ended = json!(10 * guests.len());
    assert_eq!(device.call("reset", b"").unwrap(), Some((200, ended)));
    assert_eq!(device.hub().connections(), 1);
    assert_eq!(device.logs(), []);
}

fn seconds(device: &mut TestDevice, seconds: u64) {
    device.advance(Duration::from_secs(seconds)).unwrap();
}

fn desire(device: &mut TestDevice, patch: Value) {
    device.hub().desire(patch.as_object().unwrap().clone());
    device.settle().unwrap();
}

/// As it is reported.
fn step(device: &TestDevice) -> Value {
    device.hub().reported()["step"].clone()
}
