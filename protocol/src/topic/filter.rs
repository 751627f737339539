use super::{TopicError, parse_identity, write_identity};
use std::fmt;

const TWIN_RESPONSES: &str = "$iothub/twin/res/#";
const DESIRED: &str = "$iothub/twin/PATCH/properties/desired/#";
const METHODS: &str = "$iothub/methods/POST/#";
const DPS: &str = "$dps/registrations/res/#";
const DEVICEBOUND: &str = "messages/devicebound/#";
const INPUTS: &str = "inputs/#";
const ALL: &str = "#";

/// A filter to which a device may subscribe; the services accept no others. [`CloudTopic::filter`](super::CloudTopic)
/// says which one a topic falls under.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Filter {
    /// Answers to twin requests: `$iothub/twin/res/#`.
    TwinResponses,
    /// Patches of the desired properties: `$iothub/twin/PATCH/properties/desired/#`.
    Desired,
    /// Direct methods: `$iothub/methods/POST/#`.
    Methods,
    /// Cloud-to-device messages: `devices/{id}[/modules/{id}]/messages/devicebound/#`.
    Messages {
        /// The receiver.
        device_id: String,
        /// The receiving module, when it is one.
        module_id: Option<String>,
    },
    /// A module's inputs, as the SDKs for Python and Node subscribe to: `devices/{id}/modules/{id}/inputs/#`.
    ///
    /// The routes that lead to inputs are those of an edge hub. A hub itself takes the filter too, and has it bring the module's messages, on
    /// their own topic (azure-iot-sdk-node, issue 1007).
    Inputs {
        /// The module's device.
        device_id: String,
        /// The receiver.
        module_id: String,
    },
    /// Whatever there is for a module, as the SDK for .NET subscribes to: `devices/{id}/modules/{id}/#`.
    Module {
        /// The module's device.
        device_id: String,
        /// The receiver.
        module_id: String,
    },
    /// Answers of DPS: `$dps/registrations/res/#`.
    Dps,
}

impl Filter {
    /// Reads a filter from a SUBSCRIBE or UNSUBSCRIBE.
    pub fn parse(filter: &str) -> Result<Filter, TopicError> {
        match filter {
            TWIN_RESPONSES => Ok(Filter::TwinResponses),
            DESIRED => Ok(Filter::Desired),
            METHODS => Ok(Filter::Methods),
            DPS => Ok(Filter::Dps),
            _ => match parse_identity(filter)? {
                (device_id, module_id, DEVICEBOUND) => Ok(Filter::Messages { device_id, module_id }),
                (device_id, Some(module_id), INPUTS) => Ok(Filter::Inputs { device_id, module_id }),
                (device_id, Some(module_id), ALL) => Ok(Filter::Module { device_id, module_id }),
                _ => Err(TopicError::Unknown),
            },
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Filter::TwinResponses => f.write_str(TWIN_RESPONSES),
            Filter::Desired => f.write_str(DESIRED),
            Filter::Methods => f.write_str(METHODS),
            Filter::Messages { device_id, module_id } => {
                write_identity(f, device_id, module_id.as_deref())?;
                write!(f, "/{DEVICEBOUND}")
            }
            Filter::Inputs { device_id, module_id } => {
                write_identity(f, device_id, Some(module_id))?;
                write!(f, "/{INPUTS}")
            }
            Filter::Module { device_id, module_id } => {
                write_identity(f, device_id, Some(module_id))?;
                write!(f, "/{ALL}")
            }
            Filter::Dps => f.write_str(DPS),
        }
    }
}
