use super::*;
use proptest::prelude::*;
use serde_json::json;

#[test]
fn reads_a_method_call() {
    let body = json!({
        "methodName": "getMaxMinReport",
        "payload": null,
        "responseTimeoutInSeconds": 10,
        "connectTimeoutInSeconds": 0
    });
    let request: MethodRequest = serde_json::from_value(body.clone()).unwrap();
    assert_eq!(request.payload, Some(Value::Null));
    assert_eq!(
        (request.response_timeout_in_seconds, request.connect_timeout_in_seconds),
        (Some(10), Some(0))
    );
    assert_eq!(serde_json::to_value(&request).unwrap(), body);
}

#[test]
fn no_payload_is_not_null() {
    let request: MethodRequest = serde_json::from_str(r#"{"methodName": "a"}"#).unwrap();
    assert_eq!(request.payload, None);
    assert_eq!(serde_json::to_value(&request).unwrap(), json!({"methodName": "a"}));
}

#[test]
fn reads_an_error() {
    let body = r#"{"Message": "ErrorCode:DeviceNotFound;no such device; x", "ExceptionMessage": "Tracking ID:1"}"#;
    let error: ServiceError = serde_json::from_str(body).unwrap();
    assert_eq!(
        (error.name(), error.text()),
        (Some("DeviceNotFound"), "no such device; x")
    );
    let plain: ServiceError = serde_json::from_str(r#"{"Message": "no"}"#).unwrap();
    assert_eq!((plain.name(), plain.text()), (None, "no"));
}

#[test]
fn writes_an_error() {
    let error = ServiceError::new("DeviceNotFound", "no such device", "ab", "2024-01-01T00:00:00Z");
    let body = json!({
        "Message": "ErrorCode:DeviceNotFound;no such device",
        "ExceptionMessage": "Tracking ID:ab-TimeStamp:2024-01-01T00:00:00Z"
    });
    assert_eq!(serde_json::to_value(&error).unwrap(), body);
}

proptest! {
    #[test]
    fn parsing_undoes_writing(
        method_name in any::<String>(),
        payload in any::<Option<Option<i64>>>(),
        response_timeout_in_seconds in any::<Option<u64>>(),
        connect_timeout_in_seconds in any::<Option<u64>>(),
        status in any::<u16>(),
    ) {
        let payload = payload.map(|value| value.map_or(Value::Null, Value::from));
        let result = MethodResult { status, payload: payload.clone().unwrap_or_default() };
        let request = MethodRequest { method_name, payload, response_timeout_in_seconds, connect_timeout_in_seconds };
        let body = serde_json::to_vec(&request).unwrap();
        prop_assert_eq!(serde_json::from_slice::<MethodRequest>(&body).unwrap(), request);
        let body = serde_json::to_vec(&result).unwrap();
        prop_assert_eq!(serde_json::from_slice::<MethodResult>(&body).unwrap(), result);
    }

    #[test]
    fn an_error_keeps_its_name_and_text(name in "[A-Za-z]{1,20}", text in any::<String>()) {
        let error = ServiceError::new(&name, &text, "", "");
        prop_assert_eq!((error.name(), error.text()), (Some(name.as_str()), text.as_str()));
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let _ = serde_json::from_slice::<MethodRequest>(&bytes);
        let _ = serde_json::from_slice::<MethodResult>(&bytes);
        let _ = serde_json::from_slice::<ServiceError>(&bytes);
    }
}
