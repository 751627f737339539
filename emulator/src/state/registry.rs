//! The identity registry: devices and the modules on them, made, changed and removed.
//!
//! Modules stand beside the devices under names of their own ([`module_name`]), and are in nearly everything what a device is:
//! they have their own keys, twin, session and methods. They go with their device, and cannot connect while it is disabled.

use chrono::Utc;
use setpoint_protocol::identifier::is_device_id;

use super::{
    CloseReason, Credentials, Device, Hub, HubError,
    device::{Entry, etag, make_keys},
    hub::Entries,
    name::{module_name, split_name},
    twins::matches_etag,
};

/// Most modules on one device (IoT Hub quotas: "Maximum number of module identities per device").
pub const MODULE_LIMIT: usize = 50;

/// Longest status reason, in characters (IoT Hub: "Device identity properties").
const REASON_LIMIT: usize = 128;

/// What is to be written into an identity; what is `None` stays as it is, or is as the hub makes it.
#[derive(Debug, Clone, Default)]
pub struct IdentityChange {
    /// Keys or certificates; a new identity without any gets fresh random keys.
    pub credentials: Option<Credentials>,
    /// Whether it may connect; a new one may. Modules follow their device.
    pub enabled: Option<bool>,
    /// Why it is enabled or disabled, at most 128 characters; empty for no reason.
    pub status_reason: Option<String>,
    /// Whether it is an IoT Edge device.
    pub edge: Option<bool>,
    /// The scope it belongs to: that of the edge device it is a child of. An edge device's own scope is the hub's to make.
    pub scope: Option<String>,
    /// The scopes of the edge devices above it.
    pub parent_scopes: Option<Vec<String>>,
    /// Who looks after a module, as in `IotEdge`.
    pub managed_by: Option<String>,
}

impl IdentityChange {
    fn of(credentials: Option<Credentials>, enabled: Option<bool>) -> IdentityChange {
        IdentityChange {
            credentials,
            enabled,
            ..IdentityChange::default()
        }
    }
}

impl Hub {
    /// Registers a device; without credentials it gets fresh random keys.
    ///
    /// # Errors
    ///
    /// [`HubError::InvalidArgument`] for an id the hub does not take, [`HubError::DeviceAlreadyExists`],
    /// [`HubError::NoRandomness`].
    pub fn create_device(&self, device_id: &str, credentials: Option<Credentials>) -> Result<Device, HubError> {
        check_id(device_id)?;
        self.create(device_id, IdentityChange::of(credentials, None))
    }

    /// Registers a module of a device; without credentials it gets fresh random keys.
    ///
    /// # Errors
    ///
    /// Those of [`Hub::create`].
    pub fn create_module(
        &self,
        device_id: &str,
        module_id: &str,
        credentials: Option<Credentials>,
    ) -> Result<Device, HubError> {
        self.create(
            &module_name(device_id, module_id),
            IdentityChange::of(credentials, None),
        )
    }

    /// Registers a device, or a module under the name `device/module`.
    ///
    /// # Errors
    ///
    /// [`HubError::InvalidArgument`] for an id the hub does not take, [`HubError::DeviceAlreadyExists`],
    /// [`HubError::ModuleAlreadyExists`], [`HubError::DeviceNotFound`] for a module of no device, [`HubError::TooManyModules`],
    /// [`HubError::NoRandomness`].
    pub fn create(&self, name: &str, mut wanted: IdentityChange) -> Result<Device, HubError> {
        let (device_id, module_id) = split_name(name);
        check_id(device_id)?;
        module_id.map(check_id).transpose()?;
        check_reason(&wanted)?;
        let credentials = match wanted.credentials.take() {
            Some(credentials) => credentials,
            None => make_keys()?.into(),
        };
        let generation = self.next_number();
        let mut entries = self.lock();
        if entries.contains_key(name) {
            return Err(match module_id {
                Some(_) => HubError::ModuleAlreadyExists(name.to_owned()),
                None => HubError::DeviceAlreadyExists(name.to_owned()),
            });
        }
        if module_id.is_some() {
            if !entries.contains_key(device_id) {
                return Err(HubError::DeviceNotFound(device_id.to_owned()));
            }
            if modules_of(&entries, device_id).count() >= MODULE_LIMIT {
                return Err(HubError::TooManyModules(device_id.to_owned()));
            }
        }
        let entry = entries
            .entry(name.to_owned())
            .or_insert(Entry::new(generation, credentials, Utc::now()));
        entry.apply(device_id, wanted);
        entry.identity_version = 1;
        self.keep_new(name, entry);
        Ok(entry.show(name))
    }

