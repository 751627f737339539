//! The thermostat in every language there is: the same devices, as far as anybody outside them can tell.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, helpers too"
)]

mod cloud;
mod instance;
mod life;
mod scenarios;
mod settings;
mod state;

use std::sync::OnceLock;

use setpoint::sandbox::{Program, Sandbox, THERMOSTAT};
use setpoint_tests::{THERMOSTATS, foreign_guest, sandbox, test_natively};

/// The thermostat in one language.
struct Language {
    bytes: Vec<u8>,
    program: Program,
}

impl Language {
    fn new(sandbox: &Sandbox, name: &str, bytes: Vec<u8>) -> Language {
        Language {
            program: Program::load(sandbox, name, &bytes).unwrap(),
            bytes,
        }
    }

    fn name(&self) -> &str {
        self.program.name()
    }
}

/// The one in Rust, which the others are to be like, and the others.
fn languages() -> (&'static Language, &'static [Language]) {
    static LANGUAGES: OnceLock<(Language, Vec<Language>)> = OnceLock::new();
    let (rust, foreign) = LANGUAGES.get_or_init(|| {
        let sandbox = sandbox();
        let foreign = THERMOSTATS.map(|name| Language::new(&sandbox, name, foreign_guest(name)));
        (
            Language::new(&sandbox, "thermostat", THERMOSTAT.to_vec()),
            foreign.into(),
        )
    });
    (rust, foreign)
}

/// What all languages say alike: a text without what a library adds in its own words, which differ between languages by
/// design.
fn common(text: &str) -> &str {
    let end = if let Some(before) = text.find(", or nothing: ") {
        before + ", or nothing".len()
    } else if text.starts_with("getMaxMinReport takes ") {
        text.rfind("\": ").expect("it quotes what it was sent") + 1
    } else if text.starts_with("the saved state cannot be read and is ignored: ") {
        "the saved state cannot be read and is ignored".len()
    } else {
        text.len()
    };
    &text[..end]
}

#[test]
fn each_passes_its_own_tests() {
    for name in THERMOSTATS {
        test_natively(name);
    }
}
