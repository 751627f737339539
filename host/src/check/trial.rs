//! One device that is being tried.

use std::time::Duration;

use serde_json::Value;
use setpoint_protocol::twin::Document;

use super::lab::patch;
use super::reported::{Ack, Reported, members};
use crate::cloud::Outgoing;
use crate::effect::Member;
use crate::sandbox::GuestError;
use crate::testing::{TestDevice, TestError};

/// How long an answer is waited for, step by step, in seconds: five minutes in all, the longest that a direct method may
/// take. It is waited for once at the beginning, without any time passing.
const PATIENCE: [u64; 7] = [0, 1, 4, 15, 40, 120, 120];

/// Why a trial ended before its end.
pub(super) enum Interrupted {
    /// The guest failed.
    Guest(GuestError),
    /// The test kit did, which is nothing the guest can be held to.
    Kit(TestError),
}

/// A command's answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) payload: Value,
}

pub(super) struct Trial {
    device: TestDevice,
    /// Of the desired properties.
    version: u64,
    sent: Vec<Outgoing>,
    acks: Vec<(Member, Ack)>,
    answers: Vec<(String, Answer)>,
}

impl Trial {
    pub(super) fn new(device: TestDevice, version: u64) -> Self {
        Self {
            device,
            version,
            sent: Vec::new(),
            acks: Vec::new(),
            answers: Vec::new(),
        }
    }

    /// Telemetry and reports, from the beginning.
    pub(super) fn sent(&self) -> &[Outgoing] {
        &self.sent
    }

    /// The version of the last desired value.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// Runs the device until it waits.
    pub(super) fn settle(&mut self) -> Result<(), Interrupted> {
        self.pass(Duration::ZERO)
    }

    /// Lets time pass.
    pub(super) fn pass(&mut self, time: Duration) -> Result<(), Interrupted> {
        self.device.advance(time)?;
        for outgoing in self.device.received() {
            match outgoing {
                Outgoing::Response { rid, status, payload } => {
                    let payload = serde_json::from_str(&payload).unwrap_or(Value::Null);
                    self.answers.push((rid, Answer { status, payload }));
                }
                Outgoing::Report(patch) => {
                    let acks = members(&patch)
                        .into_iter()
                        .filter_map(|(member, reported)| match reported {
                            Reported::Acknowledged(ack) => Some((member, ack)),
                            Reported::Plain(_) => None,
                        });
                    self.acks.extend(acks);
                    self.sent.push(Outgoing::Report(patch));
                }
                telemetry => self.sent.push(telemetry),
            }
        }
        match self.device.failures().into_iter().next() {
            Some((error, _)) => Err(Interrupted::Guest(error)),
            None => Ok(()),
        }
    }

    /// Desires a value, or removes it, and waits for the answer: the last one, if work is said to be in progress.
    pub(super) fn desire(&mut self, property: &Member, value: Option<&Value>) -> Result<Option<Ack>, Interrupted> {
        self.acks.clear();
        self.desire_all(patch(property, value));
        self.acknowledged(property)
    }

    /// Desires something, and does not wait.
    pub(super) fn desire_all(&mut self, patch: Document) {
        self.device.hub().desire(patch);
        self.version += 1;
    }

    /// Waits for the answer to the last value desired of this property.
    pub(super) fn acknowledged(&mut self, property: &Member) -> Result<Option<Ack>, Interrupted> {
        let mut last = None;
        for step in PATIENCE {
            self.pass(Duration::from_secs(step))?;
            let mut acks = self.acks.iter().rev();
            last = acks.find(|(member, _)| member == property).map(|(_, ack)| ack.clone());
            if last.as_ref().is_some_and(|ack| ack.status != 202) {
                break;
            }
        }
        Ok(last)
    }

    /// Calls a command and waits for its answer.
    pub(super) fn call(&mut self, command: &Member, payload: Option<&Value>) -> Result<Option<Answer>, Interrupted> {
        let payload = payload.map(Value::to_string).unwrap_or_default();
        let called = self.device.hub().call(&command.to_string(), payload.as_bytes());
        for step in PATIENCE {
            self.pass(Duration::from_secs(step))?;
            if let Some(index) = self.answers.iter().position(|(rid, _)| *rid == called) {
                return Ok(Some(self.answers.swap_remove(index).1));
            }
        }
        Ok(None)
    }

    /// Sends a cloud-to-device message.
    pub(super) fn message(&mut self, body: &[u8], properties: Vec<(String, String)>) -> Result<(), Interrupted> {
        self.device.hub().message(body, properties);
        self.settle()
    }
}
