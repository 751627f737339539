//! The emulator and Microsoft's SDKs for Python, Node and C, unmodified: clients that share none of this project's code.
//!
//! The device SDKs know two ports, 8883 and for WebSockets 443. So each test has its own emulator on an address of its own out of
//! the 16 million of 127/8, which on Linux are all this machine's, and the certificate covers that address. What an SDK does is
//! in `python/scenarios.py` and `node/scenarios.js`, which answer the same, and in `c/scenarios.c`, for a device alone.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, helpers too"
)]

mod amqp;
mod c_device;
mod c_sdk;
mod day;
mod identity;
mod place;
mod readme;
mod registry;
mod sdk;
mod service;
mod tunnel;

use place::{Place, Task};
use sdk::Sdk;
