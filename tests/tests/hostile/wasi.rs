//! Guests that import WASI one function at a time. What the standard library makes of it is in `tests/wasi.rs`.

use std::sync::OnceLock;
use std::time::Duration;

use setpoint::device::Verdict;
use setpoint::effect::Level;
use setpoint::sandbox::{GuestError, Limits, LoadError, Permission, Program, Sandbox};
use setpoint::testing::{BEGINNING, TestDevice};

use super::module::Module;
use super::provoke::logged;

/// Where functions put what they return.
const RESULT: u32 = 1300;

/// What a write of `length` bytes from address 16 on comes to.
fn write(function: &str, length: u32) -> Module {
    Module::new()
        .wasi("cli/stdout", "get-stdout", "$stdout", "(result i32)")
        .wasi(
            "io/streams",
            &format!("[method]output-stream.{function}"),
            "$write",
            "(param i32 i32 i32 i32)",
        )
        .does(
            "receive",
            &format!("(call $write (call $stdout) (i32.const 16) (i32.const {length}) (i32.const {RESULT}))"),
        )
}

fn zeroes(function: &str, length: u64) -> Module {
    Module::new()
        .wasi("cli/stderr", "get-stderr", "$stderr", "(result i32)")
        .wasi(
            "io/streams",
            &format!("[method]output-stream.{function}"),
            "$zeroes",
            "(param i32 i64 i32)",
        )
        .does(
            "receive",
            &format!("(call $zeroes (call $stderr) (i64.const {length}) (i32.const {RESULT}))"),
        )
}

fn draw(interface: &str, function: &str, length: u64) -> Module {
    Module::new()
        .wasi(interface, function, "$draw", "(param i64 i32)")
        .does(
            "receive",
            &format!("(call $draw (i64.const {length}) (i32.const {RESULT}))"),
        )
}

/// One that holds something of the clock's which is ready so many nanoseconds after it was made, and does this with it.
fn later(nanoseconds: u64, statements: &str) -> Module {
    Module::new()
        .wasi(
            "clocks/monotonic-clock",
            "subscribe-duration",
            "$later",
            "(param i64) (result i32)",
        )
        .wasi(
            "io/poll",
            "[method]pollable.ready",
            "$ready",
            "(param i32) (result i32)",
        )
        .wasi("io/poll", "[method]pollable.block", "$block", "(param i32)")
        .wasi("io/poll", "poll", "$poll", "(param i32 i32 i32)")
        .with("(global $held (mut i32) (i32.const 0))")
        .does(
            "start",
            &format!("(global.set $held (call $later (i64.const {nanoseconds})))"),
        )
        .does("receive", statements)
}

/// All of them in one sandbox where WASI is allowed.
fn start(module: &Module) -> TestDevice {
    static SANDBOX: OnceLock<Sandbox> = OnceLock::new();
    let limits = || Limits {
        allow: [Permission::Wasi].into(),
        ..Limits::default()
    };
    let sandbox = SANDBOX.get_or_init(|| Sandbox::new(limits(), None).unwrap());
    TestDevice::load_into(sandbox, &module.bytes())
        .unwrap()
        .start()
        .unwrap()
}

/// A device that has received a message, after so long.
fn received(module: &Module, after: Duration) -> TestDevice {
    let mut device = start(module);
    device.advance(after).unwrap();
    device.hub().message(b"", Vec::new());
    device.settle().unwrap();
    device
}

fn works(module: &Module) -> TestDevice {
    let mut device = received(module, Duration::ZERO);
    assert_eq!(device.failures().len(), 0);
    device
}

