//! A device with the SDK for C, which has no services' side: the test is the operator.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use setpoint_emulator::state::{DeviceEvent, EventKind, Hub, HubFault, MethodResult, Stored, faults::When};
use tokio::sync::broadcast::Receiver;

use super::day::{message, with_own_certificate};
use super::place::assert_whole;
use super::{Place, Sdk, Task};

/// How long a call may wait for the device to listen, and to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until the device has done that so many times more.
async fn done(events: &mut Receiver<Arc<DeviceEvent>>, kind: EventKind, mut times: usize) {
    while times > 0 {
        if events.recv().await.unwrap().kind == kind {
            times -= 1;
        }
    }
}

async fn call(hub: &Hub, device_id: &str) -> MethodResult {
    let asked = Some(json!("2026-01-01T00:00:00Z"));
    hub.call_method(device_id, "getMaxMinReport", asked, PATIENCE, PATIENCE)
        .await
        .unwrap()
}

fn desire(hub: &Hub, device_id: &str, temperature: Value) {
    let change = json!({"properties": {"desired": {"targetTemperature": temperature}}});
    hub.patch_twin(device_id, change.as_object().unwrap(), None).unwrap();
}

/// Has a device live its day, and compares what it saw with what the hub knows of it.
async fn day(mut place: Place, task: &Task) {
    let device_id = task.device_id.as_str();
    let hub = place.emulator.hub().clone();
    // The hub closes the connection over the second message, after it has taken it.
    let (publish, stored) = (Stored::Telemetry, true);
    hub.faults()
        .inject(device_id, HubFault::CloseOn { publish, stored }, When::nth(2));
    let mut events = hub.subscribe();
    let operator = async {
        done(&mut events, EventKind::Connected, 1).await;
        hub.send_to_device(device_id, message()).unwrap();
        // The second is said by a device that listens.
        done(&mut events, EventKind::Reported, 2).await;
        desire(&hub, device_id, json!(42.5));
        done(&mut events, EventKind::Reported, 1).await;
        let response = call(&hub, device_id).await;
        done(&mut events, EventKind::Telemetry, 3).await;
        let late_response = call(&hub, device_id).await;
        desire(&hub, device_id, json!(7));
        [response, late_response]
    };
    let (seen, responses) = tokio::join!(place.run(Sdk::C, "day", task), operator);

    let assigned = json!({"status": "assigned", "hub": place.identity.host(), "device": device_id});
    assert!(seen["assigned"].is_null() || seen["assigned"] == assigned, "{seen}");
    let twin = json!({"desired": {"$version": 1}, "reported": {"maxTempSinceLastReboot": 10.96, "$version": 2}});
    assert_eq!(seen["twin_at_device"], twin);
    for reported in ["reported", "initial", "followed"] {
        assert_eq!(seen[reported], 204, "{reported}");
    }
    assert_eq!(
        seen["message"],
        json!({"body": "look out", "properties": {"how": "at once"}})
    );
    assert_eq!(seen["patch"], json!({"targetTemperature": 42.5, "$version": 2}));
    assert_eq!(seen["late_patch"], json!({"targetTemperature": 7, "$version": 3}));
    let answer = json!({"asked": "2026-01-01T00:00:00Z", "by": "getMaxMinReport"});
    for response in responses {
        assert_eq!((response.status, &response.payload), (201, &answer));
    }
    for sent in ["first", "third"] {
        assert_eq!(seen[sent], "IOTHUB_CLIENT_CONFIRMATION_OK", "{sent}");
    }

    let twin = hub.twin(device_id).unwrap();
    assert_eq!(twin["modelId"], "dtmi:com:example:Thermostat;1");
    assert_eq!(twin["properties"]["reported"]["targetTemperature"]["av"], 2);
    assert_eq!(hub.device(device_id).unwrap().waiting_messages, 0);
    let connects = hub.connects(device_id);
    let kept: Vec<_> = connects
        .iter()
        .map(|connect| (connect.code, connect.session_present))
        .collect();
    assert_eq!(kept, [(0, false), (0, true)]);
    let heard = place.heard().await;
    let kinds: Vec<_> = heard.iter().map(|event| event.kind).collect();
    use EventKind::{Connected, Disconnected, Reported, Telemetry};
    let first = [
        Connected,
        Reported,
        Reported,
        Reported,
        Telemetry,
        Telemetry,
        Disconnected,
    ];
    assert_eq!(kinds, [&first[..], &[Connected, Telemetry, Disconnected]].concat());
    assert_whole(&heard[4]);
    assert_eq!(
        (&heard[5].body[..], &heard[8].body[..]),
        (&b"second"[..], &b"third"[..])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_c_device_with_a_connection_string() {
    let place = Place::new().await;
    let task = place.device().with_connection_string();
    day(place, &task).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_c_device_of_a_group() {
    let place = Place::new().await;
    let key = place.identity.group_keys()[0].derive("sensor-7");
    let task = place.task("sensor-7").with_key(&key).provisioned(&place);
    day(place, &task).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_c_device_of_a_group_over_websockets() {
    let place = Place::new().await;
    let key = place.identity.group_keys()[0].derive("sensor-7");
    let task = place.task("sensor-7").with_key(&key).provisioned(&place);
    day(place, &task.over_websockets()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_c_device_through_a_proxy() {
    let place = Place::new().await;
    let tunnels = place.tunnels().await;
    let task = place.device().over_websockets().through(&tunnels);
    day(place, &task).await;
    assert_eq!(tunnels.opened(), 2, "one for each connection");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_c_device_with_its_own_certificate() {
    let place = Place::new().await;
    let task = with_own_certificate(&place);
    day(place, &task).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_c_device_with_an_authoritys_certificate() {
    let place = Place::new().await;
    let certificate = place.identity.issue_device_certificate("cert-2").unwrap();
    let task = place.task("cert-2").with_certificate(&place, &certificate);
    let task = task.provisioned(&place);
    day(place, &task).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c_renews_its_token() {
    let place = Place::new().await;
    let task = place.device();
    let (hub, device_id) = (place.emulator.hub().clone(), task.device_id.as_str());
    let mut events = hub.subscribe();
    let operator = async {
        done(&mut events, EventKind::Connected, 2).await;
        let response = call(&hub, device_id).await;
        desire(&hub, device_id, json!(1));
        response
    };
    let (seen, response) = tokio::join!(place.run(Sdk::C, "renewal", &task), operator);
    assert_eq!(response.status, 201);
    assert_eq!(seen["lost"], "IOTHUB_CLIENT_CONNECTION_EXPIRED_SAS_TOKEN");
    assert_eq!(seen["patch"]["targetTemperature"], 1);
    for (number, connect) in hub.connects(device_id).iter().enumerate() {
        assert_eq!((connect.code, connect.session_present), (0, number > 0));
    }
}
