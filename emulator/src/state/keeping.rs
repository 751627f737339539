//! What the hub knows, as JSON under names, for whoever keeps it beyond the process.
//!
//! | name | is |
//! | --- | --- |
//! | `devices/{name}` | the identity of a device, or of a module under `device/module`, with its credentials |
//! | `endpoint` | the built-in endpoint's consumer groups and when it was made; its messages are kept apart (`endpoint/keeping.rs`) |
//! | `feedback` | what became of messages, not yet read by a service |
//! | `messages/{name}/{number}` | a cloud-to-device message that waits; the numbers rise |
//! | `sessions/{name}` | the MQTT session and what the device said of itself when it last connected |
//! | `twins/{name}` | the twin |
//!
//! Each is told whole when anything in it changes. Whether it did, is seen by [`Marks`] before and after, so that no place
//! that changes something can forget to say so.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use setpoint_protocol::Key;

use super::{
    Credentials, DeviceKeys, Hub, Thumbprint, Thumbprints,
    device::{Details, Entry},
    session::Subscriptions,
};

/// One thing the hub knows, changed. May hold keys: secret.
#[derive(Clone, PartialEq)]
pub struct Change {
    /// As in the table above.
    pub name: String,
    /// What it is now, `None` when it is gone.
    pub value: Option<Value>,
}

/// Is told of each change, before whoever made it hears that it is made. Called under the hub's lock: it must not call back.
pub type Keeper = Box<dyn Fn(&Change) + Send + Sync>;

const DEVICES: &str = "devices";
const MESSAGES: &str = "messages";
const SESSIONS: &str = "sessions";
const TWINS: &str = "twins";
const FEEDBACK: &str = "feedback";
pub(crate) const ENDPOINT: &str = "endpoint";

/// Tells whether any part of an entry that is kept has changed.
#[derive(PartialEq)]
pub(super) struct Marks {
    identity: u64,
    twin: (u64, [Option<Value>; 2]),
    session: (Subscriptions, bool, Option<DateTime<Utc>>),
}

