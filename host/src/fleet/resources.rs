//! What a fleet needs of its machine, checked before it is started: what is short is said with the command that gives more.

use std::fmt;

use rustix::process::{Resource, getrlimit, setrlimit};

use super::member::PER_LOOPBACK_ADDRESS;

/// File descriptors of this process beside those of its devices: threads, logs, the metrics' readers, connections for a moment.
const OTHER_DESCRIPTORS: u64 = 200;

/// Memory mappings of this process beside those of its instances: code, heaps, stacks.
const OTHER_MAPPINGS: u64 = 1_500;

/// Connections that are being made beside those that stand.
const OTHER_PORTS: u64 = 300;

/// What this machine gives a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Machine {
    /// File descriptors it may have open, and what it may raise that to by itself.
    pub descriptors: (u64, u64),
    /// Memory mappings it may have.
    pub mappings: u64,
    /// Ports for connections from one address to one other.
    pub ports: u64,
    /// Bytes of memory that nobody uses.
    pub memory: u64,
}

impl Machine {
    /// This one. What it does not say counts as unlimited.
    pub fn here() -> Self {
        let limit = getrlimit(Resource::Nofile);
        Self {
            descriptors: (limit.current.unwrap_or(u64::MAX), limit.maximum.unwrap_or(u64::MAX)),
            mappings: number("/proc/sys/vm/max_map_count").unwrap_or(u64::MAX),
            ports: ports().unwrap_or(u64::MAX),
            memory: available().unwrap_or(u64::MAX),
        }
    }
}

/// Source: Linux, Documentation/admin-guide/sysctl/vm.rst.
fn number(file: &str) -> Option<u64> {
    std::fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// Source: Linux, Documentation/networking/ip-sysctl.rst: the first and the last local port.
fn ports() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    let mut bounds = text.split_ascii_whitespace().map(str::parse::<u64>);
    let (first, last) = (bounds.next()?.ok()?, bounds.next()?.ok()?);
    Some(last.checked_sub(first)? + 1)
}

/// Source: proc(5): `MemAvailable` in `/proc/meminfo`, in KiB.
fn available() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// What a fleet needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// Devices in this process.
    pub devices: u64,
    /// Instances in this process at one time.
    pub instances: u64,
    /// Memory mappings of each instance.
    pub mappings_each: u64,
    /// Bytes of memory of each device.
    pub memory_each: u64,
    /// Whether the cloud is in this process as well.
    pub cloud_here: bool,
    /// Whether it is on this machine: then devices have several addresses to connect from.
    pub cloud_on_this_machine: bool,
}

/// What is short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shortage {
    /// File descriptors, of which a connection is one.
    Descriptors {
        /// How many are needed.
        needed: u64,
        /// How many there may be.
        limit: u64,
        /// Devices for which they suffice.
        enough_for: u64,
    },
    /// Memory mappings.
    Mappings {
        /// How many are needed.
        needed: u64,
        /// How many there may be.
        limit: u64,
        /// Devices for which they suffice.
        enough_for: u64,
    },
    /// Ports to connect from, if all devices go to one address.
    Ports {
        /// How many are needed.
        needed: u64,
        /// How many there are.
        limit: u64,
    },
    /// Memory.
    Memory {
        /// Bytes needed.
        needed: u64,
        /// Bytes there are.
        limit: u64,
    },
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Descriptors {
                needed,
                limit,
                enough_for,
            } => write!(
                f,
                "{needed} file descriptors are needed and {limit} may be open, enough for {enough_for} devices; raise the limit with \
                 `ulimit -n {needed}` (as root: `prlimit --pid $$ --nofile={needed}`), or divide the fleet with --shard"
            ),
            Self::Mappings {
                needed,
                limit,
                enough_for,
            } => write!(
                f,
                "{needed} memory mappings are needed and {limit} are allowed, enough for {enough_for} devices; raise the limit with \
                 `sysctl -w vm.max_map_count={needed}`, or divide the fleet with --shard"
            ),
            Self::Ports { needed, limit } => write!(
                f,
                "{needed} local ports are needed if all devices go to one address, and there are {limit}: the others do not get through; widen the range with \
                 `sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\"`, divide the fleet over several machines with --shard, \
                 or have several hubs, or one whose name leads to several addresses"
            ),
            Self::Memory { needed, limit } => write!(
                f,
                "about {} MB of memory are needed and {} MB are free; divide the fleet over several machines with --shard",
                needed / 1_000_000,
                limit / 1_000_000
            ),
        }
    }
}

