//! Medians, and how they are printed.

use std::fmt;
use std::time::Duration;

use setpoint::fleet::report::Report;

/// One line a figure.
#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
}

/// What one device costs.
pub(crate) struct Device {
    /// Bytes.
    pub(crate) memory: f64,
    /// Seconds of processor time.
    pub(crate) cpu_per_message: f64,
    /// Seconds from when a message was due to its PUBACK.
    pub(crate) p99: f64,
}

struct Row {
    what: String,
    value: String,
    goal: &'static str,
    how: String,
}

impl Table {
    /// The median of some times, with the smallest and the largest.
    pub(crate) fn times(
        &mut self,
        what: impl Into<String>,
        goal: &'static str,
        how: &'static str,
        mut times: Vec<Duration>,
    ) {
        times.sort_unstable();
        let at = |index: usize| times.get(index).copied().unwrap_or_default();
        let (low, middle, high) = (at(0), at(times.len() / 2), at(times.len().saturating_sub(1)));
        let value = format!("{} ({} to {})", time(middle), time(low), time(high));
        self.push(what.into(), value, goal, how);
    }

    /// So many messages in each of these times, as messages a second.
    pub(crate) fn rates(&mut self, what: &str, how: &'static str, messages: usize, times: &[Duration]) {
        let mut rates: Vec<f64> = times.iter().map(|time| messages as f64 / time.as_secs_f64()).collect();
        rates.sort_by(f64::total_cmp);
        let at = |index: usize| rates.get(index).copied().unwrap_or_default();
        let (low, middle, high) = (at(0), at(rates.len() / 2), at(rates.len().saturating_sub(1)));
        self.push(
            what.to_owned(),
            format!("{middle:.0}/s ({low:.0} to {high:.0})"),
            "",
            how,
        );
    }

    /// How fast the second was beside the first: the median of the ratios of turns that followed each other.
    pub(crate) fn ratio(&mut self, what: &str, goal: &'static str, first: &[Duration], second: &[Duration]) {
        let pairs = first.iter().zip(second);
        let ratios = &mut pairs
            .map(|(first, second)| first.as_secs_f64() / second.as_secs_f64())
            .collect::<Vec<f64>>();
        self.quotients(what, goal, ratios);
    }

    /// The median of quotients of turns that followed each other.
    pub(crate) fn quotients(&mut self, what: &str, goal: &'static str, quotients: &mut [f64]) {
        quotients.sort_by(f64::total_cmp);
        let at = |index: usize| quotients.get(index).copied().unwrap_or_default();
        let (low, middle, high) = (at(0), at(quotients.len() / 2), at(quotients.len().saturating_sub(1)));
        self.push(
            what.to_owned(),
            format!("{middle:.2} ({low:.2} to {high:.2})"),
            goal,
            "in turns, in one run",
        );
    }

    /// A number of bytes.
    pub(crate) fn bytes(&mut self, what: impl Into<String>, goal: &'static str, how: &'static str, bytes: u64) {
        let value = match bytes {
            0..1_000_000 => format!("{:.0} KiB", bytes as f64 / 1024.0),
            _ => format!("{:.1} MB", bytes as f64 / 1e6),
        };
        self.push(what.into(), value, goal, how);
    }

    /// What a device costs.
    pub(crate) fn device(&mut self, what: &str, device: &Device, how: String) {
        let value = format!(
            "{:.1} kB, {:.1} us a message, p99 {:.1} ms",
            device.memory / 1e3,
            device.cpu_per_message * 1e6,
            device.p99 * 1e3
        );
        self.push(what.to_owned(), value, "", how);
    }

    /// What a device of a fleet costs.
    pub(crate) fn fleet(&mut self, what: &str, report: &Report) {
        let Report {
            devices,
            process,
            messages,
            timer_to_puback,
            ..
        } = report;
        let device = Device {
            memory: process.memory_per_device,
            cpu_per_message: process.cpu_per_message,
            p99: timer_to_puback.p99,
        };
        self.device(
            what,
            &device,
            "memory, processor time and latency of a device".to_owned(),
        );
        let (ran, delivered) = (devices.ran, messages.delivered);
        if ran < devices.planned {
            self.push(
                format!("{what}: ran"),
                format!("{ran}, {delivered} messages"),
                "all",
                "",
            );
        }
    }

    /// How much of the second the first is.
    pub(crate) fn quotient(&mut self, what: &str, goal: &'static str, first: f64, second: f64) {
        self.push(what.to_owned(), format!("{:.2}", first / second), goal, "in one run");
    }

    /// By how much the dearest fleet's device is above the cheapest's: memory, and processor time of a message.
    pub(crate) fn growth(&mut self, what: &str, how: &'static str, [memory, processor]: [f64; 2]) {
        let more = |times: f64| (times - 1.0) * 100.0;
        self.push(
            what.to_owned(),
            format!("memory {:.0} %, processor {:.0} %", more(memory), more(processor)),
            "20 %",
            how,
        );
    }

    /// A time in seconds.
    pub(crate) fn seconds(&mut self, what: &str, goal: &'static str, seconds: f64) {
        self.push(
            what.to_owned(),
            format!("p99 {:.1} ms", seconds * 1e3),
            goal,
            "timer to PUBACK",
        );
    }

    fn push(&mut self, what: String, value: String, goal: &'static str, how: impl Into<String>) {
        let how = how.into();
        self.rows.push(Row { what, value, goal, how });
    }
}

fn time(time: Duration) -> String {
    match time.as_nanos() {
        0..10_000 => format!("{} ns", time.as_nanos()),
        10_000..1_000_000 => format!("{:.1} us", time.as_secs_f64() * 1e6),
        _ => format!("{:.1} ms", time.as_secs_f64() * 1e3),
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, value, goal) = ("figure", "median (least to most)", "goal");
        writeln!(f, "| {what:<44} | {value:<34} | {goal:<9} | how")?;
        writeln!(f, "| {:-<44} | {:-<34} | {:-<9} | ---", "", "", "")?;
        for Row { what, value, goal, how } in &self.rows {
            writeln!(f, "| {what:<44} | {value:<34} | {goal:<9} | {how}")?;
        }
        Ok(())
    }
}
