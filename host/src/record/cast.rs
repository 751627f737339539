//! Which guest plays which recorded one.

use sha2::{Digest, Sha256};

use crate::sandbox::{Created, THERMOSTAT};

/// The guests of a replay. By default only the guest that is part of this program is known, and plays itself.
#[derive(Debug, Clone, Default)]
pub struct Cast {
    themselves: Vec<Actor>,
    everybody: Option<Actor>,
}

#[derive(Debug, Clone)]
struct Actor {
    name: String,
    bytes: Vec<u8>,
}

impl Cast {
    /// Has this guest play wherever it is the recorded one. `name` is for messages.
    #[must_use]
    pub fn with(mut self, name: &str, bytes: Vec<u8>) -> Self {
        self.themselves.push(Actor::new(name, bytes));
        self
    }

    /// Has this guest play whatever was recorded, but for guests that were named with [`Cast::with`].
    #[must_use]
    pub fn played_by(mut self, name: &str, bytes: Vec<u8>) -> Self {
        self.everybody = Some(Actor::new(name, bytes));
        self
    }

    /// Name and bytes of who plays this instance.
    pub(super) fn actor(&self, recorded: &Created) -> Option<(&str, &[u8])> {
        let is_recorded = |bytes: &[u8]| sha256(bytes) == recorded.sha256;
        let given = self.themselves.iter().find(|actor| is_recorded(&actor.bytes));
        match given.or(self.everybody.as_ref()) {
            Some(actor) => Some((&actor.name, &actor.bytes)),
            None => is_recorded(THERMOSTAT).then_some(("thermostat", THERMOSTAT)),
        }
    }
}

impl Actor {
    fn new(name: &str, bytes: Vec<u8>) -> Self {
        Self {
            name: name.to_owned(),
            bytes,
        }
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
