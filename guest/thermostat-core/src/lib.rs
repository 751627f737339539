//! What one thermostat does: interface `dtmi:com:example:Thermostat;1`, in models/.
//!
//! A [`Thermostat`] is a whole device, or a component of one: it is told its component's name and otherwise behaves the
//! same. Whoever owns it starts it, hands it what concerns it, and has it measure whenever its [`Rhythm`] says so.
//! Of what an instance [saves](State), [`predecessor`] gives the next one what it may take over.

mod report;
mod rhythm;
mod settings;
mod state;
mod takeover;
mod target;
mod thermostat;
mod window;

pub use rhythm::Rhythm;
pub use settings::Settings;
pub use state::State;
pub use takeover::predecessor;
pub use thermostat::Thermostat;
