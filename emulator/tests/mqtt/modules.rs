//! Modules of a device, and devices with certificates of an authority.

use serde_json::json;
use setpoint_emulator::state::{Credentials, EventKind, MethodResult};
use setpoint_protocol::Token;

use crate::client::{Azure, CONNECTED, Connect, DESIRED, METHODS, TWIN_RESPONSES, packet, publish, text};
use crate::support::{SOON, event, object, to_device};

const REFUSED: [u8; 4] = [0x20, 2, 0, 5];

/// A CONNECT of the module `m` of the identity's device, with a token for `resource`.
fn hello(azure: &Azure, resource: &str) -> Connect {
    let id = azure.identity.device_id();
    let module = azure.emulator.hub().device(&format!("{id}/m")).unwrap();
    let keys = module.credentials.keys().unwrap();
    setpoint_test_logs::keys(keys);
    let token = Token::sign(resource, &keys[0], u64::MAX, None).to_string();
    Connect {
        client_id: format!("{id}/m"),
        username: Some(format!("localhost/{id}/m/?api-version=2019-10-01")),
        ..Connect::new(id, &token)
    }
}

#[tokio::test]
async fn a_module_lives_beside_its_device() {
    let azure = Azure::start().await;
    let (hub, id) = (azure.emulator.hub(), azure.identity.device_id());
    hub.create_module(id, "m", None).unwrap();
    let name = format!("{id}/m");
    let mut events = hub.subscribe();
    let mut device = azure.device().await;
    let resource = format!("localhost/devices/{id}/modules/m");
    let mut module = azure.connect(&hello(&azure, &resource), CONNECTED).await;
    assert!(
        hub.device(id).unwrap().connected,
        "the device is another than its module"
    );
    assert!(hub.device(&name).unwrap().connected);

    module
        .publish(&format!("devices/{id}/modules/m/messages/events/a=b"), b"{}")
        .await;
    let telemetry = event(&mut events, EventKind::Telemetry).await;
    assert_eq!(
        (telemetry.device_id.as_str(), telemetry.module_id.as_deref()),
        (id, Some("m"))
    );
    let named = ("iothub-connection-module-id".to_owned(), "m".to_owned());
    assert!(telemetry.system.contains(&named), "{:?}", telemetry.system);

    module.subscribe(TWIN_RESPONSES, 0).await;
    module.subscribe(DESIRED, 0).await;
    module.subscribe(METHODS, 0).await;
    module
        .request("$iothub/twin/PATCH/properties/reported/?$rid=1", br#"{"speed": 3}"#)
        .await;
    assert_eq!(hub.twin(&name).unwrap()["properties"]["reported"]["speed"], 3);
    assert_eq!(hub.twin(id).unwrap()["properties"]["reported"]["speed"], json!(null));
    let wanted = object(json!({"properties": {"desired": {"speed": 4}}}));
    hub.patch_twin(&name, &wanted, None).unwrap();
    assert_eq!(module.message().await.json(), json!({"speed": 4, "$version": 2}));

    let answering = async {
        let call = module.message().await;
        let rid = call.topic.strip_prefix("$iothub/methods/POST/spin/?$rid=").unwrap();
        let answer = publish(&format!("$iothub/methods/res/200/?$rid={rid}"), None, b"1");
        module.send(&answer).await;
    };
    let (result, ()) = tokio::join!(hub.call_method(&name, "spin", None, SOON, SOON), answering);
    assert_eq!(
        result,
        Ok(MethodResult {
            status: 200,
            payload: json!(1)
        })
    );

    hub.send_to_device(&name, to_device("hello")).unwrap();
    let filter = format!("devices/{id}/modules/m/messages/devicebound/#");
    assert_eq!(module.subscribe(&filter, 1).await, 1);
    let message = module.message().await;
    assert!(
        message.topic.starts_with(filter.trim_end_matches('#')),
        "{}",
        message.topic
    );
    module.send(&packet(0x40, &message.id.unwrap().to_be_bytes())).await;

    // Nothing of all that was for the device; and what is the device's is not its module's to send on.
    device.send(&[0xC0, 0]).await;
    assert_eq!(device.packet().await, [0xD0, 0]);
    let of_device = publish(&format!("devices/{id}/messages/events/"), Some(7), b"{}");
    module.send(&of_device).await;
    module.closed().await;
}

/// By the filters of the SDKs for Python and Node, and for .NET.
#[tokio::test]
async fn a_module_that_listens_at_its_inputs_or_to_all_gets_its_messages() {
    let azure = Azure::start().await;
    let (hub, id) = (azure.emulator.hub(), azure.identity.device_id());
    hub.create_module(id, "m", None).unwrap();
    let resource = format!("localhost/devices/{id}/modules/m");
    for end in ["inputs/#", "#"] {
        let filter = format!("devices/{id}/modules/m/{end}");
        let mut module = azure.connect(&hello(&azure, &resource), CONNECTED).await;
        assert_eq!(module.subscribe(&filter, 1).await, 1);
        hub.send_to_device(&format!("{id}/m"), to_device("hello")).unwrap();
        let message = module.message().await;
        let start = format!("devices/{id}/modules/m/messages/devicebound/");
        assert!(message.topic.starts_with(&start), "{end}: {}", message.topic);
        module.send(&packet(0x40, &message.id.unwrap().to_be_bytes())).await;
        let names = [&[0, 9][..], &text(&filter)].concat();
        module.send(&packet(0xA2, &names)).await;
        assert_eq!(module.packet().await, [0xB0, 2, 0, 9]);
    }
    for other in ["modules/n/inputs/#", "modules/n/#", "inputs/#", "modules/m/inputs/one"] {
        let mut module = azure.connect(&hello(&azure, &resource), CONNECTED).await;
        let filter = text(&format!("devices/{id}/{other}"));
        module.send(&packet(0x82, &[&[0, 9][..], &filter, &[1]].concat())).await;
        module.closed().await;
    }
}

#[tokio::test]
async fn a_module_proves_itself_with_its_own_key_and_goes_with_its_device() {
    let azure = Azure::start().await;
    let (hub, id) = (azure.emulator.hub(), azure.identity.device_id());
    hub.create_module(id, "m", None).unwrap();
    let resource = format!("localhost/devices/{id}/modules/m");
    let right = hello(&azure, &resource);
    let of_device = Token::sign(&resource, &azure.identity.device_keys()[0], u64::MAX, None).to_string();
    for wrong in [
        hello(&azure, &format!("localhost/devices/{id}")),
        Connect {
            password: Some(of_device),
            ..hello(&azure, &resource)
        },
    ] {
        azure.connect(&wrong, REFUSED).await.closed().await;
    }
    let other = Connect {
        client_id: id.to_owned(),
        ..hello(&azure, &resource)
    };
    azure.connect(&other, REFUSED).await.closed().await;
    let module = azure.connect(&right, CONNECTED).await;
    hub.delete_device(id).unwrap();
    module.closed().await;
    azure.connect(&right, REFUSED).await.closed().await;
}

#[tokio::test]
async fn a_device_of_an_authority_comes_with_its_own_name_in_the_certificate() {
    let azure = Azure::start().await;
    let hub = azure.emulator.hub();
    hub.create_device("sensor", Some(Credentials::Authority)).unwrap();
    let connect = async |certificate_of: &str, connack: [u8; 4]| {
        let certificate = azure.identity.issue_device_certificate(certificate_of).unwrap();
        let mut client = azure.dial_as(&rustls::version::TLS13, &certificate).await;
        let hello = Connect {
            password: None,
            ..Connect::new("sensor", "")
        };
        client.send(&hello.bytes()).await;
        assert_eq!(client.packet().await, connack, "{certificate_of}");
    };
    connect("sensor", CONNECTED).await;
    connect("another", REFUSED).await;
    hub.update_device("sensor", None, Some(false)).unwrap();
    connect("sensor", REFUSED).await;
}
