use std::time::Duration;

use serde_json::json;

use super::{super::CloudMessage, *};

const SOON: Duration = Duration::from_secs(30);

fn hub() -> Arc<Hub> {
    let hub = Hub::new();
    hub.create_device("d", None).unwrap();
    hub
}

fn document(value: Value) -> Document {
    value.as_object().unwrap().clone()
}

fn message(text: &str) -> CloudMessage {
    CloudMessage {
        body: text.into(),
        properties: PropertyBag::default(),
        expires: None,
    }
}

fn kinds(events: &mut tokio::sync::broadcast::Receiver<Arc<DeviceEvent>>) -> Vec<EventKind> {
    std::iter::from_fn(|| events.try_recv().ok())
        .map(|event| event.kind)
        .collect()
}

#[tokio::test]
async fn a_second_connection_ends_the_first() {
    let hub = hub();
    let mut events = hub.subscribe();
    let mut first = hub.connect("d", true, None).unwrap();
    let second = hub.connect("d", true, None).unwrap();
    assert_eq!(first.next().await, Delivery::Close(CloseReason::TakenOver));
    drop(first);
    assert!(hub.device("d").unwrap().connected);
    drop(second);
    assert!(!hub.device("d").unwrap().connected);
    use EventKind::{Connected, Disconnected};
    assert_eq!(kinds(&mut events), [Connected, Disconnected, Connected, Disconnected]);
}

#[tokio::test]
async fn a_kept_session_keeps_its_subscriptions() {
    let hub = hub();
    let mut link = hub.connect("d", false, None).unwrap();
    assert!(!link.session_present());
    link.subscribe(Subscription::Desired, Some(0));
    drop(link);
    let mut link = hub.connect("d", false, None).unwrap();
    assert!(link.session_present());
    hub.patch_twin("d", &document(json!({"properties": {"desired": {"a": 1}}})), None)
        .unwrap();
    assert_eq!(
        link.next().await,
        Delivery::Desired {
            patch: document(json!({"a": 1})),
            version: 2
        }
    );
    drop(link);
    let link = hub.connect("d", true, None).unwrap();
    assert!(!link.session_present());
    assert_eq!(link.subscription(Subscription::Desired), None);
    drop(link);
    assert!(!hub.connect("d", false, None).unwrap().session_present());
}

#[tokio::test]
async fn a_device_that_does_not_read_is_disconnected_and_nobody_waits() {
    let hub = hub();
    let mut link = hub.connect("d", true, None).unwrap();
    link.subscribe(Subscription::Desired, Some(0));
    for _ in 0..=DELIVERY_BACKLOG {
        hub.patch_twin("d", &document(json!({"properties": {"desired": {"a": 1}}})), None)
            .unwrap();
    }
    assert_eq!(link.next().await, Delivery::Close(CloseReason::TooSlow));
    assert!(!hub.device("d").unwrap().connected);
}

#[tokio::test]
async fn messages_wait_for_the_device() {
    let hub = hub();
    hub.send_to_device("d", message("a")).unwrap();
    let mut link = hub.connect("d", true, None).unwrap();
    link.subscribe(Subscription::Messages, Some(1));
    let Delivery::Message(first) = link.next().await else {
        panic!("no message")
    };
    assert_eq!(first.body, b"a");
    assert_eq!(first.properties.get("$.to"), Some("/devices/d/messages/devicebound"));
    hub.send_to_device("d", message("b")).unwrap();
    let Delivery::Message(second) = link.next().await else {
        panic!("no message")
    };
    assert_eq!(second.body, b"b");
    assert!(link.acknowledge(first.packet_id.unwrap()));
    assert_eq!(hub.device("d").unwrap().waiting_messages, 1);
}

