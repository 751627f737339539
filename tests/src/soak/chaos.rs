//! The faults: of the network between a device and its hub, and of the hub.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rand::{Rng, RngExt};
use serde_json::json;
use setpoint_emulator::state::{HubFault, Stored, TwinRequest, When};
use setpoint_emulator::{Enrollments, Hub};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::device::Soaked;
use crate::proxy::{Direction, Proxy};

pub(super) struct Chaos {
    hub: Arc<Hub>,
    enrollments: Arc<Enrollments>,
    /// Faults that end by themselves.
    passing: JoinSet<()>,
    pub(super) counts: BTreeMap<&'static str, u64>,
    wishes: u64,
}

/// Kinds of faults.
const KINDS: [&str; 19] = [
    "cut",
    "reset",
    "cut after some bytes",
    "delay",
    "stall",
    "half-open",
    "refuse connections",
    "kick",
    "lose the session",
    "CONNACK 3",
    "CONNACK 5",
    "mute",
    "PUBACK late",
    "PUBACK withheld",
    "PUBACK twice",
    "throttle",
    "close on telemetry",
    "lose a desired patch",
    "desire",
];

impl Chaos {
    pub(super) fn new(place: &crate::Place) -> Self {
        Self {
            hub: Arc::clone(place.emulator.hub()),
            enrollments: Arc::clone(place.emulator.enrollments()),
            passing: JoinSet::new(),
            counts: BTreeMap::new(),
            wishes: 0,
        }
    }

    /// Does something to a device.
    pub(super) fn strike(&mut self, random: &mut impl Rng, device: &Soaked) {
        let kind = KINDS[random.random_range(0..KINDS.len())];
        *self.counts.entry(kind).or_default() += 1;
        let moment = Duration::from_millis(random.random_range(50..2_000));
        let some = random.random_range(1..4_000_u64);
        let (proxy, id) = (&device.proxy, device.id.as_str());
        let inject = |fault, when| drop(self.hub.faults().inject(id, fault, when));
        match kind {
            "cut" => proxy.cut(),
            "reset" => proxy.reset(),
            "cut after some bytes" => {
                let up = random.random();
                proxy.cut_after(some, if up { Direction::Up } else { Direction::Down });
            }
            "delay" => {
                proxy.delay(moment / 4);
                self.passes(proxy, moment, |proxy| proxy.delay(Duration::ZERO));
            }
            "stall" => {
                proxy.stall();
                self.passes(proxy, moment, Proxy::resume);
            }
            "half-open" => {
                proxy.half_open();
                // For the connections that are there it stays so.
                self.passes(proxy, moment, Proxy::accept);
            }
            "refuse connections" => {
                proxy.refuse();
                proxy.cut();
                self.passes(proxy, moment, Proxy::accept);
            }
            "kick" => drop(self.hub.kick(id)),
            "lose the session" => drop(self.hub.forget_session(id, true)),
            "CONNACK 3" => {
                inject(HubFault::RefuseConnect { code: 3 }, When::next(1));
                proxy.cut();
            }
            "CONNACK 5" => {
                inject(HubFault::RefuseConnect { code: 5 }, When::next(1));
                proxy.cut();
            }
            "mute" => drop(self.hub.mute(id)),
            "PUBACK late" => inject(HubFault::DelayPuback(moment / 2), When::next(3)),
            "PUBACK withheld" => inject(HubFault::WithholdPuback, When::next(1)),
            "PUBACK twice" => inject(HubFault::DuplicatePuback, When::next(3)),
            "throttle" => {
                let fault = HubFault::RefuseTwin {
                    of: TwinRequest::Any,
                    status: 429,
                    retry_after: Some(1),
                };
                inject(fault, When::next(2));
            }
            "close on telemetry" => {
                let publish = Stored::Telemetry;
                let stored = random.random();
                inject(HubFault::CloseOn { publish, stored }, When::next(1));
            }
            "lose a desired patch" => {
                inject(HubFault::DropDesired, When::next(1));
                self.desire(id);
            }
            _ => self.desire(id),
        }
    }

    /// Something that the device does not know, and says so.
    pub(super) fn desire(&mut self, id: &str) {
        self.wishes += 1;
        let patch = json!({ "properties": { "desired": { "wish": self.wishes } } });
        let patch = patch.as_object().cloned().unwrap_or_default();
        self.hub.patch_twin(id, &patch, None).expect("the device is there");
    }

    fn passes(&mut self, proxy: &Arc<Proxy>, after: Duration, end: impl Fn(&Proxy) + Send + 'static) {
        let proxy = Arc::clone(proxy);
        self.passing.spawn(async move {
            sleep(after).await;
            end(&proxy);
        });
    }

    /// Back to normal. A connection that is half-open stays so until its device notices, and a patch that was lost is noticed
    /// with the next one, so there is one more.
    pub(super) fn end(&mut self, devices: &[Soaked]) {
        self.passing.abort_all();
        self.hub.faults().clear();
        self.enrollments.faults().clear();
        for device in devices {
            device.proxy.accept();
            self.desire(&device.id);
        }
    }
}