    /// Changes a device's credentials, its permission to connect, or both; what is `None` stays. A device that may no longer
    /// connect is disconnected.
    ///
    /// # Errors
    ///
    /// [`HubError::DeviceNotFound`].
    pub fn update_device(
        &self,
        device_id: &str,
        credentials: Option<Credentials>,
        enabled: Option<bool>,
    ) -> Result<Device, HubError> {
        self.update(device_id, IdentityChange::of(credentials, enabled), None)
    }

    /// Changes a device or module (`device/module`). A device that may no longer connect is disconnected, and so are its
    /// modules. `if_match` is the If-Match header as it came, if it came.
    ///
    /// # Errors
    ///
    /// [`HubError::DeviceNotFound`], [`HubError::ModuleNotFound`], [`HubError::PreconditionFailed`],
    /// [`HubError::InvalidArgument`] for a status reason that is too long.
    pub fn update(&self, name: &str, change: IdentityChange, if_match: Option<&str>) -> Result<Device, HubError> {
        check_reason(&change)?;
        let mut entries = self.lock();
        let entry = found(&mut entries, name)?;
        check_etag(name, entry, if_match)?;
        let before = self.marks(entry);
        entry.apply(split_name(name).0, change);
        self.keep_changes(name, entry, before);
        let (shown, enabled) = (entry.show(name), entry.enabled);
        if !enabled {
            self.disconnect_all(&mut entries, name, CloseReason::Disabled);
        }
        Ok(shown)
    }

    /// One device or module (`device/module`).
    ///
    /// # Errors
    ///
    /// [`HubError::DeviceNotFound`], [`HubError::ModuleNotFound`].
    pub fn device(&self, name: &str) -> Result<Device, HubError> {
        self.with(name, |entry| entry.show(name))
    }

    /// All devices, ordered by id.
    pub fn devices(&self) -> Vec<Device> {
        self.shown(|module| !module)
    }

    /// All modules of all devices, ordered by name.
    pub fn all_modules(&self) -> Vec<Device> {
        self.shown(|module| module)
    }

    fn shown(&self, wanted: impl Fn(bool) -> bool) -> Vec<Device> {
        self.lock()
            .iter()
            .filter(|(name, _)| wanted(name.contains('/')))
            .map(|(name, entry)| entry.show(name))
            .collect()
    }

    /// The modules of one device, ordered by id.
    ///
    /// # Errors
    ///
    /// [`HubError::DeviceNotFound`].
    pub fn modules(&self, device_id: &str) -> Result<Vec<Device>, HubError> {
        let entries = self.lock();
        if !entries.contains_key(device_id) {
            return Err(HubError::DeviceNotFound(device_id.to_owned()));
        }
        Ok(modules_of(&entries, device_id)
            .map(|(name, entry)| entry.show(name))
            .collect())
    }

    /// Removes a device with its modules, their twins and messages, and closes their connections; or one module
    /// (`device/module`).
    ///
    /// # Errors
    ///
    /// [`HubError::DeviceNotFound`], [`HubError::ModuleNotFound`].
    pub fn delete_device(&self, name: &str) -> Result<(), HubError> {
        self.delete(name, None)
    }

    /// As [`Hub::delete_device`], when `if_match` allows it.
    ///
    /// # Errors
    ///
    /// Those of [`Hub::delete_device`], [`HubError::PreconditionFailed`].
    pub fn delete(&self, name: &str, if_match: Option<&str>) -> Result<(), HubError> {
        let mut entries = self.lock();
        let entry = found(&mut entries, name)?;
        check_etag(name, entry, if_match)?;
        self.disconnect_all(&mut entries, name, CloseReason::Deleted);
        entries.retain(|other, entry| {
            let stays = other != name && !is_on(other, name);
            if !stays {
                self.keep_gone(other, entry);
            }
            stays
        });
        drop(entries);
        // Feedback goes with the device it is about (IoT Hub: "Pending feedback for deleted devices").
        self.feedback.forget(name);
        self.keep_feedback();
        Ok(())
    }

