//! What a component imports and exports, and whether this host can give it.
//!
//! Read from the bytes alone, before anything is compiled: a guest that cannot run here is refused within a millisecond,
//! by the name of what it lacks.

use std::collections::BTreeSet;

use wasmparser::{ComponentExternalKind, MemoryType, Parser, Payload};

use super::engine::Limits;
use super::load::LoadError;
use super::permission::Permission;
use super::versions::{VERSIONS, Version, is_compatible};
use super::wasi;

/// The package this host implements.
const PACKAGE: &str = "setpoint:device";

/// Every interface of the package a guest may import, with what it lets the guest do.
const INTERFACES: [(&str, &str); 10] = [
    ("types", "names and types only"),
    ("clock", "read the time"),
    ("timers", "be woken later"),
    ("random", "draw random numbers"),
    ("telemetry", "send messages to the hub"),
    ("properties", "report and acknowledge properties"),
    ("commands", "answer commands late"),
    ("provisioning", "read its hub, device id and provisioning payload"),
    ("config", "read the values the operator set with --config"),
    ("logging", "write to the host's log"),
];

/// What every device exports.
const DEVICE: &str = "device";

/// The name under which a device of this version exports it.
pub(super) fn device_of(version: &dyn Version) -> String {
    format!("{PACKAGE}/{DEVICE}@{}", version.number())
}

/// The imports and exports of a component, and what it begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contract {
    /// What the guest wants of its host.
    pub imports: Vec<Interface>,
    /// What the host may call.
    pub exports: Vec<Interface>,
    /// The largest memory that any module of it begins with, in bytes.
    pub memory: u64,
}

/// One imported or exported name of a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// For example `setpoint:device/clock@0.1.0`.
    pub name: String,
    /// What it lets the guest do, when this host can give it.
    pub purpose: Option<&'static str>,
    /// What the operator has to allow for that.
    pub needs: Option<Permission>,
}

impl Interface {
    fn new(name: &str) -> Self {
        let (purpose, needs) = match parts(name) {
            Some(parts) if parts.package == PACKAGE => (known(&INTERFACES, parts.interface), None),
            Some(parts) if is_compatible(parts.version, wasi::VERSION) => {
                (known(&wasi::INTERFACES, parts.path), Some(Permission::Wasi))
            }
            _ => (None, None),
        };
        Self {
            name: name.to_owned(),
            purpose,
            needs: purpose.and(needs),
        }
    }
}

fn known(interfaces: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
    let known = interfaces.iter().find(|(known, _)| *known == name)?;
    Some(known.1)
}

struct Parts<'a> {
    /// Package and interface.
    path: &'a str,
    package: &'a str,
    interface: &'a str,
    version: &'a str,
}

/// Takes `setpoint:device/clock@0.1.0` apart.
fn parts(name: &str) -> Option<Parts<'_>> {
    let (path, version) = name.split_once('@').unwrap_or((name, ""));
    let (package, interface) = path.split_once('/')?;
    Some(Parts {
        path,
        package,
        interface,
        version,
    })
}

/// What a memory has before it grows.
fn initial_bytes(memory: MemoryType) -> u64 {
    // 64 KiB, unless the module says otherwise. Source: WebAssembly core specification, 4.2.8, memory instances.
    let page = 1_u64
        .checked_shl(memory.page_size_log2.unwrap_or(16))
        .unwrap_or(u64::MAX);
    memory.initial.saturating_mul(page)
}

impl Contract {
    /// What this host gives its guests: the WIT package, with its newest version.
    pub fn offered() -> String {
        let number = VERSIONS.first().map(|newest| newest.number()).unwrap_or_default();
        format!("{PACKAGE}@{number}")
    }

    /// Reads the names out of a component.
    pub fn read(name: &str, component: &[u8]) -> Result<Self, LoadError> {
        let damaged = |error: wasmparser::BinaryReaderError| LoadError::Damaged {
            guest: name.to_owned(),
            reason: error.to_string(),
        };
        let (mut imports, mut exports, mut memory) = (Vec::new(), Vec::new(), 0);
        // Sections of nested modules and components have names of their own; only the outermost are the guest's.
        let mut depth = 0_usize;
        for payload in Parser::new(0).parse_all(component) {
            match payload.map_err(damaged)? {
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ComponentImportSection(section) if depth == 0 => {
                    for import in section {
                        imports.push(Interface::new(import.map_err(damaged)?.name.name));
                    }
                }
                Payload::ComponentExportSection(section) if depth == 0 => {
                    for export in section {
                        let export = export.map_err(damaged)?;
                        if export.kind == ComponentExternalKind::Instance {
                            exports.push(Interface::new(export.name.name));
                        }
                    }
                }
                // At every depth: a component's memory is that of a module in it.
                Payload::MemorySection(section) => {
                    for declared in section {
                        memory = memory.max(initial_bytes(declared.map_err(damaged)?));
                    }
                }
                _ => {}
            }
        }
        Ok(Self {
            imports,
            exports,
            memory,
        })
    }

    /// Whether this host can run the guest called `name` within these limits.
    pub fn check(&self, name: &str, limits: &Limits) -> Result<(), LoadError> {
        self.check_versions(name)?;
        self.check_imports(name, &limits.allow)?;
        self.check_exports(name)?;
        let limit = limits.memory as u64;
        if self.memory > limit {
            return Err(LoadError::TooMuchMemory {
                guest: name.to_owned(),
                wants: self.memory,
                limit,
            });
        }
        Ok(())
    }

