//! The file's form. Names are those of the service APIs where those have one; unknown ones are refused.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::{Map, Value};
use serde_saphyr::Spanned;

/// The whole file.
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Document {
    /// Hubs beside the emulator's own.
    pub(super) hubs: Vec<Spanned<DeclaredHub>>,
    pub(super) devices: Vec<Device>,
    /// Of single devices.
    pub(super) enrollments: Vec<Enrolled>,
    pub(super) groups: Vec<Enrolled>,
    /// Whether DPS takes no more in a time than the real one.
    pub(super) throttle_provisioning: bool,
}

/// A hub: its name alone, or with what else there is to say of it.
pub(super) struct DeclaredHub {
    /// A host name or a loopback address.
    pub(super) name: String,
    /// Names of throttles as `--throttle` takes them; when left out, those that the emulator has.
    pub(super) throttle: Option<Vec<Spanned<String>>>,
}

impl<'de> Deserialize<'de> for DeclaredHub {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<DeclaredHub, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Members {
            name: String,
            throttle: Option<Vec<Spanned<String>>>,
        }
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = DeclaredHub;

            fn expecting(&self, words: &mut fmt::Formatter<'_>) -> fmt::Result {
                words.write_str("a hub's name, or { name: .., throttle: [..] }")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<DeclaredHub, E> {
                let name = name.to_owned();
                Ok(DeclaredHub { name, throttle: None })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<DeclaredHub, A::Error> {
                let Members { name, throttle } = Members::deserialize(MapAccessDeserializer::new(map))?;
                Ok(DeclaredHub { name, throttle })
            }
        }
        from.deserialize_any(Either)
    }
}

/// A device that is in a hub without provisioning.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Device {
    pub(super) id: Spanned<String>,
    /// The emulator's own when left out.
    pub(super) hub: Option<Spanned<String>>,
    pub(super) symmetric_key: Option<Symmetric>,
    /// PEM files, one or two.
    #[serde(default)]
    pub(super) certificates: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) status: Status,
    #[serde(default)]
    pub(super) iot_edge: bool,
    /// What its twin begins with.
    pub(super) twin: Option<Twin>,
}

/// An enrolment of one device or of a group.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Enrolled {
    pub(super) id: Spanned<String>,
    /// Not for groups.
    pub(super) device_id: Option<Spanned<String>>,
    pub(super) symmetric_key: Option<Symmetric>,
    /// PEM files, one or two: of the device, or of the authorities a group trusts.
    #[serde(default)]
    pub(super) certificates: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) provisioning_status: Status,
    pub(super) allocation_policy: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) iot_hubs: Vec<Spanned<String>>,
    pub(super) reprovision_policy: Option<Reprovision>,
    pub(super) initial_twin: Option<Twin>,
    #[serde(default)]
    pub(super) iot_edge: bool,
    pub(super) payload: Option<Value>,
}

#[derive(Deserialize, Serialize, Clone, PartialEq)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Symmetric {
    pub(super) primary_key: String,
    pub(super) secondary_key: String,
}

#[derive(Deserialize, Serialize, Clone, Copy, PartialEq, Default)]
#[serde(rename_all = "camelCase")]
pub(super) enum Status {
    #[default]
    Enabled,
    Disabled,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Reprovision {
    pub(super) update_hub_assignment: bool,
    pub(super) migrate_device_data: bool,
}

#[derive(Deserialize, Serialize, Clone, Default)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Twin {
    pub(super) tags: Map<String, Value>,
    pub(super) desired: Map<String, Value>,
}
