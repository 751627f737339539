//! What was measured, printed and kept in `bench/results/` with the machine, the versions and the command.

use std::path::Path;
use std::process::Command;

use anyhow::Context;
use chrono::Utc;

use crate::figures::Table;

/// Where it is kept.
pub(crate) const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/results");

pub(crate) fn keep(name: &str, table: &Table) -> anyhow::Result<()> {
    let said = format!("{}\n\n{table}", circumstances());
    print!("{said}");
    std::fs::create_dir_all(FOLDER).context(FOLDER)?;
    let file = Path::new(FOLDER).join(format!("{name}.md"));
    std::fs::write(&file, said).with_context(|| file.display().to_string())
}

/// What the figures were taken on, with what and how.
fn circumstances() -> String {
    let processor = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processor
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let model = model.map_or("unknown processor", |(_, model)| model);
    // Of guests the names alone: where they lie is this machine's affair.
    let names = std::env::args()
        .skip(1)
        .map(|argument| match Path::new(&argument).file_name() {
            Some(name) => name.to_string_lossy().into_owned(),
            None => argument,
        });
    let arguments = names.collect::<Vec<_>>().join(" ");
    format!(
        "`setpoint-bench {arguments}` of setpoint {} ({}) on {cores} x {model}, Linux {}, {}, {}",
        env!("CARGO_PKG_VERSION"),
        said("git", &["rev-parse", "--short", "HEAD"]),
        kernel.trim(),
        said("rustc", &["--version"]),
        Utc::now().format("%Y-%m-%d %H:%M UTC")
    )
}

/// What a program says of itself.
fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output();
    match output {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        _ => format!("unknown {program}"),
    }
}