    fn check_versions(&self, name: &str) -> Result<(), LoadError> {
        let ours = |interface: &&Interface| parts(&interface.name).is_some_and(|parts| parts.package == PACKAGE);
        for interface in self.imports.iter().chain(&self.exports).filter(ours) {
            let version = parts(&interface.name).map_or("", |parts| parts.version);
            if !VERSIONS.iter().any(|given| is_compatible(version, given.number())) {
                let given = VERSIONS.map(|given| format!("{PACKAGE}@{}", given.number()));
                return Err(LoadError::OtherVersion {
                    guest: name.to_owned(),
                    built_for: format!("{PACKAGE}@{version}"),
                    given: given.join(" and "),
                });
            }
        }
        Ok(())
    }

    /// What nobody can allow is told first: whoever is told of what can be allowed would only come to it next.
    fn check_imports(&self, name: &str, allow: &BTreeSet<Permission>) -> Result<(), LoadError> {
        if let Some(import) = self.imports.iter().find(|import| import.purpose.is_none()) {
            return Err(LoadError::UnknownImport {
                guest: name.to_owned(),
                import: import.name.clone(),
            });
        }
        for import in &self.imports {
            if let Some(permission) = import.needs.filter(|needs| !allow.contains(needs)) {
                return Err(LoadError::NotAllowed {
                    guest: name.to_owned(),
                    import: import.name.clone(),
                    permission,
                });
            }
        }
        Ok(())
    }

    fn check_exports(&self, name: &str) -> Result<(), LoadError> {
        let is_device = |export: &Interface| {
            parts(&export.name).is_some_and(|parts| parts.package == PACKAGE && parts.interface == DEVICE)
        };
        if self.exports.iter().any(is_device) {
            return Ok(());
        }
        Err(LoadError::NoDevice {
            guest: name.to_owned(),
            export: VERSIONS.first().map(|newest| device_of(*newest)).unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contract(text: &str) -> Contract {
        Contract::read("guest", &wat::parse_str(text).unwrap()).unwrap()
    }

    #[test]
    fn the_newest_version_given_is_that_of_the_package() {
        let package = include_str!("../../../wit/device.wit");
        assert!(package.contains(&format!("package {PACKAGE}@{};", VERSIONS[0].number())));
        for (interface, _) in INTERFACES {
            assert!(package.contains(&format!("interface {interface} {{")), "{interface}");
        }
    }

    #[test]
    fn only_the_outermost_imports_are_the_guests() {
        let contract = contract(
            r#"(component
                (import "setpoint:device/clock@0.1.0" (instance))
                (component (import "inner:package/thing" (instance)))
                (core module (import "env" "f" (func)))
                (import "setpoint:device/random@0.1.0" (instance)))"#,
        );
        let names: Vec<_> = contract.imports.iter().map(|import| import.name.as_str()).collect();
        assert_eq!(names, ["setpoint:device/clock@0.1.0", "setpoint:device/random@0.1.0"]);
    }

    fn refusal(imports: &[&str], allow: &[Permission]) -> LoadError {
        let imports: String = imports
            .iter()
            .map(|name| format!("(import {name:?} (instance))"))
            .collect();
        let limits = Limits {
            allow: allow.iter().copied().collect(),
            ..Limits::default()
        };
        contract(&format!("(component {imports})"))
            .check("guest", &limits)
            .unwrap_err()
    }

    #[test]
    fn an_import_the_host_does_not_give_is_named_whatever_is_allowed() {
        for import in [
            "wasi:sockets/tcp@0.2.0",
            "wasi:http/outgoing-handler@0.2.3",
            "wasi:cli/run@0.2.0",
            "wasi:clocks/timezone@0.2.12",
            "wasi:clocks/wall-clock@0.3.0",
            "wasi:clocks/wall-clock@0.2.0-rc-2023-11-10",
            "wasi:clocks/wall-clock",
            "other:clocks/wall-clock@0.2.0",
            "setpoint:device/device@0.1.0",
        ] {
            // Also where one comes first that only has to be allowed.
            for allow in [&[][..], &[Permission::Wasi]] {
                let error = refusal(&["wasi:cli/stdout@0.2.0", import], allow);
                assert!(
                    matches!(&error, LoadError::UnknownImport { import: named, .. } if named == import),
                    "{error}"
                );
            }
        }
    }

    #[test]
    fn wasi_is_refused_by_name_until_it_is_allowed() {
        for (interface, _) in wasi::INTERFACES {
            for version in ["0.2.0", "0.2.12", "0.2.99"] {
                let import = format!("{interface}@{version}");
                let error = refusal(&[&import], &[]);
                assert_eq!(
                    error.to_string(),
                    format!(
                        "guest: imports {import}, which it may not; allow it with --allow wasi, or build it without"
                    )
                );
                // What it lacks then is a device.
                let error = refusal(&[&import], &[Permission::Wasi]);
                assert!(matches!(error, LoadError::NoDevice { .. }), "{error}");
            }
        }
    }

    #[test]
    fn another_version_is_named_with_this_one() {
        let error = contract(r#"(component (import "setpoint:device/clock@0.9.0" (instance)))"#)
            .check("guest", &Limits::default());
        let error = error.unwrap_err().to_string();
        assert!(
            error.contains("setpoint:device@0.9.0") && error.contains("setpoint:device@0.1.0"),
            "{error}"
        );
    }

    #[test]
    fn a_component_that_is_no_device_is_told_what_it_lacks() {
        let error = contract("(component)").check("guest", &Limits::default()).unwrap_err();
        assert!(matches!(error, LoadError::NoDevice { ref export, .. } if export == "setpoint:device/device@0.1.0"));
    }
}
