//! The writable property targetTemperature.

use crate::thermostat::number;
use setpoint_guest::{Acknowledgement, Desired, Json, Member};

/// Degrees Celsius, while the cloud wants nothing else.
const DEFAULT: f64 = 20.0;

/// The temperature the room should have, and whether the cloud has been told about the default.
pub(crate) struct Target {
    in_force: f64,
    first_update_done: bool,
}

impl Default for Target {
    fn default() -> Target {
        Target::from(DEFAULT)
    }
}

impl From<f64> for Target {
    fn from(in_force: f64) -> Target {
        Target {
            in_force,
            first_update_done: false,
        }
    }
}

impl Target {
    /// Degrees Celsius.
    pub(crate) fn in_force(&self) -> f64 {
        self.in_force
    }

    /// Takes desired values and says how to answer each. The first update holds all there are: without a target among
    /// them the default is in force, and is acknowledged unasked.
    pub(crate) fn update(&mut self, component: Option<&str>, desired: Vec<Desired>) -> Vec<Acknowledgement> {
        let is_first = !std::mem::replace(&mut self.first_update_done, true);
        let property = Member {
            component: component.map(str::to_owned),
            name: "targetTemperature".to_owned(),
        };
        let is_ours = |desired: &Desired| desired.property == property;
        let mut answers = Vec::new();
        if is_first && !desired.iter().any(is_ours) {
            self.in_force = DEFAULT;
            answers.push(Acknowledgement::default_value(property.clone(), number(DEFAULT)).described(DEFAULT_IN_FORCE));
        }
        answers.extend(desired.into_iter().map(|desired| {
            if is_ours(&desired) {
                self.set(&desired)
            } else {
                desired.unknown()
            }
        }));
        answers
    }

    fn set(&mut self, desired: &Desired) -> Acknowledgement {
        let Some(value) = &desired.value else {
            self.in_force = DEFAULT;
            return Acknowledgement::of(desired, 203, Some(number(DEFAULT))).described(DEFAULT_IN_FORCE);
        };
        match value.decode::<f64>() {
            Ok(target) => {
                self.in_force = target;
                // The words of the sample that users of this model know.
                Acknowledgement::of(desired, 200, Some(Json::clone(value))).described("Successfully executed patch")
            }
            Err(_) => Acknowledgement::of(desired, 400, Some(number(self.in_force)))
                .described("targetTemperature is a number of degrees Celsius; the value before it stays in force"),
        }
    }
}

const DEFAULT_IN_FORCE: &str = "the default is in force";
