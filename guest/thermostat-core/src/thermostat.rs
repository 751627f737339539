//! One thermostat.

use crate::state::State;
use crate::target::Target;
use crate::window::Window;
use crate::{Settings, report};
use setpoint_guest::chrono::{DateTime, Utc};
use setpoint_guest::{Command, Desired, Host, Json, Level, Member, Response, SendError, Telemetry, json};

/// What the sample this device follows reports before it has measured anything.
const FIRST_MAXIMUM: f64 = 10.96;

/// A thermostat: its readings, their maximum, and the temperature it should hold.
pub struct Thermostat {
    /// Its name in the device's model; none when it is the device.
    component: Option<&'static str>,
    readings: Window,
    maximum: f64,
    /// What the cloud knows. Behind `maximum` after a report that could not be queued: the next reading tries again.
    reported_maximum: Option<f64>,
    target: Target,
}

impl Thermostat {
    /// One that is turned on, or takes over from another, and reports its maximum.
    pub fn start(
        host: &mut impl Host,
        component: Option<&'static str>,
        settings: &Settings,
        before: Option<&State>,
    ) -> Thermostat {
        let mut thermostat = Thermostat {
            component,
            readings: before.map_or_else(|| Window::new(settings.window), |state| state.readings(settings.window)),
            maximum: before.map_or(FIRST_MAXIMUM, State::maximum),
            reported_maximum: None,
            target: before.map_or_else(Target::default, |state| Target::from(state.target())),
        };
        thermostat.report_maximum(host);
        thermostat
    }

    /// Forgets its readings and reports its maximum, which begins anew. The target stays: it is in the twin.
    pub fn reboot(&mut self, host: &mut impl Host) {
        self.readings.clear();
        self.maximum = FIRST_MAXIMUM;
        self.reported_maximum = None;
        self.report_maximum(host);
    }

    /// Takes desired values of its component and acknowledges each. The first update holds all there are.
    pub fn update(&mut self, host: &mut impl Host, desired: Vec<Desired>) {
        for acknowledgement in self.target.update(self.component, desired) {
            self.or_log(host, "an acknowledgement", |host| host.acknowledge(acknowledgement));
        }
    }

    /// Answers a command of its component.
    pub fn invoke(&self, host: &impl Host, command: &Command) -> Response {
        match command.target.parts() {
            (component, "getMaxMinReport") if component == self.component => {
                report::answer(&self.readings, command, host.now())
            }
            _ => command.unknown(),
        }
    }

    /// Takes a reading, sends it, and reports the maximum if it has risen.
    pub fn measure(&mut self, host: &mut impl Host) {
        let temperature = host.random_in(10..=49);
        self.readings.push(host.now(), temperature);
        let telemetry = Telemetry {
            component: self.component.map(str::to_owned),
            ..json!({ "temperature": temperature }).into()
        };
        self.or_log(host, "a temperature", |host| host.send(telemetry));
        self.maximum = self.maximum.max(temperature as f64);
        self.report_maximum(host);
    }

    /// When it last measured, to the millisecond.
    pub fn last_reading(&self) -> Option<DateTime<Utc>> {
        self.readings.newest()
    }

    /// Bytes of memory that its readings take.
    pub fn memory(&self) -> usize {
        self.readings.bytes()
    }

    /// What the next instance takes over.
    pub fn state(&self) -> State {
        State::of(self.maximum, self.target.in_force(), &self.readings)
    }

    fn report_maximum(&mut self, host: &mut impl Host) {
        if self.reported_maximum == Some(self.maximum) {
            return;
        }
        let property = Member {
            component: self.component.map(str::to_owned),
            name: "maxTempSinceLastReboot".to_owned(),
        };
        let maximum = number(self.maximum);
        if self.or_log(host, "the maximum", |host| host.report(property, maximum)) {
            self.reported_maximum = Some(self.maximum);
        }
    }

    /// Queues something for the cloud; what the host refuses goes to the log. True when it was taken.
    fn or_log<H: Host>(&self, host: &mut H, what: &str, queue: impl FnOnce(&mut H) -> Result<(), SendError>) -> bool {
        let queued = queue(host);
        if let Err(error) = &queued {
            let (name, of) = self.component.map_or(("", ""), |name| (name, ": "));
            host.log(Level::Warn, format_args!("{name}{of}{what} was not sent: {error}"));
        }
        queued.is_ok()
    }
}

/// As JSON, without `.0` after a whole number.
pub(crate) fn number(value: f64) -> Json {
    // Up to 2^53 every whole f64 is an i64 of the same value.
    if value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0 {
        Json::from(value as i64)
    } else {
        Json::from(value)
    }
}
