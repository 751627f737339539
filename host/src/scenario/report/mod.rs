//! Outcomes, as people, build servers and programs read them.

mod json;
mod junit;
mod text;

pub use json::json;
pub use junit::junit;
pub use text::{one, summary};

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
