//! The MQTT user name: with it a client says which service it wants, as whom, and in which version of the API.
//!
//! Hub: `{hub}/{device}[/{module}]/?api-version=..&DeviceClientType=..&model-id=..`. DPS:
//! `{idScope}/registrations/{registrationId}/api-version=..&ClientVersion=..`. Parameters come in any order; the hub's `?`
//! is missing in older SDKs, and DPS's, which the documents do not have, is accepted.
//!
//! Source: Microsoft, "Communicate with an IoT hub using the MQTT protocol" and "Communicate with DPS using the MQTT
//! protocol"; what the Python and Node SDKs were seen to send. Python URL-encodes the model id, Node does not.

use crate::encoding::{decode, encode, pairs};
use std::fmt;

const MODEL_ID: &str = "model-id";
const API_VERSION: &str = "api-version";
/// This level marks a user name as DPS's, since both services can share one address.
const REGISTRATIONS: &str = "registrations";

/// A user name of either service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Username {
    /// The client wants IoT Hub.
    Hub(HubUsername),
    /// The client wants the Device Provisioning Service.
    Dps(DpsUsername),
}

/// A user name towards IoT Hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubUsername {
    /// The hub's host name, without a port.
    pub hub: String,
    /// The device.
    pub device_id: String,
    /// The module, when the identity is a module's.
    pub module_id: Option<String>,
    /// The model the device implements, as in `dtmi:com:example:Thermostat;1`.
    pub model_id: Option<String>,
    /// Every other parameter, decoded, in order: `api-version`, `DeviceClientType`.
    pub parameters: Vec<(String, String)>,
}

/// A user name towards DPS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DpsUsername {
    /// The DPS instance, as in `0ne000A1B2C`.
    pub id_scope: String,
    /// Who registers.
    pub registration_id: String,
    /// Every parameter, decoded, in order: `api-version`, `ClientVersion`.
    pub parameters: Vec<(String, String)>,
}

