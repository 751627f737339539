//! The same thermostat, compiled for this machine and called without a sandbox: what a tick costs at least.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::hint::black_box;
use std::time::{Duration, Instant};

use setpoint::effect::{Effect, Member as Property};
use setpoint_guest::chrono::{DateTime, Utc};
use setpoint_guest::{
    Acknowledgement, Assignment, Device, Host, Json, Level, Member, RequestId, Response, SendError, StartReason,
    Telemetry, Timer,
};
use thermostat::Thermostat;

/// Takes what the thermostat does, and does nothing about it: without the sandbox's checks and quotas.
struct Bare {
    started: Instant,
    random: u64,
    timers: u32,
    effects: Vec<Effect>,
    config: BTreeMap<String, String>,
}

impl Host for Bare {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }

    fn after(&mut self, _: Duration) -> Timer {
        self.every(Duration::ZERO)
    }

    fn every(&mut self, _: Duration) -> Timer {
        self.timers += 1;
        Timer(self.timers)
    }

    fn cancel(&mut self, _: Timer) {}

    fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(7);
        self.random
    }

    fn send(&mut self, telemetry: impl Into<Telemetry>) -> Result<(), SendError> {
        let telemetry = telemetry.into();
        self.effects.push(Effect::Telemetry {
            component: telemetry.component,
            body: telemetry.body.as_str().to_owned(),
            properties: telemetry.properties,
        });
        Ok(())
    }

    fn report(&mut self, property: impl Into<Member>, _: impl Into<Json>) -> Result<(), SendError> {
        let property = Property::named(property.into().name);
        let value = serde_json::Value::Null;
        self.effects.push(Effect::Report { property, value });
        Ok(())
    }

    fn acknowledge(&mut self, _: Acknowledgement) -> Result<(), SendError> {
        Ok(())
    }

    fn respond(&mut self, _: &RequestId, _: Response) -> bool {
        false
    }

    fn assignment(&self) -> Assignment {
        Assignment {
            hub: String::new(),
            device_id: String::new(),
            payload: None,
        }
    }

    fn config(&self, key: &str) -> Option<String> {
        self.config.get(key).cloned()
    }

    fn log(&mut self, _: Level, message: impl Display) {
        black_box(message.to_string());
    }
}

/// The thermostat, started.
pub(crate) struct Native {
    host: Bare,
    device: Thermostat,
}

impl Native {
    pub(crate) fn start() -> anyhow::Result<Self> {
        let mut host = Bare {
            started: Instant::now(),
            random: 0,
            timers: 0,
            effects: Vec::new(),
            config: BTreeMap::new(),
        };
        let device = Thermostat::start(&mut host, StartReason::PowerOn, None).map_err(anyhow::Error::msg)?;
        Ok(Self { host, device })
    }

    pub(crate) fn tick(&mut self, times: u32) {
        for _ in 0..times {
            self.device.timer_fired(&mut self.host, Timer(1));
            black_box(std::mem::take(&mut self.host.effects));
        }
    }
}
