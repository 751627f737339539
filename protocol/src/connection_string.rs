//! Connection strings: where a service is, who is asking, and the key that proves it, in one line of text.
//!
//! `Name=value` parts joined by `;`. Names are compared without regard to case, as the .NET SDK does; values may hold
//! `=`. A part that is unknown, repeated or empty is an error: it is a mistake in copying more often than not.
//!
//! Source: the Python and .NET device SDKs, and Microsoft, "Control access to IoT Hub using shared access signatures".

use crate::endpoint::{Endpoint, EndpointError};
use crate::identifier::is_device_id;
use crate::key::{Key, KeyError};
use std::str::FromStr;

const HOST: &str = "HostName";
const DEVICE: &str = "DeviceId";
const MODULE: &str = "ModuleId";
const GATEWAY: &str = "GatewayHostName";
const POLICY: &str = "SharedAccessKeyName";
const KEY: &str = "SharedAccessKey";
const X509: &str = "x509";

/// What a device needs to reach its hub: `HostName=..;DeviceId=..;SharedAccessKey=..`, with `ModuleId` and
/// `GatewayHostName` where they apply, and with `x509=true` in place of the key when a certificate proves who it is. `Debug` does not show the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceConnectionString {
    /// The hub. A port is this project's addition, for hubs on a port of their own.
    pub host: Endpoint,
    /// The device.
    pub device_id: String,
    /// The module on that device, when the identity is a module's.
    pub module_id: Option<String>,
    /// The key of the device or module; none when the connection string says `x509=true`.
    pub key: Option<Key>,
    /// The edge gateway to connect to in the hub's place.
    pub gateway: Option<Endpoint>,
}

/// What an operator needs to call a hub: `HostName=..;SharedAccessKeyName=..;SharedAccessKey=..`. `Debug` does not show
/// the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceConnectionString {
    /// The hub.
    pub host: Endpoint,
    /// The shared access policy, such as `iothubowner` or `service`.
    pub policy: String,
    /// That policy's key.
    pub key: Key,
}

/// Why a text is not a connection string of the wanted kind. Names parts, never shows a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectionStringError {
    /// A part that must be there is not.
    #[error("the connection string has no {0}; it must have {1}")]
    Missing(&'static str, &'static str),
    /// A part occurs twice.
    #[error("the connection string has more than one {0}")]
    Repeated(&'static str),
    /// A part has nothing after its `=`.
    #[error("the connection string's {0} is empty")]
    Empty(&'static str),
    /// A part is not of the form `Name=value`, or its name does not belong in this kind of connection string. Counted
    /// from 1; the part itself may be a secret.
    #[error("part {part} of the connection string is not one of {allowed}")]
    Unknown {
        /// Which part, counted from 1.
        part: usize,
        /// The names that may occur.
        allowed: &'static str,
    },
    /// The host or gateway is not a host name.
    #[error("the connection string's {part} is malformed: {source}")]
    Endpoint {
        /// `HostName` or `GatewayHostName`.
        part: &'static str,
        /// What is wrong with it.
        source: EndpointError,
    },
    /// A device or module id that the hub would not accept.
    #[error("the connection string's {0} holds a character that no id has, or is longer than 128 characters")]
    Id(&'static str),
    /// Two ways to prove who the device is.
    #[error(
        "the connection string has both SharedAccessKey and x509=true; a device proves itself with one or the other"
    )]
    TwoProofs,
    /// `x509` is neither `true` nor `false`.
    #[error("the connection string's x509 is neither true nor false")]
    X509,
    /// The key does not decode.
    #[error("the connection string's SharedAccessKey is malformed: {0}")]
    Key(#[from] KeyError),
}

/// The parts of one connection string, each at most once.
struct Parts<'a> {
    found: Vec<(&'static str, &'a str)>,
    required: &'static str,
}

