//! Guests written as WebAssembly text: what no honest compiler would put out.
//!
//! A [`Module`] is a device that does nothing; a test puts statements in front of what an export does. An export's
//! parameters are its locals 0, 1 and so on, as the canonical ABI lowers them, and what it returns stands at a fixed place
//! in memory, where the statements may change it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use setpoint_tests::COUNTER;
use wasmparser::{Parser, Payload};
use wit_component::StringEncoding;
use wit_parser::Resolve;

/// Where `model-id` keeps its string's address and length.
pub(super) const MODEL_ID: u32 = 1024;
/// Where `start` keeps its result: discriminant, address and length of the error.
pub(super) const STARTED: u32 = 1040;
/// Where `invoke` keeps its outcome: discriminant; at 4 the status; at 8, 12, 16 the payload.
pub(super) const OUTCOME: u32 = 1080;
/// Where `save` keeps its option: discriminant, address and length.
pub(super) const SAVED: u32 = 1120;

/// Every export, with its parameters and where its result stands.
const EXPORTS: [(&str, &str, Option<u32>); 7] = [
    ("model-id", "", Some(MODEL_ID)),
    ("start", "i32 i32 i32 i32", Some(STARTED)),
    ("update", "i32 i32", None),
    ("invoke", "i32 i32 i32 i32 i32 i32 i32 i32 i32 i32", Some(OUTCOME)),
    ("receive", "i32 i32 i32 i32", None),
    ("timer-fired", "i32", None),
    ("save", "", Some(SAVED)),
];

/// What every module has beside its exports. The host's calls are there by their names; `$say` sends `{"n":1}` and tells
/// whether it was refused; `$digit` logs a number below 10; `$complain` logs the text of the last refusal.
const COMMON: &str = r#"
    (import "setpoint:device/telemetry@0.1.0" "send" (func $send (param i32 i32 i32 i32 i32 i32 i32 i32)))
    (import "setpoint:device/properties@0.1.0" "report" (func $report (param i32 i32 i32 i32 i32 i32 i32 i32 i32)))
    (import "setpoint:device/properties@0.1.0" "acknowledge"
        (func $acknowledge (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i64 i32 i32 i32 i32)))
    (import "setpoint:device/commands@0.1.0" "respond" (func $respond (param i32 i32 i32 i32 i32 i32) (result i32)))
    (import "setpoint:device/provisioning@0.1.0" "current" (func $assignment (param i32)))
    (import "setpoint:device/config@0.1.0" "get" (func $config (param i32 i32 i32)))
    (import "setpoint:device/logging@0.1.0" "log" (func $log (param i32 i32 i32)))
    (import "setpoint:device/timers@0.1.0" "after" (func $after (param i64) (result i32)))
    (import "setpoint:device/timers@0.1.0" "every" (func $every (param i64) (result i32)))
    (import "setpoint:device/timers@0.1.0" "cancel" (func $cancel (param i32)))
    (import "setpoint:device/random@0.1.0" "next" (func $random (result i64)))
    (table $table 1 funcref)
    (global $top (mut i32) (i32.const 65536))
    (global $count (mut i32) (i32.const 0))
    (data (i32.const 16) "dtmi:com:example:Hostile;1")
    (data (i32.const 256) "{\"n\":1}")
    (data (i32.const 300) "0123456789")
    (data (i32.const 320) "name")
    (data (i32.const 1024) "\10\00\00\00\1a\00\00\00")
    (data (i32.const 1084) "\c8\00")
    (func $say (result i32)
        (call $send (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 256) (i32.const 7)
            (i32.const 0) (i32.const 0) (i32.const 1200))
        (i32.load8_u (i32.const 1200)))
    (func $digit (param i32)
        (call $log (i32.const 2) (i32.add (i32.const 300) (local.get 0)) (i32.const 1)))
    (func $complain
        (call $log (i32.const 2) (i32.load (i32.const 1208)) (i32.load (i32.const 1212))))
    (func $dig (param i64) (result i64)
        (i64.add (local.get 0) (call $dig (i64.add (local.get 0) (i64.const 1)))))
"#;

/// An honest allocator: what an export was given is forgotten when it returns.
const REALLOC: &str = "
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
    (global.set $top (i32.add (local.get $at) (local.get 3)))
    (local.get $at)";

/// A device in the making.
pub(super) struct Module {
    pages: u32,
    wakes: u32,
    realloc: &'static str,
    wasi: String,
    more: String,
    forgets: bool,
    exports: BTreeMap<&'static str, String>,
}

