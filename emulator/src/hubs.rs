//! The emulator's own hub, and those that a file declares beside it.

use std::{net::IpAddr, sync::Arc};

use crate::{Declaration, Emulator, Enrollments, Hub, Identity, state::Limit};

/// A hub beside the emulator's own.
pub(crate) struct DeclaredHub {
    pub(crate) name: String,
    pub(crate) hub: Arc<Hub>,
    /// Whether the file says which throttles it has.
    throttled: bool,
}

impl DeclaredHub {
    /// Those that were declared, in the order of the file, as they are linked.
    pub(crate) fn all(declaration: &Declaration, enrollments: &Enrollments) -> Vec<DeclaredHub> {
        let linked = |name: &str| {
            Some(DeclaredHub {
                name: name.to_owned(),
                hub: enrollments.linked(name)?,
                throttled: declaration.throttles(name),
            })
        };
        declaration.hubs().filter_map(linked).collect()
    }
}

impl Emulator {
    /// All hubs under their names: the emulator's own, then those declared, in the order of the file.
    pub fn hubs(&self) -> impl Iterator<Item = (&str, &Arc<Hub>)> {
        let declared = self.declared.iter().map(|one| (one.name.as_str(), &one.hub));
        std::iter::once((self.identity.host(), &self.hub)).chain(declared)
    }

    /// Turns throttles on: of the emulator's own hub and of all declared ones of which the file says nothing else. Each counts
    /// for itself.
    pub fn throttle(&self, limits: &[Limit]) {
        let others = self.declared.iter().filter(|one| !one.throttled);
        for hub in std::iter::once(&self.hub).chain(others.map(|one| &one.hub)) {
            hub.throttles().turn_on(limits);
        }
    }
}

/// The names the emulator's own hub is known by, the one that devices are sent to first.
pub(crate) fn own_names(identity: &Identity) -> Vec<String> {
    let others = identity.names().iter().filter(|name| *name != identity.host());
    std::iter::once(identity.host().to_owned())
        .chain(others.cloned())
        .collect()
}

/// Loopback addresses of declared hubs, beside the one that is listened on.
pub(crate) fn further_addresses(declaration: &Declaration, address: IpAddr) -> Vec<IpAddr> {
    let declared = declaration.hubs().filter_map(|name| name.parse::<IpAddr>().ok());
    declared
        .filter(|declared| declared.is_loopback() && *declared != address && !address.is_unspecified())
        .collect()
}
