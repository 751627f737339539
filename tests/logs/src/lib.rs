//! No key is ever logged: what every test process logs is kept, and so is every key it uses, and when all have run the one is
//! searched for the other.
//!
//! With [`FOLDER`] in the environment, [`start`] writes the traces of a process into a file of its own there, [`printed`] adds
//! what programs under test print, and [`keys`], [`private_key`] and [`identities`] say what is secret. Without it they do
//! nothing. The program of this crate makes the search: `./justw test` runs it last.

#![allow(clippy::expect_used, reason = "a test fails by panicking, helpers too")]

mod search;
mod write;

pub use search::{Failure, Found, search};
pub use write::{identities, keys, printed, private_key, start};

/// Names the folder where logs and keys are gathered; absolute, as each test process runs where its package lies.
pub const FOLDER: &str = "SETPOINT_TEST_LOGS";

/// The file of keys in it: base64 of each, one a line.
const KEYS: &str = "keys";
