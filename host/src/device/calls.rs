//! Calls of the guest, within what it may do, and what comes of them.

use std::time::Duration;

use serde_json::Value;

use super::core::Device;
use super::lengthy::lengthy;
use super::notice::Notice;
use super::quota::Quotas;
use super::report::acknowledgement;
use super::status::Counters;
use super::timers;
use crate::cloud::Outgoing;
use crate::effect::{Effect, Level, Member};
use crate::sandbox::{Guest, GuestError, Quota};

impl Device {
    /// Calls the guest, if an instance runs. None when none does, or when it failed at this: that has been seen to then.
    pub(super) fn call<T>(&mut self, call: impl FnOnce(&mut Guest) -> Result<T, GuestError>) -> Option<T> {
        match self.attempt(call)? {
            Ok(returned) => Some(returned),
            Err(error) => {
                self.failed(error, true);
                None
            }
        }
    }

    /// Calls an instance that is being started: what to do when it fails is the caller's.
    pub(super) fn first<T>(&mut self, call: impl FnOnce(&mut Guest) -> Result<T, GuestError>) -> Result<T, GuestError> {
        self.attempt(call).unwrap_or_else(|| {
            Err(GuestError::Gone {
                guest: self.life.name().to_owned(),
            })
        })
    }

    fn attempt<T>(&mut self, call: impl FnOnce(&mut Guest) -> Result<T, GuestError>) -> Option<Result<T, GuestError>> {
        self.resume(None);
        let granted = self.grant(self.timers.len());
        let slow = self.life.is_slow();
        let guest = self.life.guest()?;
        guest.grant(granted);
        let began = self.clock.monotonic();
        let result = if slow { lengthy(|| call(guest)) } else { call(guest) };
        let took = self.clock.monotonic().saturating_sub(began);
        let effects = settle(guest, granted, &mut self.quotas, &mut self.counters);
        self.apply(effects, result.is_ok());
        self.notice(&Notice::Called(took));
        Some(result)
    }

    /// What the next call may ask for, of an instance that holds so many timers.
    pub(super) fn grant(&mut self, timers_held: usize) -> Quota {
        let timers = timers::MOST.saturating_sub(timers_held);
        let room = (self.outbox.room(), self.outbox.room_for_properties());
        self.quotas.grant(self.clock.monotonic(), room, timers)
    }

    /// What an instance did within its grant.
    pub(super) fn effects_of(&mut self, guest: &mut Guest, granted: Quota) -> Vec<Effect> {
        settle(guest, granted, &mut self.quotas, &mut self.counters)
    }

    /// Of a guest that failed only the log lines count: they say why. What it asked to be delivered is in the store, when
    /// there is one, before anybody hears of it.
    pub(super) fn apply(&mut self, effects: Vec<Effect>, succeeded: bool) {
        let (mut messages, mut others) = (0, Vec::new());
        for effect in effects {
            match effect {
                Effect::Log { .. } => others.push(effect),
                _ if !succeeded => {}
                Effect::Telemetry {
                    component,
                    body,
                    properties,
                } => {
                    messages += 1;
                    self.outbox.push(Outgoing::Telemetry {
                        component,
                        body,
                        properties,
                    });
                }
                Effect::Report { property, value } => self.report(property, value),
                Effect::Acknowledge {
                    property,
                    value,
                    status,
                    version,
                    description,
                } => {
                    let value = acknowledgement(value, status, version, description);
                    self.report(property, value);
                }
                Effect::Respond { .. } | Effect::After { .. } | Effect::Every { .. } | Effect::Cancel { .. } => {
                    others.push(effect);
                }
            }
        }
        if self.outbox.must_flush() {
            lengthy(|| self.outbox.flush());
        }
        for message in self.outbox.newest(messages) {
            self.observer.notice(&Notice::Queued(message));
        }
        let now = self.clock.monotonic();
        for effect in others {
            self.carry_out(effect, now);
        }
    }

    fn report(&mut self, property: Member, value: Value) {
        if !self.aside.knows(&property, &value) {
            self.outbox.report(property, value);
        }
    }

    fn carry_out(&mut self, effect: Effect, now: Duration) {
        match effect {
            Effect::Log { level, message } => self.log(level, &message),
            Effect::Respond { request, response } => self.answer(&request, response),
            Effect::After { timer, delay } => self.timers.after(timer, now, delay),
            Effect::Every { timer, period } => self.timers.every(timer, now, period),
            Effect::Cancel { timer } => self.timers.cancel(timer),
            Effect::Telemetry { .. } | Effect::Report { .. } | Effect::Acknowledge { .. } => {}
        }
    }

    fn log(&mut self, level: Level, message: &str) {
        self.notice(&Notice::Logged(level, message));
        let device = self.device_id.as_str();
        match level {
            Level::Trace => tracing::trace!(target: "guest", device, "{message}"),
            Level::Debug => tracing::debug!(target: "guest", device, "{message}"),
            Level::Info => tracing::info!(target: "guest", device, "{message}"),
            Level::Warn => tracing::warn!(target: "guest", device, "{message}"),
            Level::Error => tracing::error!(target: "guest", device, "{message}"),
        }
    }
}

/// Takes what an instance did, and takes it off the device's quotas.
fn settle(guest: &mut Guest, granted: Quota, quotas: &mut Quotas, counters: &mut Counters) -> Vec<Effect> {
    quotas.settle(granted, guest.quota_left());
    counters.log_lines_dropped += guest.take_dropped_log_lines();
    guest.take_effects()
}
