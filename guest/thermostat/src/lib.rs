//! A thermostat: model `dtmi:com:example:Thermostat;1`, in models/.
//!
//! | | |
//! | --- | --- |
//! | telemetry | `temperature`, an integer 10 to 49 from the host's randomness: at start, then every `interval` |
//! | `maxTempSinceLastReboot` | reported as 10.96 at power-on, then whenever a reading is higher |
//! | `targetTemperature` | acknowledged, as below |
//! | `getMaxMinReport` | highest, lowest and mean of the readings kept, since a given time or all of them |
//! | config `interval` | seconds, decimals allowed, above 0 and at most a day; 8 by default |
//! | config `window` | readings kept for reports, 1 to 100000; 450 by default, an hour at 8 seconds |
//!
//! A desired `targetTemperature` that is a number is taken: 200, with the number as it was sent. Anything else is
//! refused: 400, with the value in force. When the cloud removes it, or had none at start, the default of 20 is in
//! force: 203, with the version of the removal, or 0. Unknown names, and any name of a component, get 404 with the
//! value as it was sent.
//!
//! An instance that replaces or resumes another takes over its maximum, target, readings and rhythm; after power-on or
//! a failure the maximum begins anew.

mod report;
mod settings;
mod state;
mod target;
#[cfg(test)]
mod tests;
mod window;

use setpoint_guest::{Command, Desired, Device, Host, Json, Level, Outcome, SendError, StartReason, Timer, json};
use settings::Settings;
use state::State;
use std::time::Duration;
use target::Target;
use window::Window;

/// What the sample this device follows reports before it has measured anything.
const FIRST_MAXIMUM: f64 = 10.96;

/// The device.
pub struct Thermostat {
    interval: Duration,
    readings: Window,
    maximum: f64,
    /// What the cloud knows. Behind `maximum` after a report that could not be queued: the next reading tries again.
    reported_maximum: Option<f64>,
    target: Target,
    /// Fires once, when the reading is due that the instance before this one would have taken.
    takeover: Option<Timer>,
}

impl Device for Thermostat {
    const MODEL_ID: &'static str = "dtmi:com:example:Thermostat;1";

    fn start(host: &mut impl Host, reason: StartReason, state: Option<Vec<u8>>) -> Result<Self, String> {
        let settings = Settings::read(host)?;
        let mut thermostat = match predecessor(host, reason, state) {
            Some(state) => Thermostat::following(state, &settings),
            None => Thermostat::new(&settings),
        };
        thermostat.report_maximum(host);
        match thermostat.until_due(host) {
            Some(delay) => thermostat.takeover = Some(host.after(delay)),
            None => {
                host.every(thermostat.interval);
                thermostat.measure(host);
            }
        }
        Ok(thermostat)
    }

    fn update(&mut self, host: &mut impl Host, desired: Vec<Desired>) {
        for acknowledgement in self.target.update(desired) {
            or_log(host, "an acknowledgement", |host| host.acknowledge(acknowledgement));
        }
    }

    fn invoke(&mut self, host: &mut impl Host, command: Command) -> Outcome {
        match command.target.parts() {
            (None, "getMaxMinReport") => report::answer(&self.readings, &command, host.now()),
            _ => command.unknown(),
        }
        .into()
    }

    fn timer_fired(&mut self, host: &mut impl Host, timer: Timer) {
        if self.takeover == Some(timer) {
            self.takeover = None;
            host.every(self.interval);
        }
        self.measure(host);
    }

    fn save(&self) -> Option<Vec<u8>> {
        State::of(self.maximum, self.target.in_force(), &self.readings).to_bytes()
    }
}

impl Thermostat {
    fn new(settings: &Settings) -> Thermostat {
        Thermostat {
            interval: settings.interval,
            readings: Window::new(settings.window),
            maximum: FIRST_MAXIMUM,
            reported_maximum: None,
            target: Target::default(),
            takeover: None,
        }
    }

    fn following(state: State, settings: &Settings) -> Thermostat {
        Thermostat {
            readings: state.readings(settings.window),
            maximum: state.maximum(),
            target: Target::from(state.target()),
            ..Thermostat::new(settings)
        }
    }

    /// How long until the next reading is due, by the rhythm of the readings so far. None: now.
    fn until_due(&self, host: &impl Host) -> Option<Duration> {
        let since_last = (host.now() - self.readings.newest()?).to_std().ok()?;
        self.interval.checked_sub(since_last).filter(|delay| !delay.is_zero())
    }

    fn measure(&mut self, host: &mut impl Host) {
        let temperature = host.random_in(10..=49);
        self.readings.push(host.now(), temperature);
        or_log(host, "a temperature", |host| {
            host.send(json!({ "temperature": temperature }))
        });
        self.maximum = self.maximum.max(temperature as f64);
        self.report_maximum(host);
    }

    fn report_maximum(&mut self, host: &mut impl Host) {
        if self.reported_maximum == Some(self.maximum) {
            return;
        }
        let maximum = number(self.maximum);
        if or_log(host, "the maximum", |host| {
            host.report("maxTempSinceLastReboot", maximum)
        }) {
            self.reported_maximum = Some(self.maximum);
        }
    }
}

/// The state of the instance this one takes over from, if it does.
fn predecessor(host: &mut impl Host, reason: StartReason, state: Option<Vec<u8>>) -> Option<State> {
    if !matches!(reason, StartReason::Replaced | StartReason::Resumed) {
        return None;
    }
    match State::from_bytes(&state?) {
        Ok(state) => Some(state),
        Err(error) => {
            host.log(
                Level::Warn,
                format_args!("the saved state cannot be read and is ignored: {error}"),
            );
            None
        }
    }
}

/// Queues something for the cloud; what the host refuses goes to the log. True when it was taken.
fn or_log<H: Host>(host: &mut H, what: &str, queue: impl FnOnce(&mut H) -> Result<(), SendError>) -> bool {
    let queued = queue(host);
    if let Err(error) = &queued {
        host.log(Level::Warn, format_args!("{what} was not sent: {error}"));
    }
    queued.is_ok()
}

/// As JSON, without `.0` after a whole number.
fn number(value: f64) -> Json {
    // Up to 2^53 every whole f64 is an i64 of the same value.
    if value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0 {
        Json::from(value as i64)
    } else {
        Json::from(value)
    }
}

setpoint_guest::export!(Thermostat);