impl Marks {
    pub(super) fn of(entry: &Entry) -> Marks {
        Marks {
            identity: entry.identity_version,
            twin: entry.twin.mark(),
            session: (
                entry.session.subscriptions,
                entry.session.kept,
                entry.connection_changed,
            ),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeptDevice {
    generation: u64,
    version: u64,
    enabled: bool,
    credentials: KeptCredentials,
    details: Details,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum KeptCredentials {
    Keys([String; 2]),
    Certificates(String, Option<String>),
    Authority,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeptSession {
    subscriptions: Subscriptions,
    kept: bool,
    model_id: String,
    connection_changed: Option<DateTime<Utc>>,
    last_activity: Option<DateTime<Utc>>,
}

impl KeptCredentials {
    fn of(credentials: &Credentials) -> KeptCredentials {
        match credentials {
            Credentials::Keys(keys) => KeptCredentials::Keys(keys.each_ref().map(Key::to_base64)),
            Credentials::Certificates(Thumbprints { primary, secondary }) => {
                KeptCredentials::Certificates(primary.to_string(), secondary.map(|print| print.to_string()))
            }
            Credentials::Authority => KeptCredentials::Authority,
        }
    }

    fn restore(self) -> Option<Credentials> {
        let key = |text: &String| Key::from_base64(text).ok();
        let print = |text: String| text.parse::<Thumbprint>().ok();
        Some(match self {
            KeptCredentials::Keys([first, second]) => {
                let keys: DeviceKeys = [key(&first)?, key(&second)?];
                Credentials::Keys(keys)
            }
            KeptCredentials::Certificates(primary, secondary) => Credentials::Certificates(Thumbprints {
                primary: print(primary)?,
                secondary: match secondary {
                    Some(secondary) => Some(print(secondary)?),
                    None => None,
                },
            }),
            KeptCredentials::Authority => Credentials::Authority,
        })
    }
}

impl KeptDevice {
    fn of(entry: &Entry) -> KeptDevice {
        KeptDevice {
            generation: entry.generation,
            version: entry.identity_version,
            enabled: entry.enabled,
            credentials: KeptCredentials::of(&entry.credentials),
            details: entry.details.clone(),
        }
    }

    fn restore(self) -> Option<Entry> {
        let mut entry = Entry::new(self.generation, self.credentials.restore()?, Utc::now());
        entry.identity_version = self.version;
        entry.enabled = self.enabled;
        entry.details = self.details;
        Some(entry)
    }
}

impl KeptSession {
    fn of(entry: &Entry) -> KeptSession {
        KeptSession {
            subscriptions: entry.session.subscriptions,
            kept: entry.session.kept,
            model_id: entry.model_id.clone(),
            connection_changed: entry.connection_changed,
            last_activity: entry.last_activity,
        }
    }

    fn restore(self, entry: &mut Entry) {
        // Of a session that was not kept nothing outlives its connection.
        if self.kept {
            entry.session.subscriptions = self.subscriptions;
            entry.session.kept = true;
        } else {
            entry.queue.disconnected(false);
        }
        entry.model_id = self.model_id;
        entry.connection_changed = self.connection_changed;
        entry.last_activity = self.last_activity;
    }
}

impl Hub {
    /// Has a keeper told of each change from now on. Only the first one is taken.
    pub fn keep_with(&self, keeper: Keeper) {
        // Numbers tell devices of one id apart, also those that were removed before: so they go on from the clock, not from the
        // devices that are left.
        self.number_above(u64::try_from(Utc::now().timestamp_micros()).unwrap_or_default());
        // A second keeper would have missed what the first was told.
        let _ = self.keeper.set(keeper);
    }

    /// Puts back what a keeper was told, without telling it again; to be done before anybody connects, in the order of the
    /// names. Unknown names, and parts of devices that are not there, are passed over.
    ///
    /// # Errors
    ///
    /// What is wrong with the value; says nothing of what it holds.
    pub fn restore(&self, name: &str, value: Value) -> Result<(), String> {
        let wrong = || format!("{name} is not what this version writes");
        let mut entries = self.lock();
        let (kind, device) = name.split_once('/').unwrap_or((name, ""));
        if kind == DEVICES {
            let kept: KeptDevice = serde_json::from_value(value).map_err(|_| wrong())?;
            self.number_above(kept.generation);
            entries.insert(device.to_owned(), kept.restore().ok_or_else(wrong)?);
            return Ok(());
        }
        if kind == FEEDBACK {
            return self.feedback.restore(value).map_err(|_| wrong());
        }
        if kind == ENDPOINT {
            return self.endpoint().restore_about(value).map_err(|_| wrong());
        }
        if kind == MESSAGES {
            let (device, number) = device.rsplit_once('/').ok_or_else(wrong)?;
            let number = number.parse().map_err(|_| wrong())?;
            return match entries.get_mut(device) {
                Some(entry) => entry.queue.restore(number, value).ok_or_else(wrong),
                None => Ok(()),
            };
        }
        let Some(entry) = entries.get_mut(device) else {
            return Ok(());
        };
        match kind {
            TWINS => entry.twin = serde_json::from_value(value).map_err(|_| wrong())?,
            SESSIONS => serde_json::from_value::<KeptSession>(value)
                .map_err(|_| wrong())?
                .restore(entry),
            _ => {}
        }
        Ok(())
    }

    /// Takes note of how an entry is before it is worked on; nothing when nobody keeps it.
    pub(super) fn marks(&self, entry: &Entry) -> Option<Marks> {
        self.keeper.get().map(|_| Marks::of(entry))
    }

    /// Tells the keeper, if there is one, what has changed in an entry.
    pub(super) fn keep_changes(&self, name: &str, entry: &mut Entry, before: Option<Marks>) {
        let messages = entry.queue.take_changes();
        let (Some(keeper), Some(before)) = (self.keeper.get(), before) else {
            return;
        };
        for (number, value) in messages {
            keeper(&Change {
                name: message_name(name, number),
                value,
            });
        }
        let now = Marks::of(entry);
        let tell = |kind: &str, value: Value| {
            keeper(&Change {
                name: format!("{kind}/{name}"),
                value: Some(value),
            });
        };
        if now.identity != before.identity {
            tell(DEVICES, json!(KeptDevice::of(entry)));
        }
        if now.twin != before.twin {
            tell(TWINS, json!(entry.twin));
        }
        if now.session != before.session {
            tell(SESSIONS, json!(KeptSession::of(entry)));
        }
    }

    /// Tells the keeper of an entry that is new.
    pub(super) fn keep_new(&self, name: &str, entry: &Entry) {
        let Some(keeper) = self.keeper.get() else { return };
        for (kind, value) in [(DEVICES, json!(KeptDevice::of(entry))), (TWINS, json!(entry.twin))] {
            keeper(&Change {
                name: format!("{kind}/{name}"),
                value: Some(value),
            });
        }
    }

    /// Tells the keeper of an entry that is gone.
    pub(super) fn keep_gone(&self, name: &str, entry: &Entry) {
        let Some(keeper) = self.keeper.get() else { return };
        let messages = entry.queue.numbers().map(|number| message_name(name, number));
        let parts = [DEVICES, TWINS, SESSIONS].map(|kind| format!("{kind}/{name}"));
        for name in parts.into_iter().chain(messages) {
            keeper(&Change { name, value: None });
        }
    }

    /// Tells the keeper of the feedback there is.
    pub(super) fn keep_feedback(&self) {
        if let Some(keeper) = self.keeper.get() {
            self.feedback.show(|records| {
                keeper(&Change {
                    name: FEEDBACK.to_owned(),
                    value: Some(records),
                });
            });
        }
    }
}

/// Numbers are padded, so that names are in their order.
fn message_name(device: &str, number: u64) -> String {
    format!("{MESSAGES}/{device}/{number:020}")
}

#[cfg(test)]
#[path = "keeping_tests.rs"]
mod tests;
