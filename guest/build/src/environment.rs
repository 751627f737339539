//! What a guest's build may see of the build it is part of.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Meant for the host's build: flags for its processor, clippy in the compiler's place, its profiles.
const NOT_FOR_GUESTS: [&str; 5] = [
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "CLIPPY_ARGS",
];
const PREFIXES_NOT_FOR_GUESTS: [&str; 3] = ["CARGO_PROFILE_", "CARGO_BUILD_", "CARGO_TARGET_"];

/// Leaves a guest nothing of the surrounding build but where cargo finds its things, and the job server's tokens.
pub(crate) fn clean(build: &mut Command, root: &Path) {
    for name in std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()) {
        if !is_for_guests(&name) {
            build.env_remove(name);
        }
    }
    build.env("CARGO_ENCODED_RUSTFLAGS", flags(root, cargo_home()));
}

fn is_for_guests(name: &str) -> bool {
    !NOT_FOR_GUESTS.contains(&name) && !PREFIXES_NOT_FOR_GUESTS.iter().any(|prefix| name.starts_with(prefix))
}

/// Panic messages name source files: the same module comes out wherever the sources lie.
fn flags(root: &Path, cargo_home: Option<PathBuf>) -> OsString {
    let mut flags = OsString::from("--remap-path-prefix=");
    flags.push(root);
    flags.push("=setpoint");
    if let Some(home) = cargo_home {
        // Cargo separates encoded flags by this character.
        flags.push("\u{1f}--remap-path-prefix=");
        flags.push(home);
        flags.push("=cargo");
    }
    flags
}

fn cargo_home() -> Option<PathBuf> {
    let home = || std::env::home_dir().map(|home| home.join(".cargo"));
    std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(home)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_wrappers_and_profiles_stay_with_the_host() {
        for name in [
            "RUSTFLAGS",
            "RUSTC_WORKSPACE_WRAPPER",
            "CARGO_PROFILE_GUEST_STRIP",
            "CARGO_TARGET_DIR",
        ] {
            assert!(!is_for_guests(name), "{name} was passed on");
        }
        for name in [
            "PATH",
            "RUSTC",
            "CARGO_HOME",
            "CARGO_MAKEFLAGS",
            "RUSTUP_TOOLCHAIN",
            "CARGO_NET_OFFLINE",
        ] {
            assert!(is_for_guests(name), "{name} was kept back");
        }
    }

    #[test]
    fn no_path_of_this_machine_gets_into_a_guest() {
        let flags = flags(Path::new("/work"), Some(PathBuf::from("/home/me/.cargo")));
        assert_eq!(
            flags,
            "--remap-path-prefix=/work=setpoint\u{1f}--remap-path-prefix=/home/me/.cargo=cargo"
        );
    }
}
