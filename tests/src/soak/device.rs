//! One device under faults, behind a proxy of its own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use setpoint::cloud::{Access, Outgoing};
use setpoint::sandbox::Program;
use setpoint_emulator::Hub;
use tokio::time::sleep;

use crate::{Observed, Place, Proxy, Running};

/// How often a condition that nobody announces is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// A connection that has become half-open is noticed, and tokens are renewed, while the faults go on.
fn impatient(access: Access) -> Access {
    access
        .keep_alive(Duration::from_secs(8))
        .token_life(Duration::from_secs(45))
}

pub(super) struct Soaked {
    pub(super) id: String,
    pub(super) proxy: Arc<Proxy>,
    pub(super) running: Running,
}

impl Soaked {
    pub(super) async fn start(place: &Place, program: &Program, number: usize) -> Self {
        let id = format!("soaked-{number}");
        let [group, _] = place.identity.group_keys();
        let key = group.derive(&id);
        let proxy = Arc::new(place.proxy().await);
        let route = place.through(&proxy).with(impatient);
        let connector = route.connector(&key);
        let provisioner = Arc::new(route.provisioner(&id, &key));
        let running = Running::of(program, &[], provisioner, Arc::new(connector));
        Self { id, proxy, running }
    }

    /// Waits until the hub has taken everything, and the device has answered the last wish.
    pub(super) async fn delivered(&self, hub: &Hub, patience: Duration) {
        let began = Instant::now();
        while began.elapsed() < patience {
            let twin = hub.twin(&self.id).unwrap_or_default();
            let wish = twin.pointer("/properties/desired/wish");
            let answered = wish == twin.pointer("/properties/reported/wish/value");
            let queued = self.running.operator.status().await.map_or(0, |status| status.queued);
            if answered && queued == 0 {
                return;
            }
            sleep(LOOK).await;
        }
    }

    /// Ends it, and returns what its guest was told was accepted.
    pub(super) async fn end(mut self) -> (String, Vec<Value>) {
        self.running.operator.stop().await;
        let mut accepted = Vec::new();
        while let Some(observed) = self.running.observed().await {
            if let Observed::Queued(Outgoing::Telemetry { body, .. }) = observed {
                accepted.push(serde_json::from_str(&body).unwrap_or_default());
            }
        }
        (self.id, accepted)
    }
}
