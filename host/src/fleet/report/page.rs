//! A report as one HTML file that needs no other: its plots are drawn in it.

use std::fmt::Write;

use super::plot::{Line, Plot};
use super::{Report, Sample, rates, table};

const STYLE: &str = "\
body{font:15px/1.5 system-ui,sans-serif;max-width:1360px;margin:2em auto;padding:0 1em;color:#222;background:#fff}\
h1{font-size:1.4em}table{border-collapse:collapse;margin-bottom:2em}td{padding:.15em 1em .15em 0;vertical-align:top}\
td:first-child{color:#666;white-space:nowrap}main{display:grid;grid-template-columns:repeat(auto-fit,minmax(420px,1fr));gap:1.5em}\
figure{margin:0}svg{width:100%;height:auto}text{font-size:11px;fill:#666}.grid{stroke:#ddd}\
polyline{fill:none;stroke-width:1.6;stroke-linejoin:round}.line0{stroke:#0b6fb8}.line1{stroke:#c4501b}\
.name0{color:#0b6fb8}.name1{color:#c4501b}\
@media(prefers-color-scheme:dark){body{color:#ddd;background:#161616}text{fill:#999}.grid{stroke:#333}td:first-child{color:#999}\
.line0{stroke:#5ab0f0}.line1{stroke:#f08a5a}.name0{color:#5ab0f0}.name1{color:#f08a5a}}";

pub(super) fn page(report: &Report) -> String {
    let mut rows = String::new();
    for (name, value) in table::rows(report) {
        let _ = writeln!(rows, "<tr><td>{name}</td><td>{}</td></tr>", escaped(&value));
    }
    for error in &report.errors {
        let text = escaped(&format!("{}: {}", error.device, error.error));
        let _ = writeln!(rows, "<tr><td>ended</td><td>{text}</td></tr>");
    }
    let figures: String = plots(report).iter().map(Plot::figure).collect();
    let began = escaped(&report.fleet.began);
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>Fleet of {began}</title>\n<style>{STYLE}</style></head>\n\
         <body><h1>Fleet of {began}</h1>\n<table>\n{rows}</table>\n<main>\n{figures}</main></body></html>\n"
    )
}

fn plots(report: &Report) -> Vec<Plot> {
    let samples = &report.samples;
    let over_time = |name, of: &dyn Fn(&Sample) -> f64| Line {
        name,
        points: samples.iter().map(|sample| (sample.at, of(sample))).collect(),
    };
    let plot = |title, unit, lines| Plot {
        title,
        across: "seconds",
        unit,
        lines,
    };
    let rate = |name, of: fn(&Sample) -> u64| Line {
        name,
        points: rates(samples, of),
    };
    let before = samples.first().map_or(0, |first| first.own);
    let alone = samples.first().map_or(0, |first| first.up);
    // From the first sample on, because what was there before the first device was not counted so.
    let growth = samples.iter().filter(|sample| sample.up > alone).map(|sample| {
        let more = sample.own.saturating_sub(before) as f64;
        (sample.up as f64, more / (sample.up - alone) as f64 / 1e3)
    });
    vec![
        plot(
            "Connected",
            "devices",
            vec![over_time("connected", &|sample| sample.up as f64)],
        ),
        plot("Connections", "a second", vec![rate("made", |sample| sample.connected)]),
        plot(
            "Messages",
            "a second",
            vec![rate("delivered", |sample| sample.delivered)],
        ),
        plot(
            "Timer to PUBACK",
            "milliseconds",
            vec![
                over_time("median", &|sample| sample.p50 * 1e3),
                over_time("p99", &|sample| sample.p99 * 1e3),
            ],
        ),
        plot(
            "Memory",
            "MB",
            vec![
                over_time("its own", &|sample| sample.own as f64 / 1e6),
                over_time("resident", &|sample| sample.resident as f64 / 1e6),
            ],
        ),
        Plot {
            title: "Memory of a device",
            across: "connected devices",
            unit: "kB",
            lines: vec![Line {
                name: "its own",
                points: growth.collect(),
            }],
        },
        plot(
            "Processor",
            "cores",
            vec![Line {
                name: "used",
                points: rates(samples, |sample| (sample.cpu * 1e6) as u64)
                    .into_iter()
                    .map(|(at, micros)| (at, micros / 1e6))
                    .collect(),
            }],
        ),
        plot(
            "Failures of guests",
            "a second",
            vec![rate("failures", |sample| sample.failures)],
        ),
    ]
}

/// For text between tags.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
