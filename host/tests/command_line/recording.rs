//! `setpoint record`, `setpoint run --record` and `setpoint replay`.

use std::os::unix::fs::PermissionsExt;
use std::time::Instant;

use rustix::process::Signal;
use setpoint::sandbox::THERMOSTAT;

use super::program::{Environment, PATIENCE, Program};

/// A device that has sent something.
fn running(environment: &Environment, arguments: &[&str]) -> Program {
    let mut all = vec!["run", "--config", "interval=0.05"];
    all.extend(arguments);
    let program = environment.start(&all);
    program.until("Sent message");
    program
}

/// A recording that has begun.
fn recording(environment: &Environment, arguments: &[&str]) -> Program {
    let mut all = vec!["record", "my-pnp-device"];
    all.extend(arguments);
    let program = environment.start(&all);
    let line = program.line();
    assert!(
        line.starts_with("another instance of thermostat has taken over with its state, in "),
        "{line}"
    );
    program
}

/// What the file holds, once it is a record of all that was asked for.
fn whole(file: &str) -> String {
    let written = std::fs::read_to_string(file).unwrap();
    let last = written.lines().last().unwrap_or_default();
    assert!(
        last.starts_with("{\"ended\":{\"calls\":") && !last.contains("because"),
        "{last}"
    );
    written
}

#[test]
fn a_running_device_is_recorded_and_replayed() {
    let environment = Environment::new();
    let device = running(&environment, &["--config", "secret=hidden"]);
    let file = environment.path("day.jsonl");
    let recorder = recording(&environment, &["-o", &file]);
    device.until("thermostat has taken the place of thermostat");
    let answered = environment.run(&["call", "my-pnp-device", "getMaxMinReport"]);
    assert_eq!(answered.code, Some(0), "{}", answered.stderr);

    let twice = environment.run(&["record", "my-pnp-device", "-o", &environment.path("other.jsonl")]);
    assert_eq!(
        (twice.code, twice.error()),
        (Some(1), "it is being recorded already; wait until that is over")
    );
    assert!(!environment.folder.path().join("other.jsonl").exists());

    recorder.signal(Signal::INT);
    let told = recorder.line();
    assert!(told.ends_with(&format!(" calls are in {file}")), "{told}");
    let (status, stderr) = recorder.wait();
    assert_eq!((status.code(), stderr.as_str()), (Some(0), ""));
    device.until("Sent message");

    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let written = whole(&file);
    for part in ["hidden", "\"reason\":\"replaced\"", "getMaxMinReport"] {
        assert!(written.contains(part), "{part}");
    }
    assert!(!written.contains("SharedAccess"), "a key or token was recorded");
    let replayed = environment.run(&["replay", &file]);
    assert_eq!((replayed.code, replayed.stderr.as_str()), (Some(0), ""));
    let calls = told.split(' ').next().unwrap();
    assert_eq!(
        replayed.stdout,
        format!("no difference in {calls} calls of 1 instances\n")
    );
}

#[test]
fn a_recording_ends_when_its_time_is_up() {
    let environment = Environment::new();
    let device = running(&environment, &[]);
    let file = environment.path("second.jsonl");
    let recorder = recording(&environment, &["-o", &file, "--duration", "1"]);
    assert_eq!(recorder.wait().0.code(), Some(0));
    assert!(whole(&file).matches("timerFired").count() > 1);
    device.until("Sent message");
}

#[test]
fn a_recording_ends_with_its_device() {
    let environment = Environment::new();
    let mut device = running(&environment, &[]);
    let file = environment.path("end.jsonl");
    let recorder = recording(&environment, &["-o", &file]);
    device.press("q\n");
    assert_eq!(device.wait().0.code(), Some(0));
    assert_eq!(recorder.wait().0.code(), Some(0));
    assert!(whole(&file).contains("{\"gone\":{\"instance\":1}}"));
}

#[test]
fn what_was_recorded_of_a_device_that_is_killed_can_be_replayed() {
    let environment = Environment::new();
    let device = running(&environment, &[]);
    let file = environment.path("killed.jsonl");
    let recorder = recording(&environment, &["-o", &file]);
    // A line that has been written whole, after the one that says what the file is.
    let began = Instant::now();
    while std::fs::read_to_string(&file).unwrap().matches('\n').count() < 2 {
        assert!(began.elapsed() < PATIENCE, "it writes a line");
        std::thread::yield_now();
    }
    drop(device);
    let (status, stderr) = recorder.wait();
    assert_eq!(status.code(), Some(1));
    let said = format!(
        "setpoint: my-pnp-device went away without a word; {file} holds what came until then, and can be replayed\n"
    );
    assert_eq!(stderr, said);
    let replayed = environment.run(&["replay", &file]);
    assert_eq!(replayed.code, Some(0), "{}", replayed.stderr);
    let note = format!("setpoint: note: {file} was cut short; what is there has been replayed\n");
    assert_eq!(replayed.stderr, note);
}

