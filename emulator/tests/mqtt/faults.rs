//! A hub that misbehaves on request: one test for each fault.

use std::time::{Duration, Instant};

use serde_json::json;
use setpoint_emulator::state::{HubFault, Stored, TwinRequest, When, Whom};
use setpoint_protocol::Token;

use crate::client::{Azure, CONNECTED, Client, Connect, DESIRED, RESUMED, TWIN_RESPONSES, packet, publish};
use crate::support::{object, to_device};

const PING: [u8; 2] = [0xC0, 0];
const PONG: [u8; 2] = [0xD0, 0];
const READ: &str = "$iothub/twin/GET/?$rid=1";
const REPORT: &str = "$iothub/twin/PATCH/properties/reported/?$rid=2";

/// Longer than an answer takes, and short enough to wait for.
const LATE: Duration = Duration::from_millis(300);

fn telemetry(azure: &Azure) -> String {
    format!("devices/{}/messages/events/", azure.identity.device_id())
}

fn puback(id: u8) -> [u8; 4] {
    [0x40, 2, 0, id]
}

fn kept(azure: &Azure) -> Connect {
    Connect {
        clean: false,
        ..azure.hello()
    }
}

fn inject(azure: &Azure, fault: HubFault, when: When) {
    azure
        .emulator
        .hub()
        .faults()
        .inject(azure.identity.device_id(), fault, when);
}

/// What the device sent, as texts.
fn stored(azure: &Azure) -> Vec<String> {
    let kept = azure.emulator.hub().telemetry_of(azure.identity.device_id());
    kept.into_iter()
        .map(|message| String::from_utf8(message.body).unwrap())
        .collect()
}

async fn pong(client: &mut Client) {
    client.send(&PING).await;
    assert_eq!(client.packet().await, PONG);
}

#[tokio::test]
async fn connects_are_refused_and_noted() {
    let azure = Azure::start().await;
    let hub = azure.emulator.hub();
    hub.keep_connects(6);
    for code in 1..=5 {
        inject(&azure, HubFault::RefuseConnect { code }, When::next(1));
    }
    let other = hub.create_device("other", None).unwrap();
    let token = Token::sign(
        "localhost/devices/other",
        &other.credentials.keys().unwrap()[0],
        u64::MAX,
        None,
    )
    .to_string();
    azure.connect(&Connect::new("other", &token), CONNECTED).await;
    for code in 1..=5 {
        azure.connect(&azure.hello(), [0x20, 2, 0, code]).await.closed().await;
    }
    azure.device().await;
    let codes: Vec<_> = hub
        .connects(azure.identity.device_id())
        .iter()
        .map(|attempt| attempt.code)
        .collect();
    assert_eq!(
        codes,
        [1, 2, 3, 4, 5],
        "the sixth of the six kept was the other device's"
    );
}

#[tokio::test]
async fn a_session_is_lost() {
    let azure = Azure::start().await;
    let (hub, id) = (azure.emulator.hub(), azure.identity.device_id());
    let mut client = azure.connect(&kept(&azure), CONNECTED).await;
    client.subscribe(DESIRED, 0).await;
    hub.forget_session(id, true).unwrap();
    client.closed().await;
    let mut client = azure.connect(&kept(&azure), CONNECTED).await;
    hub.patch_twin(id, &object(json!({"properties": {"desired": {"a": 1}}})), None)
        .unwrap();
    pong(&mut client).await;

    // With its connection left alone the device only stops hearing of things.
    client.subscribe(DESIRED, 0).await;
    hub.forget_session(id, false).unwrap();
    hub.patch_twin(id, &object(json!({"properties": {"desired": {"a": 2}}})), None)
        .unwrap();
    pong(&mut client).await;
    azure.connect(&kept(&azure), CONNECTED).await;
}

#[tokio::test]
async fn a_device_is_kicked_and_keeps_its_session() {
    let azure = Azure::start().await;
    let (hub, id) = (azure.emulator.hub(), azure.identity.device_id());
    assert!(!hub.kick(id).unwrap());
    let client = azure.connect(&kept(&azure), CONNECTED).await;
    assert!(hub.kick(id).unwrap());
    client.closed().await;
    azure.connect(&kept(&azure), RESUMED).await;
}

