//! A host for plain `cargo test`: no sandbox, no cloud, no waiting.
//!
//! [`MockHost`] keeps virtual time and records what a device does, as one [`Effect`] after another; [`Trial`] holds a
//! device in such a host and sends it events.

mod effect;
mod host;
#[cfg(test)]
mod tests;
mod trial;

pub use effect::Effect;
pub use host::MockHost;
pub use trial::Trial;
