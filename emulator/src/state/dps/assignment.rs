//! A device is put into its hub, or moved from one to another.
//!
//! Source: Microsoft, "IoT Hub Device reprovisioning concepts"; the substatus as the REST API describes its values.

use std::mem;

use chrono::Utc;
use serde_json::{Map, Value, json};
use setpoint_protocol::twin::Document;

use super::{
    super::{Hub, HubError, IdentityChange, twin::TwinState},
    InitialTwin, Place, Reprovisioning,
    allocation::choose,
    attestation::Verdict,
    linked::Linked,
};

/// Assigns the registration `id` (in lower case): where the device is now, and how it came there. `own` is the emulator's own hub,
/// `before` where it was.
pub(super) fn assign(
    linked: &Linked,
    verdict: &Verdict<'_>,
    own: &Hub,
    before: Option<&Place>,
    id: &str,
    server_name: &str,
) -> Result<(Place, &'static str), HubError> {
    let terms = verdict.terms;
    let chosen = choose(linked, terms, own, id, server_name);
    let policy = terms.reprovisioning.unwrap_or(Reprovisioning::MIGRATE);
    let place = |hub: &str, endpoint: &str| Place {
        hub: hub.to_owned(),
        endpoint: endpoint.to_owned(),
        device_id: verdict.device_id.clone(),
    };
    let there = before.and_then(|before| {
        let hub = linked.find(&before.hub, own)?;
        // Somebody may have removed it.
        hub.device(&before.device_id).is_ok().then_some((before, hub))
    });
    let Some((before, old)) = there else {
        make(chosen.hub, verdict)?;
        begin(chosen.hub, &verdict.device_id, terms.initial_twin.as_ref())?;
        return Ok((place(&chosen.name, &chosen.endpoint), "initialAssignment"));
    };
    let same_hub = before.hub == chosen.name;
    let (target, now) = if same_hub || policy.update_hub_assignment {
        (chosen.hub, place(&chosen.name, &chosen.endpoint))
    } else {
        (old, place(&before.hub, &before.endpoint))
    };
    if now.hub == before.hub && now.device_id == before.device_id {
        make(target, verdict)?;
        if policy == Reprovisioning::RESET {
            begin_again(target, &now.device_id, terms.initial_twin.as_ref())?;
        }
        return Ok((now, "reprovisionedToInitialAssignment"));
    }
    let migrated = policy
        .migrate_device_data
        .then(|| take_twin(old, &before.device_id))
        .transpose()?;
    old.delete_device(&before.device_id)?;
    make(target, verdict)?;
    let substatus = match migrated {
        Some(twin) => {
            target.with(&now.device_id, |entry| entry.twin = twin)?;
            "deviceDataMigrated"
        }
        None => {
            begin_again(target, &now.device_id, terms.initial_twin.as_ref())?;
            "deviceDataReset"
        }
    };
    Ok((now, substatus))
}

/// Gives the device its credentials, registering it first if need be.
fn make(hub: &Hub, verdict: &Verdict<'_>) -> Result<(), HubError> {
    let credentials = Some(verdict.credentials.clone());
    let wanted = IdentityChange {
        credentials: credentials.clone(),
        edge: Some(verdict.terms.iot_edge),
        ..IdentityChange::default()
    };
    match hub.create(&verdict.device_id, wanted) {
        Err(HubError::DeviceAlreadyExists(_)) => hub.update_device(&verdict.device_id, credentials, None).map(drop),
        other => other.map(drop),
    }
}

/// Gives a device its initial twin, which adds to what is there.
fn begin(hub: &Hub, device_id: &str, initial: Option<&InitialTwin>) -> Result<(), HubError> {
    let Some(initial) = initial else { return Ok(()) };
    hub.patch_twin(device_id, &document(initial), None).map(drop)
}

/// Gives a device its initial twin in place of what is there.
fn begin_again(hub: &Hub, device_id: &str, initial: Option<&InitialTwin>) -> Result<(), HubError> {
    take_twin(hub, device_id)?;
    begin(hub, device_id, initial)
}

/// A device's twin, which begins anew.
fn take_twin(hub: &Hub, device_id: &str) -> Result<TwinState, HubError> {
    hub.with(device_id, |entry| {
        mem::replace(&mut entry.twin, TwinState::new(Utc::now()))
    })
}

fn document(twin: &InitialTwin) -> Document {
    let mut document = Map::new();
    if !twin.tags.is_empty() {
        document.insert("tags".to_owned(), Value::Object(twin.tags.clone()));
    }
    if !twin.desired.is_empty() {
        document.insert("properties".to_owned(), json!({"desired": twin.desired}));
    }
    document
}

#[cfg(test)]
#[path = "assignment_tests.rs"]
mod tests;
