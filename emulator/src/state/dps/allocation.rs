//! Which hub a device belongs to.
//!
//! Source: Microsoft, "How to use allocation policies to provision devices across IoT hubs".

use sha2::{Digest, Sha256};

use super::{super::Hub, enrollment::Terms, linked::Linked};

/// How a hub is chosen among those of an enrolment. The fourth policy of the real service, a function of one's own in Azure, cannot be
/// called from here and is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allocation {
    /// By a hash of the registration id, so that devices spread evenly and each stays with its hub. The default.
    Hashed,
    /// The nearest hub. All of them are on this machine and equally near; then the real service hashes.
    GeoLatency,
    /// The one hub that is named; the emulator's own when none is.
    Static,
}

impl Allocation {
    /// All there are.
    pub(super) const ALL: [Allocation; 3] = [Allocation::Hashed, Allocation::GeoLatency, Allocation::Static];

    /// As the service API calls it.
    pub fn name(self) -> &'static str {
        match self {
            Allocation::Hashed => "hashed",
            Allocation::GeoLatency => "geoLatency",
            Allocation::Static => "static",
        }
    }
}

/// A hub that was chosen.
pub(super) struct Chosen<'a> {
    /// What it is known by from one registration to the next.
    pub(super) name: String,
    /// What the device is told.
    pub(super) endpoint: String,
    pub(super) hub: &'a Hub,
}

/// Chooses for the registration `id` (in lower case). `own` is the emulator's own hub, `server_name` the name the device reached
/// this machine by, under which it is told to find that hub unless the enrolment lists another.
pub(super) fn choose<'a>(linked: &'a Linked, terms: &Terms, own: &'a Hub, id: &str, server_name: &str) -> Chosen<'a> {
    if let Some((endpoint, hub)) = linked.elsewhere.get(id) {
        return Chosen {
            name: endpoint.clone(),
            endpoint: endpoint.clone(),
            hub,
        };
    }
    // DPS can be reached by any hub's name; the emulator's own hub cannot.
    let server_name = if linked.others.contains_key(&server_name.to_ascii_lowercase()) {
        linked.own_name()
    } else {
        server_name
    };
    let own_hub = |endpoint: &str| Chosen {
        name: linked.own_name().to_owned(),
        endpoint: endpoint.to_owned(),
        hub: own,
    };
    let known = |name: &str| match linked.others.get(&name.to_ascii_lowercase()) {
        Some(hub) => Some(Chosen {
            name: name.to_ascii_lowercase(),
            endpoint: name.to_owned(),
            hub,
        }),
        None => linked.is_own(name).then(|| own_hub(name)),
    };
    let listed: Vec<_> = if terms.hubs.is_empty() {
        match terms.allocation {
            Some(Allocation::Static) => Vec::new(),
            _ => {
                let others = linked.others.keys().filter_map(|name| known(name));
                std::iter::once(own_hub(server_name)).chain(others).collect()
            }
        }
    } else {
        // A hub that is no longer there cannot be assigned to.
        terms.hubs.iter().filter_map(|name| known(name)).collect()
    };
    let place = usize::try_from(hash(id)).unwrap_or(0) % listed.len().max(1);
    listed.into_iter().nth(place).unwrap_or_else(|| own_hub(server_name))
}

/// The same on every machine and in every version, unlike the standard library's.
fn hash(id: &str) -> u32 {
    let digest: [u8; 32] = Sha256::digest(id.as_bytes()).into();
    digest.iter().take(4).fold(0, |hash, byte| hash << 8 | u32::from(*byte))
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Arc};

    use super::*;

    fn linked() -> Linked {
        let mut linked = Linked::default();
        linked.own.push("127.0.0.1".to_owned());
        for name in ["127.0.0.2", "127.0.0.3"] {
            linked.others.insert(name.to_owned(), Hub::new());
        }
        linked
    }

    fn endpoints(terms: &Terms) -> BTreeMap<String, usize> {
        let (linked, own) = (linked(), Hub::new());
        let mut counts = BTreeMap::new();
        for number in 0..300 {
            let chosen = choose(&linked, terms, &own, &format!("device-{number}"), "here");
            *counts.entry(chosen.endpoint).or_default() += 1;
        }
        counts
    }

    #[test]
    fn devices_spread_evenly_over_the_hubs_listed_or_all() {
        for allocation in [None, Some(Allocation::Hashed), Some(Allocation::GeoLatency)] {
            let all = endpoints(&Terms {
                allocation,
                ..Terms::default()
            });
            assert_eq!(all.keys().collect::<Vec<_>>(), ["127.0.0.2", "127.0.0.3", "here"]);
            assert!(all.values().all(|count| (70..130).contains(count)), "{all:?}");
        }
        let hubs = vec!["127.0.0.1".to_owned(), "127.0.0.3".to_owned()];
        let two = endpoints(&Terms {
            hubs,
            ..Terms::default()
        });
        assert_eq!(two.keys().collect::<Vec<_>>(), ["127.0.0.1", "127.0.0.3"]);
    }

    #[test]
    fn a_static_hub_is_the_one_named_or_the_emulators_own() {
        let terms = |hubs: &[&str]| Terms {
            allocation: Some(Allocation::Static),
            hubs: hubs.iter().map(|hub| (*hub).to_owned()).collect(),
            ..Terms::default()
        };
        assert_eq!(
            endpoints(&terms(&["127.0.0.2"])).keys().collect::<Vec<_>>(),
            ["127.0.0.2"]
        );
        assert_eq!(endpoints(&terms(&[])).keys().collect::<Vec<_>>(), ["here"]);
        // It was taken away meanwhile.
        assert_eq!(endpoints(&terms(&["127.0.0.9"])).keys().collect::<Vec<_>>(), ["here"]);
    }

    #[test]
    fn the_emulators_own_hub_is_never_told_under_anothers_name() {
        let terms = Terms {
            allocation: Some(Allocation::Static),
            ..Terms::default()
        };
        let (linked, own) = (linked(), Hub::new());
        let told = |server_name| choose(&linked, &terms, &own, "d", server_name).endpoint;
        assert_eq!(
            (told("127.0.0.2"), told("azure.test")),
            ("localhost".into(), "azure.test".into())
        );
    }

    #[test]
    fn a_device_stays_with_its_hub() {
        let (linked, own) = (linked(), Hub::new());
        let at = |id: &str| choose(&linked, &Terms::default(), &own, id, "here").endpoint;
        assert_eq!(at("device-7"), at("device-7"));
        // SHA-256 of "abc" begins with BA7816BF (FIPS 180-2, appendix B.1).
        assert_eq!(hash("abc"), 0xBA78_16BF);
        let mut linked = self::linked();
        linked
            .elsewhere
            .insert("device-7".to_owned(), ("far:1".to_owned(), Arc::clone(&own)));
        let chosen = choose(&linked, &Terms::default(), &own, "device-7", "here");
        assert_eq!(chosen.endpoint, "far:1");
    }
}
