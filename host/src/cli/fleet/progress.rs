//! How far a fleet has come: bars on a terminal, a line now and then elsewhere. On standard error.

use std::io::{IsTerminal, Write};

use indicatif::{ProgressBar, ProgressStyle};
use setpoint::fleet::{Count, Sample, Tally};

use super::outage::Outage;

/// Seconds between two lines.
const LINES: f64 = 10.0;

/// Shows a fleet while it runs.
pub(super) struct Progress {
    devices: u64,
    /// None when nobody watches a terminal.
    bar: Option<ProgressBar>,
    outage: Outage,
    last: Sample,
    /// When the last line was written.
    written: Option<f64>,
}

impl Progress {
    pub(super) fn new(devices: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(devices);
            // A template that is none shows the bar as it is by default.
            if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos} of {len} connected, {elapsed}; {msg}") {
                bar.set_style(style);
            }
            bar
        });
        Self {
            devices,
            bar,
            outage: Outage::new(devices),
            last: Sample::default(),
            written: None,
        }
    }

    pub(super) fn show(&mut self, tally: &Tally, sample: &Sample) {
        let (out, latest) = tally.out();
        if let Some(line) = self.outage.line(sample.at, out, latest.as_ref()) {
            let say = || tracing::warn!("{line}");
            match &self.bar {
                Some(bar) => bar.suspend(say),
                None => say(),
            }
        }
        let time = sample.at - self.last.at;
        let rate = |now: u64, before: u64| {
            if time > 0.1 {
                now.saturating_sub(before) as f64 / time
            } else {
                0.0
            }
        };
        let text = format!(
            "{:.0} connections/s, {:.0} messages/s, p99 {:.1} ms, {:.0} MB, {} failures, {} ended",
            rate(sample.connected, self.last.connected),
            rate(sample.delivered, self.last.delivered),
            sample.p99 * 1e3,
            sample.resident as f64 / 1e6,
            sample.failures,
            tally.get(Count::Ended),
        );
        self.last = *sample;
        match &self.bar {
            Some(bar) => {
                bar.set_position(sample.up);
                bar.set_message(text);
            }
            // The first one early: whoever waits sees that something happens.
            None if self.written.is_none_or(|written| sample.at - written >= LINES) => {
                self.written = Some(sample.at);
                let line = format!(
                    "{:.0} s: {} of {} connected, {text}",
                    sample.at, sample.up, self.devices
                );
                // A reader that has gone is no reason to end.
                let _ = writeln!(std::io::stderr(), "{line}");
            }
            None => {}
        }
    }

    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
