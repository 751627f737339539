//! `setpoint monitor`: what devices do, as it happens.

use std::io::{self, BufRead, Write};

use clap::Args;

use super::Usage;
use super::hub_choice::HubChoice;
use super::service_client::{CallError, ServiceClient};

/// Names under which real hubs live, in every Azure cloud.
const AZURE_SUFFIXES: [&str; 3] = [".azure-devices.net", ".azure-devices.cn", ".azure-devices.us"];

/// Prints what devices do as it happens, one JSON object on each line
#[derive(Args)]
#[command(after_help = "Examples:
  setpoint monitor
  setpoint monitor my-pnp-device
  setpoint monitor | jq 'select(.kind == \"telemetry\") | .body'

Ends with Ctrl-C; when the hub ends, with exit code 1.")]
pub(crate) struct Monitor {
    /// Show this device alone
    device: Option<String>,

    #[command(flatten)]
    hub: HubChoice,
}

impl Monitor {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let client = self.hub.client(self.device.as_deref())?;
        let host = client.host().host.to_ascii_lowercase();
        if AZURE_SUFFIXES.iter().any(|suffix| host.ends_with(suffix)) {
            return Err(of_a_real_hub(&client).into());
        }
        let events = match client.events(self.device.as_deref()) {
            Ok(events) => events,
            Err(CallError::NotAHub { .. }) => return Err(of_a_real_hub(&client).into()),
            Err(CallError::Refused(refusal))
                if refusal.status == 404 && refusal.name.as_deref() != Some("DeviceNotFound") =>
            {
                return Err(of_a_real_hub(&client).into());
            }
            Err(error) => return Err(error.into()),
        };
        match print(events, &mut io::stdout().lock()) {
            Err(Ended::Reader) => Ok(()),
            Err(Ended::Output(error)) => Err(error.into()),
            Ok(()) => anyhow::bail!("the hub at {} ended the stream", client.host()),
        }
    }
}

fn of_a_real_hub(client: &ServiceClient) -> Usage {
    let hub = client.host().host.split('.').next().unwrap_or_default();
    Usage(format!(
        "a real hub's telemetry is read over AMQP, which setpoint does not speak yet; use: az iot hub monitor-events --hub-name {hub}"
    ))
}

/// Why printing stopped before the stream did.
enum Ended {
    /// Whoever read our output has gone, as `head` does: nothing is wrong.
    Reader,
    Output(io::Error),
}

/// The data of each event, one line each, until the stream ends. A stream that breaks off ends.
fn print(events: impl BufRead, out: &mut impl Write) -> Result<(), Ended> {
    for line in events.lines() {
        let Ok(line) = line else { return Ok(()) };
        let Some(data) = line.strip_prefix("data:") else {
            continue;
        };
        let written = writeln!(out, "{}", data.trim_start()).and_then(|()| out.flush());
        written.map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => Ended::Reader,
            _ => Ended::Output(error),
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_event_is_a_line_and_the_rest_is_left_out() {
        let stream = "data: {\"a\":1}\n\n:\n\nevent: x\ndata:{\"b\":2}\n\n";
        let mut out = Vec::new();
        assert!(print(stream.as_bytes(), &mut out).is_ok());
        assert_eq!(out, b"{\"a\":1}\n{\"b\":2}\n");
    }
}
