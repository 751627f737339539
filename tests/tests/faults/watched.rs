//! A device that sends a number every 10 ms, behind a proxy, and an account of what it was promised.

use serde_json::{Value, json};
use setpoint::cloud::{Access, Outgoing};
use setpoint::sandbox::{Limits, Sandbox};
use setpoint_emulator::state::{HubFault, Injection, When};
use setpoint_tests::oracle::Balance;
use setpoint_tests::{Observed, Place, Proxy, ROGUE, Running};
use tokio::time::timeout;

use super::{SECOND, document};

pub(super) const DEVICE: &str = "my-pnp-device";

pub(super) struct Watched {
    pub(super) place: Place,
    pub(super) proxy: Proxy,
    pub(super) device: Running,
    accepted: Vec<Value>,
}

impl Watched {
    /// At work: the hub has taken its first number.
    pub(super) async fn start() -> Self {
        Self::start_with(|access| access).await
    }

    /// The same with this on top of how it proves itself.
    pub(super) async fn start_with(adjust: fn(Access) -> Access) -> Self {
        let mut this = Self::prepared(adjust, |_| ()).await;
        this.deliver(1).await;
        this
    }

    /// Just started, at a place that was prepared.
    pub(super) async fn before_it_listens(prepare: impl FnOnce(&Place)) -> Self {
        Self::prepared(|access| access, prepare).await
    }

    async fn prepared(adjust: fn(Access) -> Access, prepare: impl FnOnce(&Place)) -> Self {
        let place = Place::new().await;
        place.emulator.hub().keep_telemetry(1_000_000);
        place.emulator.hub().keep_connects(1_000);
        prepare(&place);
        let proxy = place.proxy().await;
        let sandbox = Sandbox::new(Limits::default(), None).unwrap();
        let route = place.through(&proxy).with(adjust);
        let device = route.run_in(&sandbox, ROGUE, &[("does", "promise")]);
        Self {
            place,
            proxy,
            device,
            accepted: Vec::new(),
        }
    }

    pub(super) fn inject(&self, fault: HubFault, when: When) -> Injection {
        self.place.emulator.hub().faults().inject(DEVICE, fault, when)
    }

    /// Sets a desired property that the device does not know, which it then says.
    pub(super) fn wish(&self, value: u64) {
        let patch = json!({ "properties": { "desired": { "wish": value } } });
        self.place
            .emulator
            .hub()
            .patch_twin(DEVICE, &document(patch), None)
            .unwrap();
    }

    /// The next thing observed, taken down when it is a promise.
    async fn next(&mut self) -> Observed {
        let observed = self.device.observed().await.expect("the device goes on");
        if let Observed::Queued(Outgoing::Telemetry { body, .. }) = &observed {
            self.accepted.push(serde_json::from_str(body).unwrap());
        }
        observed
    }

    async fn until(&mut self, wanted: impl Fn(&Observed) -> bool) -> Observed {
        loop {
            let observed = self.next().await;
            if wanted(&observed) {
                return observed;
            }
        }
    }

    /// Waits until the hub has taken so many numbers more.
    pub(super) async fn deliver(&mut self, numbers: usize) {
        for _ in 0..numbers {
            self.until(|observed| matches!(observed, Observed::Delivered(Outgoing::Telemetry { .. })))
                .await;
        }
    }

    /// Waits until the guest has been promised so many numbers more.
    pub(super) async fn promise(&mut self, numbers: usize) {
        let wanted = self.accepted.len() + numbers;
        while self.accepted.len() < wanted {
            self.next().await;
        }
    }

    /// Waits until the connection is lost, and returns the reason.
    pub(super) async fn lost(&mut self) -> String {
        match self.until(|observed| matches!(observed, Observed::Lost(_))).await {
            Observed::Lost(reason) => reason,
            _ => String::new(),
        }
    }

    /// Waits until it listens to its hub again.
    pub(super) async fn listening(&mut self) {
        self.until(|observed| *observed == Observed::Listening).await;
    }

    pub(super) fn connects(&self) -> usize {
        self.place.emulator.hub().connects(DEVICE).len()
    }

    /// Lets everything be delivered, ends the device, and compares. How many messages the hub got twice.
    pub(super) async fn settle(mut self) -> usize {
        self.deliver(20).await;
        let twin = self.place.emulator.hub().twin(DEVICE).unwrap();
        if let Some(wish) = twin.pointer("/properties/desired/wish") {
            self.place
                .reported(DEVICE, |reported| reported["wish"]["value"] == *wish)
                .await;
        }
        // Ending delivers what is left, for five seconds at most.
        self.device.operator.stop().await;
        let rest = async {
            while let Some(observed) = self.device.observed().await {
                if let Observed::Queued(Outgoing::Telemetry { body, .. }) = observed {
                    self.accepted.push(serde_json::from_str(&body).unwrap());
                }
            }
        };
        timeout(20 * SECOND, rest).await.expect("it ends");
        let mut balance = Balance::default();
        balance.compare(self.place.emulator.hub(), DEVICE, &self.accepted);
        assert!(balance.is_good(), "{balance:?}");
        balance.duplicates
    }
}
