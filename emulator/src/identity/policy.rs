//! Shared access policies: who may do what with the hub, each with a key of its own.
//!
//! Source: Microsoft, "Control access to IoT Hub using shared access signatures": the policies a new hub has, and their rights.

use setpoint_protocol::Key;

use super::Identity;

/// The policy that may do everything.
pub(super) const OWNER: &str = "iothubowner";

/// What a caller may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// Read the identity registry, and query it.
    RegistryRead,
    /// Change the identity registry.
    RegistryWrite,
    /// What concerns devices in use: twins, methods, messages, telemetry.
    ServiceConnect,
    /// Be a device, any device.
    DeviceConnect,
}

/// A policy of the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Its name, which stands in `skn` of its tokens.
    pub name: &'static str,
    /// What its holder may do.
    pub rights: &'static [Right],
}

impl Policy {
    /// All policies there are.
    pub const ALL: [Policy; 5] = [
        Policy {
            name: OWNER,
            rights: &[
                Right::RegistryRead,
                Right::RegistryWrite,
                Right::ServiceConnect,
                Right::DeviceConnect,
            ],
        },
        Policy {
            name: "service",
            rights: &[Right::ServiceConnect],
        },
        Policy {
            name: "device",
            rights: &[Right::DeviceConnect],
        },
        Policy {
            name: "registryRead",
            rights: &[Right::RegistryRead],
        },
        Policy {
            name: "registryReadWrite",
            rights: &[Right::RegistryRead, Right::RegistryWrite],
        },
    ];

    /// The policy of this name.
    pub fn named(name: &str) -> Option<Policy> {
        Policy::ALL.into_iter().find(|policy| policy.name == name)
    }
}

impl Identity {
    /// The key of a policy. The owner's is random; those of the others are derived from it, so that whoever holds one of them
    /// can find no other.
    pub fn policy_key(&self, policy: Policy) -> Key {
        if policy.name == OWNER {
            self.service_key.clone()
        } else {
            self.service_key.derive(&format!("policy {}", policy.name))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_policy_has_a_key_of_its_own() {
        let identity = Identity::temporary().unwrap();
        let mut keys: Vec<_> = Policy::ALL
            .map(|policy| identity.policy_key(policy).to_base64())
            .to_vec();
        assert_eq!(keys[0], identity.service_key().to_base64());
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), Policy::ALL.len());
        assert_eq!(Policy::named("service").unwrap().rights, [Right::ServiceConnect]);
        assert_eq!(Policy::named("nobody"), None);
    }
}
