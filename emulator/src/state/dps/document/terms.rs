//! The part of an enrolment that says what becomes of a device.

use chrono::Utc;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use setpoint_protocol::twin::Document;

use super::{
    super::{
        super::twin::{Change, TwinState},
        Allocation, DpsError, InitialTwin, Reprovisioning, Terms,
    },
    Shown, Source,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Written {
    provisioning_status: Option<String>,
    allocation_policy: Option<String>,
    /// One hub, in the older form.
    iot_hub_host_name: Option<String>,
    iot_hubs: Option<Vec<String>>,
    custom_allocation_definition: Option<Value>,
    reprovision_policy: Option<WrittenReprovisioning>,
    initial_twin: Option<WrittenTwin>,
    capabilities: Option<Capabilities>,
    payload: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WrittenReprovisioning {
    update_hub_assignment: Option<bool>,
    migrate_device_data: Option<bool>,
}

#[derive(Deserialize)]
struct WrittenTwin {
    tags: Option<Document>,
    properties: Option<Properties>,
}

#[derive(Deserialize)]
struct Properties {
    desired: Option<Document>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Capabilities {
    iot_edge: Option<bool>,
}

fn invalid<T>(reason: impl Into<String>) -> Result<T, DpsError> {
    Err(DpsError::Invalid(reason.into()))
}

impl Written {
    pub(super) fn read(self, source: &Source<'_>) -> Result<Terms, DpsError> {
        let enabled = match self.provisioning_status.as_deref() {
            None | Some("enabled") => true,
            Some("disabled") => false,
            Some(_) => return invalid("provisioningStatus is enabled or disabled"),
        };
        let hubs: Vec<String> = match (self.iot_hubs, self.iot_hub_host_name) {
            (Some(hubs), _) if !hubs.is_empty() => hubs,
            (_, name) => name.into_iter().filter(|name| !name.is_empty()).collect(),
        };
        let allocation = allocation(
            self.allocation_policy.as_deref(),
            self.custom_allocation_definition.as_ref(),
        )?;
        if let Source::Service { linked, .. } = source {
            if let Some(unknown) = hubs.iter().find(|name| !linked.has(name)) {
                return invalid(format!(
                    "{unknown:?} is no hub that is linked with this service: {} is",
                    linked.own_name()
                ));
            }
            if allocation == Some(Allocation::Static) && hubs.len() != 1 {
                return invalid("the allocation policy static needs one hub in iotHubs");
            }
        }
        let initial_twin = self.initial_twin.map(WrittenTwin::read).transpose()?;
        Ok(Terms {
            enabled,
            allocation,
            hubs,
            reprovisioning: self.reprovision_policy.map(|written| Reprovisioning {
                update_hub_assignment: written.update_hub_assignment.unwrap_or(true),
                migrate_device_data: written.migrate_device_data.unwrap_or(true),
            }),
            initial_twin,
            iot_edge: self.capabilities.and_then(|written| written.iot_edge).unwrap_or(false),
            payload: self.payload.filter(|payload| !payload.is_null()),
        })
    }
}

fn allocation(policy: Option<&str>, custom: Option<&Value>) -> Result<Option<Allocation>, DpsError> {
    let Some(policy) = policy else {
        return if custom.is_some_and(|custom| !custom.is_null()) {
            invalid("customAllocationDefinition is for the allocation policy custom, which the emulator does not have")
        } else {
            Ok(None)
        };
    };
    if policy.eq_ignore_ascii_case("custom") {
        return invalid(
            "the allocation policy custom calls a function in Azure, which the emulator does not reach: take hashed, geoLatency or static; \
             what the function would give the device back can stand in payload",
        );
    }
    let known = Allocation::ALL
        .into_iter()
        .find(|known| known.name().eq_ignore_ascii_case(policy));
    known.map_or_else(
        || invalid("allocationPolicy is hashed, geoLatency or static"),
        |known| Ok(Some(known)),
    )
}

impl WrittenTwin {
    /// Held to the hub's limits here, where whoever writes it is told.
    fn read(self) -> Result<InitialTwin, DpsError> {
        // SDKs send these back from an earlier read.
        let plain = |document: Option<Document>| {
            let mut document = document.unwrap_or_default();
            document.retain(|name, _| !name.starts_with('$'));
            document
        };
        let twin = InitialTwin {
            tags: plain(self.tags),
            desired: plain(self.properties.and_then(|properties| properties.desired)),
        };
        let change = Change {
            tags: Some(twin.tags.clone()),
            desired: Some(twin.desired.clone()),
        };
        TwinState::new(Utc::now())
            .patch(change, Utc::now())
            .map_err(|error| DpsError::Invalid(format!("initialTwin: {error}")))?;
        Ok(twin)
    }
}

pub(super) fn show(terms: &Terms, shown: Shown) -> Map<String, Value> {
    let mut json = Map::new();
    let mut put = |name: &str, value: Value| json.insert(name.to_owned(), value);
    put(
        "provisioningStatus",
        json!(if terms.enabled { "enabled" } else { "disabled" }),
    );
    put("capabilities", json!({"iotEdge": terms.iot_edge}));
    if let Some(allocation) = terms.allocation {
        put("allocationPolicy", json!(allocation.name()));
    }
    if !terms.hubs.is_empty() || shown == Shown::Whole {
        put("iotHubs", json!(terms.hubs));
    }
    if let Some(policy) = terms.reprovisioning {
        let policy = json!({
            "updateHubAssignment": policy.update_hub_assignment,
            "migrateDeviceData": policy.migrate_device_data,
        });
        put("reprovisionPolicy", policy);
    }
    if let Some(twin) = &terms.initial_twin {
        put(
            "initialTwin",
            json!({"tags": twin.tags, "properties": {"desired": twin.desired}}),
        );
    }
    if let Some(payload) = &terms.payload {
        put("payload", payload.clone());
    }
    json
}
