use super::write_identity;
use super::{Filter, TopicError, after, number, optional, parse_answer, parse_identity, parse_level, require};
use crate::encoding::{encode, encode_level};
use crate::properties::PropertyBag;
use std::fmt;

const TWIN_RESPONSE: &str = "$iothub/twin/res/";
const DESIRED: &str = "$iothub/twin/PATCH/properties/desired/?";
const METHOD: &str = "$iothub/methods/POST/";
const DPS_RESPONSE: &str = "$dps/registrations/res/";
const DEVICEBOUND: &str = "messages/devicebound";

/// A topic on which IoT Hub or DPS publishes to a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CloudTopic {
    /// Answers a twin request: `$iothub/twin/res/{status}/?$rid=..[&$version=..][&retry-after=..]`.
    TwinResponse {
        /// 200 with the twin, 204 for a report taken, 400 and above for a refusal.
        status: u16,
        /// The id of the request this answers.
        rid: String,
        /// The version of the reported properties after a report.
        version: Option<u64>,
        /// Seconds to leave the hub alone before the request is made again; with a refusal of 429 and above.
        retry_after: Option<u64>,
    },
    /// A patch of the desired properties: `$iothub/twin/PATCH/properties/desired/?$version=..`.
    Desired {
        /// The version the desired properties have with this patch.
        version: u64,
    },
    /// A direct method call: `$iothub/methods/POST/{name}/?$rid=..`.
    Method {
        /// What to call.
        name: String,
        /// Request id, which the response repeats.
        rid: String,
    },
    /// A cloud-to-device message: `devices/{id}[/modules/{id}]/messages/devicebound/{properties}`.
    Message {
        /// The receiver.
        device_id: String,
        /// The receiving module, when it is one.
        module_id: Option<String>,
        /// The message's properties.
        properties: PropertyBag,
    },
    /// Answers a DPS request: `$dps/registrations/res/{status}/?$rid=..[&retry-after=..]`.
    DpsResponse {
        /// HTTP's numbers: 200 done, 202 still assigning, 400 and above refused.
        status: u16,
        /// The id of the request this answers.
        rid: String,
        /// Seconds to wait before the next poll.
        retry_after: Option<u64>,
    },
}

impl CloudTopic {
    /// Reads a topic that the cloud published on.
    pub fn parse(topic: &str) -> Result<CloudTopic, TopicError> {
        if topic.starts_with("devices/") {
            let (device_id, module_id, rest) = parse_identity(topic)?;
            let properties = PropertyBag::parse(after(rest, DEVICEBOUND).ok_or(TopicError::Unknown)?)?;
            return Ok(CloudTopic::Message {
                device_id,
                module_id,
                properties,
            });
        }
        if let Some(rest) = topic.strip_prefix(TWIN_RESPONSE) {
            let (status, query) = parse_answer(rest)?;
            let version = optional(query, "$version")?
                .map(|text| number(&text, "$version"))
                .transpose()?;
            Ok(CloudTopic::TwinResponse {
                status,
                rid: require(query, "$rid")?,
                version,
                retry_after: retry_after(query)?,
            })
        } else if let Some(query) = topic.strip_prefix(DESIRED) {
            Ok(CloudTopic::Desired {
                version: number(&require(query, "$version")?, "$version")?,
            })
        } else if let Some(rest) = topic.strip_prefix(METHOD) {
            let (name, query) = rest.split_once("/?").ok_or(TopicError::Unknown)?;
            Ok(CloudTopic::Method {
                name: parse_level(name, "method name")?,
                rid: require(query, "$rid")?,
            })
        } else if let Some(rest) = topic.strip_prefix(DPS_RESPONSE) {
            let (status, query) = parse_answer(rest)?;
            Ok(CloudTopic::DpsResponse {
                status,
                rid: require(query, "$rid")?,
                retry_after: retry_after(query)?,
            })
        } else {
            Err(TopicError::Unknown)
        }
    }

    /// The filter with which a device subscribes to this topic.
    pub fn filter(&self) -> Filter {
        match self {
            CloudTopic::TwinResponse { .. } => Filter::TwinResponses,
            CloudTopic::Desired { .. } => Filter::Desired,
            CloudTopic::Method { .. } => Filter::Methods,
            CloudTopic::Message {
                device_id, module_id, ..
            } => Filter::Messages {
                device_id: device_id.clone(),
                module_id: module_id.clone(),
            },
            CloudTopic::DpsResponse { .. } => Filter::Dps,
        }
    }
}

fn retry_after(query: &str) -> Result<Option<u64>, TopicError> {
    optional(query, "retry-after")?
        .map(|text| number(&text, "retry-after"))
        .transpose()
}

impl fmt::Display for CloudTopic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CloudTopic::TwinResponse {
                status,
                rid,
                version,
                retry_after,
            } => {
                write!(f, "{TWIN_RESPONSE}{status}/?$rid={}", encode(rid))?;
                version.map_or(Ok(()), |version| write!(f, "&$version={version}"))?;
                retry_after.map_or(Ok(()), |seconds| write!(f, "&retry-after={seconds}"))
            }
            CloudTopic::Desired { version } => write!(f, "{DESIRED}$version={version}"),
            CloudTopic::Method { name, rid } => write!(f, "{METHOD}{}/?$rid={}", encode_level(name), encode(rid)),
            CloudTopic::Message {
                device_id,
                module_id,
                properties,
            } => {
                write_identity(f, device_id, module_id.as_deref())?;
                write!(f, "/{DEVICEBOUND}/{properties}")
            }
            CloudTopic::DpsResponse {
                status,
                rid,
                retry_after,
            } => {
                write!(f, "{DPS_RESPONSE}{status}/?$rid={}", encode(rid))?;
                retry_after.map_or(Ok(()), |seconds| write!(f, "&retry-after={seconds}"))
            }
        }
    }
}
