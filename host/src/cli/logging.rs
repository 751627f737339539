//! Logs, on standard error.

use std::io::IsTerminal;

use clap::Args;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use super::Usage;

/// How much is logged, and in which form.
#[derive(Args)]
pub(crate) struct Logging {
    /// What is logged to standard error: error, warn, info, debug, trace, or a filter such as guest=debug,warn
    #[arg(long, value_name = "FILTER", default_value = "warn", env = "SETPOINT_LOG")]
    log: String,

    /// Logs are JSON, one object a line
    #[arg(long)]
    json_logs: bool,
}

/// Libraries that would log what they send, passwords among it, or each instruction they compile, below these levels.
const TALKATIVE: [&str; 10] = [
    "rumqttc=info",
    "rumqttc_core=info",
    "ureq=info",
    "ureq_proto=info",
    "hyper=info",
    "cranelift_codegen=info",
    "cranelift_frontend=info",
    "wasmtime=info",
    "wasmtime_internal_cranelift=info",
    "regalloc2=info",
];

impl Logging {
    /// Starts logging, for the rest of the process.
    pub(crate) fn start(&self) -> Result<(), Usage> {
        let bad = |error| Usage(format!("--log {}: {error}; try --log info", self.log));
        let mut filter = EnvFilter::builder()
            .with_default_directive(LevelFilter::WARN.into())
            .parse(&self.log)
            .map_err(|error| bad(error.to_string()))?;
        for directive in TALKATIVE {
            filter = filter.add_directive(
                directive
                    .parse()
                    .map_err(|_| bad(format!("{directive} is no directive")))?,
            );
        }
        let lines = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal());
        let started = if self.json_logs {
            lines.json().try_init()
        } else {
            lines.try_init()
        };
        started.map_err(|error| bad(error.to_string()))
    }
}
