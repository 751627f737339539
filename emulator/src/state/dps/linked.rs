//! The hubs that devices can be assigned to.

use std::{collections::BTreeMap, sync::Arc};

use super::super::Hub;

/// What is linked with DPS: the emulator's own hub, under any of its names, and others, each under the one it has.
pub(crate) struct Linked {
    /// Names of the emulator's own hub, the usual one first.
    pub(super) own: Vec<String>,
    /// By name in lower case.
    pub(super) others: BTreeMap<String, Arc<Hub>>,
    /// Who is assigned elsewhere, whatever the enrolment says: by registration id in lower case.
    pub(super) elsewhere: BTreeMap<String, (String, Arc<Hub>)>,
}

impl Default for Linked {
    fn default() -> Linked {
        Linked {
            own: vec!["localhost".to_owned()],
            others: BTreeMap::new(),
            elsewhere: BTreeMap::new(),
        }
    }
}

impl Linked {
    /// Whether a hub of this name can be assigned to.
    pub(super) fn has(&self, name: &str) -> bool {
        self.is_own(name) || self.others.contains_key(&name.to_ascii_lowercase())
    }

    /// Whether that is a name of the emulator's own hub.
    pub(super) fn is_own(&self, name: &str) -> bool {
        self.own.iter().any(|own| own.eq_ignore_ascii_case(name))
            && !self.others.contains_key(&name.to_ascii_lowercase())
    }

    /// The usual name of the emulator's own hub.
    pub(super) fn own_name(&self) -> &str {
        self.own.first().map_or("localhost", String::as_str)
    }

    /// The hub that was called so when something was assigned to it; none when it is no longer there.
    pub(super) fn find<'a>(&'a self, name: &str, own: &'a Hub) -> Option<&'a Hub> {
        let elsewhere = || self.elsewhere.values().find(|(endpoint, _)| endpoint == name);
        match self.others.get(&name.to_ascii_lowercase()) {
            Some(hub) => Some(hub),
            None if self.is_own(name) => Some(own),
            None => elsewhere().map(|(_, hub)| &**hub),
        }
    }
}
