//! A fleet with the library, against an emulator in the same process.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use setpoint::clock::{Clock, SystemClock};
use setpoint::fleet::{Count, Ending, Group, Mix, Plan, Tally, run};
use setpoint::sandbox::{Footprint, Limits, Program, Sandbox, THERMOSTAT};
use setpoint_protocol::Key;
use setpoint_tests::{Place, ROGUE};

const DEVICES: u64 = 50;

/// How long the hub may take to what is waited for. Only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Good ones and rogues, nine to one.
fn programs() -> Mix<Program> {
    let footprint = Footprint::of("thermostat", THERMOSTAT)
        .unwrap()
        .or(Footprint::of("rogue", ROGUE).unwrap());
    let limits = Limits {
        instances: u32::try_from(DEVICES).unwrap() + 16,
        footprint,
        ..Limits::default()
    };
    let sandbox = Sandbox::new(limits, None).unwrap();
    let load = |name, bytes: &[u8]| Program::load(&sandbox, name, bytes).unwrap();
    Mix::new(vec![(load("thermostat", THERMOSTAT), 90), (load("rogue", ROGUE), 10)]).unwrap()
}

fn plan(place: &Place, does: &str, put_aside: bool) -> Plan {
    let [key, _] = place.identity.group_keys();
    let config = [("interval", if put_aside { "1" } else { "0.3" }), ("does", does)];
    Plan {
        pattern: "sim-{:05}".parse().unwrap(),
        devices: DEVICES,
        shard: "0/1".parse().unwrap(),
        mix: programs(),
        config: config
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into_iter()
            .collect::<BTreeMap<_, _>>(),
        group: Group {
            endpoint: place.endpoint(),
            id_scope: place.identity.id_scope().to_owned(),
            key: key.clone(),
        },
        access: place.access(key),
        put_aside,
        ramp: "500/s".parse().unwrap(),
        duration: None,
        clock: Arc::new(SystemClock::new()) as Arc<dyn Clock>,
    }
}

/// Runs it until `enough`, and says how it ended.
async fn until(place: &Place, does: &str, put_aside: bool, enough: impl Fn(&Tally) -> bool) -> (Ending, Arc<Tally>) {
    place.emulator.hub().keep_telemetry(1_000_000);
    let tally = Arc::new(Tally::default());
    let mut stops = 0;
    let ending = run(
        plan(place, does, put_aside),
        Arc::clone(&tally),
        async || {
            stops += 1;
            if stops > 1 {
                std::future::pending::<()>().await;
            }
            while !enough(&tally) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        },
        |_, _| {},
    )
    .await;
    (ending, tally)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_of_which_no_device_is_let_in_ends_by_itself() {
    let place = Place::new().await;
    let mut plan = plan(&place, "nothing", false);
    plan.group.key = Key::from_bytes(vec![7; 32]);
    let tally = Arc::new(Tally::default());
    let ended = run(plan, Arc::clone(&tally), std::future::pending::<()>, |_, _| {});
    let ending = tokio::time::timeout(PATIENCE, ended).await.expect("it ends");
    assert_eq!((tally.get(Count::Ended), tally.get(Count::Ran)), (DEVICES, 0));
    assert_eq!((ending.connected, ending.abandoned), (0, 0));
    let (_, error) = &tally.errors()[0];
    assert!(error.contains("401"), "{error}");
}

/// Waits until the hub has read a device's goodbye, which left before the device ended.
async fn gone(place: &Place, name: &str) {
    let read = async {
        while place.emulator.hub().twin(name).unwrap()["connectionState"] != "Disconnected" {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let read = tokio::time::timeout(PATIENCE, read).await;
    assert!(read.is_ok(), "{name} is still connected");
}

/// Every device has a name of its own and is gone, and what was accepted has arrived.
async fn all_is_well(place: &Place, ending: &Ending, tally: &Tally) {
    assert_eq!((ending.devices, ending.abandoned), (DEVICES, 0));
    assert_eq!((tally.get(Count::Launched), tally.get(Count::Ran)), (DEVICES, DEVICES));
    assert_eq!(tally.errors(), []);
    assert_eq!(
        tally.get(Count::Delivered),
        tally.get(Count::Queued),
        "nothing that was accepted is lost"
    );
    let hub = place.emulator.hub();
    let mut stored = 0;
    for number in 1..=DEVICES {
        let name = format!("sim-{number:05}");
        stored += hub.telemetry_of(&name).len() as u64;
        gone(place, &name).await;
    }
    assert_eq!(stored, tally.get(Count::Delivered));
    // Without those that came while all of them ended.
    assert!((1..=stored).contains(&tally.to_puback().count));
    // The one that is enrolled from the beginning took no part.
    assert!(hub.devices().len() as u64 <= DEVICES + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_devices_run_beside_some_that_trap_and_take_their_leave() {
    let place = Place::new().await;
    let (ending, tally) = until(&place, "trap", false, |tally| {
        tally.get(Count::Failures) >= 10 && tally.get(Count::Delivered) >= 45 * 5
    })
    .await;
    all_is_well(&place, &ending, &tally).await;
    assert!(tally.get(Count::Restarts) >= 5, "each of five was started again");
    assert_eq!(tally.get(Count::OverBudget), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_devices_run_beside_some_that_spin() {
    let place = Place::new().await;
    let (ending, tally) = until(&place, "loop", false, |tally| {
        tally.get(Count::OverBudget) >= 5 && tally.get(Count::Delivered) >= 45 * 5
    })
    .await;
    all_is_well(&place, &ending, &tally).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_devices_run_put_aside() {
    let place = Place::new().await;
    let (ending, tally) = until(&place, "", true, |tally| {
        tally.get(Count::Delivered) >= 45 * 3 && tally.get(Count::PutAside) >= 45 * 3
    })
    .await;
    all_is_well(&place, &ending, &tally).await;
    assert_eq!(tally.get(Count::Failures), 0);
}
