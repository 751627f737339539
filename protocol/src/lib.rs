//! Azure IoT on the wire, without the wire: every token, name, topic and document that devices, operators, the Device
//! Provisioning Service (DPS) and IoT Hub exchange, built and parsed.
//!
//! Nothing here does I/O or reads a clock: whoever needs the time passes it in. Both ends of the conversation use the
//! same types, so each format has one parser and one builder, and `parse(build(x)) == x`. No input makes a parser
//! panic, and no error or `Debug` output holds a secret.
//!
//! - Who may speak: [`Key`] signs a [`Token`]; [`DeviceConnectionString`] and [`ServiceConnectionString`] carry a key to
//!   an [`Endpoint`]. [`identifier`] says which names are allowed.
//! - What is said over MQTT: [`username`] on CONNECT, then [`topic`] with [`PropertyBag`]s in it.
//! - What is meant: [`twin`] documents, [`dps`] messages, [`service`] requests of the operator.
//!
//! Facts come from Microsoft's documentation and from what the SDKs were seen to send; each module names its source.

pub mod connection_string;
pub mod dps;
mod encoding;
pub mod endpoint;
pub mod identifier;
pub mod key;
pub mod properties;
pub mod sas;
pub mod service;
pub mod topic;
pub mod twin;
pub mod username;

pub use connection_string::{ConnectionStringError, DeviceConnectionString, ServiceConnectionString};
pub use endpoint::{Endpoint, EndpointError};
pub use key::{Key, KeyError};
pub use properties::{PropertyBag, PropertyError};
pub use sas::{Token, TokenError};
pub use topic::{CloudTopic, DeviceTopic, Filter, TopicError};
pub use twin::{Document, Properties, Twin, TwinError};
pub use username::{DpsUsername, HubUsername, Username, UsernameError};
