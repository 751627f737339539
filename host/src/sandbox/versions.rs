//! The versions of the contract that this host keeps bindings for: a guest goes on working when the contract has grown.
//!
//! A version is one file: it brings what wasmtime makes of its WIT package, links its imports to [`State`], and hides its
//! exports behind [`Exports`], which speaks this crate's own types. The next version is another file, a row in
//! [`VERSIONS`], and a copy of the WIT package as it was in `wit/`.
//!
//! Versions that semantic versioning calls compatible are one: a guest built for 0.1.7 runs where 0.1.0 is given, if it
//! uses nothing that came between; what it does use and is not there is named when it is loaded.

use std::sync::Arc;

use semver::Version as Number;
use wasmtime::Store;
use wasmtime::component::{Component, InstancePre, Linker};

use super::contract::device_of;
use super::imports::State;
use super::v0_1::V0_1;
use crate::effect::{Command, DesiredValue, Outcome, StartReason};

/// All of them, the newest first.
pub(super) const VERSIONS: [&dyn Version; 1] = [&V0_1];

/// One version of the contract.
pub(super) trait Version: Sync {
    /// Of the package, for example `0.1.0`.
    fn number(&self) -> &'static str;

    /// Gives guests its imports.
    fn link(&self, linker: &mut Linker<State>) -> wasmtime::Result<()>;

    /// Finds its exports in a component, whose imports have been found.
    fn prepare(&self, instance: InstancePre<State>) -> wasmtime::Result<Arc<dyn Prepared>>;
}

/// A component ready to be instantiated any number of times.
pub(super) trait Prepared: Send + Sync {
    fn instantiate(&self, store: &mut Store<State>) -> wasmtime::Result<Box<dyn Exports>>;
}

/// What the host calls, whatever version the guest was built for. The outer error is a trap.
pub(super) trait Exports: Send {
    fn model_id(&self, store: &mut Store<State>) -> wasmtime::Result<String>;

    fn start(
        &self,
        store: &mut Store<State>,
        reason: StartReason,
        state: Option<&[u8]>,
    ) -> wasmtime::Result<Result<(), String>>;

    fn update(&self, store: &mut Store<State>, desired: Vec<DesiredValue>) -> wasmtime::Result<()>;

    fn invoke(&self, store: &mut Store<State>, command: Command) -> wasmtime::Result<Outcome>;

    fn receive(&self, store: &mut Store<State>, body: &[u8], properties: &[(String, String)]) -> wasmtime::Result<()>;

    fn timer_fired(&self, store: &mut Store<State>, timer: u32) -> wasmtime::Result<()>;

    fn save(&self, store: &mut Store<State>) -> wasmtime::Result<Option<Vec<u8>>>;
}

/// Links a component that has been checked, and finds the exports of the version it was built for.
pub(super) fn prepare(linker: &Linker<State>, component: &Component) -> wasmtime::Result<Arc<dyn Prepared>> {
    let exported = |version: &&dyn Version| component.get_export_index(None, device_of(*version)).is_some();
    let version = VERSIONS.into_iter().find(exported);
    let version = version.ok_or_else(|| wasmtime::Error::msg("it exports no device of a version given here"))?;
    version.prepare(linker.instantiate_pre(component)?)
}

/// Whether what was built for one version runs where the other is given: with the same number, but for what comes after
/// the first part that is not zero. A pre-release is compatible with nothing.
pub(super) fn is_compatible(built_for: &str, given: &str) -> bool {
    let (Ok(built_for), Ok(given)) = (Number::parse(built_for), Number::parse(given)) else {
        return false;
    };
    built_for.pre.is_empty() && built_for.major == given.major && (given.major != 0 || built_for.minor == given.minor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_differ_in_their_first_part_that_is_not_zero() {
        for (built_for, given) in [
            ("0.1.0", "0.1.0"),
            ("0.1.7", "0.1.0"),
            ("0.2.0", "0.2.12"),
            ("1.4.0", "1.0.0"),
        ] {
            assert!(is_compatible(built_for, given), "{built_for} {given}");
        }
        for (built_for, given) in [
            ("0.2.0", "0.1.0"),
            ("1.0.0", "2.0.0"),
            ("0.1.0-rc.1", "0.1.0"),
            ("", "0.1.0"),
            ("0.1", "0.1.0"),
        ] {
            assert!(!is_compatible(built_for, given), "{built_for} {given}");
        }
    }
}