/// Why it failed when it received a message. It is started again.
fn reason(module: &Module) -> String {
    let mut device = received(module, Duration::ZERO);
    match device.failures().as_slice() {
        [
            (
                GuestError::Trapped {
                    export: "receive",
                    reason,
                    ..
                },
                Verdict::RestartIn(_),
            ),
        ] => reason.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn without_permission_one_import_is_enough_to_be_refused() {
    let sandbox = Sandbox::new(Limits::default(), None).unwrap();
    let refused = Program::load(&sandbox, "guest", &draw("random/random", "get-random-bytes", 1).bytes()).err();
    assert!(
        matches!(&refused, Some(LoadError::NotAllowed { import, .. }) if import == "wasi:random/random@0.2.12"),
        "{refused:?}"
    );
}

#[test]
fn random_bytes_have_a_number_for_each_call() {
    for (interface, function) in [
        ("random/random", "get-random-bytes"),
        ("random/insecure", "get-insecure-random-bytes"),
    ] {
        works(&draw(interface, function, 65_536));
        for length in [65_537, u64::MAX] {
            let reason = reason(&draw(interface, function, length));
            assert_eq!(reason, "it asks for more random bytes than the 65536 a call may have");
        }
    }
}

#[test]
fn writing_has_an_end_for_each_call() {
    for (function, most) in [("write", 65_536), ("blocking-write-and-flush", 4_096)] {
        works(&write(function, most));
        let reason = reason(&write(function, most + 1));
        assert_eq!(reason, format!("it writes more than the {most} bytes a call may have"));
    }
    for (function, most) in [("write-zeroes", 65_536), ("blocking-write-zeroes-and-flush", 4_096)] {
        works(&zeroes(function, most));
        for length in [most + 1, u64::MAX] {
            let reason = reason(&zeroes(function, length));
            assert_eq!(reason, format!("it writes more than the {most} bytes a call may have"));
        }
    }
}

#[test]
fn a_line_that_never_ends_is_none_and_lines_have_a_quota() {
    let mut device = works(&write("write", 65_536));
    assert_eq!(logged(&mut device), [] as [String; 0]);
    // 65,536 ends of lines.
    let ends = "(memory.fill (i32.const 65536) (i32.const 10) (i32.const 65536))
        (call $write (call $stdout) (i32.const 65536) (i32.const 65536) (i32.const 1300))";
    let module = write("write", 0).does("receive", ends);
    let mut device = works(&module);
    let (kept, dropped) = (device.logs().len() as u64, device.status().unwrap().log_lines_dropped);
    assert_eq!(kept + dropped, 65_536);
    assert!(kept <= 1_000, "{kept}");
}

#[test]
fn handles_have_a_number() {
    let hoard = "(loop $on (drop (call $later (i64.const 0))) (br $on))";
    assert_eq!(reason(&later(0, hoard)), "it holds more than 1000 handles of WASI's");
}

#[test]
fn nothing_is_waited_for() {
    let poll = "(i32.store (i32.const 1400) (global.get $held))
        (call $poll (i32.const 1400) (i32.const 1) (i32.const 1300))";
    for wait in ["(call $block (global.get $held))", poll] {
        let second = 1_000_000_000;
        let waits = "it waits within a call; a device waits with timers (setpoint:device/timers)";
        assert_eq!(reason(&later(second, wait)), waits);
        assert_eq!(reason(&later(u64::MAX, wait)), waits);
        // What is ready is not waited for.
        works(&later(0, wait));
        let mut device = received(&later(second, wait), Duration::from_secs(1));
        assert_eq!(device.failures().len(), 0);
    }
    assert!(reason(&later(0, "(call $poll (i32.const 0) (i32.const 0) (i32.const 1300))")).contains("it waits"));
}

#[test]
fn what_is_ready_is_known_without_waiting() {
    let ask = "(call $digit (call $ready (global.get $held)))";
    let module = later(1_000_000_000, ask);
    let mut device = received(&module, Duration::from_millis(999));
    assert_eq!(logged(&mut device), ["0"]);
    device.advance(Duration::from_millis(1)).unwrap();
    device.hub().message(b"", Vec::new());
    device.settle().unwrap();
    assert_eq!(logged(&mut device), ["1"]);
}

#[test]
fn the_clocks_are_the_devices() {
    let tell = "(call $wall (i32.const 1312))
        (call $digit (i32.wrap_i64 (i64.sub (i64.load (i32.const 1312)) (i64.const 1704067200))))
        (call $digit (i32.wrap_i64 (i64.div_u (call $running) (i64.const 1000000000))))";
    assert_eq!(BEGINNING.timestamp(), 1_704_067_200);
    let module = Module::new()
        .wasi("clocks/wall-clock", "now", "$wall", "(param i32)")
        .wasi("clocks/monotonic-clock", "now", "$running", "(result i64)")
        .does("receive", tell);
    let mut device = received(&module, Duration::from_secs(7));
    assert_eq!(logged(&mut device), ["7", "7"]);
    // The wall clock jumps alone.
    device.clock().jump_to(BEGINNING);
    device.hub().message(b"", Vec::new());
    device.settle().unwrap();
    assert_eq!(logged(&mut device), ["0", "7"]);
}

#[test]
fn input_is_at_its_end_and_output_goes_to_the_log() {
    let read = "(call $read (call $stdin) (i64.const 10) (i32.const 1300))
        (call $digit (i32.load8_u (i32.const 1300)))
        (call $digit (i32.load8_u (i32.const 1304)))";
    let module = Module::new()
        .wasi("cli/stdin", "get-stdin", "$stdin", "(result i32)")
        .wasi(
            "io/streams",
            "[method]input-stream.blocking-read",
            "$read",
            "(param i32 i64 i32)",
        )
        .does("receive", read);
    // An error, which is: closed.
    assert_eq!(logged(&mut works(&module)), ["1", "1"]);
    let text = "(data (i32.const 1500) \"one\\r\\n\\fftwo\\nthree\")";
    let print = "(call $write (call $stdout) (i32.const 1500) (i32.const 15) (i32.const 1300))";
    let module = write("write", 0).with(text).does("receive", print);
    let mut device = works(&module);
    let lines = device.logs();
    let expected = ["one", "\u{fffd}two"].map(|line| (Level::Info, line.to_owned()));
    assert_eq!(lines, expected);
}

#[test]
fn an_exit_is_a_failure() {
    for function in ["exit", "exit-with-code"] {
        let module = Module::new()
            .wasi("cli/exit", function, "$exit", "(param i32)")
            .does("receive", "(call $exit (i32.const 0))");
        assert_eq!(reason(&module), "it exits; a device runs until its host stops it");
    }
}
