//! The writable properties, `limit` and `pump*shifts`.

use setpoint_guest::{Acknowledgement, Desired, Json, Value, json};
use std::collections::BTreeMap;

/// What is in force.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Properties {
    limit: i32,
    shifts: BTreeMap<String, Vec<f64>>,
}

impl Default for Properties {
    fn default() -> Properties {
        Properties {
            limit: 10,
            shifts: BTreeMap::new(),
        }
    }
}

impl Properties {
    pub(crate) fn from_bytes(state: &[u8]) -> Option<Properties> {
        let state = Json::parse(String::from_utf8(state.to_vec()).ok()?).ok()?;
        let (limit, shifts) = state.decode().ok()?;
        Some(Properties { limit, shifts })
    }

    pub(crate) fn to_bytes(&self) -> Option<Vec<u8>> {
        Some(json!([self.limit, self.shifts]).to_string().into_bytes())
    }

    /// The answer to a desired value; none when it is not answered.
    pub(crate) fn answer(&mut self, wrong: &str, desired: Desired) -> Option<Acknowledgement> {
        match desired.property.parts() {
            (None, "limit") => self.limit(wrong, &desired),
            (Some("pump"), "shifts") => Some(self.shifts(&desired)),
            _ if wrong == "unknown" => Some(Acknowledgement::of(&desired, 200, desired.value.clone())),
            _ => Some(desired.unknown()),
        }
    }

    fn shifts(&mut self, desired: &Desired) -> Acknowledgement {
        let status = match desired.value.as_ref().map(Json::decode) {
            None => {
                self.shifts = BTreeMap::new();
                203
            }
            Some(Ok(shifts)) => {
                self.shifts = shifts;
                200
            }
            Some(Err(_)) => 400,
        };
        Acknowledgement::of(desired, status, Some(json!(self.shifts).into()))
    }

    fn limit(&mut self, wrong: &str, desired: &Desired) -> Option<Acknowledgement> {
        let Some(value) = &desired.value else {
            self.limit = Properties::default().limit;
            return (wrong != "removal").then(|| self.acknowledge(desired, 203));
        };
        match (wrong, value.decode::<i32>()) {
            ("silent", Ok(i32::MAX)) => return None,
            ("bounds", Ok(limit)) if limit < 0 => return Some(self.acknowledge(desired, 400)),
            ("clamp", Ok(limit)) => self.limit = limit.min(1000),
            (_, Ok(limit)) => self.limit = limit,
            ("invalid", Err(_)) => {
                return Some(Acknowledgement::of(desired, 200, Some(Json::clone(value))));
            }
            ("forgets", Err(_)) => {
                self.limit = Properties::default().limit;
                return Some(self.acknowledge(desired, 400));
            }
            (_, Err(_)) => return Some(self.acknowledge(desired, 400)),
        }
        let mut answer = self.acknowledge(desired, 200);
        if wrong == "version" && desired.version > 2 {
            answer.version -= 1;
        }
        Some(answer)
    }

    fn acknowledge(&self, desired: &Desired, status: u16) -> Acknowledgement {
        Acknowledgement::of(desired, status, Some(Value::from(self.limit).into()))
    }
}
