//! What a guest may call, whatever version of the contract it was built for. Nothing here waits or does I/O: every call
//! answers from what the instance was given, or queues an [`Effect`] within its [`Quota`].

use std::collections::HashSet;
use std::time::Duration;

use serde_json::Value;
use setpoint_protocol::identifier::is_property_name;
use setpoint_protocol::properties::PropertyBag;
use setpoint_protocol::twin::{self, Document};

use super::held::Held;
use super::json;
use super::surroundings::{Quota, Surroundings};
use super::wasi;
use crate::cloud::Assignment;
use crate::effect::{Effect, Level, Member, Response};

/// Largest device-to-cloud message, properties included.
/// Source: "Device-to-cloud messaging: maximum message size 256 KB", IoT Hub quotas and throttling.
const TELEMETRY_BYTES: usize = 256 * 1024;

/// Largest amount of application properties, as they are encoded in a topic. Source: MQTT 3.1.1, 1.5.3: a topic has at most
/// 65,535 bytes; the rest is for the device's id and the system properties.
const TOPIC_BYTES: usize = 60 * 1024;

/// Largest value of one property: the hub takes reported documents of 32 KB.
/// Source: "Maximum size of reported properties 32 KB", IoT Hub quotas and throttling.
const PROPERTY_BYTES: usize = 32 * 1024;

/// Largest direct method response. Source: "Direct method: maximum payload size 128 KB", the same page.
const RESPONSE_BYTES: usize = 128 * 1024;

/// Bytes kept of one log line.
pub(super) const LOG_BYTES: usize = 1024;

/// Characters shown of a name that is none: shown in full, one of megabytes would take the host several times as much.
const SHOWN_OF_NAME: usize = 200;

/// Why nothing was queued.
pub(super) enum Refused {
    /// There is no room for it, or none left of its quota.
    OutboxFull,
    /// The hub takes so many bytes.
    TooLarge(usize),
    /// In words.
    Invalid(String),
}

/// What one instance is given and what it has done since it was last asked.
pub(super) struct State {
    pub(super) held: Held,
    pub(super) surroundings: Surroundings,
    /// [`crate::clock::Clock::monotonic`] when the instance was made.
    pub(super) born: Duration,
    pub(super) effects: Vec<Effect>,
    pub(super) quota: Quota,
    /// Commands that somebody still waits for.
    pub(super) open: HashSet<String>,
    pub(super) last_timer: u32,
    /// Timers cancelled in this call: cancelling in a loop must not fill the host's memory.
    pub(super) cancelled: HashSet<u32>,
    /// Log lines over the quota since this was last asked.
    pub(super) dropped_log_lines: u64,
    /// Whether it has called an import of the contract.
    pub(super) has_called: bool,
    /// How much longer the call may take when its first epoch is over.
    pub(super) epochs_left: u64,
    pub(super) wasi: wasi::Context,
}

impl State {
    /// The way to every import of the contract.
    pub(super) fn called(&mut self) -> &mut Self {
        self.has_called = true;
        self
    }

    /// Takes telemetry of `bytes` off the quota, or says that there is no room and takes nothing.
    fn claim_telemetry(&mut self, bytes: usize) -> Result<(), Refused> {
        let left = Quota {
            messages: less(self.quota.messages, 1)?,
            bytes: less(self.quota.bytes, bytes)?,
            telemetry: less(self.quota.telemetry, 1)?,
            ..self.quota
        };
        self.quota = left;
        Ok(())
    }

    /// The same for a property.
    fn claim_property(&mut self, bytes: usize) -> Result<(), Refused> {
        let left = Quota {
            properties: less(self.quota.properties, 1)?,
            property_bytes: less(self.quota.property_bytes, bytes)?,
            ..self.quota
        };
        self.quota = left;
        Ok(())
    }

    fn new_timer(&mut self) -> wasmtime::Result<u32> {
        let left = self.quota.timers.checked_sub(1);
        self.quota.timers = left.ok_or_else(|| wasmtime::Error::msg("holds more timers than a device may"))?;
        self.last_timer = self.last_timer.wrapping_add(1);
        Ok(self.last_timer)
    }
}

