//! A device's whole day, by each way that an SDK knows to a hub.

use rcgen::{CertificateParams, KeyPair};
use serde_json::json;
use setpoint_emulator::identity::DeviceCertificate;
use setpoint_emulator::state::{CloudMessage, EventKind, HubFault, Stored, Thumbprint, faults::When};
use setpoint_protocol::PropertyBag;

use super::place::assert_whole;
use super::{Place, Sdk, Task};

/// Has a device live its day, and compares what it saw with what the hub knows of it.
async fn day(sdk: Sdk, mut place: Place, task: &Task) {
    let device_id = task.device_id.as_str();
    let hub = place.emulator.hub().clone();
    // The hub closes the connection over the second message, after it has taken it: the device learns nothing of that.
    let (publish, stored) = (Stored::Telemetry, true);
    hub.faults()
        .inject(device_id, HubFault::CloseOn { publish, stored }, When::nth(2));
    let mut events = hub.subscribe();
    let seen = {
        let living = place.run(sdk, "day", task);
        tokio::pin!(living);
        let mut message = Some(message());
        loop {
            tokio::select! {
                seen = &mut living => break seen,
                event = events.recv() => {
                    // A message for the device, once there is a device.
                    if event.unwrap().kind == EventKind::Connected && let Some(message) = message.take() {
                        hub.send_to_device(device_id, message).unwrap();
                    }
                }
            }
        }
    };

    let assigned = json!({"status": "assigned", "hub": place.identity.host(), "device": device_id});
    assert!(seen["assigned"].is_null() || seen["assigned"] == assigned, "{seen}");
    let twin = json!({"desired": {"$version": 1}, "reported": {"maxTempSinceLastReboot": 10.96, "$version": 2}});
    assert_eq!(seen["twin_at_device"], twin);
    assert_eq!(seen["reported_at_service"], 10.96);
    assert_eq!(seen["message"]["body"], "look out");
    assert_eq!(seen["message"]["properties"]["how"], "at once");
    assert_eq!(seen["patch"], json!({"targetTemperature": 42.5, "$version": 2}));
    assert_eq!(seen["late_patch"], json!({"targetTemperature": 7, "$version": 3}));
    let answer = json!({"asked": "2026-01-01T00:00:00Z", "by": "getMaxMinReport"});
    for response in ["response", "late_response"] {
        assert_eq!(seen[response], json!({"status": 201, "payload": answer}), "{response}");
    }

    let twin = hub.twin(device_id).unwrap();
    assert_eq!(twin["modelId"], "dtmi:com:example:Thermostat;1");
    assert_eq!(twin["properties"]["reported"]["targetTemperature"]["av"], 2);
    assert_eq!(hub.device(device_id).unwrap().waiting_messages, 0);
    let connects: Vec<_> = hub.connects(device_id);
    let kept: Vec<_> = connects
        .iter()
        .map(|connect| (connect.code, connect.session_present))
        .collect();
    assert_eq!(kept, [(0, false), (0, true)]);
    let heard = place.heard().await;
    let kinds: Vec<_> = heard.iter().map(|event| event.kind).collect();
    use EventKind::{Connected, Disconnected, Reported, Telemetry};
    let first = [Connected, Reported, Reported, Telemetry, Telemetry, Disconnected];
    assert_eq!(kinds, [&first[..], &[Connected, Telemetry, Disconnected]].concat());
    assert_whole(&heard[3]);
    // At least once, which is twice here.
    assert_eq!(
        (&heard[4].body, &heard[7].body),
        (&b"second".to_vec(), &b"second".to_vec())
    );
}

/// For the device.
pub(super) fn message() -> CloudMessage {
    CloudMessage {
        body: b"look out".to_vec(),
        properties: PropertyBag(vec![("how".to_owned(), Some("at once".to_owned()))]),
        expires: None,
    }
}

/// Through provisioning, with a key that comes from a group's.
async fn of_a_group(sdk: Sdk) {
    let place = Place::new().await;
    let key = place.identity.group_keys()[0].derive("sensor-7");
    let task = place.task("sensor-7").with_key(&key).provisioned(&place);
    day(sdk, place, &task).await;
}

/// With a connection string, over WebSockets.
async fn over_websockets(sdk: Sdk) {
    let place = Place::new().await;
    let task = place.device().with_connection_string().over_websockets();
    day(sdk, place, &task).await;
}

/// With a certificate that the hub knows by its thumbprint.
async fn self_signed(sdk: Sdk) {
    let place = Place::new().await;
    let task = with_own_certificate(&place);
    day(sdk, place, &task).await;
}

/// A device that signed its certificate itself, and whose hub knows it.
pub(super) fn with_own_certificate(place: &Place) -> Task {
    let key = KeyPair::generate().unwrap();
    let certificate = DeviceCertificate {
        certificate_pem: CertificateParams::default().self_signed(&key).unwrap().pem(),
        key_pem: key.serialize_pem(),
    };
    let thumbprint = Thumbprint::of_pem(&certificate.certificate_pem).unwrap();
    let hub = place.emulator.hub();
    hub.create_device("cert-1", Some(thumbprint.into())).unwrap();
    place.task("cert-1").with_certificate(place, &certificate)
}

/// With a certificate of an authority that a group trusts, through provisioning and over WebSockets.
async fn signed_by_an_authority(sdk: Sdk) {
    let place = Place::new().await;
    let certificate = place.identity.issue_device_certificate("cert-2").unwrap();
    let task = place.task("cert-2").with_certificate(&place, &certificate);
    let task = task.provisioned(&place).over_websockets();
    day(sdk, place, &task).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_python_device_of_a_group() {
    of_a_group(Sdk::Python).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_python_device_over_websockets() {
    over_websockets(Sdk::Python).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_python_device_with_its_own_certificate() {
    self_signed(Sdk::Python).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_python_device_with_an_authoritys_certificate() {
    signed_by_an_authority(Sdk::Python).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_python_device_through_a_proxy() {
    let place = Place::new().await;
    let tunnels = place.tunnels().await;
    let task = place
        .device()
        .with_connection_string()
        .over_websockets()
        .through(&tunnels);
    day(Sdk::Python, place, &task).await;
    assert_eq!(tunnels.opened(), 2, "one for each connection");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_device_of_a_group() {
    of_a_group(Sdk::Node).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_device_over_websockets() {
    over_websockets(Sdk::Node).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_device_with_its_own_certificate() {
    self_signed(Sdk::Node).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_device_with_an_authoritys_certificate() {
    signed_by_an_authority(Sdk::Node).await;
}
