//! What was recorded of a device is what its guest does again; and where another does something else, it is said.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod changed;
mod damaged;
mod lives;
mod mid_life;
mod round_trip;
mod shelf;
