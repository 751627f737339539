//! The power of a device that keeps its outbox.

use std::sync::Arc;

use super::*;
use serde_json::Value;
use setpoint::cloud::Outgoing;
use setpoint::device::Store;
use setpoint_tests::oracle::Balance;
use setpoint_tests::{Observed, Place, Proxy, ROGUE, Running, plain};
use watched::DEVICE;

/// Runs a device with an outbox in this folder until the guest has been promised so many numbers, and then cuts its power.
async fn until_promised(
    place: &Place,
    proxy: &Proxy,
    folder: &std::path::Path,
    from: usize,
    numbers: usize,
) -> Vec<Value> {
    let store = Store::open(folder, DEVICE).unwrap();
    let route = place.through(proxy);
    let [key, _] = place.identity.device_keys();
    let (provisioner, connector) = (Arc::new(route.provisioner(DEVICE, key)), Arc::new(route.connector(key)));
    let program = setpoint::sandbox::Program::load(&plain(), "guest", ROGUE).unwrap();
    let config = [("does", "promise"), ("from", &*from.to_string())];
    let mut device = Running::kept(&program, &config, provisioner, connector, store);
    let mut accepted = Vec::new();
    while accepted.len() < numbers {
        if let Observed::Queued(Outgoing::Telemetry { body, .. }) = device.observed().await.unwrap() {
            accepted.push(serde_json::from_str(&body).unwrap());
        }
    }
    device.cut_power().await;
    accepted
}

#[tokio::test]
async fn a_power_cut_during_an_outage_loses_nothing() {
    let (place, folder) = (Place::new().await, tempfile::tempdir().unwrap());
    place.emulator.hub().keep_telemetry(100_000);
    let proxy = place.proxy().await;
    let mut accepted = until_promised(&place, &proxy, folder.path(), 0, 20).await;
    // Messages go out, and no acknowledgement comes back.
    place
        .emulator
        .hub()
        .faults()
        .inject(DEVICE, HubFault::WithholdPuback, When::always());
    accepted.extend(until_promised(&place, &proxy, folder.path(), 1_000, 50).await);
    place.emulator.hub().faults().clear();
    accepted.extend(until_promised(&place, &proxy, folder.path(), 2_000, 200).await);
    // The last life's own messages may still be in its outbox; those before must be in the hub.
    let stored: Vec<Value> = place
        .emulator
        .hub()
        .telemetry_of(DEVICE)
        .iter()
        .map(|message| serde_json::from_slice(&message.body).unwrap())
        .collect();
    let mut balance = Balance::default();
    balance.telemetry(DEVICE, &accepted, &stored);
    let earlier = |line: &&String| !line.contains(r#""n":2"#);
    assert_eq!(
        balance.lost.iter().filter(earlier).collect::<Vec<_>>(),
        Vec::<&String>::new()
    );
    assert_eq!(balance.out_of_order, Vec::<String>::new());
    assert!(balance.duplicates > 0, "what was not acknowledged came again");
}
