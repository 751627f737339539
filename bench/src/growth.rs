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
    /// The greatest cost of a device by the least, of all these fleets. What the process takes by itself is divided among its devices.
    pub(crate) fn spread(reports: &[Report], cost: impl Fn(&Report) -> f64) -> f64 {
        greatest_by_least(&reports.iter().map(cost).collect::<Vec<_>>())
    }

    /// The same of what a device more costs, from each of these sizes to the next. The process by itself is in none of it.
    pub(crate) fn spread_of_one_more(reports: &[Report], cost: impl Fn(&Report) -> f64) -> f64 {
        let steps = reports.iter().zip(reports.iter().skip(1));
        let costs = steps.map(|(smaller, larger)| one_more(smaller, larger, &cost));
        greatest_by_least(&costs.collect::<Vec<_>>())
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

fn one_more(smaller: &Report, larger: &Report, cost: impl Fn(&Report) -> f64) -> f64 {
    let [few, many] = [smaller, larger].map(|report| report.devices.planned as f64);
    (cost(larger) * many - cost(smaller) * few) / (many - few)
}

fn greatest_by_least(costs: &[f64]) -> f64 {
    let costs = || costs.iter().copied();
    costs().fold(0.0, f64::max) / costs().fold(f64::INFINITY, f64::min)
}

/// In kB.
pub(crate) fn memory(report: &Report) -> f64 {
    report.process.memory_per_device / 1e3
}

/// In microseconds.
pub(crate) fn processor(report: &Report) -> f64 {
    report.process.cpu_per_message * 1e6
}