impl<'a> Parts<'a> {
    fn read(
        text: &'a str,
        names: &[&'static str],
        allowed: &'static str,
        required: &'static str,
    ) -> Result<Parts<'a>, ConnectionStringError> {
        let mut found: Vec<(&'static str, &str)> = Vec::new();
        // A semicolon at the very end is customary in some of Azure's own output.
        let text = text.trim();
        let text = text.strip_suffix(';').unwrap_or(text);
        for (index, part) in text.split(';').enumerate().filter(|_| !text.is_empty()) {
            let unknown = ConnectionStringError::Unknown {
                part: index + 1,
                allowed,
            };
            let (name, value) = part.split_once('=').ok_or(unknown.clone())?;
            let name = names
                .iter()
                .copied()
                .find(|known| known.eq_ignore_ascii_case(name.trim()))
                .ok_or(unknown)?;
            if value.trim().is_empty() {
                return Err(ConnectionStringError::Empty(name));
            }
            if found.iter().any(|(earlier, _)| *earlier == name) {
                return Err(ConnectionStringError::Repeated(name));
            }
            found.push((name, value.trim()));
        }
        Ok(Parts { found, required })
    }

    fn optional(&self, name: &str) -> Option<&'a str> {
        self.found
            .iter()
            .find(|(found, _)| *found == name)
            .map(|(_, value)| *value)
    }

    fn require(&self, name: &'static str) -> Result<&'a str, ConnectionStringError> {
        self.optional(name)
            .ok_or(ConnectionStringError::Missing(name, self.required))
    }

    fn key(&self) -> Result<Key, ConnectionStringError> {
        Ok(Key::from_base64(self.require(KEY)?)?)
    }

    /// A device's key, or none when a certificate is in its place.
    fn device_key(&self) -> Result<Option<Key>, ConnectionStringError> {
        let x509 = self.optional(X509).map(|text| text.to_ascii_lowercase());
        match (x509.as_deref(), self.optional(KEY)) {
            (None | Some("false"), _) => self.key().map(Some),
            (Some("true"), None) => Ok(None),
            (Some("true"), Some(_)) => Err(ConnectionStringError::TwoProofs),
            (Some(_), _) => Err(ConnectionStringError::X509),
        }
    }
}

fn endpoint(part: &'static str, text: &str) -> Result<Endpoint, ConnectionStringError> {
    text.parse()
        .map_err(|source| ConnectionStringError::Endpoint { part, source })
}

fn id(part: &'static str, text: &str) -> Result<String, ConnectionStringError> {
    if is_device_id(text) {
        Ok(text.to_owned())
    } else {
        Err(ConnectionStringError::Id(part))
    }
}

impl FromStr for DeviceConnectionString {
    type Err = ConnectionStringError;

    fn from_str(text: &str) -> Result<Self, ConnectionStringError> {
        let parts = Parts::read(
            text,
            &[HOST, DEVICE, MODULE, GATEWAY, KEY, X509],
            "HostName, DeviceId, ModuleId, GatewayHostName, SharedAccessKey and x509",
            "HostName, DeviceId and SharedAccessKey, or x509=true in the key's place",
        )?;
        Ok(DeviceConnectionString {
            host: endpoint(HOST, parts.require(HOST)?)?,
            device_id: id(DEVICE, parts.require(DEVICE)?)?,
            module_id: parts.optional(MODULE).map(|text| id(MODULE, text)).transpose()?,
            key: parts.device_key()?,
            gateway: parts
                .optional(GATEWAY)
                .map(|text| endpoint(GATEWAY, text))
                .transpose()?,
        })
    }
}

impl DeviceConnectionString {
    /// The connection string with the key in it: a secret.
    pub fn to_text(&self) -> String {
        let mut text = format!("{HOST}={};{DEVICE}={}", self.host, self.device_id);
        if let Some(module_id) = &self.module_id {
            text += &format!(";{MODULE}={module_id}");
        }
        match &self.key {
            Some(key) => text += &format!(";{KEY}={}", key.to_base64()),
            None => text += &format!(";{X509}=true"),
        }
        if let Some(gateway) = &self.gateway {
            text += &format!(";{GATEWAY}={gateway}");
        }
        text
    }
}

impl FromStr for ServiceConnectionString {
    type Err = ConnectionStringError;

    fn from_str(text: &str) -> Result<Self, ConnectionStringError> {
        let names = "HostName, SharedAccessKeyName and SharedAccessKey";
        let parts = Parts::read(text, &[HOST, POLICY, KEY], names, names)?;
        Ok(ServiceConnectionString {
            host: endpoint(HOST, parts.require(HOST)?)?,
            policy: parts.require(POLICY)?.to_owned(),
            key: parts.key()?,
        })
    }
}

impl ServiceConnectionString {
    /// The connection string with the key in it: a secret.
    pub fn to_text(&self) -> String {
        format!(
            "{HOST}={};{POLICY}={};{KEY}={}",
            self.host,
            self.policy,
            self.key.to_base64()
        )
    }
}

#[cfg(test)]
#[path = "connection_string_tests.rs"]
mod tests;
