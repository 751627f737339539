//! `setpoint call`: call a command of a device.

use std::time::Duration;

use anyhow::Context;
use clap::Args;
use serde_json::Value;
use setpoint_protocol::service::{MethodRequest, MethodResult};

use super::Usage;
use super::hub_choice::HubChoice;
use super::output::print_json;

/// Calls a command (a direct method) of a device and prints its answer
#[derive(Args)]
#[command(after_help = "Examples:
  setpoint call my-pnp-device getMaxMinReport
  setpoint call my-pnp-device getMaxMinReport '\"2026-01-01T00:00:00Z\"'
  setpoint call my-controller 'thermostat1*getMaxMinReport'
  setpoint call my-controller reboot 5 --connection-string 'HostName=..;SharedAccessKeyName=..;SharedAccessKey=..'

A status of 400 and above from the device is a failure: exit code 1.")]
pub(crate) struct Call {
    /// The device's id
    device: String,

    /// The command, or component*command
    command: String,

    /// The request, as JSON
    payload: Option<String>,

    /// Seconds the device may take to answer
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(5..=300))]
    timeout: u64,

    /// Seconds to wait for the device when it is offline
    #[arg(long, value_name = "SECONDS", default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=300))]
    connect_timeout: u64,

    #[command(flatten)]
    hub: HubChoice,
}

impl Call {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let payload = self.payload.as_deref().map(parse).transpose()?;
        let request = MethodRequest {
            method_name: self.command.clone(),
            payload,
            response_timeout_in_seconds: Some(self.timeout),
            connect_timeout_in_seconds: Some(self.connect_timeout),
        };
        let client = self.hub.client(Some(&self.device))?;
        let patience = Duration::from_secs(self.timeout + self.connect_timeout);
        let answer = client.call(&self.device, &serde_json::to_value(request)?, patience)?;
        let result: MethodResult =
            serde_json::from_value(answer).context("the hub's answer is not that of a method call")?;
        print_json(&result.payload)?;
        if result.status >= 400 {
            anyhow::bail!(
                "{} answered {} with status {}",
                self.device,
                self.command,
                result.status
            );
        }
        Ok(())
    }
}

fn parse(payload: &str) -> Result<Value, Usage> {
    serde_json::from_str(payload).map_err(|_| {
        let hint = if payload.starts_with(|first: char| first.is_alphanumeric()) {
            format!("; a text needs quotes of its own: '\"{payload}\"'")
        } else {
            String::new()
        };
        Usage(format!("the payload {payload:?} is not JSON{hint}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_word_is_refused_with_a_hint() {
        let error = parse("2026-01-01T00:00:00Z").unwrap_err().to_string();
        assert!(
            error.contains("is not JSON") && error.contains("'\"2026-01-01T00:00:00Z\"'"),
            "{error}"
        );
        assert!(!parse("{\"a\": ").unwrap_err().to_string().contains("quotes"));
    }

    #[test]
    fn any_json_is_a_payload() {
        for payload in ["null", "5", "\"text\"", "{\"a\": [1]}", "true"] {
            assert!(parse(payload).is_ok(), "{payload}");
        }
    }
}
