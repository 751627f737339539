//! What a device for Setpoint is written with.
//!
//! A device is a type that implements [`Device`]: the host starts it, then calls one method at a time as things happen.
//! All it can do to the world outside goes through the [`Host`] it is given. [`export!`] makes it a WebAssembly
//! component; [`mock`] runs it natively, in virtual time.
//!
//! ```
//! use setpoint_guest::{Command, Device, Host, Outcome, Response, StartReason, Timer, json};
//! use std::time::Duration;
//!
//! struct Counter { count: u64 }
//!
//! impl Device for Counter {
//!     const MODEL_ID: &'static str = "dtmi:com:example:Counter;1";
//!
//!     fn start(host: &mut impl Host, _: StartReason, _: Option<Vec<u8>>) -> Result<Self, String> {
//!         host.every(Duration::from_secs(1));
//!         Ok(Counter { count: 0 })
//!     }
//!
//!     fn timer_fired(&mut self, host: &mut impl Host, _: Timer) {
//!         self.count += 1;
//!         host.send(json!({ "count": self.count })).ok();
//!     }
//!
//!     fn invoke(&mut self, _: &mut impl Host, command: Command) -> Outcome {
//!         if command.target.parts() != (None, "reset") {
//!             return command.unknown().into();
//!         }
//!         self.count = 0;
//!         Response::ok(()).into()
//!     }
//! }
//!
//! setpoint_guest::export!(Counter);
//!
//! // And its test:
//! use setpoint_guest::mock::{Effect, MockHost, Trial};
//!
//! let mut counter = Trial::<Counter>::power_on(MockHost::new())?;
//! counter.effects();
//! counter.advance(Duration::from_secs(2));
//! assert_eq!(counter.effects(), [Effect::telemetry(json!({"count": 1})), Effect::telemetry(json!({"count": 2}))]);
//! assert_eq!(counter.invoke("reset", ()), Response::ok(()).into());
//! # Ok::<(), String>(())
//! ```
//!
//! The crate of a device has the type `cdylib` (and `rlib` for its tests) and is built for `wasm32-unknown-unknown`.

#[cfg(target_family = "wasm")]
#[doc(hidden)]
pub mod bindings;
mod cloud;
mod device;
mod export;
mod host;
mod json;
mod member;
#[cfg(not(target_family = "wasm"))]
pub mod mock;
#[cfg(target_family = "wasm")]
mod sandbox;

pub use chrono;
pub use cloud::{
    Acknowledgement, Assignment, Command, Desired, Message, Outcome, RequestId, Response, SendError, Telemetry,
};
pub use device::{Device, StartReason};
pub use host::{Host, Level, Timer};
pub use json::{Json, JsonError};
pub use member::Member;
pub use serde_json::{Value, json};

/// What [`export!`] expands to; not for use by hand.
#[cfg(target_family = "wasm")]
#[doc(hidden)]
pub mod __private {
    pub use crate::bindings::{self, export_bindings};
    pub use crate::sandbox::{Instance, Slot};
}
