//! A temperature controller: model `dtmi:com:example:TemperatureController;2`, in models/, a device with components.
//!
//! | component | | |
//! | --- | --- | --- |
//! | none | telemetry `workingSet` | KiB of memory that the readings take, after each of them |
//! | | property `serialNumber` | config `serialNumber`, or the device's id |
//! | | command `reboot` | takes a delay in whole seconds, 0 to 300, none is 0; answered when it is over |
//! | `thermostat1`, `thermostat2` | all of `dtmi:com:example:Thermostat;1` | as guest/thermostat has it |
//! | `deviceInformation` | eight properties | reported at every start and reboot |
//!
//! Both thermostats measure at the same time, at start and then every config `interval`, and keep config `window`
//! readings each: ranges and defaults are guest/thermostat's.
//!
//! A reboot forgets the readings; the maxima begin anew, every property is reported again, and the rhythm begins with
//! it. The targets stay, as they would for a device that reads them from its twin again. One reboot can be pending at
//! a time: another call gets 409.
//!
//! An instance that replaces or resumes another takes over what both thermostats know, the rhythm and the pending
//! reboot, whose caller gets the answer from the new instance.

mod information;
mod reboot;
mod state;
#[cfg(test)]
mod tests;

use reboot::{Pending, Request};
use setpoint_guest::{Command, Desired, Device, Host, Level, Outcome, Response, SendError, StartReason, Timer, json};
use state::State;
use thermostat_core::{Rhythm, Settings, Thermostat, predecessor};

/// As the model names them.
const THERMOSTATS: [&str; 2] = ["thermostat1", "thermostat2"];

/// The device.
pub struct TemperatureController {
    thermostats: [Thermostat; 2],
    rhythm: Rhythm,
    reboot: Option<Pending>,
}

impl Device for TemperatureController {
    const MODEL_ID: &'static str = "dtmi:com:example:TemperatureController;2";

    fn start(host: &mut impl Host, reason: StartReason, state: Option<Vec<u8>>) -> Result<Self, String> {
        let settings = Settings::read(host)?;
        let before = predecessor(host, reason, state, State::from_bytes);
        information::report(host);
        let [first, second] = THERMOSTATS;
        let [first_before, second_before] = before.as_ref().map_or([None; 2], |state| state.thermostats().map(Some));
        let thermostats = [
            Thermostat::start(host, Some(first), &settings, first_before),
            Thermostat::start(host, Some(second), &settings, second_before),
        ];
        let [leader, _] = &thermostats;
        let (rhythm, is_due) = Rhythm::begin(host, &settings, leader.last_reading());
        let reboot = before
            .and_then(State::into_reboot)
            .map(|request| Pending::schedule(host, request));
        let mut controller = TemperatureController {
            thermostats,
            rhythm,
            reboot,
        };
        if is_due {
            controller.measure(host);
        }
        Ok(controller)
    }

    fn update(&mut self, host: &mut impl Host, desired: Vec<Desired>) {
        let mut others = desired;
        for (name, thermostat) in THERMOSTATS.into_iter().zip(&mut self.thermostats) {
            let (its, rest) = others
                .into_iter()
                .partition(|desired| desired.property.component.as_deref() == Some(name));
            thermostat.update(host, its);
            others = rest;
        }
        for desired in others {
            or_log(host, "an acknowledgement", |host| host.acknowledge(desired.unknown()));
        }
    }

    fn invoke(&mut self, host: &mut impl Host, command: Command) -> Outcome {
        let (component, name) = command.target.parts();
        if (component, name) == (None, "reboot") {
            return self.reboot_later(host, command);
        }
        let mut thermostats = THERMOSTATS.into_iter().zip(&self.thermostats);
        match thermostats.find(|(name, _)| component == Some(*name)) {
            Some((_, thermostat)) => thermostat.invoke(host, &command),
            None => command.unknown(),
        }
        .into()
    }

    fn timer_fired(&mut self, host: &mut impl Host, timer: Timer) {
        if let Some(pending) = self.reboot.take_if(|pending| pending.timer == timer) {
            // First, so that the caller does not take what the reboot reports for the answer's cause.
            if !host.respond(&pending.request.id(), Response::ok(())) {
                host.log(Level::Info, "nobody waits for the answer to reboot any more");
            }
            self.reboot_now(host);
        } else if self.rhythm.beats(host, timer) {
            self.measure(host);
        }
    }

    fn save(&self) -> Option<Vec<u8>> {
        let reboot = self.reboot.as_ref().map(|pending| pending.request.clone());
        State::of(self.thermostats.each_ref().map(Thermostat::state), reboot).to_bytes()
    }
}

impl TemperatureController {
    /// Both thermostats, and then what their readings take.
    fn measure(&mut self, host: &mut impl Host) {
        for thermostat in &mut self.thermostats {
            thermostat.measure(host);
        }
        let bytes: usize = self.thermostats.iter().map(Thermostat::memory).sum();
        let working_set = json!({ "workingSet": bytes as f64 / 1024.0 });
        or_log(host, "the working set", |host| host.send(working_set));
    }

    fn reboot_later(&mut self, host: &mut impl Host, command: Command) -> Outcome {
        if let Some(pending) = &self.reboot {
            return pending.refuse_another().into();
        }
        match Request::read(command, host.now()) {
            Ok(request) => {
                self.reboot = Some(Pending::schedule(host, request));
                Outcome::Deferred
            }
            Err(refusal) => refusal.into(),
        }
    }

    fn reboot_now(&mut self, host: &mut impl Host) {
        information::report(host);
        for thermostat in &mut self.thermostats {
            thermostat.reboot(host);
        }
        self.rhythm.restart(host);
        self.measure(host);
    }
}

/// Queues something for the cloud; what the host refuses goes to the log.
fn or_log<H: Host>(host: &mut H, what: &str, queue: impl FnOnce(&mut H) -> Result<(), SendError>) {
    if let Err(error) = queue(host) {
        host.log(Level::Warn, format_args!("{what} was not sent: {error}"));
    }
}

setpoint_guest::export!(TemperatureController);