impl Module {
    /// One that does nothing but set a timer of a second when it is started.
    pub(super) fn new() -> Self {
        Self {
            pages: 64,
            wakes: 1_000,
            realloc: REALLOC,
            wasi: String::new(),
            more: String::new(),
            forgets: true,
            exports: BTreeMap::new(),
        }
    }

    /// Does this at the beginning of an export.
    pub(super) fn does(mut self, export: &'static str, statements: &str) -> Self {
        assert!(EXPORTS.iter().any(|(name, ..)| *name == export), "{export}");
        self.exports.entry(export).or_default().push_str(statements);
        self
    }

    /// Sets its timer for so many milliseconds after its start.
    pub(super) fn wakes(mut self, milliseconds: u32) -> Self {
        self.wakes = milliseconds;
        self
    }

    /// Begins with so many pages of 64 KiB.
    pub(super) fn pages(mut self, pages: u32) -> Self {
        self.pages = pages;
        self
    }

    /// Allocates like this when the host hands something over.
    pub(super) fn realloc(mut self, body: &'static str) -> Self {
        self.realloc = body;
        self
    }

    /// Keeps everything it is ever given.
    pub(super) fn forgets_nothing(mut self) -> Self {
        self.forgets = false;
        self
    }

    /// Imports this function of WASI 0.2, by that name within the module.
    pub(super) fn wasi(mut self, interface: &str, function: &str, name: &str, kind: &str) -> Self {
        let _ = write!(
            self.wasi,
            "(import \"wasi:{interface}@0.2.12\" \"{function}\" (func {name} {kind}))"
        );
        self
    }

    /// Has these fields too.
    pub(super) fn with(mut self, fields: &str) -> Self {
        self.more.push_str(fields);
        self
    }

    /// The module, with the metadata that makes it a guest.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut text = format!(
            "(module {} {COMMON} (memory (export \"memory\") {}) {}",
            self.wasi, self.pages, self.more
        );
        let realloc = self.realloc;
        let _ = write!(
            text,
            "(func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32) {realloc})"
        );
        for (name, parameters, result) in EXPORTS {
            let statements = self.exports.get(name).map_or("", String::as_str);
            let wakes = match name {
                "start" => format!("(drop (call $after (i64.const {})))", self.wakes),
                _ => String::new(),
            };
            let (kind, returns) = match result {
                Some(place) => ("(result i32)", format!("(i32.const {place})")),
                None => ("", String::new()),
            };
            let forget = if self.forgets {
                "(global.set $top (i32.const 65536))"
            } else {
                ""
            };
            let _ = write!(
                text,
                "(func (export \"setpoint:device/device@0.1.0#{name}\") (param {parameters}) {kind}
                    {statements} {wakes} {forget} {returns})"
            );
        }
        text.push(')');
        let mut bytes = wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}"));
        bytes.extend(metadata());
        if !self.wasi.is_empty() {
            bytes.extend(section("component-type:wasi", &wasi_world()));
        }
        bytes
    }
}

/// The section in which wit-bindgen describes the world: that of a guest which is one.
fn metadata() -> Vec<u8> {
    let mut sections = Vec::new();
    for payload in Parser::new(0).parse_all(COUNTER) {
        if let Payload::CustomSection(section) = payload.unwrap()
            && section.name().starts_with("component-type")
        {
            sections.extend(custom(&COUNTER[section.range()]));
        }
    }
    assert!(!sections.is_empty(), "the counter says what its world is");
    sections
}

/// Everything of WASI that a host may be asked for, as wit-bindgen would describe it.
fn wasi_world() -> Vec<u8> {
    let wit = concat!(env!("CARGO_MANIFEST_DIR"), "/../host/src/sandbox/wasi/wit");
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(wit).unwrap();
    let world = resolve.select_world(&[package], Some("given")).unwrap();
    wit_component::metadata::encode(&resolve, world, StringEncoding::UTF8, None).unwrap()
}

/// A custom section of that name.
fn section(name: &str, data: &[u8]) -> Vec<u8> {
    let mut content = leb128(name.len());
    content.extend(name.as_bytes());
    content.extend(data);
    custom(&content)
}

fn custom(content: &[u8]) -> Vec<u8> {
    let mut section = vec![0];
    section.extend(leb128(content.len()));
    section.extend(content);
    section
}

fn leb128(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}
