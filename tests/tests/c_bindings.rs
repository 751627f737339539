//! The contract in C, which the C thermostat is compiled with, is the contract.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Every file in a folder, by name.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| {
            (
                entry.file_name().into_string().unwrap(),
                fs::read(entry.path()).unwrap(),
            )
        })
        .collect()
}

#[test]
fn is_what_wit_bindgen_makes_of_it() {
    let generated = Path::new(env!("C_BINDINGS"));
    let checked_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("../guest/thermostat-c/bindings");
    let (expected, held) = (files(generated), files(&checked_in));
    assert!(expected.len() > 1, "{:?}", expected.keys());
    // Not shown when they differ: one of them is an object file.
    assert!(
        held == expected,
        "the contract has changed: put what is in {} into {}",
        generated.display(),
        checked_in.display()
    );
}
