//! Recording a device in mid-life.

use std::sync::Arc;

use super::operator::{Control, Operator};
use super::swap::{Replacement, SwapError, Swapped};
use crate::sandbox::{Occupied, Program, Recorder};

/// Why a device is not recorded.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NotRecorded {
    /// Somebody else does.
    #[error("{0}; wait until that is over")]
    Occupied(#[from] Occupied),
    /// The instance that is to be recorded could not take over. The one that ran goes on.
    #[error(transparent)]
    Swap(#[from] SwapError),
}

/// Where a record begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Beginning {
    /// With the start of an instance that has taken over, with the state of the one before it.
    Replaced(Swapped),
    /// With whatever instance is made next: none runs now.
    Next,
}

/// The guest of a device, as far as another instance of it can be made.
pub struct Present {
    /// None when no instance runs.
    pub(super) program: Option<Program>,
}

impl Operator {
    /// Has everything taken down that goes in and out of the guest from now on, until `recorder` listens no more. Nothing is
    /// known of what the instance that runs has in its memory, so another one of the same guest takes its place, as in a swap:
    /// it gets the state, and no message is lost. Needs a tokio runtime.
    ///
    /// # Errors
    /// When the guest has no state to hand over, the new instance does not start with it, or the device is recorded already.
    /// The instance that runs goes on then, and nothing is recorded.
    pub async fn record(&self, recorder: Arc<dyn Recorder>) -> Result<Beginning, NotRecorded> {
        self.surroundings.tap.attach(recorder)?;
        let begun = self.renew().await;
        if begun.is_err() {
            self.surroundings.tap.detach();
        }
        Ok(begun?)
    }

    async fn renew(&self) -> Result<Beginning, SwapError> {
        let Present { program } = self.order(Control::Present).await?;
        match program {
            Some(program) => {
                let swapped = self.swap_with(program, Replacement::renewing).await?;
                Ok(Beginning::Replaced(swapped))
            }
            None => Ok(Beginning::Next),
        }
    }
}
