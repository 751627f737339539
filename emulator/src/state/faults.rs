//! Misbehaviour on request: what a test wants a service to do to a device, to see the device survive it.
//!
//! [`Hub::faults`](super::Hub::faults) takes [`HubFault`]s, [`Enrollments::faults`](super::Enrollments::faults) takes
//! [`DpsFault`]s. Each says what goes wrong, for whom ([`Whom`]) and when ([`When`]); services ask at the places where it could
//! go wrong. What is done once and at once is a method of the hub: [`Hub::kick`](super::Hub::kick),
//! [`Hub::mute`](super::Hub::mute), [`Hub::forget_session`](super::Hub::forget_session),
//! [`Hub::send_desired`](super::Hub::send_desired). Without faults all this costs one atomic read where it is asked.

mod dps;
mod hub;

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

pub use dps::DpsFault;
pub(crate) use dps::RequestFault;
pub(crate) use hub::{Acknowledgement, TwinFault};
pub use hub::{HubFault, Stored, TwinRequest};

/// Whom a fault strikes. A text is a device's id, or at DPS a registration id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// Every device.
    All,
    /// One device.
    One(String),
}

impl From<&str> for Whom {
    fn from(id: &str) -> Whom {
        Whom::One(id.to_owned())
    }
}

/// When a fault strikes, counted in the occasions on which it could: connects, requests, messages, whatever it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct When {
    spared: u64,
    /// `None` for ever.
    times: Option<u64>,
}

impl When {
    /// Every time, until it is withdrawn.
    pub fn always() -> When {
        When { spared: 0, times: None }
    }

    /// The next `times`; never for 0.
    pub fn next(times: u64) -> When {
        When {
            spared: 0,
            times: Some(times),
        }
    }

    /// Once, the `n`th time from now; 1 is the next, and so is 0.
    pub fn nth(n: u64) -> When {
        When {
            spared: n.saturating_sub(1),
            times: Some(1),
        }
    }

    /// The same, after `spared` more occasions have passed without it.
    #[must_use]
    pub fn after(self, spared: u64) -> When {
        When {
            spared: self.spared.saturating_add(spared),
            ..self
        }
    }

    fn is_spent(&self) -> bool {
        self.times == Some(0)
    }
}

/// A fault that was put in place: to ask how often it has struck, and to withdraw it.
#[derive(Debug, Clone)]
pub struct Injection {
    struck: Arc<AtomicU64>,
}

impl Injection {
    /// How often it has struck.
    pub fn struck(&self) -> u64 {
        self.struck.load(Ordering::Acquire)
    }
}

struct Rule<F> {
    whom: Whom,
    fault: F,
    when: When,
    struck: Arc<AtomicU64>,
}

/// The faults of one service. Any thread may put some in place or withdraw them while devices are connected.
///
/// On each occasion the first that is due strikes, in the order in which they were put in place; so three of one kind follow each
/// other.
pub struct Faults<F> {
    /// Whether there are any: read without the lock.
    armed: AtomicBool,
    rules: Mutex<Vec<Rule<F>>>,
    /// Whether two ids are the same to the service.
    same: fn(&str, &str) -> bool,
}

impl<F> Faults<F> {
    pub(super) fn new(same: fn(&str, &str) -> bool) -> Faults<F> {
        Faults {
            armed: AtomicBool::new(false),
            rules: Mutex::new(Vec::new()),
            same,
        }
    }

    /// Puts a fault in place, behind those that are there.
    pub fn inject(&self, whom: impl Into<Whom>, fault: F, when: When) -> Injection {
        let struck = Arc::new(AtomicU64::new(0));
        let mut rules = self.lock();
        rules.push(Rule {
            whom: whom.into(),
            fault,
            when,
            struck: Arc::clone(&struck),
        });
        self.settle(&mut rules);
        Injection { struck }
    }

    /// Takes a fault away; nothing happens when it has struck for the last time already.
    pub fn withdraw(&self, injection: &Injection) {
        let mut rules = self.lock();
        rules.retain(|rule| !Arc::ptr_eq(&rule.struck, &injection.struck));
        self.settle(&mut rules);
    }

    /// Takes all faults away.
    pub fn clear(&self) {
        let mut rules = self.lock();
        rules.clear();
        self.settle(&mut rules);
    }

    /// Whether no fault is in place that could still strike.
    pub fn is_empty(&self) -> bool {
        !self.armed.load(Ordering::Acquire)
    }

    /// An occasion for those faults of which `pick` makes something: what the one that strikes is made into.
    pub(crate) fn take<T>(&self, id: &str, pick: impl Fn(&F) -> Option<T>) -> Option<T> {
        if self.is_empty() {
            return None;
        }
        let mut rules = self.lock();
        let mut taken = None;
        for rule in rules.iter_mut() {
            if !matches!(&rule.whom, Whom::All) && !matches!(&rule.whom, Whom::One(one) if (self.same)(one, id)) {
                continue;
            }
            let Some(picked) = pick(&rule.fault) else { continue };
            if rule.when.spared > 0 {
                rule.when.spared -= 1;
                continue;
            }
            rule.when.times = rule.when.times.map(|times| times.saturating_sub(1));
            rule.struck.fetch_add(1, Ordering::AcqRel);
            taken = Some(picked);
            break;
        }
        self.settle(&mut rules);
        taken
    }

    fn settle(&self, rules: &mut Vec<Rule<F>>) {
        rules.retain(|rule| !rule.when.is_spent());
        self.armed.store(!rules.is_empty(), Ordering::Release);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Rule<F>>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[path = "faults/tests.rs"]
mod tests;
