//! The MQTT topics of IoT Hub and DPS: what a device publishes ([`DeviceTopic`]), what the cloud publishes to it
//! ([`CloudTopic`]), and what a device may subscribe to ([`Filter`]). There are no others: the services are no brokers.
//!
//! Ids, method names and request ids are URL-encoded where they stand in a topic, as the Python SDK does; ids of letters,
//! digits, `-`, `.` and `_` look the same either way. Parameters after `?` come in any order, and parameters this
//! version does not know are passed over.
//!
//! Source: Microsoft, "Communicate with an IoT hub using the MQTT protocol", "Communicate with DPS using the MQTT
//! protocol".

mod cloud;
mod device;
mod filter;

pub use cloud::CloudTopic;
pub use device::DeviceTopic;
pub use filter::Filter;

use crate::encoding::{decode, encode_level, pairs};
use crate::properties::PropertyError;
use std::fmt;

/// Why a text is not a topic or filter of these services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// None of the documented topics.
    #[error("not a topic of IoT Hub or the Device Provisioning Service")]
    Unknown,
    /// A parameter the topic needs is absent.
    #[error("the topic has no {0}")]
    Missing(&'static str),
    /// A parameter or level does not decode, or is no number where one is wanted.
    #[error("the topic's {0} is malformed")]
    Malformed(&'static str),
    /// The message properties do not decode.
    #[error(transparent)]
    Properties(#[from] PropertyError),
}

/// The identity part of a topic: `devices/{id}` or `devices/{id}/modules/{id}`, and what follows its slash.
fn parse_identity(topic: &str) -> Result<(String, Option<String>, &str), TopicError> {
    let rest = topic.strip_prefix("devices/").ok_or(TopicError::Unknown)?;
    let (device_id, rest) = rest.split_once('/').ok_or(TopicError::Unknown)?;
    let (module_id, rest) = match rest.strip_prefix("modules/") {
        Some(rest) => rest
            .split_once('/')
            .map(|(id, rest)| (Some(id), rest))
            .ok_or(TopicError::Unknown)?,
        None => (None, rest),
    };
    let module_id = module_id.map(|id| parse_level(id, "module id")).transpose()?;
    Ok((parse_level(device_id, "device id")?, module_id, rest))
}

fn parse_level(text: &str, what: &'static str) -> Result<String, TopicError> {
    match decode(text) {
        Some(level) if level.is_empty() => Err(TopicError::Missing(what)),
        level => level.ok_or(TopicError::Malformed(what)),
    }
}

/// What follows `tail` in `rest`, where the slash at its end may be missing.
fn after<'a>(rest: &'a str, tail: &str) -> Option<&'a str> {
    let rest = rest.strip_prefix(tail)?;
    if rest.is_empty() {
        Some(rest)
    } else {
        rest.strip_prefix('/')
    }
}

fn write_identity(f: &mut fmt::Formatter<'_>, device_id: &str, module_id: Option<&str>) -> fmt::Result {
    write!(f, "devices/{}", encode_level(device_id))?;
    match module_id {
        Some(module_id) => write!(f, "/modules/{}", encode_level(module_id)),
        None => Ok(()),
    }
}

/// The value of `name` among the parameters `query` (after `?`), decoded.
fn optional(query: &str, name: &'static str) -> Result<Option<String>, TopicError> {
    pairs(query)
        .find(|(found, _)| decode(found).as_deref() == Some(name))
        .map(|(_, value)| decode(value.unwrap_or_default()).ok_or(TopicError::Malformed(name)))
        .transpose()
}

fn require(query: &str, name: &'static str) -> Result<String, TopicError> {
    optional(query, name)?.ok_or(TopicError::Missing(name))
}

fn number<N: std::str::FromStr>(text: &str, what: &'static str) -> Result<N, TopicError> {
    if text.starts_with('+') {
        return Err(TopicError::Malformed(what));
    }
    text.parse().map_err(|_| TopicError::Malformed(what))
}

/// `{status}/?{query}` as answers have it.
fn parse_answer(rest: &str) -> Result<(u16, &str), TopicError> {
    let (status, query) = rest.split_once("/?").ok_or(TopicError::Unknown)?;
    Ok((number(status, "status")?, query))
}

#[cfg(test)]
mod tests;
