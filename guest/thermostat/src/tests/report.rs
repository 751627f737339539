use super::*;
use serde_json::{Value, json};
use setpoint_guest::{Json, Outcome, Response};

fn call(thermostat: &mut Trial<Thermostat>, payload: impl Into<Json>) -> Response {
    match thermostat.invoke("getMaxMinReport", payload) {
        Outcome::Done(response) => response,
        Outcome::Deferred => panic!("deferred"),
    }
}

fn message(response: &Response) -> String {
    let body: Value = response.payload.as_ref().expect("a payload").decode().unwrap();
    body["message"].as_str().expect("a message").to_owned()
}

/// Readings 20, 40, 30 at 00:00:00, 00:00:08, 00:00:16; it is 00:00:20.
fn three_readings() -> Trial<Thermostat> {
    let mut thermostat = thermostat(&[20, 40, 30]);
    thermostat.advance(Duration::from_secs(20));
    thermostat
}

#[test]
fn without_a_time_it_covers_every_reading_kept() {
    let everything = json!({
        "avgTemp": 30.0,
        "endTime": "2026-01-01T00:00:20Z",
        "maxTemp": 40,
        "minTemp": 20,
        "startTime": "2026-01-01T00:00:00Z",
    });
    let mut thermostat = three_readings();
    assert_eq!(call(&mut thermostat, ()), Response::ok(everything.clone()));
    assert_eq!(call(&mut thermostat, ""), Response::ok(everything));
}

#[test]
fn since_a_time_it_covers_what_was_read_then_or_later() {
    let mut thermostat = three_readings();
    let later = json!({
        "avgTemp": 35.0,
        "endTime": "2026-01-01T00:00:20Z",
        "maxTemp": 40,
        "minTemp": 30,
        "startTime": "2026-01-01T00:00:08Z",
    });
    for same_moment in [
        "2026-01-01T00:00:08Z",
        "2026-01-01T00:00:01Z",
        "2025-12-31T22:00:08.000-02:00",
    ] {
        assert_eq!(
            call(&mut thermostat, same_moment),
            Response::ok(later.clone()),
            "since {same_moment}"
        );
    }
}

#[test]
fn a_time_between_readings_is_not_the_start_of_what_was_measured() {
    let mut thermostat = three_readings();
    let report: Value = call(&mut thermostat, "2026-01-01T00:00:08.5Z")
        .payload
        .unwrap()
        .decode()
        .unwrap();
    assert_eq!(report["startTime"], "2026-01-01T00:00:16Z");
    assert_eq!(report["avgTemp"], 30.0);
}

#[test]
fn a_time_before_the_oldest_reading_begins_with_that() {
    let mut thermostat = three_readings();
    let report: Value = call(&mut thermostat, "1970-01-01T00:00:00+01:00")
        .payload
        .unwrap()
        .decode()
        .unwrap();
    assert_eq!(report["startTime"], "2026-01-01T00:00:00Z");
    assert_eq!(report["avgTemp"], 30.0);
}

#[test]
fn the_window_is_as_large_as_configured() {
    let host = MockHost::new()
        .with_config("window", "2")
        .with_random(draws(&[49, 11, 12]));
    let mut thermostat = Trial::<Thermostat>::power_on(host).unwrap();
    thermostat.advance(Duration::from_secs(16));
    let report: Value = call(&mut thermostat, ()).payload.unwrap().decode().unwrap();
    assert_eq!(
        (&report["maxTemp"], &report["startTime"]),
        (&json!(12), &json!("2026-01-01T00:00:08Z"))
    );
}

#[test]
fn a_time_without_readings_gets_404() {
    let mut thermostat = three_readings();
    for since in [
        "2026-01-01T00:00:16.001Z",
        "2026-01-01T00:00:20Z",
        "9999-12-31T23:59:59Z",
    ] {
        let response = call(&mut thermostat, since);
        assert_eq!(response.status, 404, "since {since}");
        assert!(message(&response).contains("2026-01-01T00:00:16Z"), "{response:?}");
    }
}

#[test]
fn anything_but_a_time_gets_400() {
    let mut thermostat = three_readings();
    let wrong = [
        json!(5),
        json!(true),
        json!({"since": "2026-01-01T00:00:08Z"}),
        json!(["2026-01-01T00:00:08Z"]),
        json!(" "),
        json!("yesterday"),
        json!("2026-01-01"),
        json!("2026-01-01T00:00:08"),
        json!("2026-02-30T00:00:08Z"),
    ];
    for payload in wrong {
        let response = call(&mut thermostat, payload.clone());
        assert_eq!(response.status, 400, "for {payload}");
        assert!(message(&response).contains("RFC 3339"), "{response:?}");
    }
}

#[test]
fn a_refusal_of_the_largest_payload_is_no_larger_than_an_answer_may_be() {
    let mut thermostat = three_readings();
    // 128 KB is the most that a hub carries, either way.
    let largest = "\u{1}".repeat((128 * 1024 - 2) / 6);
    let response = call(&mut thermostat, largest);
    assert_eq!(response.status, 400);
    assert!(message(&response).len() < 1024, "{response:?}");
}
