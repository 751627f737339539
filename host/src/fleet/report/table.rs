//! A report as a table, for a terminal.

use std::fmt::Write;

use super::Report;
use crate::fleet::Summary;
use crate::printable;

/// Lines of a name and what is to be said of it.
pub(super) fn table(report: &Report) -> String {
    let mut text = String::new();
    for (name, value) in rows(report) {
        // Writing to a text does not fail.
        let _ = writeln!(text, "{name:<18} {value}");
    }
    for error in &report.errors {
        let _ = writeln!(
            text,
            "{:<18} {}",
            "ended",
            printable(&format!("{}: {}", error.device, error.error))
        );
    }
    text
}

/// What is said, and of what.
pub(super) fn rows(report: &Report) -> Vec<(&'static str, String)> {
    let Report {
        fleet,
        devices,
        connections,
        messages,
        guests,
        process,
        ..
    } = report;
    let mut rows = vec![
        (
            "fleet",
            format!(
                "{} devices {}, shard {}, of {}, with {}",
                fleet.devices,
                fleet.id,
                fleet.shard,
                fleet.guests.join(", "),
                fleet.cloud
            ),
        ),
        (
            "lasted",
            format!("{:.1} s, and {:.1} s to drain", fleet.lasted, fleet.drained),
        ),
        (
            "devices",
            format!(
                "{} of {} ran, {} connected at most; {} ended, {} parked, {} abandoned",
                devices.ran, devices.planned, devices.most_connected, devices.ended, devices.parked, devices.abandoned
            ),
        ),
        (
            "connections",
            format!(
                "{} made, at most {:.0}/s; {} lost, {} first attempts made again",
                connections.made, connections.most_per_second, connections.lost, connections.retried
            ),
        ),
        (
            "messages",
            format!(
                "{} of {} delivered, {:.1}/s, at most {:.0}/s; {} refused; {} reports",
                messages.delivered,
                messages.accepted,
                messages.per_second,
                messages.most_per_second,
                messages.refused,
                messages.reports
            ),
        ),
        ("timer to PUBACK", percentiles(&report.timer_to_puback)),
        ("commands", percentiles(&report.commands)),
        ("guest calls", percentiles(&guests.calls)),
        (
            "guests",
            format!(
                "{:.3} s in them; {} failures, {} over budget, {} restarts; {} times put aside",
                guests.seconds, guests.failures, guests.over_budget, guests.restarts, guests.put_aside
            ),
        ),
        (
            "memory",
            format!(
                "{:.1} kB a device, {:.1} with shared pages counted for each; {} at most, {} before the first",
                process.memory_per_device / 1e3,
                process.resident_per_device / 1e3,
                megabytes(process.resident_most),
                megabytes(process.resident_before)
            ),
        ),
        (
            "processor",
            format!(
                "{:.2} s; {:.0} us a message once all were connected",
                process.cpu,
                process.cpu_per_message * 1e6
            ),
        ),
    ];
    if report.by_guest.len() > 1 {
        for guest in &report.by_guest {
            rows.push((
                "timer to PUBACK",
                format!("{}: {}", guest.guest, percentiles(&guest.timer_to_puback)),
            ));
        }
    }
    rows.retain(|(name, _)| *name != "commands" || report.commands.count > 0);
    rows
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

fn percentiles(summary: &Summary) -> String {
    if summary.count == 0 {
        return "none".to_owned();
    }
    let Summary {
        count,
        p50,
        p90,
        p99,
        p999,
        most,
        ..
    } = *summary;
    let [p50, p90, p99, p999, most] = [p50, p90, p99, p999, most].map(time);
    format!("{p50} median, {p90} p90, {p99} p99, {p999} p99.9, {most} most; of {count}")
}

/// Three digits, in the unit that suits.
fn time(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 1e-3 => format!("{:.3} us", seconds * 1e6).replace(".000", ""),
        seconds if seconds < 1.0 => format!("{:.2} ms", seconds * 1e3),
        seconds => format!("{seconds:.2} s"),
    }
}
