//! `setpoint completions`: what a shell needs to complete this command line.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Cli;

/// Prints completions for a shell
#[derive(Args)]
#[command(after_help = "Example:\n  setpoint completions bash > ~/.local/share/bash-completion/completions/setpoint")]
pub(crate) struct Completions {
    /// Which shell
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        clap_complete::generate(self.shell, &mut Cli::command(), "setpoint", &mut std::io::stdout());
        Ok(())
    }
}
