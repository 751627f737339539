//! `setpoint monitor`: what devices do, as it happens.

use std::io::{self, BufRead, Write};
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;

use super::Usage;
use super::hub_choice::HubChoice;
use super::service_client::{CallError, ServiceClient};

/// Names under which real hubs live, in every Azure cloud.
const AZURE_SUFFIXES: [&str; 3] = [".azure-devices.net", ".azure-devices.cn", ".azure-devices.us"];

/// Between two attempts to come back to a hub.
const PAUSE: Duration = Duration::from_millis(200);

/// Prints what devices do as it happens, one JSON object on each line
#[derive(Args)]
#[command(after_help = "Examples:
  setpoint monitor
  setpoint monitor my-pnp-device
  setpoint monitor | jq 'select(.kind == \"telemetry\") | .body'

Ends with Ctrl-C; when the hub ends and does not come back, with exit code 1. When it does come back, no telemetry
is missed that it has kept.")]
pub(crate) struct Monitor {
    /// Show this device alone
    device: Option<String>,

    /// How long to wait for a hub that has ended to come back, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(0..=86_400))]
    wait: u64,

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
        let mut events = match self.events(&client, None) {
            Ok(events) => events,
            Err(CallError::NotAHub { .. }) => return Err(of_a_real_hub(&client).into()),
            Err(CallError::Refused(refusal))
                if refusal.status == 404 && refusal.name.as_deref() != Some("DeviceNotFound") =>
            {
                return Err(of_a_real_hub(&client).into());
            }
            Err(error) => return Err(error.into()),
        };
        let mut last = None;
        loop {
            match print(events, &mut last, &mut io::stdout().lock()) {
                Err(Ended::Reader) => return Ok(()),
                Err(Ended::Output(error)) => return Err(error.into()),
                Ok(()) => {}
            }
            events = self.come_back(&client, last.as_deref())?;
        }
    }

    fn events(&self, client: &ServiceClient, last: Option<&str>) -> Result<Box<dyn BufRead>, CallError> {
        Ok(Box::new(client.events(self.device.as_deref(), last)?))
    }

    /// The stream again, after the event of the id `last`.
    fn come_back(&self, client: &ServiceClient, last: Option<&str>) -> anyhow::Result<Box<dyn BufRead>> {
        let until = Instant::now() + Duration::from_secs(self.wait);
        while Instant::now() < until {
            match self.events(client, last) {
                Err(CallError::Unreachable { .. }) => thread::sleep(PAUSE),
                other => return Ok(other?),
            }
        }
        anyhow::bail!("the hub at {} ended the stream", client.host())
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

/// The data of each event, one line each, until the stream ends; `last` is then the id of the last one. A stream that breaks off ends.
fn print(events: impl BufRead, last: &mut Option<String>, out: &mut impl Write) -> Result<(), Ended> {
    for line in events.lines() {
        let Ok(line) = line else { return Ok(()) };
        if let Some(id) = line.strip_prefix("id:") {
            *last = Some(id.trim_start().to_owned());
        }
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
        let stream = "id: 1\n\nid: 2\ndata: {\"a\":1}\n\n:\n\nevent: x\nid:3\ndata:{\"b\":2}\n\n";
        let (mut out, mut last) = (Vec::new(), None);
        assert!(print(stream.as_bytes(), &mut last, &mut out).is_ok());
        assert_eq!(out, b"{\"a\":1}\n{\"b\":2}\n");
        assert_eq!(last.as_deref(), Some("3"));
    }
}
