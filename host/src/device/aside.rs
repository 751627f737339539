//! An instance that is put aside between two events: its state is kept, its memory is given back, and another instance takes
//! up the state when a timer is due or the hub has something for it.
//!
//! Nothing else of the device notices: connection, outbox, twin and timers stay. An instance that takes up a state is told
//! every desired value and acknowledges them, as after any start; what the hub has been told already in the same words is
//! not sent again.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;

use super::core::Device;
use super::notice::Notice;
use crate::effect::{Member, StartReason};
use crate::sandbox::Guest;

/// A timer that is due sooner than this is waited for: another instance would cost more than the memory is worth.
const SHORT: Duration = Duration::from_millis(500);

/// Whether the instance is to be put aside, and what would be said twice if it were.
#[derive(Debug, Default)]
pub(super) struct Aside {
    /// Not, too, once the guest has had no state to give, or has failed to take it up.
    wanted: bool,
    /// An instance is taking up the state.
    resuming: bool,
    /// The last value of each property that this connection was given, as JSON.
    told: HashMap<Member, Box<str>>,
}

impl Aside {
    /// Whether the hub has been told this before, and is only told again because an instance takes up its state.
    pub(super) fn knows(&mut self, property: &Member, value: &Value) -> bool {
        if !self.wanted {
            return false;
        }
        let text = value.to_string();
        match self.told.get_mut(property) {
            Some(told) if **told == *text => return self.resuming,
            Some(told) => *told = text.into(),
            None => drop(self.told.insert(property.clone(), text.into())),
        }
        false
    }

    /// The next connection may be to a hub that knows nothing.
    pub(super) fn connection_lost(&mut self) {
        self.told.clear();
    }
}

impl Device {
    /// Puts its instance aside whenever nothing is asked of it, if the guest has a state to give.
    #[must_use]
    pub fn put_aside(mut self) -> Self {
        self.aside.wanted = true;
        self
    }

    /// Puts the instance aside, when it is to be and nothing is asked of it.
    pub(super) fn rest(&mut self) {
        if !self.aside.wanted || self.life.guest().is_none() || self.commands.next_deadline().is_some() {
            return;
        }
        let soon = self.clock.monotonic().saturating_add(SHORT);
        if self.timers.next_deadline().is_some_and(|due| due < soon) {
            return;
        }
        match self.save() {
            Some(state) => {
                let bytes = state.len();
                self.life.put_aside(state);
                self.notice(&Notice::PutAside(bytes));
            }
            // It has none, or has failed at it.
            None => self.aside.wanted = false,
        }
    }

    /// Has another instance take up the state, when the last was put aside; `due`: for a timer that was due then. One that
    /// fails is started again like any that fails, and stays from then on.
    pub(super) fn resume(&mut self, due: Option<Duration>) {
        let Some(state) = self.life.take_state() else { return };
        // They are those of the instance that is gone. The next one knows from its state what it waits for.
        self.timers.clear();
        self.aside.resuming = true;
        let resumed = self.life.resume().and_then(|()| {
            self.first(Guest::model_id)?;
            if let Some(due) = due {
                self.notice(&Notice::Fired(due));
            }
            self.first(|guest| guest.start(StartReason::Resumed, Some(&state)))?;
            let desired = self.desired.all();
            self.first(|guest| guest.update(desired))
        });
        self.aside.resuming = false;
        if let Err(error) = resumed {
            self.aside.wanted = false;
            self.failed(error, false);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_who_takes_up_a_state_is_not_heard_twice() {
        let (property, other) = (Member::named("a"), Member::named("b"));
        let mut aside = Aside {
            wanted: true,
            ..Aside::default()
        };
        assert!(!aside.knows(&property, &json!(1)));
        assert!(
            !aside.knows(&property, &json!(1)),
            "a guest that runs says what it likes"
        );
        aside.resuming = true;
        assert!(aside.knows(&property, &json!(1)));
        assert!(
            !aside.knows(&property, &json!(2)) && !aside.knows(&other, &json!(2)),
            "this is news"
        );
        assert!(aside.knows(&property, &json!(2)));
        aside.connection_lost();
        assert!(!aside.knows(&property, &json!(2)), "the hub may be another");
        aside.wanted = false;
        assert!(!aside.knows(&property, &json!(2)));
    }
}
