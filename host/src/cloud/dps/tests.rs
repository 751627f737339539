use super::answer::{Answer, Failure, Step};
use super::*;
use crate::cloud::Trust;
use serde_json::json;
use setpoint_protocol::key::Key;

fn provisioner(endpoint: &str) -> DpsProvisioner {
    let access = Access::with_key(Key::from_bytes(vec![1; 32]), &Trust::system(None).unwrap());
    DpsProvisioner::new(endpoint.parse().unwrap(), "0ne000A1B2C", "my-pnp-device", access)
}

/// The error of an answer that ends the registration.
fn error(answer: &Answer) -> ProvisionError {
    match provisioner("dps").read(answer).unwrap_err() {
        Failure::Unauthorized(error, _) | Failure::Final(error) => error,
        Failure::Lost(error) => panic!("an answer loses no connection: {error}"),
    }
}

fn answer(status: u16, body: serde_json::Value) -> Answer {
    Answer {
        status,
        retry_after: None,
        body: serde_json::to_vec(&body).unwrap(),
    }
}

fn assigned(hub: &str) -> Answer {
    let state =
        json!({"registrationId": "my-pnp-device", "assignedHub": hub, "deviceId": "device-7", "status": "assigned"});
    answer(
        200,
        json!({"operationId": "4.d0", "status": "assigned", "registrationState": state}),
    )
}

#[test]
fn logs_in_as_the_documents_say() {
    let login = provisioner("global.azure-devices-provisioning.net").login();
    assert_eq!(login.id, "my-pnp-device");
    assert_eq!(login.endpoint.to_string(), "global.azure-devices-provisioning.net:8883");
    let version = env!("CARGO_PKG_VERSION");
    let expected =
        format!("0ne000A1B2C/registrations/my-pnp-device/api-version=2019-03-31&ClientVersion=setpoint%2F{version}");
    assert_eq!(login.username, expected);
    assert_eq!(
        login.password.as_ref().unwrap().resource(),
        "0ne000A1B2C/registrations/my-pnp-device"
    );
    assert_eq!(login.password.as_ref().unwrap().policy(), Some("registration"));
}

#[test]
fn registers_and_then_polls() {
    let provisioner = provisioner("dps");
    let (topic, body) = provisioner.request("1".to_owned(), None, "dtmi:com:example:Thermostat;1");
    assert_eq!(topic.to_string(), "$dps/registrations/PUT/iotdps-register/?$rid=1");
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let expected = json!({"registrationId": "my-pnp-device", "payload": {"modelId": "dtmi:com:example:Thermostat;1"}});
    assert_eq!(body, expected);
    let (topic, body) = provisioner.request("2".to_owned(), Some("4.d0"), "");
    let expected = "$dps/registrations/GET/iotdps-get-operationstatus/?$rid=2&operationId=4.d0";
    assert_eq!((topic.to_string().as_str(), body), (expected, Vec::new()));
}

#[test]
fn polls_while_it_is_assigning() {
    let waiting = answer(202, json!({"operationId": "4.d0", "status": "assigning"}));
    assert_eq!(
        provisioner("dps").read(&waiting).unwrap(),
        Step::Poll("4.d0".to_owned())
    );
}

#[test]
fn the_hub_takes_over_the_port_of_the_service() {
    let hub = |service: &str, hub: &str| match provisioner(service).read(&assigned(hub)).unwrap() {
        Step::Done(assignment) => {
            assert_eq!(assignment.device_id, "device-7");
            assignment.hub.to_string()
        }
        step => panic!("not done: {step:?}"),
    };
    assert_eq!(hub("dps", "hub.azure-devices.net"), "hub.azure-devices.net");
    assert_eq!(hub("localhost:8884", "localhost"), "localhost:8884");
    assert_eq!(hub("localhost:8884", "localhost:8885"), "localhost:8885");
}

#[test]
fn a_refusal_says_all_that_the_service_said() {
    let body = json!({
        "errorCode": 401_002,
        "trackingId": "97d6b1f0",
        "message": "Unauthorized",
        "timestampUtc": "2024-01-01T00:00:00Z"
    });
    let error = error(&answer(401, body)).to_string();
    for part in ["my-pnp-device", "status 401", "401002", "Unauthorized", "97d6b1f0"] {
        assert!(error.contains(part), "{part} is missing: {error}");
    }
}

#[test]
fn a_refusal_that_is_no_json_is_shown_as_it_is() {
    let refusal = Answer {
        status: 404,
        retry_after: None,
        body: b"no such thing".to_vec(),
    };
    match error(&refusal) {
        ProvisionError::Refused {
            status,
            error_code,
            message,
            ..
        } => {
            assert_eq!((status, error_code, message.as_str()), (404, 404_000, "no such thing"));
        }
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn a_busy_service_is_asked_again() {
    for status in [429, 500, 503] {
        assert_eq!(
            provisioner("dps").read(&answer(status, json!({}))).unwrap(),
            Step::Retry,
            "{status}"
        );
    }
    for status in [300, 400, 428] {
        assert!(provisioner("dps").read(&answer(status, json!({}))).is_err(), "{status}");
    }
}

#[test]
fn an_end_without_a_hub_says_why() {
    let state = json!({"registrationId": "a", "status": "failed", "errorCode": 400_208, "errorMessage": "no hub"});
    let failed = answer(
        200,
        json!({"operationId": "o", "status": "failed", "registrationState": state}),
    );
    let text = error(&failed).to_string();
    assert!(
        text.contains("failed") && text.contains("400208") && text.contains("no hub"),
        "{text}"
    );
    let disabled = answer(200, json!({"operationId": "o", "status": "disabled"}));
    assert!(matches!(error(&disabled), ProvisionError::NotAssigned { status, .. } if *status == *"disabled"));
}

#[test]
fn what_is_not_in_the_protocol_is_an_error() {
    let bad = [
        answer(200, json!([])),
        answer(200, json!({"operationId": "o", "status": "assigned"})),
        assigned("https://hub"),
        answer(100, json!({})),
    ];
    for answer in bad {
        let error = error(&answer);
        assert!(
            matches!(error, ProvisionError::Protocol { .. }),
            "{answer:?} gave {error:?}"
        );
    }
}
