//! A guest that runs on holds up nobody else in its process.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use setpoint::clock::{Clock, SystemClock};
use setpoint::cloud::Outgoing;
use setpoint::cloud::memory::MemoryHub;
use setpoint::device::{Device, Notice, Operator, Session, run};
use setpoint::effect::StartReason;
use setpoint::sandbox::{
    Guest, GuestError, Limits, Program, Quota, Sandbox, SharedRandom, Surroundings, THERMOSTAT, Tap,
};
use setpoint_tests::ROGUE;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

/// Well-behaved devices in the process.
const NEIGHBOURS: usize = 100;

/// Messages each of them sends while the other one spins.
const MESSAGES: usize = 5;

/// Between two of them.
const INTERVAL: Duration = Duration::from_millis(100);

#[derive(Debug)]
enum Seen {
    Sent(usize),
    Failed(GuestError),
}

/// Starts a device of its own hub. It says what it does under its number.
fn device(program: &Program, config: &[(&str, &str)], number: usize, seen: UnboundedSender<Seen>) -> Operator {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let config = config
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let surroundings = Surroundings {
        clock: Arc::clone(&clock),
        random: SharedRandom::new(rand::random::<u64>),
        config: Arc::new(config.collect::<BTreeMap<_, _>>()),
        assignment: None,
        tap: Tap::default(),
    };
    let observer = move |notice: &Notice<'_>| {
        let event = match notice {
            Notice::Delivered(Outgoing::Telemetry { .. }) => Seen::Sent(number),
            Notice::Failed(error, _) => Seen::Failed((*error).clone()),
            _ => return,
        };
        // A test that has seen enough no longer listens.
        let _ = seen.send(event);
    };
    let (operator, control) = Operator::new(surroundings.clone());
    let hub = MemoryHub::new();
    let session = Session {
        device: Device::new(program, surroundings, Box::new(observer)).unwrap(),
        provisioner: Arc::new(hub.clone()),
        connector: Arc::new(hub),
        clock,
        random: Box::new(rand::random::<u64>),
        control,
    };
    tokio::spawn(run(session));
    operator
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_devices_send_on_while_one_spins() {
    let limits = Limits {
        instances: 102,
        // Long enough for the others to send many times over; the spinner has no other way out.
        event: Duration::from_secs(5),
        ..Limits::default()
    };
    let sandbox = Sandbox::new(limits, None).unwrap();
    let thermostat = Program::load(&sandbox, "thermostat", THERMOSTAT).unwrap();
    let rogue = Program::load(&sandbox, "rogue", ROGUE).unwrap();
    let (seen, mut events) = unbounded_channel();
    // It spins one second after its start: first seen by the others being there already.
    let _spinner = device(&rogue, &[("does", "loop")], NEIGHBOURS, seen.clone());
    let interval = INTERVAL.as_secs_f64().to_string();
    let neighbours: Vec<_> = (0..NEIGHBOURS)
        .map(|number| device(&thermostat, &[("interval", &interval)], number, seen.clone()))
        .collect();

    // In the order in which it happened: what came before the failure came while the spinner held its thread.
    let mut sent = vec![0; NEIGHBOURS];
    let mut last = vec![Instant::now(); NEIGHBOURS];
    let mut latest = Duration::ZERO;
    let failure = loop {
        match events.recv().await.unwrap() {
            Seen::Sent(number) => {
                *sent.get_mut(number).unwrap() += 1;
                let before = std::mem::replace(last.get_mut(number).unwrap(), Instant::now());
                latest = latest.max(before.elapsed().saturating_sub(INTERVAL));
            }
            Seen::Failed(error) => break error,
        }
    };
    println!("a message came {latest:?} late at most");
    assert!(
        matches!(&failure, GuestError::OverBudget { guest, export: "timer-fired", budget }
            if guest == "rogue" && *budget == Duration::from_secs(5)),
        "{failure}"
    );
    // One second before it spins, five while it does: 60 messages each, if nothing holds them up.
    let slowest = sent.iter().min().unwrap();
    assert!(*slowest >= 10 + MESSAGES, "{sent:?}");
    for neighbour in neighbours {
        neighbour.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_timer_fires_while_the_one_thread_that_was_woken_is_held() {
    let limits = Limits {
        event: Duration::from_secs(2),
        ..Limits::default()
    };
    let rogue = Program::load(&Sandbox::new(limits, None).unwrap(), "rogue", ROGUE).unwrap();
    let surroundings = Surroundings {
        clock: Arc::new(SystemClock::new()),
        random: SharedRandom::new(|| 0),
        config: Arc::new(BTreeMap::from([("does".to_owned(), "loop".to_owned())])),
        assignment: None,
        tap: Tap::default(),
    };
    let mut guest = Guest::new(&rogue, surroundings).unwrap();
    guest.grant(Quota::UNLIMITED);
    guest.model_id().unwrap();
    guest.start(StartReason::PowerOn, None).unwrap();

    let fired = Arc::new(AtomicBool::new(false));
    // Nothing else is due when it begins to spin, so that the runtime has one task for one thread, and all others sleep.
    let spinner = tokio::spawn({
        let fired = Arc::clone(&fired);
        async move {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let failure = guest.timer_fired(1).unwrap_err();
            (failure, fired.load(Ordering::SeqCst))
        }
    });
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        fired.store(true, Ordering::SeqCst);
    });
    let (failure, fired) = spinner.await.unwrap();
    assert!(matches!(failure, GuestError::OverBudget { .. }), "{failure}");
    assert!(fired, "nobody looked after the timers while the guest spun");
}
