//! What an identity is good for, and for how long: tokens, wrong keys, and several clients with one identity.

use std::io::{BufRead, BufReader, Write};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use setpoint::cloud::{Access, AzureConnector, DpsProvisioner, Trust};
use setpoint::device::{Cause, ConnectionState};
use setpoint::sandbox::THERMOSTAT;
use setpoint_emulator::state::EventKind;
use setpoint_protocol::{Endpoint, Key};
use setpoint_tests::{Running, plain};
use tokio::time::timeout;

use super::{Place, Sdk};

/// How long anything here may take. Only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

async fn renews_its_token(sdk: Sdk) {
    let place = Place::new().await;
    let task = place.device();
    let (hub, device_id) = (place.emulator.hub().clone(), task.device_id.as_str());
    let mut events = hub.subscribe();
    let living = place.run(sdk, "renewal", &task);
    tokio::pin!(living);
    let mut connections = 0;
    let seen = loop {
        tokio::select! {
            seen = &mut living => break seen,
            event = events.recv() => {
                if event.unwrap().kind == EventKind::Connected {
                    connections += 1;
                    if connections == 3 {
                        let change = json!({"properties": {"desired": {"targetTemperature": 1}}});
                        hub.patch_twin(device_id, change.as_object().unwrap(), None).unwrap();
                    }
                }
            }
        }
    };
    // It still hears what it subscribed to over the first of its connections.
    assert_eq!(seen["patch"]["targetTemperature"], 1);
    assert_eq!(seen["response"]["status"], 201);
    let connects = hub.connects(device_id);
    assert!(connects.len() >= 3, "{connects:?}");
    for (number, connect) in connects.iter().enumerate() {
        assert_eq!((connect.code, connect.session_present), (0, number > 0), "{connects:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn python_renews_its_token() {
    renews_its_token(Sdk::Python).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn node_renews_its_token() {
    renews_its_token(Sdk::Node).await;
}

async fn takes_over(sdk: Sdk) {
    let mut place = Place::new().await;
    let seen = place.run(sdk, "takeover", &place.device()).await;
    assert_eq!(seen["first_dropped"], true);
    let kinds: Vec<_> = place.heard().await.iter().map(|event| event.kind).collect();
    use EventKind::{Connected, Disconnected, Telemetry};
    assert_eq!(kinds, [Connected, Disconnected, Connected, Telemetry, Disconnected]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_python_client_takes_over() {
    takes_over(Sdk::Python).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_node_client_takes_over() {
    takes_over(Sdk::Node).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_c_client_takes_over() {
    takes_over(Sdk::C).await;
}

async fn has_a_wrong_key(sdk: Sdk) -> serde_json::Value {
    let mut place = Place::new().await;
    let task = place.device().with_key(&Key::from_bytes(vec![7; 32]));
    let seen = place.run(sdk, "wrong_key", &task.provisioned(&place)).await;
    assert!(place.heard().await.is_empty());
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_refused_to_python() {
    let expected = json!({"dps": "ClientError", "hub": "CredentialError"});
    assert_eq!(has_a_wrong_key(Sdk::Python).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_refused_to_node() {
    let expected = json!({"dps": "UnauthorizedError", "hub": "UnauthorizedError"});
    assert_eq!(has_a_wrong_key(Sdk::Node).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_refused_to_c() {
    let seen = has_a_wrong_key(Sdk::C).await;
    assert_eq!(seen["dps"], "PROV_DEVICE_RESULT_DEV_AUTH_ERROR");
    assert_eq!(seen["lost"], "IOTHUB_CLIENT_CONNECTION_BAD_CREDENTIAL");
}

/// Two of the SDK's clients throw each other out as often as they can. A device of ours that has their identity too finds out,
/// says so, and stays out of it.
#[tokio::test(flavor = "multi_thread")]
async fn two_python_clients_fight_and_ours_does_not() {
    let place = Place::new().await;
    let hub = place.emulator.hub().clone();
    let device_id = place.identity.device_id();
    let task = place.device();
    let mut fighting = place.command(Sdk::Python.scenarios(), "fight", &task).spawn().unwrap();
    let mut orders = fighting.stdin.take().unwrap();
    orders.write_all(task.line().as_bytes()).unwrap();
    let mut said = BufReader::new(fighting.stdout.take().unwrap());
    let started = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        said.read_line(&mut line).map(|_| (line, said))
    });
    let (line, _said) = started.await.unwrap().unwrap();
    assert_eq!(line, "fighting\n");

    let [key, _] = place.identity.device_keys();
    let access = Access::with_key(key.clone(), &Trust::only(place.identity.ca_pem()).unwrap());
    let endpoint = Endpoint::new(place.identity.host());
    let provisioner = DpsProvisioner::new(endpoint, place.identity.id_scope(), device_id, access.clone());
    let connector = AzureConnector::new(access);
    let mut ours = Running::start(&plain(), THERMOSTAT, &[], Arc::new(provisioner), Arc::new(connector));
    let thrown_out = async {
        loop {
            ours.lost().await;
            let status = ours.operator.status().await;
            if let Some(ConnectionState::Down {
                cause: Cause::ThrownOut,
                retry_in,
                ..
            }) = status.map(|status| status.connection)
            {
                return retry_in;
            }
        }
    };
    let retry_in = timeout(PATIENCE, thrown_out).await.unwrap();
    assert!(retry_in >= Duration::from_secs(30), "{retry_in:?}");
    let connections = async || ours.operator.status().await.unwrap().connections;
    let before = (connections().await, hub.connects(device_id).len());
    // The two of them go on, a hundred times more.
    let mut events = hub.subscribe();
    let on_and_on = async {
        while hub.connects(device_id).len() < before.1 + 100 {
            events.recv().await.unwrap();
        }
    };
    timeout(PATIENCE, on_and_on).await.unwrap();
    assert_eq!(connections().await, before.0);

    drop(orders);
    assert!(fighting.wait().unwrap().success());
    ours.stop().await.unwrap();
}