fn less(left: usize, wanted: usize) -> Result<usize, Refused> {
    left.checked_sub(wanted).ok_or(Refused::OutboxFull)
}

fn invalid(what: impl Into<String>) -> Refused {
    Refused::Invalid(what.into())
}

fn parse(json: &str, limit: usize) -> Result<Value, Refused> {
    if json.len() > limit {
        return Err(Refused::TooLarge(limit));
    }
    serde_json::from_str(json).map_err(not_json)
}

#[expect(clippy::needless_pass_by_value, reason = "called as a function of an error")]
fn not_json(error: serde_json::Error) -> Refused {
    invalid(format!("not JSON: {error}"))
}

fn check_name(kind: &str, name: &str) -> Result<(), Refused> {
    if is_property_name(name) {
        Ok(())
    } else {
        let shown: String = name.chars().take(SHOWN_OF_NAME).collect();
        Err(invalid(format!("{shown:?} is no {kind} name the hub accepts")))
    }
}

fn check_member(member: &Member) -> Result<(), Refused> {
    if let Some(component) = &member.component {
        check_name("component", component)?;
    }
    check_name("property", &member.name)
}

/// Whether the hub would take this property, as it will stand in the twin.
fn check_property(property: &Member, value: &Value) -> Result<(), Refused> {
    let inner = Document::from_iter([(property.name.clone(), value.clone())]);
    let patch = match &property.component {
        Some(component) => Document::from_iter([(component.clone(), Value::Object(inner))]),
        None => inner,
    };
    twin::check(&patch).map_err(|error| invalid(error.to_string()))
}

/// A response as the hub takes it. Of one that it would not take, the caller is told what is wrong.
pub(super) fn response(status: u16, payload: Option<String>) -> Response {
    checked_response(status, payload).unwrap_or_else(|reason| refused_response(&reason))
}

fn checked_response(status: u16, payload: Option<String>) -> Result<Response, String> {
    if !(200..=599).contains(&status) {
        return Err(format!("{status} is no status; it takes 200 to 599"));
    }
    let payload = match payload {
        None => Value::Null,
        Some(json) if json.len() > RESPONSE_BYTES => {
            return Err(format!(
                "a response of {} bytes; the hub takes {RESPONSE_BYTES}",
                json.len()
            ));
        }
        Some(json) => serde_json::from_str(&json).map_err(|error| format!("a response that is not JSON: {error}"))?,
    };
    Ok(Response { status, payload })
}

fn refused_response(reason: &str) -> Response {
    Response {
        status: 500,
        payload: serde_json::json!({ "message": format!("the device gave {reason}") }),
    }
}

impl State {
    /// Seconds and nanoseconds since 1970.
    pub(super) fn now(&self) -> (u64, u32) {
        let now = self.surroundings.clock.now();
        // Before 1970 the contract has no time; such a clock is wrong anyway.
        let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
        (seconds, now.timestamp_subsec_nanos().min(999_999_999))
    }

    /// How long the instance has been there.
    pub(super) fn age(&self) -> Duration {
        self.surroundings.clock.monotonic().saturating_sub(self.born)
    }

    /// The same in nanoseconds, as contracts count it.
    pub(super) fn age_in_nanoseconds(&self) -> u64 {
        u64::try_from(self.age().as_nanos()).unwrap_or(u64::MAX)
    }

    pub(super) fn after(&mut self, milliseconds: u64) -> wasmtime::Result<u32> {
        let timer = self.new_timer()?;
        self.effects.push(Effect::After {
            timer,
            delay: Duration::from_millis(milliseconds),
        });
        Ok(timer)
    }

    pub(super) fn every(&mut self, milliseconds: u64) -> wasmtime::Result<u32> {
        let timer = self.new_timer()?;
        // A period of nothing would fire for ever.
        self.effects.push(Effect::Every {
            timer,
            period: Duration::from_millis(milliseconds.max(1)),
        });
        Ok(timer)
    }

    pub(super) fn cancel(&mut self, timer: u32) {
        if timer != 0 && timer <= self.last_timer && self.cancelled.insert(timer) {
            self.effects.push(Effect::Cancel { timer });
        }
    }

