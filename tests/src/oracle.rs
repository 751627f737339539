//! What was promised against what was kept.

use std::collections::HashMap;

use serde_json::Value;
use setpoint_emulator::Hub;

/// What came of it, of all devices that were compared.
#[derive(Debug, Default)]
pub struct Balance {
    /// Messages that guests were told were accepted.
    pub accepted: usize,
    /// Of these, messages that the hub has not stored.
    pub lost: Vec<String>,
    /// Messages that the hub stored first after a later one of the same device, and those that nobody had accepted.
    pub out_of_order: Vec<String>,
    /// Messages that the hub stored once more.
    pub duplicates: usize,
    /// Devices whose last desired `wish` is not acknowledged in their twin.
    pub unacknowledged: Vec<String>,
}

impl Balance {
    /// Whether every promise was kept.
    pub fn is_good(&self) -> bool {
        self.accepted > 0 && self.lost.is_empty() && self.out_of_order.is_empty() && self.unacknowledged.is_empty()
    }

    /// One device: `accepted` is what its guest was told was accepted, each different from all others.
    pub fn compare(&mut self, hub: &Hub, device_id: &str, accepted: &[Value]) {
        self.telemetry(device_id, accepted, &bodies(hub, device_id));
        let twin = hub.twin(device_id).unwrap_or_default();
        let desired = twin.pointer("/properties/desired/wish");
        if desired.is_some() && desired != twin.pointer("/properties/reported/wish/value") {
            self.unacknowledged
                .push(format!("{device_id}: {desired:?} is not acknowledged"));
        }
    }

    /// The telemetry of one device alone.
    pub fn telemetry(&mut self, device_id: &str, accepted: &[Value], stored: &[Value]) {
        self.accepted += accepted.len();
        let place: HashMap<String, usize> = (0..).zip(accepted).map(|(at, value)| (value.to_string(), at)).collect();
        let mut first: Vec<Option<usize>> = vec![None; accepted.len()];
        let mut highest = None;
        for (position, value) in stored.iter().enumerate() {
            let Some(at) = place.get(&value.to_string()).copied() else {
                self.out_of_order
                    .push(format!("{device_id}: {value} was never accepted"));
                continue;
            };
            if first[at].replace(position).is_some() {
                self.duplicates += 1;
                continue;
            }
            if highest > Some(at) {
                self.out_of_order
                    .push(format!("{device_id}: {value} came first after a later one"));
            }
            highest = highest.max(Some(at));
        }
        let lost = first.iter().zip(accepted).filter(|(position, _)| position.is_none());
        self.lost
            .extend(lost.map(|(_, value)| format!("{device_id}: {value} is not in the hub")));
    }
}

fn bodies(hub: &Hub, device_id: &str) -> Vec<Value> {
    let stored = hub.telemetry_of(device_id);
    stored
        .iter()
        .map(|message| serde_json::from_slice(&message.body).unwrap_or_default())
        .collect()
}
