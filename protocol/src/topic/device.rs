use super::{TopicError, after, parse_answer, parse_identity, require, write_identity};
use crate::encoding::encode;
use crate::properties::PropertyBag;
use std::fmt;

const TWIN_GET: &str = "$iothub/twin/GET/?";
const TWIN_REPORT: &str = "$iothub/twin/PATCH/properties/reported/?";
const METHOD_RESPONSE: &str = "$iothub/methods/res/";
const DPS_REGISTER: &str = "$dps/registrations/PUT/iotdps-register/?";
const DPS_POLL: &str = "$dps/registrations/GET/iotdps-get-operationstatus/?";
const EVENTS: &str = "messages/events";

/// A topic on which a device publishes. A `rid` is the request id the device chose, which the answer repeats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceTopic {
    /// A device-to-cloud message: `devices/{id}[/modules/{id}]/messages/events/{properties}`.
    Telemetry {
        /// The sender.
        device_id: String,
        /// The sending module, when it is one.
        module_id: Option<String>,
        /// The message's properties.
        properties: PropertyBag,
    },
    /// Asks for the whole twin: `$iothub/twin/GET/?$rid=..`.
    TwinGet {
        /// Request id.
        rid: String,
    },
    /// Patches the reported properties: `$iothub/twin/PATCH/properties/reported/?$rid=..`.
    TwinReport {
        /// Request id.
        rid: String,
    },
    /// Answers a direct method: `$iothub/methods/res/{status}/?$rid=..`.
    MethodResponse {
        /// The status the operator sees; HTTP's numbers by custom.
        status: u16,
        /// The id of the request this answers.
        rid: String,
    },
    /// Registers with DPS: `$dps/registrations/PUT/iotdps-register/?$rid=..`.
    DpsRegister {
        /// Request id.
        rid: String,
    },
    /// Asks DPS how far a registration is: `$dps/registrations/GET/iotdps-get-operationstatus/?$rid=..&operationId=..`.
    DpsPoll {
        /// Request id.
        rid: String,
        /// From the answer to the registration.
        operation_id: String,
    },
}

impl DeviceTopic {
    /// Reads a topic that a device published on.
    pub fn parse(topic: &str) -> Result<DeviceTopic, TopicError> {
        if topic.starts_with("devices/") {
            let (device_id, module_id, rest) = parse_identity(topic)?;
            let properties = PropertyBag::parse(after(rest, EVENTS).ok_or(TopicError::Unknown)?)?;
            return Ok(DeviceTopic::Telemetry {
                device_id,
                module_id,
                properties,
            });
        }
        if let Some(query) = topic.strip_prefix(TWIN_GET) {
            Ok(DeviceTopic::TwinGet {
                rid: require(query, "$rid")?,
            })
        } else if let Some(query) = topic.strip_prefix(TWIN_REPORT) {
            Ok(DeviceTopic::TwinReport {
                rid: require(query, "$rid")?,
            })
        } else if let Some(rest) = topic.strip_prefix(METHOD_RESPONSE) {
            let (status, query) = parse_answer(rest)?;
            Ok(DeviceTopic::MethodResponse {
                status,
                rid: require(query, "$rid")?,
            })
        } else if let Some(query) = topic.strip_prefix(DPS_REGISTER) {
            Ok(DeviceTopic::DpsRegister {
                rid: require(query, "$rid")?,
            })
        } else if let Some(query) = topic.strip_prefix(DPS_POLL) {
            let operation_id = require(query, "operationId")?;
            Ok(DeviceTopic::DpsPoll {
                rid: require(query, "$rid")?,
                operation_id,
            })
        } else {
            Err(TopicError::Unknown)
        }
    }
}

impl fmt::Display for DeviceTopic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceTopic::Telemetry {
                device_id,
                module_id,
                properties,
            } => {
                write_identity(f, device_id, module_id.as_deref())?;
                write!(f, "/{EVENTS}/{properties}")
            }
            DeviceTopic::TwinGet { rid } => write!(f, "{TWIN_GET}$rid={}", encode(rid)),
            DeviceTopic::TwinReport { rid } => write!(f, "{TWIN_REPORT}$rid={}", encode(rid)),
            DeviceTopic::MethodResponse { status, rid } => write!(f, "{METHOD_RESPONSE}{status}/?$rid={}", encode(rid)),
            DeviceTopic::DpsRegister { rid } => write!(f, "{DPS_REGISTER}$rid={}", encode(rid)),
            DeviceTopic::DpsPoll { rid, operation_id } => {
                write!(f, "{DPS_POLL}$rid={}&operationId={}", encode(rid), encode(operation_id))
            }
        }
    }
}