    pub(super) fn send(
        &mut self,
        component: Option<String>,
        body: String,
        properties: Vec<(String, String)>,
    ) -> Result<(), Refused> {
        let properties = PropertyBag(
            properties
                .into_iter()
                .map(|(name, value)| (name, Some(value)))
                .collect(),
        );
        let extra = match properties.0.is_empty() {
            true => 0,
            false => properties.to_string().len(),
        };
        if extra > TOPIC_BYTES {
            return Err(Refused::TooLarge(TOPIC_BYTES));
        }
        let bytes = body.len().saturating_add(extra);
        if bytes > TELEMETRY_BYTES {
            return Err(Refused::TooLarge(TELEMETRY_BYTES));
        }
        if !json::is_object(&body).map_err(not_json)? {
            return Err(invalid("a telemetry message is a JSON object"));
        }
        if let Some(component) = &component {
            check_name("component", component)?;
        }
        self.claim_telemetry(bytes)?;
        let properties = properties
            .0
            .into_iter()
            .map(|(name, value)| (name, value.unwrap_or_default()));
        self.effects.push(Effect::Telemetry {
            component,
            body,
            properties: properties.collect(),
        });
        Ok(())
    }

    pub(super) fn report(&mut self, property: Member, value: Option<String>) -> Result<(), Refused> {
        check_member(&property)?;
        let bytes = value.as_ref().map_or(0, String::len);
        let value = value.map_or(Ok(Value::Null), |json| parse(&json, PROPERTY_BYTES))?;
        check_property(&property, &value)?;
        self.claim_property(bytes)?;
        self.effects.push(Effect::Report { property, value });
        Ok(())
    }

    pub(super) fn acknowledge(
        &mut self,
        property: Member,
        value: Option<String>,
        status: u16,
        version: u64,
        description: Option<String>,
    ) -> Result<(), Refused> {
        check_member(&property)?;
        if !(200..=599).contains(&status) {
            return Err(invalid(format!("{status} is no status; it takes 200 to 599")));
        }
        if description.as_ref().is_some_and(|text| text.len() > PROPERTY_BYTES) {
            return Err(Refused::TooLarge(PROPERTY_BYTES));
        }
        // As text a value may be longer than the hub counts it when it is desired.
        let value = value.filter(|json| json.len() <= PROPERTY_BYTES);
        let bytes = value.as_ref().map_or(0, String::len) + description.as_ref().map_or(0, String::len);
        let mut value = value.map_or(Ok(Value::Null), |json| parse(&json, PROPERTY_BYTES))?;
        let answer = |value: &Value| serde_json::json!({ "value": value, "ad": description });
        if check_property(&property, &answer(&value)).is_err() {
            // One level deeper than it was desired, the value may be more than the hub takes. Without it the cloud still
            // gets its answer, and the other properties of the same patch theirs.
            value = Value::Null;
            check_property(&property, &answer(&value))?;
        }
        self.claim_property(bytes)?;
        self.effects.push(Effect::Acknowledge {
            property,
            value,
            status,
            version,
            description,
        });
        Ok(())
    }

    pub(super) fn respond(&mut self, request: String, status: u16, payload: Option<String>) -> bool {
        if !self.open.remove(&request) {
            return false;
        }
        let response = response(status, payload);
        self.effects.push(Effect::Respond { request, response });
        true
    }

    pub(super) fn assignment(&self) -> wasmtime::Result<&Assignment> {
        let assignment = self.surroundings.assignment.as_ref();
        assignment.ok_or_else(|| wasmtime::Error::msg("asks for its assignment before it has one"))
    }

    pub(super) fn log(&mut self, level: Level, mut message: String) {
        let Some(left) = self.quota.log_lines.checked_sub(1) else {
            self.dropped_log_lines += 1;
            return;
        };
        self.quota.log_lines = left;
        if message.len() > LOG_BYTES {
            message.truncate(message.floor_char_boundary(LOG_BYTES));
        }
        self.effects.push(Effect::Log { level, message });
    }
}