#[tokio::test]
async fn twin_requests_are_refused() {
    let azure = Azure::start().await;
    let mut client = azure.device().await;
    client.subscribe(TWIN_RESPONSES, 0).await;
    let refuse = |of, status, retry_after| HubFault::RefuseTwin {
        of,
        status,
        retry_after,
    };
    inject(&azure, refuse(TwinRequest::Report, 429, Some(5)), When::next(1));
    inject(&azure, refuse(TwinRequest::Any, 500, None), When::next(2));
    inject(&azure, refuse(TwinRequest::Read, 503, None), When::next(1));
    let read = client.request(READ, b"").await;
    assert_eq!(read.topic, "$iothub/twin/res/500/?$rid=1");
    let report = client.request(REPORT, br#"{"a": 1}"#).await;
    assert_eq!(report.topic, "$iothub/twin/res/429/?$rid=2&retry-after=5");
    assert_eq!(report.json()["errorCode"], 429_001);
    let report = client.request(REPORT, br#"{"a": 1}"#).await;
    assert_eq!(report.topic, "$iothub/twin/res/500/?$rid=2");
    let read = client.request(READ, b"").await;
    assert_eq!(read.topic, "$iothub/twin/res/503/?$rid=1");
    let read = client.request(READ, b"").await;
    assert_eq!(read.json()["reported"], json!({"$version": 1}), "nothing was taken");
}

#[tokio::test]
async fn twin_requests_are_answered_late() {
    let azure = Azure::start().await;
    let mut client = azure.device().await;
    client.subscribe(TWIN_RESPONSES, 0).await;
    let of = TwinRequest::Read;
    inject(&azure, HubFault::DelayTwin { of, by: LATE }, When::next(1));
    let begun = Instant::now();
    client.send(&publish(READ, None, b"")).await;
    pong(&mut client).await;
    assert_eq!(client.message().await.topic, "$iothub/twin/res/200/?$rid=1");
    assert!(begun.elapsed() >= LATE);
}

#[tokio::test]
async fn twin_requests_are_never_answered() {
    let azure = Azure::start().await;
    let mut client = azure.device().await;
    client.subscribe(TWIN_RESPONSES, 0).await;
    let of = TwinRequest::Report;
    inject(&azure, HubFault::IgnoreTwin { of }, When::next(1));
    client.send(&publish(REPORT, None, br#"{"a": 1}"#)).await;
    pong(&mut client).await;
    let read = client.request(READ, b"").await;
    assert_eq!(read.json()["reported"], json!({"a": 1, "$version": 2}));
}

#[tokio::test]
async fn pubacks_are_late_and_in_order() {
    let azure = Azure::start().await;
    let mut client = azure.device().await;
    inject(&azure, HubFault::DelayPuback(LATE), When::next(2));
    let begun = Instant::now();
    for id in 1..=3 {
        client.send(&publish(&telemetry(&azure), Some(id), b"{}")).await;
    }
    client.send(&PING).await;
    for id in 1..=3 {
        assert_eq!(client.packet().await, puback(id));
    }
    assert!(begun.elapsed() >= LATE);
    assert_eq!(client.packet().await, PONG);
}

#[tokio::test]
async fn pubacks_are_withheld() {
    let azure = Azure::start().await;
    azure.emulator.hub().keep_telemetry(10);
    let mut client = azure.device().await;
    inject(&azure, HubFault::WithholdPuback, When::nth(2));
    for (id, body) in [(1, "a"), (2, "b"), (3, "c")] {
        client
            .send(&publish(&telemetry(&azure), Some(id), body.as_bytes()))
            .await;
    }
    assert_eq!(client.packet().await, puback(1));
    assert_eq!(client.packet().await, puback(3));
    assert_eq!(stored(&azure), ["a", "b", "c"]);
}

#[tokio::test]
async fn pubacks_come_twice() {
    let azure = Azure::start().await;
    let mut client = azure.device().await;
    inject(&azure, HubFault::DuplicatePuback, When::always());
    inject(&azure, HubFault::DelayPuback(LATE), When::next(1));
    client.publish(&telemetry(&azure), b"{}").await;
    assert_eq!(client.packet().await, puback(77));
    pong(&mut client).await;
    azure.emulator.hub().faults().clear();
    client.publish(&telemetry(&azure), b"{}").await;
    pong(&mut client).await;
}

#[tokio::test]
async fn messages_come_twice() {
    let azure = Azure::start().await;
    let (hub, id) = (azure.emulator.hub(), azure.identity.device_id());
    let mut client = azure.device().await;
    client
        .subscribe(&format!("devices/{id}/messages/devicebound/#"), 1)
        .await;
    inject(&azure, HubFault::DuplicateMessage, When::next(1));
    for text in ["first", "second"] {
        hub.send_to_device(id, to_device(text)).unwrap();
    }
    let mut ids = Vec::new();
    for text in ["first", "first", "second"] {
        let message = client.message().await;
        assert_eq!((message.body.as_slice(), message.again), (text.as_bytes(), false));
        ids.push(message.id.unwrap());
    }
    assert!(ids[0] != ids[1] && ids[0] != ids[2] && ids[1] != ids[2], "{ids:?}");
    for id in ids {
        client.send(&packet(0x40, &id.to_be_bytes())).await;
    }
    pong(&mut client).await;
    assert_eq!(hub.device(id).unwrap().waiting_messages, 0);
}

#[tokio::test]
async fn pings_are_not_answered() {
    let azure = Azure::start().await;
    let mut client = azure.device().await;
    inject(&azure, HubFault::IgnorePing, When::next(1));
    client.send(&PING).await;
    client.publish(&telemetry(&azure), b"{}").await;
    pong(&mut client).await;
}

#[tokio::test]
async fn a_muted_connection_hears_nothing_and_is_heard() {
    let azure = Azure::start().await;
    let (hub, id) = (azure.emulator.hub(), azure.identity.device_id());
    hub.keep_telemetry(10);
    let mut client = azure.device().await;
    client.subscribe(DESIRED, 0).await;
    assert!(hub.mute(id).unwrap());
    hub.patch_twin(id, &object(json!({"properties": {"desired": {"a": 1}}})), None)
        .unwrap();
    let mut events = hub.subscribe();
    client.send(&PING).await;
    client.send(&publish(&telemetry(&azure), Some(1), b"heard")).await;
    crate::support::event(&mut events, setpoint_emulator::state::EventKind::Telemetry).await;
    assert_eq!(stored(&azure), ["heard"]);
    assert!(hub.device(id).unwrap().connected);
    // Another connection is a proper one, and ends the mute one, which has got nothing to the last.
    pong(&mut azure.device().await).await;
    client.closed().await;

    inject(&azure, HubFault::MuteConnection, When::next(1));
    let mut client = azure.device().await;
    client.send(&PING).await;
    pong(&mut azure.device().await).await;
    client.closed().await;
}

#[tokio::test]
async fn desired_patches_are_lost_and_repeated() {
    let azure = Azure::start().await;
    let (hub, id) = (azure.emulator.hub(), azure.identity.device_id());
    let mut client = azure.device().await;
    client.subscribe(DESIRED, 0).await;
    let desired = |value| object(json!({"properties": {"desired": {"a": value}}}));
    inject(&azure, HubFault::DropDesired, When::nth(2));
    for value in 1..=3 {
        hub.patch_twin(id, &desired(value), None).unwrap();
    }
    assert_eq!(client.message().await.json(), json!({"a": 1, "$version": 2}));
    assert_eq!(client.message().await.json(), json!({"a": 3, "$version": 4}));
    assert!(hub.send_desired(id, object(json!({"a": 1})), 2).unwrap());
    let stale = client.message().await;
    assert_eq!(stale.topic, "$iothub/twin/PATCH/properties/desired/?$version=2");
    assert_eq!(stale.json(), json!({"a": 1, "$version": 2}));
    let twin = hub.twin(id).unwrap();
    assert_eq!(
        (
            &twin["properties"]["desired"]["a"],
            &twin["properties"]["desired"]["$version"]
        ),
        (&json!(3), &json!(4))
    );
}

#[tokio::test]
async fn the_connection_ends_around_a_message() {
    for (is_stored, expected) in [(false, &["a"][..]), (true, &["a", "b"])] {
        let azure = Azure::start().await;
        azure.emulator.hub().keep_telemetry(10);
        let fault = HubFault::CloseOn {
            publish: Stored::Telemetry,
            stored: is_stored,
        };
        azure.emulator.hub().faults().inject(Whom::All, fault, When::nth(2));
        let mut client = azure.device().await;
        client.publish(&telemetry(&azure), b"a").await;
        client.send(&publish(&telemetry(&azure), Some(2), b"b")).await;
        client.closed().await;
        assert_eq!(stored(&azure), expected);
        azure.device().await.publish(&telemetry(&azure), b"c").await;
    }
}

#[tokio::test]
async fn the_connection_ends_around_a_report() {
    for (is_stored, version) in [(false, 1), (true, 2)] {
        let azure = Azure::start().await;
        let fault = HubFault::CloseOn {
            publish: Stored::Report,
            stored: is_stored,
        };
        inject(&azure, fault, When::next(1));
        let mut client = azure.device().await;
        client.subscribe(TWIN_RESPONSES, 0).await;
        client.publish(&telemetry(&azure), b"a").await;
        client.send(&publish(REPORT, Some(2), br#"{"a": 1}"#)).await;
        client.closed().await;
        let twin = azure.emulator.hub().twin(azure.identity.device_id()).unwrap();
        assert_eq!(twin["properties"]["reported"]["$version"], version);
    }
}
