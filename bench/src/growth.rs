//! What a device of a fleet costs as the fleet grows, drawn: `bench/results/*.svg`.

use std::path::Path;

use anyhow::Context;
use setpoint::fleet::report::{Line, Plot, Report};

use crate::results;

type Cost = fn(&Report) -> f64;

/// What fleets of growing numbers came to.
#[derive(Default)]
pub(crate) struct Growth {
    pub(crate) live: Vec<Report>,
    pub(crate) put_aside: Vec<Report>,
    /// Bare clients in their place.
    pub(crate) bare: Vec<Report>,
}

impl Growth {
    /// The greatest cost of a device by the least, of all these fleets.
    pub(crate) fn spread(reports: &[Report], cost: impl Fn(&Report) -> f64) -> f64 {
        let costs = || reports.iter().map(&cost);
        costs().fold(0.0, f64::max) / costs().fold(f64::INFINITY, f64::min)
    }

    /// Draws memory and processor time.
    pub(crate) fn draw(&self) -> anyhow::Result<()> {
        let drawings: [(_, _, _, Cost); 2] = [
            ("memory", "memory of a device", "kB", memory),
            ("processor", "processor time of a message", "us", processor),
        ];
        std::fs::create_dir_all(results::FOLDER).context(results::FOLDER)?;
        for (name, title, unit, cost) in drawings {
            let line = |name, reports: &[Report]| Line {
                name,
                points: reports
                    .iter()
                    .map(|report| (report.devices.planned as f64, cost(report)))
                    .collect(),
            };
            let plot = Plot {
                title,
                across: "devices in one process",
                unit,
                lines: vec![
                    line("live", &self.live),
                    line("put aside", &self.put_aside),
                    line("bare client", &self.bare),
                ],
            };
            let file = Path::new(results::FOLDER).join(format!("fleet-{name}.svg"));
            std::fs::write(&file, plot.document()).with_context(|| file.display().to_string())?;
        }
        Ok(())
    }
}

/// In kB.
pub(crate) fn memory(report: &Report) -> f64 {
    report.process.memory_per_device / 1e3
}

/// In microseconds.
pub(crate) fn processor(report: &Report) -> f64 {
    report.process.cpu_per_message * 1e6
}
