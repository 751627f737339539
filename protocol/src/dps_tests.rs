use super::*;
use proptest::prelude::*;
use serde_json::json;

#[test]
fn registers_with_a_model() {
    let request = RegisterRequest {
        registration_id: "my-pnp-device".to_owned(),
        payload: Some(json!({"modelId": "dtmi:com:example:Thermostat;1"})),
    };
    let body = json!({"registrationId": "my-pnp-device", "payload": {"modelId": "dtmi:com:example:Thermostat;1"}});
    assert_eq!(serde_json::to_value(&request).unwrap(), body);
}

#[test]
fn reads_an_answer_that_says_wait() {
    let operation: Operation = serde_json::from_str(r#"{"operationId": "4.d0", "status": "assigning"}"#).unwrap();
    let expected = Operation {
        operation_id: "4.d0".to_owned(),
        status: Status::Assigning,
        registration_state: None,
    };
    assert_eq!(operation, expected);
}

#[test]
fn reads_an_assignment() {
    let body = json!({
        "operationId": "4.d0",
        "status": "assigned",
        "registrationState": {
            "registrationId": "my-pnp-device",
            "createdDateTimeUtc": "2024-01-01T00:00:00Z",
            "assignedHub": "hub.azure-devices.net",
            "deviceId": "my-pnp-device",
            "status": "assigned",
            "substatus": "initialAssignment",
            "lastUpdatedDateTimeUtc": "2024-01-01T00:00:01Z",
            "etag": "IjAwMDAi",
            "payload": {"any": "thing"}
        }
    });
    let operation: Operation = serde_json::from_value(body.clone()).unwrap();
    let state = operation.registration_state.clone().unwrap();
    assert_eq!(state.assigned_hub.as_deref(), Some("hub.azure-devices.net"));
    assert_eq!(
        (state.status, state.payload),
        (Status::Assigned, Some(json!({"any": "thing"})))
    );
    assert_eq!(
        serde_json::to_value(&operation).unwrap(),
        body,
        "and writes it as it was"
    );
}

#[test]
fn reads_a_refusal() {
    let body = json!({
        "errorCode": 401_002,
        "trackingId": "97d6b1f0",
        "message": "Unauthorized",
        "timestampUtc": "2024-01-01T00:00:00Z"
    });
    let refusal: Refusal = serde_json::from_value(body.clone()).unwrap();
    assert_eq!(
        (refusal.error_code, refusal.tracking_id.as_str()),
        (401_002, "97d6b1f0")
    );
    assert_eq!(serde_json::to_value(&refusal).unwrap(), body);
}

fn statuses() -> impl Strategy<Value = Status> {
    use Status::*;
    proptest::sample::select(vec![Unassigned, Assigning, Assigned, Failed, Disabled])
}

fn states() -> impl Strategy<Value = RegistrationState> {
    let texts = any::<[Option<String>; 5]>();
    (
        any::<[String; 3]>(),
        texts,
        statuses(),
        any::<Option<u32>>(),
        any::<Option<bool>>(),
    )
        .prop_map(
            |([id, created, updated], [hub, device, substatus, etag, message], status, error_code, payload)| {
                RegistrationState {
                    registration_id: id,
                    created_date_time_utc: created,
                    assigned_hub: hub,
                    device_id: device,
                    status,
                    substatus,
                    last_updated_date_time_utc: updated,
                    etag,
                    payload: payload.map(Value::from),
                    error_code,
                    error_message: message,
                }
            },
        )
}

proptest! {
    #[test]
    fn parsing_undoes_writing(
        operation_id in any::<String>(),
        status in statuses(),
        registration_state in proptest::option::of(states()),
    ) {
        let operation = Operation { operation_id, status, registration_state };
        let body = serde_json::to_vec(&operation).unwrap();
        prop_assert_eq!(serde_json::from_slice::<Operation>(&body).unwrap(), operation);
    }

    #[test]
    fn parsing_undoes_writing_of_requests_and_refusals(texts in any::<[String; 3]>(), error_code in any::<u32>()) {
        let [tracking_id, message, timestamp_utc] = texts.clone();
        let refusal = Refusal { error_code, tracking_id, message, timestamp_utc };
        let body = serde_json::to_vec(&refusal).unwrap();
        prop_assert_eq!(serde_json::from_slice::<Refusal>(&body).unwrap(), refusal);
        let [registration_id, model, _] = texts;
        let request = RegisterRequest { registration_id, payload: Some(json!({"modelId": model})) };
        let body = serde_json::to_vec(&request).unwrap();
        prop_assert_eq!(serde_json::from_slice::<RegisterRequest>(&body).unwrap(), request);
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let _ = serde_json::from_slice::<Operation>(&bytes);
        let _ = serde_json::from_slice::<Refusal>(&bytes);
        let _ = serde_json::from_slice::<RegisterRequest>(&bytes);
    }
}
