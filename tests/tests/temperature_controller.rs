//! The temperature controller, whose model has components: in its sandbox in virtual time, and at the emulator.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::time::Duration;

use serde_json::{Value, json};
use setpoint::cloud::Outgoing;
use setpoint::testing::TestDevice;
use setpoint_emulator::state::EventKind;
use setpoint_tests::{Place, TEMPERATURE_CONTROLLER};

const EIGHT_SECONDS: Duration = Duration::from_secs(8);

/// Readings 10, 11, 12 and so on, of both thermostats by turns, until 49 is followed by 10.
fn ones() -> impl FnMut() -> u64 + Send + 'static {
    let mut drawn = 0;
    move || {
        drawn += 1;
        drawn - 1
    }
}

fn document(value: Value) -> setpoint_protocol::twin::Document {
    value.as_object().unwrap().clone()
}

fn report(patch: Value) -> Outgoing {
    Outgoing::Report(document(patch))
}

fn maximum(component: &str, degrees: impl Into<Value>) -> Outgoing {
    report(json!({ component: { "__t": "c", "maxTempSinceLastReboot": degrees.into() } }))
}

fn telemetry(component: Option<&str>, body: Value) -> Outgoing {
    Outgoing::Telemetry {
        component: component.map(str::to_owned),
        body: body.to_string(),
        properties: Vec::new(),
    }
}

fn temperature(component: &str, degrees: u64) -> Outgoing {
    telemetry(Some(component), json!({ "temperature": degrees }))
}

/// What so many readings of both thermostats take, at nine bytes each.
fn working_set(readings: u32) -> Outgoing {
    telemetry(None, json!({ "workingSet": f64::from(readings * 2 * 9) / 1024.0 }))
}

/// A measurement of both, each the highest so far.
fn rising(first: u64, readings: u32) -> [Outgoing; 5] {
    [
        temperature("thermostat1", first),
        maximum("thermostat1", first),
        temperature("thermostat2", first + 1),
        maximum("thermostat2", first + 1),
        working_set(readings),
    ]
}

fn target(value: Value, ac: u16, av: u64, ad: &str) -> Value {
    json!({ "__t": "c", "targetTemperature": { "value": value, "ac": ac, "av": av, "ad": ad } })
}

/// What is reported at once, at start and after a reboot, goes into one patch.
fn everything_of(serial_number: &str) -> Outgoing {
    let maximum = json!({ "__t": "c", "maxTempSinceLastReboot": 10.96 });
    report(json!({
        "serialNumber": serial_number,
        "deviceInformation": {
            "__t": "c",
            "manufacturer": "Setpoint",
            "model": "Temperature controller",
            "swVersion": env!("CARGO_PKG_VERSION"),
            "osName": "none",
            "processorArchitecture": "wasm32",
            "processorManufacturer": "none: a virtual processor",
            "totalStorage": 0,
            "totalMemory": 4_194_304,
        },
        "thermostat1": maximum,
        "thermostat2": maximum,
    }))
}

fn default_of_both() -> Outgoing {
    let default = target(json!(20), 203, 0, "the default is in force");
    report(json!({ "thermostat1": default, "thermostat2": default }))
}

#[test]
fn components_in_virtual_time() {
    let mut device = TestDevice::load(TEMPERATURE_CONTROLLER)
        .unwrap()
        .config("serialNumber", "A-17")
        .random(ones())
        .start()
        .unwrap();
    let model = device.hub().model_id();
    assert_eq!(model.as_deref(), Some("dtmi:com:example:TemperatureController;2"));
    // 10 and 11 are drawn first; the second is higher than the 10.96 that both begin with.
    assert_eq!(
        device.received(),
        [
            everything_of("A-17"),
            temperature("thermostat1", 10),
            temperature("thermostat2", 11),
            maximum("thermostat2", 11),
            working_set(1),
            default_of_both(),
        ]
    );

    device.advance(EIGHT_SECONDS).unwrap();
    assert_eq!(device.received(), rising(12, 2));

    let patch = json!({ "thermostat2": { "__t": "c", "targetTemperature": 42.5 } });
    device.hub().desire(document(patch));
    device.settle().unwrap();
    let taken = target(json!(42.5), 200, 2, "Successfully executed patch");
    assert_eq!(device.received(), [report(json!({ "thermostat2": taken }))]);

    let (status, summary) = device.call("thermostat2*getMaxMinReport", b"").unwrap().unwrap();
    assert_eq!(
        (status, &summary["minTemp"], &summary["avgTemp"], &summary["maxTemp"]),
        (200, &json!(11), &json!(12.0), &json!(13))
    );
    let (status, _) = device.call("getMaxMinReport", b"").unwrap().unwrap();
    assert_eq!(status, 404);
}