/// Why a text is not a user name of these services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UsernameError {
    /// Too few levels, or an empty one.
    #[error("the user name has no {0}")]
    Missing(&'static str),
    /// A level that is not expected.
    #[error("the user name has too many levels")]
    TooLong,
    /// `registrations` is missing, which a DPS user name has.
    #[error("the user name is not one of the Device Provisioning Service")]
    NotDps,
    /// A parameter without a name, or one that is not URL-encoded UTF-8.
    #[error("a parameter of the user name is malformed")]
    Parameter,
    /// A parameter occurs twice.
    #[error("the user name has more than one {0}")]
    Repeated(&'static str),
}

impl Username {
    /// Reads a user name of either service; `/registrations/` marks that of DPS.
    pub fn parse(text: &str) -> Result<Username, UsernameError> {
        let rest = text
            .split_once('/')
            .and_then(|(_, rest)| rest.strip_prefix(REGISTRATIONS)?.strip_prefix('/'));
        // A device may be called `registrations`; no registration id begins with a question mark.
        if rest.is_some_and(|rest| !rest.starts_with('?')) {
            DpsUsername::parse(text).map(Username::Dps)
        } else {
            HubUsername::parse(text).map(Username::Hub)
        }
    }
}

impl HubUsername {
    /// Reads a hub's user name. Names and ids are taken as they stand, parameters are decoded.
    pub fn parse(text: &str) -> Result<HubUsername, UsernameError> {
        let (hub, rest) = text.split_once('/').ok_or(UsernameError::Missing("device id"))?;
        let (device_id, rest) = rest.split_once('/').unwrap_or((rest, ""));
        let (module_id, parameters) = split_module(rest);
        let mut parameters = parse_parameters(parameters)?;
        let model_id = take(&mut parameters, MODEL_ID)?;
        Ok(HubUsername {
            hub: required(hub, "host name")?,
            device_id: required(device_id, "device id")?,
            module_id: module_id.map(|id| required(id, "module id")).transpose()?,
            model_id,
            parameters,
        })
    }

    /// The API version the client speaks, when it says so.
    pub fn api_version(&self) -> Option<&str> {
        find(&self.parameters, API_VERSION)
    }
}

/// Tells `{module}/?{parameters}`, `?{parameters}` and both without the question mark apart.
fn split_module(rest: &str) -> (Option<&str>, &str) {
    if let Some(parameters) = rest.strip_prefix('?') {
        (None, parameters)
    } else if let Some((module_id, parameters)) = rest.split_once("/?") {
        (Some(module_id), parameters)
    } else if rest.is_empty() || rest.starts_with("api-version=") || rest.starts_with("DeviceClientType=") {
        (None, rest)
    } else {
        let (module_id, parameters) = rest.split_once('/').unwrap_or((rest, ""));
        (Some(module_id), parameters)
    }
}

impl DpsUsername {
    /// Reads a DPS user name.
    pub fn parse(text: &str) -> Result<DpsUsername, UsernameError> {
        let (id_scope, rest) = text.split_once('/').ok_or(UsernameError::NotDps)?;
        let rest = rest.strip_prefix(REGISTRATIONS).and_then(|rest| rest.strip_prefix('/'));
        let (registration_id, parameters) = rest
            .map(|rest| rest.split_once('/').unwrap_or((rest, "")))
            .ok_or(UsernameError::NotDps)?;
        Ok(DpsUsername {
            id_scope: required(id_scope, "id scope")?,
            registration_id: required(registration_id, "registration id")?,
            parameters: parse_parameters(parameters.strip_prefix('?').unwrap_or(parameters))?,
        })
    }

    /// The API version the client speaks, when it says so.
    pub fn api_version(&self) -> Option<&str> {
        find(&self.parameters, API_VERSION)
    }
}

fn required(text: &str, what: &'static str) -> Result<String, UsernameError> {
    match text {
        "" => Err(UsernameError::Missing(what)),
        text if text.contains('/') => Err(UsernameError::TooLong),
        text => Ok(text.to_owned()),
    }
}

fn parse_parameters(text: &str) -> Result<Vec<(String, String)>, UsernameError> {
    pairs(text)
        .map(|(name, value)| {
            let name = decode(name).filter(|name| !name.is_empty())?;
            Some((name, decode(value.unwrap_or_default())?))
        })
        .collect::<Option<_>>()
        .ok_or(UsernameError::Parameter)
}

fn find<'a>(parameters: &'a [(String, String)], name: &str) -> Option<&'a str> {
    parameters
        .iter()
        .find(|(found, _)| found == name)
        .map(|(_, value)| value.as_str())
}

fn take(parameters: &mut Vec<(String, String)>, name: &'static str) -> Result<Option<String>, UsernameError> {
    let mut taken = parameters
        .extract_if(.., |(found, _)| found == name)
        .map(|(_, value)| value);
    match (taken.next(), taken.next()) {
        (_, Some(_)) => Err(UsernameError::Repeated(name)),
        (value, None) => Ok(value),
    }
}

fn write_parameters<'a>(
    f: &mut fmt::Formatter<'_>,
    parameters: impl Iterator<Item = (&'a str, &'a str)>,
) -> fmt::Result {
    for (index, (name, value)) in parameters.enumerate() {
        let separator = if index == 0 { "" } else { "&" };
        write!(f, "{separator}{}={}", encode(name), encode(value))?;
    }
    Ok(())
}

fn borrowed(parameters: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()))
}

/// As the Python SDK writes it: the model id encoded and last.
impl fmt::Display for HubUsername {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/", self.hub, self.device_id)?;
        if let Some(module_id) = &self.module_id {
            write!(f, "{module_id}/")?;
        }
        f.write_str("?")?;
        let model_id = self.model_id.as_deref().map(|id| (MODEL_ID, id));
        write_parameters(f, borrowed(&self.parameters).chain(model_id))
    }
}

impl fmt::Display for DpsUsername {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{REGISTRATIONS}/{}/", self.id_scope, self.registration_id)?;
        write_parameters(f, borrowed(&self.parameters))
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Username::Hub(name) => name.fmt(f),
            Username::Dps(name) => name.fmt(f),
        }
    }
}

#[cfg(test)]
#[path = "username_tests.rs"]
mod tests;
