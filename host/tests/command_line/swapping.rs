//! `setpoint devices`, `setpoint swap` and `setpoint run --watch`.

use setpoint::sandbox::THERMOSTAT;

use super::program::{Environment, Program};

/// The thermostat in a file of its own; `build` makes its bytes differ.
fn thermostat(environment: &Environment, name: &str, build: u8) -> String {
    // A custom section, as every WebAssembly tool passes over it: id 0, two bytes, a name of one.
    let mut bytes = THERMOSTAT.to_vec();
    bytes.extend([0, 2, 1, build]);
    environment.write(name, &bytes)
}

/// A device that has sent something.
fn running(environment: &Environment, arguments: &[&str]) -> Program {
    let mut all = vec!["run"];
    all.extend(arguments);
    all.extend(["--config", "interval=0.05"]);
    let program = environment.start(&all);
    program.until("Sent message");
    program
}

#[test]
fn a_running_device_is_listed_and_swapped() {
    let environment = Environment::new();
    assert_eq!(environment.run(&["devices", "--json"]).stdout, "[]\n");
    let mut device = running(&environment, &[]);

    let listed = environment.run(&["devices"]);
    let lines: Vec<_> = listed.stdout.lines().collect();
    let [header, row] = lines.as_slice() else {
        panic!("{}", listed.stdout)
    };
    let columns: Vec<_> = row.split_whitespace().collect();
    assert!(header.starts_with("device"), "{header}");
    assert_eq!(
        (columns[0], columns[1], columns[2], columns[3], columns[5]),
        ("my-pnp-device", "thermostat", "running", "up", "MiB")
    );

    let guest = thermostat(&environment, "second.wasm", b'2');
    let swapped = environment.run(&["swap", "my-pnp-device", &guest]);
    assert_eq!((swapped.code, swapped.stderr.as_str()), (Some(0), ""));
    assert!(
        swapped
            .stdout
            .starts_with("second has taken the place of thermostat and its state, in "),
        "{}",
        swapped.stdout
    );
    device.until("second has taken the place of thermostat");
    device.until("Sent message");

    device.press("q\n");
    assert_eq!(device.wait().0.code(), Some(0));
    assert_eq!(environment.run(&["devices", "--json"]).stdout, "[]\n");
}

#[test]
fn what_cannot_be_swapped_in_is_said_and_changes_nothing() {
    let environment = Environment::new();
    let nobody = environment.run(&["swap", "my-pnp-device", "guest.wasm"]);
    assert_eq!(nobody.code, Some(2));
    assert_eq!(nobody.error(), "no device runs here; start one with `setpoint run`");

    let device = running(&environment, &[]);
    let other = environment.run(&["swap", "another", "guest.wasm"]);
    assert_eq!(
        (other.code, other.error()),
        (Some(2), "no device another runs here; these do: my-pnp-device")
    );

    let text = environment.write("text.wasm", b"#!/bin/sh");
    let refused = environment.run(&["swap", "my-pnp-device", &text]);
    assert_eq!(refused.code, Some(2));
    assert!(
        refused.error().starts_with("text: is not WebAssembly"),
        "{}",
        refused.stderr
    );
    device.until("Sent message");
}

#[test]
fn a_guest_that_is_watched_is_swapped_when_its_file_changes() {
    let environment = Environment::new();
    let guest = thermostat(&environment, "mine.wasm", b'1');
    let mut device = running(&environment, &["--watch", &guest]);
    thermostat(&environment, "mine.wasm", b'2');
    device.until("mine has taken the place of mine");

    // Broken, and then mended: what is broken is never swapped in.
    environment.write("mine.wasm", b"half a build");
    let said = environment.run(&["devices"]);
    assert!(said.stdout.contains("running"), "{}", said.stdout);
    device.until("Sent message");
    thermostat(&environment, "mine.wasm", b'3');
    device.until("mine has taken the place of mine");
    device.until("Sent message");
    device.press("q\n");
    assert_eq!(device.wait().0.code(), Some(0));
}

#[test]
fn there_is_nothing_to_watch_without_a_guest() {
    let refused = Environment::new().run(&["run", "--watch"]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains("--watch <GUEST>"), "{}", refused.stderr);
}