impl Needs {
    /// What this machine has too little of. Nothing: then the fleet can be started.
    pub fn shortages(&self, machine: &Machine) -> Vec<Shortage> {
        let ends = if self.cloud_here { 2 } else { 1 };
        let descriptors = self.devices.saturating_mul(ends).saturating_add(OTHER_DESCRIPTORS);
        let mappings = self
            .instances
            .saturating_mul(self.mappings_each)
            .saturating_add(OTHER_MAPPINGS);
        let ports = if self.cloud_on_this_machine && cfg!(target_os = "linux") {
            self.devices.min(PER_LOOPBACK_ADDRESS)
        } else {
            self.devices
        };
        let ports = ports.saturating_add(OTHER_PORTS);
        let memory = self.devices.saturating_mul(self.memory_each);
        let enough = |limit: u64, other: u64, each: u64| limit.saturating_sub(other) / each.max(1);
        let (_, most) = machine.descriptors;
        [
            (descriptors > most).then(|| Shortage::Descriptors {
                needed: descriptors,
                limit: most,
                enough_for: enough(most, OTHER_DESCRIPTORS, ends),
            }),
            (mappings > machine.mappings).then(|| Shortage::Mappings {
                needed: mappings,
                limit: machine.mappings,
                enough_for: enough(machine.mappings, OTHER_MAPPINGS, self.mappings_each),
            }),
            (ports > machine.ports).then_some(Shortage::Ports {
                needed: ports,
                limit: machine.ports,
            }),
            (memory > machine.memory).then_some(Shortage::Memory {
                needed: memory,
                limit: machine.memory,
            }),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Lets this process open as many files as the fleet needs, as far as it may do that by itself.
    ///
    /// # Errors
    /// The system's words.
    pub fn raise(&self, machine: &Machine) -> std::io::Result<()> {
        let (current, most) = machine.descriptors;
        if current < most {
            let mut limit = getrlimit(Resource::Nofile);
            limit.current = limit.maximum;
            setrlimit(Resource::Nofile, limit)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACHINE: Machine = Machine {
        descriptors: (1_024, 20_000),
        mappings: 65_530,
        ports: 28_232,
        memory: 8 << 30,
    };

    const FLEET: Needs = Needs {
        devices: 10_000,
        instances: 10_000,
        mappings_each: 3,
        memory_each: 100_000,
        cloud_here: false,
        cloud_on_this_machine: false,
    };

    fn said(needs: Needs) -> Vec<String> {
        needs.shortages(&MACHINE).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn ten_thousand_fit_in_a_process_and_their_cloud_needs_one_of_its_own() {
        assert_eq!(said(FLEET), Vec::<String>::new());
        let with_cloud = said(Needs {
            cloud_here: true,
            ..FLEET
        });
        assert_eq!(with_cloud.len(), 1);
        assert!(
            with_cloud[0].contains("20200 file descriptors are needed and 20000 may be open, enough for 9900 devices")
        );
        assert!(with_cloud[0].contains("`ulimit -n 20200`"), "{with_cloud:?}");
    }

    #[test]
    fn mappings_are_counted_by_instances() {
        let many = Needs {
            devices: 18_000,
            instances: 18_000,
            mappings_each: 4,
            ..FLEET
        };
        let said = said(many);
        assert!(
            said[0].contains("`sysctl -w vm.max_map_count=73500`") && said[0].contains("enough for 16007 devices"),
            "{said:?}"
        );
        assert!(
            many.shortages(&Machine {
                mappings: 73_500,
                ..MACHINE
            })
            .is_empty()
        );
    }

    #[test]
    fn ports_and_memory_are_said_with_what_helps() {
        let said = said(Needs {
            devices: 90_000,
            ..FLEET
        });
        assert_eq!(said.len(), 3, "{said:?}");
        assert!(said[0].contains("ulimit -n 90200"));
        assert!(said[1].contains("net.ipv4.ip_local_port_range"));
        assert!(said[2].starts_with("about 9000 MB of memory are needed and 8589 MB are free"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn devices_of_a_cloud_on_this_machine_share_its_loopback_addresses() {
        let ports = |cloud_on_this_machine, ports| {
            let needs = Needs {
                devices: 90_000,
                cloud_on_this_machine,
                ..FLEET
            };
            let shortages = needs.shortages(&Machine { ports, ..MACHINE });
            shortages
                .iter()
                .any(|shortage| matches!(shortage, Shortage::Ports { .. }))
        };
        assert!(ports(false, 28_232));
        assert!(!ports(true, 28_232));
        assert!(ports(true, 10_299), "10,000 of them have one address");
    }

    #[test]
    fn this_machine_says_what_it_gives() {
        let machine = Machine::here();
        assert!(
            machine.descriptors.0 > 0 && machine.descriptors.0 <= machine.descriptors.1,
            "{machine:?}"
        );
        assert!(
            machine.mappings > 1_000 && machine.ports > 100 && machine.memory > 1 << 20,
            "{machine:?}"
        );
    }
}
