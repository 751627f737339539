//! Faults that a device, or a service that writes to it, asks for with properties of a message, as the end-to-end tests of
//! Microsoft's SDKs do.
//!
//! Source: `FaultInjection.cs` and `ErrorInjectionHelper.java` of the SDKs for C# and Java: the device works on for the delay, then
//! the fault strikes, and lasts for the duration where it is one that lasts. On MQTT the message that asks is never acknowledged:
//! the connection ends before.

use std::{sync::Arc, time::Duration};

use setpoint_protocol::PropertyBag;
use tokio::time;

use super::session::Ended;
use crate::state::{Faults, HubFault, Stored, When};

const TYPE: &str = "AzIoTHub_FaultOperationType";
const REASON: &str = "AzIoTHub_FaultOperationCloseReason";
const DELAY: &str = "AzIoTHub_FaultOperationDelayInSecs";
const DURATION: &str = "AzIoTHub_FaultOperationDurationInSecs";

/// The longest delay or duration taken, in seconds.
const LONGEST: u64 = 3600;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `KillTcp`: the connection is gone without a word of TLS.
    KillTcp,
    /// `ShutDownMqtt`: the server ends the connection in order.
    ShutDownMqtt,
    /// `InvokeThrottling` and `InvokeMaxMessageQuota`: over MQTT whoever sends is thrown out.
    Refusal,
    /// `InvokeAuthError`: thrown out, and not let in.
    Unauthorized,
}

/// A fault that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Injected {
    kind: Kind,
    /// How long until it strikes.
    pub(super) delay: Duration,
    duration: Duration,
}

impl Injected {
    /// What a message's properties ask for: nothing in most, and nothing where it is about AMQP.
    pub(super) fn of(properties: &PropertyBag) -> Option<Injected> {
        let text = |name| properties.get(name);
        let kind = match text(TYPE)? {
            "KillTcp" => Kind::KillTcp,
            "ShutDownMqtt" => Kind::ShutDownMqtt,
            "InvokeThrottling" | "InvokeMaxMessageQuota" => Kind::Refusal,
            "InvokeAuthError" => Kind::Unauthorized,
            other => {
                tracing::warn!("a message asks for the fault {other:?}, which MQTT does not have");
                return None;
            }
        };
        let seconds =
            |name| Duration::from_secs(text(name).and_then(|text| text.parse().ok()).unwrap_or(0).min(LONGEST));
        tracing::info!(?kind, reason = text(REASON), "a message asks for a fault");
        Some(Injected {
            kind,
            delay: seconds(DELAY),
            duration: seconds(DURATION),
        })
    }

    /// Its time has come: how the connection ends. What lasts is put in place, and taken away again.
    pub(super) fn strike(self, device_id: &str, faults: &Arc<Faults<HubFault>>) -> Ended {
        let lasting = match self.kind {
            Kind::KillTcp => return Ended::Severed,
            Kind::ShutDownMqtt => return Ended::Fault,
            Kind::Refusal => HubFault::CloseOn {
                publish: Stored::Telemetry,
                stored: false,
            },
            Kind::Unauthorized => HubFault::RefuseConnect { code: 5 },
        };
        if !self.duration.is_zero() {
            let injection = faults.inject(device_id, lasting, When::always());
            let faults = Arc::clone(faults);
            tokio::spawn(async move {
                time::sleep(self.duration).await;
                faults.withdraw(&injection);
            });
        }
        Ended::Fault
    }
}
