//! The tally as Prometheus reads it.
//!
//! Source: Prometheus, "Exposition formats", text-based format 0.0.4. Written here because it is the tally's own figures that
//! are shown, which a metrics library would have to be given a second time.

use std::fmt::Write;

use super::process::Usage;
use super::spread::Summary;
use super::tally::{Count, Gauge, Tally};

/// The text for a scrape.
pub fn exposition(tally: &Tally) -> String {
    let mut text = String::new();
    let counters = [
        ("devices_launched", Count::Launched, "Devices that were started."),
        (
            "devices_ran",
            Count::Ran,
            "Devices that connected and whose guest was started.",
        ),
        ("devices_ended", Count::Ended, "Devices that ended by themselves."),
        (
            "devices_parked",
            Count::Parked,
            "Devices whose guest has failed too often.",
        ),
        (
            "first_attempts_retried",
            Count::Retried,
            "First attempts to connect that failed and were made again.",
        ),
        ("connections_made", Count::Connected, "Connections made."),
        (
            "connections_lost",
            Count::Lost,
            "Connections that broke, and attempts to make another that failed.",
        ),
        (
            "messages_accepted",
            Count::Queued,
            "Messages that guests put into outboxes.",
        ),
        ("messages_delivered", Count::Delivered, "Messages that hubs took."),
        (
            "messages_refused",
            Count::Refused,
            "Messages and reports that hubs refused.",
        ),
        (
            "reports_delivered",
            Count::Reported,
            "Patches of reported properties that hubs took.",
        ),
        ("commands", Count::Commands, "Commands that guests were asked."),
        ("guest_failures", Count::Failures, "Times a guest failed."),
        (
            "guest_over_budget",
            Count::OverBudget,
            "Times a guest ran over its time.",
        ),
        ("guest_restarts", Count::Restarts, "Instances started after a failure."),
        ("put_aside", Count::PutAside, "Instances put aside."),
    ];
    for (name, count, help) in counters {
        metric(
            &mut text,
            &format!("{name}_total"),
            "counter",
            help,
            tally.get(count) as f64,
        );
    }
    let usage = Usage::now();
    let guest_seconds = tally.get(Count::GuestTime) as f64 / 1e9;
    metric(
        &mut text,
        "devices",
        "gauge",
        "Devices that have not ended.",
        tally.level(Gauge::Alive) as f64,
    );
    metric(
        &mut text,
        "connected",
        "gauge",
        "Devices that are connected.",
        tally.level(Gauge::Up) as f64,
    );
    metric(
        &mut text,
        "guest_seconds_total",
        "counter",
        "Time in guests.",
        guest_seconds,
    );
    metric(
        &mut text,
        "resident_bytes",
        "gauge",
        "Memory of this process.",
        usage.resident as f64,
    );
    metric(
        &mut text,
        "cpu_seconds_total",
        "counter",
        "Processor time of this process.",
        usage.cpu.as_secs_f64(),
    );
    summary(
        &mut text,
        "timer_to_puback_seconds",
        "From a timer to the PUBACK of its message.",
        &tally.to_puback(),
    );
    summary(
        &mut text,
        "command_seconds",
        "From a command's arrival to its answer.",
        &tally.commands(),
    );
    summary(&mut text, "guest_call_seconds", "Calls of guests.", &tally.calls());
    text
}

// Writing to a text does not fail.
fn metric(text: &mut String, name: &str, kind: &str, help: &str, value: f64) {
    let _ = write!(
        text,
        "# HELP setpoint_fleet_{name} {help}\n# TYPE setpoint_fleet_{name} {kind}\nsetpoint_fleet_{name} {value}\n"
    );
}

fn summary(text: &mut String, name: &str, help: &str, summary: &Summary) {
    let _ = write!(
        text,
        "# HELP setpoint_fleet_{name} {help}\n# TYPE setpoint_fleet_{name} summary\n"
    );
    let Summary {
        count,
        mean,
        p50,
        p90,
        p99,
        p999,
        ..
    } = *summary;
    for (quantile, value) in [("0.5", p50), ("0.9", p90), ("0.99", p99), ("0.999", p999)] {
        let _ = writeln!(text, "setpoint_fleet_{name}{{quantile=\"{quantile}\"}} {value}");
    }
    let sum = mean * count as f64;
    let _ = write!(
        text,
        "setpoint_fleet_{name}_sum {sum}\nsetpoint_fleet_{name}_count {count}\n"
    );
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_line_is_in_the_format_and_every_metric_has_its_type() {
        let tally = Tally::default();
        tally.add(Count::Delivered, 7);
        tally.up(Gauge::Up);
        tally.puback(0, Duration::from_millis(250));
        let text = exposition(&tally);
        let mut values = HashMap::new();
        let mut kinds = HashMap::new();
        for line in text.lines() {
            match line.strip_prefix("# ") {
                Some(comment) => {
                    let mut words = comment.splitn(3, ' ');
                    let (word, name) = (words.next().unwrap(), words.next().unwrap());
                    assert!(words.next().is_some_and(|rest| !rest.is_empty()), "{line}");
                    if word == "TYPE" {
                        kinds.insert(name.to_owned(), ());
                    }
                }
                None => {
                    let (name, value) = line.rsplit_once(' ').unwrap();
                    let family = name.split('{').next().unwrap();
                    let family = family.trim_end_matches("_sum").trim_end_matches("_count");
                    assert!(kinds.contains_key(family), "{line} comes before its type");
                    assert!(
                        values.insert(name.to_owned(), value.parse::<f64>().unwrap()).is_none(),
                        "{line} twice"
                    );
                }
            }
        }
        assert_eq!(values["setpoint_fleet_messages_delivered_total"], 7.0);
        assert_eq!(values["setpoint_fleet_connected"], 1.0);
        assert_eq!(values["setpoint_fleet_timer_to_puback_seconds_count"], 1.0);
        assert!((values["setpoint_fleet_timer_to_puback_seconds{quantile=\"0.99\"}"] - 0.25).abs() < 1e-3);
    }
}