#[tokio::test]
async fn a_method_is_answered() {
    let hub = hub();
    let mut link = hub.connect("d", true, None).unwrap();
    link.subscribe(Subscription::Methods, Some(0));
    let device = async {
        let Delivery::Method { name, rid, payload } = link.next().await else {
            panic!("no request")
        };
        assert_eq!((name.as_str(), &*payload), ("m", &b"[1]"[..]));
        link.respond("no such request", 500, Vec::new());
        link.respond(&rid, 200, b"{\"x\": 1}".to_vec());
    };
    let (result, ()) = tokio::join!(
        hub.call_method("d", "m", Some(json!([1])), Duration::ZERO, SOON),
        device
    );
    assert_eq!(
        result,
        Ok(super::super::MethodResult {
            status: 200,
            payload: json!({"x": 1})
        })
    );
}

#[tokio::test]
async fn a_call_waits_for_the_device_to_come() {
    let hub = hub();
    let call = hub.call_method("d", "m", None, SOON, SOON);
    let device = async {
        let mut link = hub.connect("d", true, None).unwrap();
        link.subscribe(Subscription::Methods, Some(0));
        let Delivery::Method { rid, payload, .. } = link.next().await else {
            panic!("no request")
        };
        assert!(payload.is_empty());
        link.respond(&rid, 404, Vec::new());
    };
    let (result, ()) = tokio::join!(call, device);
    assert_eq!(
        result.map(|result| (result.status, result.payload)),
        Ok((404, Value::Null))
    );
}

#[tokio::test(start_paused = true)]
async fn calls_that_fail_say_why() {
    let hub = hub();
    let call = |id: &'static str| hub.call_method(id, "m", None, Duration::ZERO, SOON);
    assert_eq!(call("nobody").await, Err(HubError::DeviceNotFound("nobody".into())));
    assert_eq!(call("d").await, Err(HubError::DeviceNotOnline("d".into())));
    let mut link = hub.connect("d", true, None).unwrap();
    assert_eq!(call("d").await, Err(HubError::DeviceNotOnline("d".into())));
    link.subscribe(Subscription::Methods, Some(0));
    assert_eq!(call("d").await, Err(HubError::GatewayTimeout("d".into())));
    assert_eq!(hub.with("d", |entry| entry.calls.len()), Ok(0));
    let Delivery::Method { rid, .. } = link.next().await else {
        panic!("no request")
    };
    link.respond(&rid, 200, Vec::new());
    let (result, ()) = tokio::join!(call("d"), async {
        let Delivery::Method { rid, .. } = link.next().await else {
            panic!("no request")
        };
        link.respond(&rid, 200, b"{".to_vec());
    });
    assert_eq!(result, Err(HubError::BadDeviceResponse("d".into())));
}

#[tokio::test]
async fn telemetry_and_reports_are_heard() {
    let hub = hub();
    let mut events = hub.subscribe();
    let link = hub.connect("d", true, Some("dtmi:a;1")).unwrap();
    let properties =
        PropertyBag::parse("%24.ct=application%2Fjson&colour&%24.cdid=another&%24.dt-dataschema=x").unwrap();
    link.telemetry(properties, b"{}".to_vec()).unwrap();
    assert_eq!(link.report(&document(json!({"a": 1}))), Ok(2));
    assert!(link.report(&document(json!({"a b": 1}))).is_err());
    assert_eq!(events.recv().await.unwrap().kind, EventKind::Connected);
    let telemetry = events.recv().await.unwrap();
    assert_eq!(telemetry.application, [("colour".to_owned(), None)]);
    for pair in [("content-type", "application/json"), ("dt-dataschema", "dtmi:a;1")] {
        assert!(
            telemetry
                .system
                .iter()
                .any(|(name, value)| (name.as_str(), value.as_str()) == pair),
            "{pair:?}"
        );
    }
    let said: Vec<_> = telemetry
        .system
        .iter()
        .filter(|(name, _)| name == "iothub-connection-device-id")
        .collect();
    assert_eq!(
        said,
        [&("iothub-connection-device-id".to_owned(), "d".to_owned())],
        "a device speaks for itself only"
    );
    let reported = events.recv().await.unwrap();
    let body: Value = serde_json::from_slice(&reported.body).unwrap();
    assert_eq!(
        body,
        json!({"version": 2, "properties": {"reported": {"a": 1, "$version": 2}}})
    );
    assert!(events.try_recv().is_err());
}
