//! The command line: one file per subcommand, and what they share.
//!
//! | file | holds |
//! | --- | --- |
//! | `run.rs` | `setpoint run`: one device |
//! | `fleet/` | `setpoint fleet`: many devices in one process |
//! | `emulator.rs` | `setpoint emulator`: the local Azure IoT alone |
//! | `inspect.rs`, `componentize.rs` | what a guest may do; wrapping a core module |
//! | `record.rs`, `replay.rs` | what goes in and out of a guest: written down, and played again |
//! | `devices.rs`, `swap.rs` | running devices: how they are, another guest for one; reached over `running/` |
//! | `watch.rs` | swaps the guest whenever its file changes |
//! | `check.rs`, `models.rs` | `setpoint check`: a guest against its model, and where models come from |
//! | `test.rs`, `live/` | `setpoint test`: scenarios, in virtual time and on an emulator |
//! | `call.rs`, `twin.rs`, `monitor.rs` | the operator's side, over `service_client.rs`, with the hub of `hub_choice.rs` |
//! | `limits.rs`, `allow.rs` | what a guest may use, and what it is allowed beside its contract |
//! | `output.rs` | what those print |
//! | `outbox.rs` | what `run` does with what the hub does not take |
//! | `new.rs` | `setpoint new`: a project to begin with |
//! | `completions.rs` | shell completions |
//! | `environment.rs` | which cloud, from the Python sample's variables |
//! | `local.rs` | the local Azure IoT: its data folder, and the one embedded in `run` |
//! | `way.rs` | how a device gets there: WebSockets, proxies |
//! | `console.rs` | the sample's lines on standard output |
//! | `exit.rs` | errors to exit codes |
//! | `logging.rs` | logs on standard error |

mod allow;
mod call;
mod check;
mod completions;
mod componentize;
mod console;
mod devices;
mod emulator;
mod environment;
mod exit;
mod fleet;
mod hub_choice;
mod inspect;
mod limits;
mod live;
mod local;
mod logging;
mod models;
mod monitor;
mod new;
mod outbox;
mod output;
mod page;
mod record;
mod replay;
mod run;
mod running;
mod service_client;
mod swap;
mod test;
mod twin;
mod watch;
mod way;

use clap::{Parser, Subcommand};

pub(crate) use exit::{Usage, exit_code, one_line};

/// Runs Azure IoT Plug and Play devices as sandboxed WebAssembly components.
#[derive(Parser)]
#[command(
    name = "setpoint",
    version,
    propagate_version = true,
    after_help = "Examples:
  setpoint run                                  the thermostat against the local Azure IoT
  setpoint run my-device.wasm --config interval=2
  setpoint call my-pnp-device getMaxMinReport   from another terminal
  setpoint twin my-pnp-device '{\"targetTemperature\": 42.5}'

Exit codes: 0 done, 1 failed, 2 wrong use or configuration, 3 provisioning refused, 4 the guest failed,
143 SIGTERM cut a fleet short"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    New(new::New),
    Run(run::Run),
    Fleet(fleet::Fleet),
    Devices(devices::Devices),
    Swap(swap::Swap),
    Record(record::Record),
    Replay(replay::Replay),
    Emulator(emulator::Emulator),
    Inspect(inspect::Inspect),
    Check(check::Check),
    Test(test::Test),
    Componentize(componentize::Componentize),
    Call(call::Call),
    Twin(twin::Twin),
    Monitor(monitor::Monitor),
    Completions(completions::Completions),
}

impl Cli {
    /// Does what was asked.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self.command {
            Command::New(new) => new.run(),
            Command::Run(run) => run.run(),
            Command::Fleet(fleet) => fleet.run(),
            Command::Devices(devices) => devices.run(),
            Command::Swap(swap) => swap.run(),
            Command::Record(record) => record.run(),
            Command::Replay(replay) => replay.run(),
            Command::Emulator(emulator) => emulator.run(),
            Command::Inspect(inspect) => inspect.run(),
            Command::Check(check) => check.run(),
            Command::Test(test) => test.run(),
            Command::Componentize(componentize) => componentize.run(),
            Command::Call(call) => call.run(),
            Command::Twin(twin) => twin.run(),
            Command::Monitor(monitor) => monitor.run(),
            Command::Completions(completions) => completions.run(),
        }
    }
}
