//! The languages there are templates for.

use std::fmt;
use std::str::FromStr;

use super::embedded::{C, Contents, JS, PYTHON, RUST};
use super::name::Name;

/// What a device is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Built with cargo.
    Rust,
    /// Built with componentize-py.
    Python,
    /// Built with componentize-qjs.
    JavaScript,
    /// Built with Zig's compiler.
    C,
}

/// What to do in a project's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commands {
    /// Makes the guest.
    pub build: String,
    /// Runs it, and again whenever it is built.
    pub run: String,
    /// Runs its tests.
    pub test: String,
}

/// A word that names no language.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no language that there is a template for; give one of {list}", list = Language::ALL.map(Language::id).join(", "))]
pub struct UnknownLanguage(String);

impl Language {
    /// All of them.
    pub const ALL: [Language; 4] = [Language::Rust, Language::Python, Language::JavaScript, Language::C];

    /// One word in lower case, as [`Language::from_str`] reads it.
    pub fn id(self) -> &'static str {
        match self {
            Language::Rust => "rust",
            Language::Python => "python",
            Language::JavaScript => "js",
            Language::C => "c",
        }
    }

    /// Where the guest is once it has been built, as a path in the project.
    pub(super) fn guest(self, name: &Name) -> String {
        match self {
            Language::Rust => format!("target/wasm32-unknown-unknown/release/{}.wasm", name.module()),
            Language::Python | Language::JavaScript | Language::C => format!("{}.wasm", name.as_str()),
        }
    }

    pub(super) fn commands(self, name: &Name) -> Commands {
        let (build, test) = match self {
            Language::Rust => ("cargo build --release --target wasm32-unknown-unknown", "cargo test"),
            Language::Python | Language::JavaScript | Language::C => ("./build", "./test"),
        };
        Commands {
            build: build.to_owned(),
            run: format!("setpoint run --watch {}", self.guest(name)),
            test: test.to_owned(),
        }
    }

    pub(super) fn contents(self) -> &'static Contents {
        match self {
            Language::Rust => &RUST,
            Language::Python => &PYTHON,
            Language::JavaScript => &JS,
            Language::C => &C,
        }
    }

    /// Names, with `_` for `-`, that mean something else where a project uses its own.
    pub(super) fn reserved(self) -> &'static [&'static str] {
        match self {
            // Keywords, and the packages whose names cargo refuses or the project needs.
            Language::Rust => &[
                "abstract",
                "alloc",
                "as",
                "async",
                "await",
                "become",
                "box",
                "break",
                "const",
                "continue",
                "core",
                "crate",
                "do",
                "dyn",
                "else",
                "enum",
                "extern",
                "false",
                "final",
                "fn",
                "for",
                "gen",
                "if",
                "impl",
                "in",
                "let",
                "loop",
                "macro",
                "match",
                "mod",
                "move",
                "mut",
                "override",
                "priv",
                "proc_macro",
                "pub",
                "ref",
                "return",
                "self",
                "serde",
                "serde_json",
                "setpoint_guest",
                "static",
                "std",
                "struct",
                "super",
                "test",
                "trait",
                "true",
                "try",
                "type",
                "typeof",
                "unsafe",
                "unsized",
                "use",
                "virtual",
                "where",
                "while",
                "yield",
            ],
            // Nothing there is called after the project.
            Language::Python | Language::JavaScript | Language::C => &[],
        }
    }
}

impl FromStr for Language {
    type Err = UnknownLanguage;

    fn from_str(text: &str) -> Result<Self, UnknownLanguage> {
        let found = Self::ALL.into_iter().find(|language| language.id() == text);
        found.ok_or_else(|| UnknownLanguage(text.to_owned()))
    }
}

/// As people write it.
impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Language::Rust => "Rust",
            Language::Python => "Python",
            Language::JavaScript => "JavaScript",
            Language::C => "C",
        })
    }
}
