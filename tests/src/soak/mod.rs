//! Many devices under random faults, and an oracle: what guests were told was accepted against what the hub stored.
//!
//! The same seed gives the same faults in the same order, at about the same times; what they hit depends on the machine.

mod chaos;
mod device;

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use setpoint::sandbox::{Limits, Program, Sandbox};
use tokio::time::sleep;

use crate::oracle::Balance;
use crate::{COUNTER, Place};
use chaos::Chaos;
use device::Soaked;

/// What is done to how many devices, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Chooses the faults.
    pub seed: u64,
    /// Devices, each with a number of its own every second.
    pub devices: usize,
    /// How long there are faults.
    pub length: Duration,
    /// Between two faults, on average.
    pub every: Duration,
    /// How long the devices may take afterwards to deliver what they have.
    pub settling: Duration,
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// The plan's.
    pub seed: u64,
    /// Faults by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// What was promised against what was kept.
    pub balance: Balance,
    /// CONNECTs that the hub answered.
    pub connects: usize,
    /// From the end of the faults until everything had been delivered.
    pub settled_in: Duration,
}

impl Outcome {
    /// Whether every promise was kept.
    pub fn is_good(&self) -> bool {
        self.balance.is_good()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let balance = &self.balance;
        let faults: u64 = self.faults.values().sum();
        writeln!(f, "seed {}", self.seed)?;
        writeln!(f, "{faults} faults: {:?}", self.faults)?;
        writeln!(
            f,
            "accepted {}, lost {}, out of order {}, duplicates {}, unacknowledged {}, {} connects, settled in {:.1} s",
            balance.accepted,
            balance.lost.len(),
            balance.out_of_order.len(),
            balance.duplicates,
            balance.unacknowledged.len(),
            self.connects,
            self.settled_in.as_secs_f64()
        )?;
        let wrong = [&balance.lost, &balance.out_of_order, &balance.unacknowledged];
        wrong
            .into_iter()
            .flatten()
            .take(20)
            .try_for_each(|line| writeln!(f, "  {line}"))
    }
}

/// Runs it.
pub async fn soak(plan: Plan) -> Outcome {
    let place = Place::new().await;
    let hub = place.emulator.hub();
    hub.keep_telemetry(10_000_000);
    hub.keep_connects(1_000_000);
    let limits = Limits {
        instances: u32::try_from(plan.devices).expect("a number of devices") + 2,
        ..Limits::default()
    };
    let sandbox = Sandbox::new(limits, None).expect("there is a sandbox");
    let program = Program::load(&sandbox, "counter", COUNTER).expect("the counter is a guest");
    let mut random = StdRng::seed_from_u64(plan.seed);
    let mut devices = Vec::new();
    for number in 0..plan.devices {
        devices.push(Soaked::start(&place, &program, number).await);
    }
    for device in &devices {
        device.running.started().await;
    }

    let mut chaos = Chaos::new(&place);
    let began = Instant::now();
    while began.elapsed() < plan.length {
        let part: f64 = random.random();
        // Exponential: faults come as independently of each other as they do in life.
        sleep(plan.every.mul_f64(-(1.0 - part).ln())).await;
        let hit = random.random_range(0..devices.len());
        chaos.strike(&mut random, &devices[hit]);
    }
    chaos.end(&devices);

    let ended = Instant::now();
    for device in &devices {
        device
            .delivered(hub, plan.settling.saturating_sub(ended.elapsed()))
            .await;
    }
    let settled_in = ended.elapsed();
    let mut balance = Balance::default();
    let mut connects = 0;
    for device in devices {
        connects += hub.connects(&device.id).len();
        let (id, accepted) = device.end().await;
        balance.compare(hub, &id, &accepted);
    }
    assert_eq!(hub.telemetry_missed(), 0, "the oracle has seen everything");
    Outcome {
        seed: plan.seed,
        faults: chaos.counts,
        balance,
        connects,
        settled_in,
    }
}
