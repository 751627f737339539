use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use serde_json::{Value, json};

use super::*;
use crate::fleet::passage::{Obstacle, Passage};
use crate::fleet::tally::Gauge;

fn report() -> Report {
    let tally = Arc::new(Tally::default());
    for second in 1..=10_u64 {
        tally.up(Gauge::Up);
        for count in [Count::Launched, Count::Ran, Count::Connected] {
            tally.count(count);
        }
        tally.add(Count::Queued, 5);
        tally.add(Count::Delivered, 5);
        tally.puback(0, Duration::from_millis(second));
        tally.call(Duration::from_micros(20));
        tally.sample(Duration::from_secs(second));
    }
    let refused = Passage::new("sim-3", Arc::clone(&tally));
    refused.barred(Obstacle::Hub, "<refused> & gone");
    drop(refused);
    tally.ended("sim-3", "<refused> & gone".to_owned());
    let before = Before {
        id: "sim-{:05}".to_owned(),
        devices: 20,
        shard: "0/2".to_owned(),
        ramp: "500/s".to_owned(),
        put_aside: false,
        guests: vec!["thermostat".to_owned()],
        cloud: "localhost:8883".to_owned(),
        began: DateTime::UNIX_EPOCH,
        usage: Usage::default(),
        memory: Some(1_000_000),
    };
    let ending = Ending {
        devices: 10,
        lasted: Duration::from_secs(10),
        drained: Duration::from_millis(300),
        memory: Some(1_900_000),
        connected: 10,
        abandoned: 0,
    };
    Report::of(before, &ending, &tally)
}

/// Every member's name, with those of the members in it.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.clone(), shape(value)))
            .collect(),
        Value::Array(values) => values.first().map_or(json!([]), |first| json!([shape(first)])),
        Value::Number(_) => json!(0),
        Value::String(_) => json!(""),
        other => other.clone(),
    }
}

#[test]
fn the_json_form_is_what_its_version_promises() {
    let report = report();
    let json: Value = serde_json::from_str(&report.json()).unwrap();
    let summary = json!({ "count": 0, "mean": 0, "p50": 0, "p90": 0, "p99": 0, "p999": 0, "most": 0 });
    let promised = json!({
        "format": "", "version": 0,
        "fleet": { "id": "", "devices": 0, "shard": "", "ramp": "", "putAside": false, "guests": [""], "cloud": "", "began": "", "lasted": 0, "drained": 0 },
        "devices": { "planned": 0, "launched": 0, "ran": 0, "ended": 0, "parked": 0, "abandoned": 0, "mostConnected": 0 },
        "connections": { "made": 0, "lost": 0, "retried": 0, "mostPerSecond": 0 },
        "messages": { "accepted": 0, "delivered": 0, "refused": 0, "reports": 0, "perSecond": 0, "mostPerSecond": 0 },
        "timerToPuback": summary, "byGuest": [{ "guest": "", "timerToPuback": summary }], "commands": summary,
        "guests": { "calls": summary, "seconds": 0, "commands": 0, "failures": 0, "overBudget": 0, "restarts": 0, "putAside": 0 },
        "process": { "residentBefore": 0, "residentMost": 0, "residentPerDevice": 0, "memoryPerDevice": 0, "cpu": 0, "cpuPerMessage": 0 },
        "errors": [{ "device": "", "error": "" }],
        "notRun": [{ "why": "", "devices": 0, "device": "", "error": "" }],
        "samples": [{ "at": 0, "up": 0, "delivered": 0, "connected": 0, "failures": 0, "p50": 0, "p99": 0, "resident": 0, "own": 0, "cpu": 0 }],
    });
    assert_eq!(shape(&json), promised);
    assert_eq!(
        (json["format"].as_str(), json["version"].as_u64()),
        (Some("setpoint-fleet"), Some(1))
    );
    assert_eq!(serde_json::from_str::<Report>(&report.json()).unwrap(), report);
}

#[test]
fn figures_follow_from_the_samples() {
    let report = report();
    assert_eq!(
        (
            report.devices.planned,
            report.devices.ran,
            report.devices.most_connected
        ),
        (10, 10, 10)
    );
    assert!((report.messages.per_second - 5.0).abs() < 1e-9 && (report.messages.most_per_second - 5.0).abs() < 1e-9);
    assert!((report.connections.most_per_second - 1.0).abs() < 1e-9);
    assert!(report.process.resident_per_device > 0.0);
    assert!((report.process.memory_per_device - 90_000.0).abs() < 1.0);
    assert!(
        (report.timer_to_puback.p50 - 0.005).abs() < 1e-4,
        "{:?}",
        report.timer_to_puback
    );
    assert!(!report.all_ran(), "one has ended");
}

#[test]
fn the_table_says_what_matters() {
    let table = report().table();
    for part in [
        "10 of 10 ran",
        "50 of 50 delivered",
        "5.00 ms median",
        // As fine as a histogram is.
        "guest calls        20.0",
        "sim-3: <refused> & gone",
    ] {
        assert!(table.contains(part), "{part} in\n{table}");
    }
    assert!(!table.contains("commands"), "there were none:\n{table}");
}

#[test]
fn the_page_stands_alone_and_is_well_formed() {
    let page = report().page();
    let body = page.strip_prefix("<!doctype html>\n").unwrap();
    // Its tags are those of XML but for two that have no end.
    let body = body
        .replace("<meta charset=\"utf-8\">", "")
        .replace("<meta name=\"viewport\" content=\"width=device-width\">", "");
    let document = roxmltree::Document::parse(&body).unwrap();
    let named = |name: &str| document.descendants().filter(|node| node.has_tag_name(name)).count();
    assert_eq!((named("svg"), named("figure"), named("polyline")), (8, 8, 10));
    assert!(
        document
            .descendants()
            .filter(|node| node.has_tag_name("polyline"))
            .all(|line| {
                let points = line.attribute("points").unwrap();
                points.split(' ').count() >= 9 && !points.contains("NaN")
            })
    );
    assert!(body.contains("sim-3: &lt;refused&gt; &amp; gone"));
    for other in ["http", "src=", "href=", "<script"] {
        assert!(!body.contains(other), "{other}");
    }
}