    /// Closes the connections of a device and its modules, or that of one module.
    fn disconnect_all(&self, entries: &mut Entries, name: &str, reason: CloseReason) {
        let modules = modules_of(entries, name).map(|(name, _)| name.clone());
        for name in modules.chain([name.to_owned()]).collect::<Vec<_>>() {
            if let Some(entry) = entries.get_mut(&name) {
                let before = self.marks(entry);
                self.disconnect(&name, entry, reason);
                self.keep_changes(&name, entry, before);
            }
        }
    }
}

impl Entry {
    /// Writes a change in; what is not named stays.
    fn apply(&mut self, device_id: &str, change: IdentityChange) {
        let before = (self.credentials.clone(), self.enabled, self.details.clone());
        self.credentials = change.credentials.unwrap_or_else(|| self.credentials.clone());
        self.enabled = change.enabled.unwrap_or(self.enabled);
        let details = &mut self.details;
        if let Some(reason) = change.status_reason {
            details.status_reason = Some(reason).filter(|reason| !reason.is_empty());
        }
        details.edge = change.edge.unwrap_or(details.edge);
        if let Some(scope) = change.scope {
            details.scope = Some(scope).filter(|scope| !scope.is_empty());
        }
        if let Some(scopes) = change.parent_scopes {
            details.parent_scopes = scopes;
        } else if let Some(scope) = details.scope.clone().filter(|_| !details.edge) {
            // A leaf's parent is the edge device whose scope it was given.
            details.parent_scopes = vec![scope];
        }
        if details.edge {
            // Made by the hub and the same for good (azure-iot-hub: "Auto generated and immutable for edge devices").
            details.scope = Some(format!("ms-azure-iot-edge://{device_id}-{}", self.generation));
        }
        if let Some(managed_by) = change.managed_by {
            details.managed_by = Some(managed_by).filter(|who| !who.is_empty());
        }
        if self.enabled != before.1 {
            details.status_changed = Some(Utc::now());
        }
        if before != (self.credentials.clone(), self.enabled, self.details.clone()) {
            self.identity_version += 1;
        }
    }
}

/// Whether `name` is a module of the device `device_id`.
fn is_on(name: &str, device_id: &str) -> bool {
    split_name(name).0 == device_id && name != device_id
}

fn modules_of<'a>(entries: &'a Entries, device_id: &str) -> impl Iterator<Item = (&'a String, &'a Entry)> + use<'a> {
    let start = module_name(device_id, "");
    entries
        .range(start.clone()..)
        .take_while(move |(name, _)| name.starts_with(&start))
}

fn found<'a>(entries: &'a mut Entries, name: &str) -> Result<&'a mut Entry, HubError> {
    if entries.contains_key(name) {
        // Looked up twice, for the borrow checker's sake.
        return entries.get_mut(name).ok_or_else(|| missing(false, name));
    }
    Err(missing(entries.contains_key(split_name(name).0), name))
}

/// Says that there is no such identity; `device_exists` is about a module's device.
pub(super) fn missing(device_exists: bool, name: &str) -> HubError {
    match split_name(name) {
        (_, Some(_)) if device_exists => HubError::ModuleNotFound(name.to_owned()),
        (device_id, _) => HubError::DeviceNotFound(device_id.to_owned()),
    }
}

fn check_etag(name: &str, entry: &Entry, if_match: Option<&str>) -> Result<(), HubError> {
    if matches_etag(if_match, &etag(entry.identity_version)) {
        Ok(())
    } else {
        Err(HubError::PreconditionFailed(format!("the identity of {name}")))
    }
}

fn check_id(id: &str) -> Result<(), HubError> {
    if is_device_id(id) {
        return Ok(());
    }
    Err(HubError::InvalidArgument(format!(
        "{id:?} is not a device or module id: 1 to 128 characters of letters, digits and - . % _ * ? ! ( ) , : = @ $ '"
    )))
}

fn check_reason(change: &IdentityChange) -> Result<(), HubError> {
    let length = change.status_reason.as_ref().map_or(0, |reason| reason.chars().count());
    if length <= REASON_LIMIT {
        return Ok(());
    }
    Err(HubError::InvalidArgument(format!(
        "statusReason has {length} characters: at most {REASON_LIMIT} are allowed"
    )))
}

#[cfg(test)]
#[path = "registry_tests.rs"]
mod tests;
