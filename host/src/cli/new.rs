//! `setpoint new`: a project to begin with.

use std::path::Path;

use anyhow::anyhow;
use clap::Args;
use setpoint::template::{Language, Project, ProjectError, UnknownLanguage};

use super::Usage;

/// Makes a project for a device, which builds, runs and passes its tests at once
#[derive(Args)]
#[command(after_help = "Examples:
  setpoint new --lang rust my-device
  setpoint new --lang python my-device
  setpoint new --lang js my-device
  setpoint new --lang c my-device

The device counts: telemetry `count`, writable property `step`, command `reset`. It does the same in every language.")]
pub(crate) struct New {
    /// What it is written in: rust, python, js or c
    #[arg(long, value_name = "LANGUAGE")]
    lang: String,

    /// What it is called, and the folder that is made for it
    name: String,
}

impl New {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let Self { lang, name } = self;
        let lang: Language = lang
            .parse()
            .map_err(|error: UnknownLanguage| Usage(error.to_string()))?;
        let project = Project::new(lang, &name).map_err(|error| Usage(error.to_string()))?;
        project.write(Path::new(&name)).map_err(|error| match error {
            ProjectError::Occupied(_) => Usage(error.to_string()).into(),
            ProjectError::Io { .. } => anyhow!(error),
        })?;
        let commands = project.commands();
        let width = [&commands.build, &commands.run, &commands.test]
            .map(String::len)
            .into_iter()
            .max()
            .unwrap_or(0);
        println!("Made {name}, a device in {lang}; its model is {}", project.model_id());
        println!();
        println!("  cd {name}");
        for (command, does) in [
            (&commands.build, "builds it"),
            (&commands.run, "runs it, and again whenever it is built"),
            (&commands.test, "tests it"),
        ] {
            println!("  {command:<width$}   # {does}");
        }
        Ok(())
    }
}
