//! What a device author implements.

use crate::{Command, Desired, Host, Level, Message, Outcome, Timer};

/// Why the host starts an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartReason {
    /// First start in this process.
    PowerOn,
    /// The previous instance failed and was thrown away.
    Failure,
    /// A new version of the device replaces a running one.
    Replaced,
    /// The instance was put aside to save memory and is wanted again.
    Resumed,
}

/// A device: what happens when it starts, and then on each event.
///
/// The host calls one method at a time. A method that panics ends the instance; the host starts another one with
/// [`StartReason::Failure`]. Every method but [`start`](Device::start) has a default that suits a model without the
/// thing in question.
pub trait Device: Sized {
    /// DTDL identifier of the model, for example `dtmi:com:example:Thermostat;1`.
    const MODEL_ID: &'static str;

    /// Makes the device. `state` is what [`save`](Device::save) last returned, when there is some.
    ///
    /// # Errors
    /// One line that says what is wrong with the device's configuration. The device does not start.
    fn start(host: &mut impl Host, reason: StartReason, state: Option<Vec<u8>>) -> Result<Self, String>;

    /// Desired values. The first call after `start` always comes, with all there are, be it none; later ones carry
    /// changes.
    fn update(&mut self, host: &mut impl Host, desired: Vec<Desired>) {
        for desired in desired {
            if let Err(error) = host.acknowledge(desired.unknown()) {
                host.log(Level::Warn, format_args!("an acknowledgement was not sent: {error}"));
            }
        }
    }

    /// A command somebody waits for.
    fn invoke(&mut self, _host: &mut impl Host, command: Command) -> Outcome {
        command.unknown().into()
    }

    /// A cloud-to-device message.
    fn receive(&mut self, _host: &mut impl Host, _message: Message) {}

    /// A timer that [`Host::after`] or [`Host::every`] set.
    fn timer_fired(&mut self, _host: &mut impl Host, _timer: Timer) {}

    /// State to hand to the next instance. None: this device cannot be put aside.
    fn save(&self) -> Option<Vec<u8>> {
        None
    }
}