#[test]
fn a_reboot_is_answered_when_its_delay_is_over() {
    let mut device = TestDevice::load(TEMPERATURE_CONTROLLER)
        .unwrap()
        .random(ones())
        .start()
        .unwrap();
    device.advance(EIGHT_SECONDS).unwrap();
    device.received();
    assert_eq!(device.call("reboot", b"5").unwrap(), None);
    let (status, refusal) = device.call("reboot", b"5").unwrap().unwrap();
    assert_eq!((status, refusal["message"].is_string()), (409, true));
    device.advance(Duration::from_millis(4_999)).unwrap();
    assert_eq!(device.received(), []);

    device.advance(Duration::from_millis(1)).unwrap();
    let received = device.received();
    let answer = Outgoing::Response {
        rid: "1".to_owned(),
        status: 200,
        payload: "null".to_owned(),
    };
    assert_eq!(received[..2], [answer, everything_of("device")]);
    // 14 and 15 are drawn next, of a window that holds nothing else any more.
    assert_eq!(received[2..], rising(14, 1));
    device.advance(EIGHT_SECONDS).unwrap();
    assert_eq!(device.received(), rising(16, 2));
}

#[test]
fn a_pending_reboot_is_answered_by_the_instance_that_was_swapped_in() {
    let mut device = TestDevice::load(TEMPERATURE_CONTROLLER)
        .unwrap()
        .random(ones())
        .start()
        .unwrap();
    assert_eq!(device.call("reboot", b"5").unwrap(), None);
    device.advance(Duration::from_secs(2)).unwrap();
    device.swap(TEMPERATURE_CONTROLLER).unwrap();
    device.advance(Duration::from_millis(2_999)).unwrap();
    let answered = |outgoing: &Outgoing| matches!(outgoing, Outgoing::Response { rid, status: 200, .. } if rid == "1");
    assert!(!device.received().iter().any(answered));
    device.advance(Duration::from_millis(1)).unwrap();
    let received = device.received();
    assert!(received.iter().any(answered), "{received:?}");
    assert_eq!(device.hub().connections(), 1);
}

#[tokio::test]
async fn components_at_a_real_hub() {
    let place = Place::new().await;
    let id = place.identity.device_id().to_owned();
    let hub = place.emulator.hub();
    let mut events = hub.subscribe();
    let mut device = place.run(TEMPERATURE_CONTROLLER, &[("interval", "0.1")]);
    device.listening().await;

    // Of each message, which component sent what.
    let mut sent = Vec::new();
    while sent.len() < 3 {
        let event = events.recv().await.unwrap();
        if event.kind != EventKind::Telemetry {
            continue;
        }
        let body: Value = serde_json::from_slice(&event.body).unwrap();
        let name = body.as_object().unwrap().keys().next().unwrap().clone();
        let subject = event.system.iter().find(|(key, _)| key == "dt-subject");
        sent.push((subject.map(|(_, component)| component.clone()), name));
    }
    let of = |component: &str| (Some(component.to_owned()), "temperature".to_owned());
    assert_eq!(
        sent,
        [of("thermostat1"), of("thermostat2"), (None, "workingSet".to_owned())]
    );

    let target = json!({ "thermostat1": { "__t": "c", "targetTemperature": 21 } });
    let patch = json!({ "properties": { "desired": target } });
    hub.patch_twin(&id, &document(patch), None).unwrap();
    let reported = place
        .reported(&id, |reported| {
            reported.pointer("/thermostat1/targetTemperature/ac") == Some(&json!(200))
                && reported.pointer("/thermostat2/targetTemperature/ac") == Some(&json!(203))
        })
        .await;
    for component in ["thermostat1", "thermostat2", "deviceInformation"] {
        assert_eq!(reported[component]["__t"], json!("c"), "{reported}");
    }
    assert_eq!(reported["thermostat1"]["targetTemperature"]["value"], json!(21));
    assert_eq!(reported["serialNumber"], json!(id));

    let patience = Duration::from_secs(10);
    let call = |name: &'static str, payload| hub.call_method(&id, name, payload, Duration::ZERO, patience);
    let result = call("thermostat1*getMaxMinReport", None).await.unwrap();
    assert_eq!((result.status, result.payload["maxTemp"].is_u64()), (200, true));
    assert_eq!(call("thermostat3*getMaxMinReport", None).await.unwrap().status, 404);
    let result = call("reboot", Some(json!(1))).await.unwrap();
    assert_eq!((result.status, result.payload), (200, Value::Null));
    device.stop().await.unwrap();
}