/// A device that was recorded from power-on to its end, with a swap in between.
fn recorded(environment: &Environment) -> String {
    let file = environment.path("life.jsonl");
    let mut device = running(environment, &["--record", &file]);
    let mut other = THERMOSTAT.to_vec();
    // A custom section, as every WebAssembly tool passes over it: id 0, two bytes, a name of one.
    other.extend([0, 2, 1, b'x']);
    let other = environment.write("other.wasm", &other);
    let swapped = environment.run(&["swap", "my-pnp-device", &other]);
    assert_eq!(swapped.code, Some(0), "{}", swapped.stderr);
    device.until("other has taken the place of thermostat");
    device.until("Sent message");
    device.press("q\n");
    assert_eq!(device.wait().0.code(), Some(0));
    file
}

#[test]
fn a_life_from_power_on_is_replayed_by_whoever_is_asked_to() {
    let environment = Environment::new();
    let file = recorded(&environment);
    let written = whole(&file);
    assert!(written.contains("\"reason\":\"powerOn\""));

    let unknown = environment.run(&["replay", &file]);
    assert_eq!(unknown.code, Some(2));
    assert!(
        unknown
            .error()
            .contains(": other was recorded, a guest with the sha256 "),
        "{}",
        unknown.stderr
    );
    let other = environment.path("other.wasm");
    for arguments in [vec!["--with", other.as_str()], vec![other.as_str()]] {
        let mut all = vec!["replay", &file];
        all.extend(arguments);
        let replayed = environment.run(&all);
        assert_eq!(replayed.code, Some(0), "{}", replayed.stderr);
        assert!(replayed.stdout.ends_with(" of 2 instances\n"), "{}", replayed.stdout);
    }

    let exists = environment.run(&["run", "--record", &file]);
    let error = format!("{file} exists already; name a new file for the record");
    assert_eq!((exists.code, exists.error()), (Some(2), error.as_str()));
    assert_eq!(whole(&file), written);
}

#[test]
fn what_differs_is_shown_and_decides_how_it_ends() {
    let environment = Environment::new();
    let file = recorded(&environment);
    let other = environment.path("other.wasm");
    let edited = |from: &str, to: &str| {
        let written = whole(&file).replace(from, to);
        environment.write("edited.jsonl", written.as_bytes())
    };

    let slower = edited("\"interval\":\"0.05\"", "\"interval\":\"5\"");
    let first = environment.run(&["replay", &slower, &other]);
    assert_eq!(first.code, Some(1));
    assert!(
        first
            .error()
            .starts_with(&format!("{slower}:4: the guest does something else")),
        "{}",
        first.stderr
    );
    let lines: Vec<_> = first.stdout.lines().collect();
    assert!(
        lines[0].starts_with("line 4: call 2, start (PowerOn), instance 1 of other, 20"),
        "{lines:?}"
    );
    assert_eq!(
        lines[1..],
        [
            "  effects[1].every.milliseconds",
            "    expected  50",
            "    got       5000"
        ]
    );
    let all = environment.run(&["replay", &slower, &other, "--all"]);
    assert_eq!(all.code, Some(1));
    assert!(all.stdout.lines().count() > 4, "{}", all.stdout);
    assert!(all.error().contains(" differences in "), "{}", all.stderr);

    let failing = edited("\"interval\":\"0.05\"", "\"interval\":\"0\"");
    let failed = environment.run(&["replay", &failing, &other]);
    assert_eq!(failed.code, Some(4));
    let error = "the guest fails where the recorded one did not: other: does not start: config interval";
    assert!(failed.error().contains(error), "{}", failed.stderr);

    let damaged = edited("{\"gone\":{\"instance\":1}}", "{\"gone\":{\"instance\":");
    let broken = environment.run(&["replay", &damaged, &other]);
    assert_eq!(broken.code, Some(2));
    assert!(
        broken.error().contains("edited.jsonl:") && broken.error().contains(": is damaged: "),
        "{}",
        broken.stderr
    );
}

#[test]
fn what_cannot_be_recorded_or_replayed_is_said() {
    let environment = Environment::new();
    let nobody = environment.run(&["record", "my-pnp-device", "-o", "a.jsonl"]);
    assert_eq!(nobody.code, Some(2));
    assert_eq!(nobody.error(), "no device runs here; start one with `setpoint run`");

    let text = environment.write("text.jsonl", b"hello\n");
    let no_record = environment.run(&["replay", &text]);
    assert_eq!(no_record.code, Some(2));
    assert!(no_record.error().starts_with(&format!("{text}:1: is no record")));

    let missing = environment.run(&["replay", "no-such.jsonl"]);
    assert_eq!(missing.code, Some(2));
    assert!(
        missing.error().ends_with("give the path of a record"),
        "{}",
        missing.stderr
    );

    let nowhere = environment.run(&["run", "--record", "no/such/folder.jsonl"]);
    assert_eq!(nowhere.code, Some(2));
    assert!(
        nowhere.error().starts_with("no/such/folder.jsonl: No such file"),
        "{}",
        nowhere.stderr
    );
}
