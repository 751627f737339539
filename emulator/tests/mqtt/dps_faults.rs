//! A DPS that misbehaves on request: one test for each fault.

use serde_json::{Value, json};
use setpoint_emulator::state::{DpsFault, When, Whom};
use setpoint_protocol::Token;

use crate::client::{Azure, CONNECTED, Client, Connect, Message, publish};

const REGISTER: &str = "$dps/registrations/PUT/iotdps-register/?$rid=1";

fn hello(azure: &Azure) -> Connect {
    let (id, key) = (azure.identity.device_id(), &azure.identity.device_keys()[0]);
    Connect::dps(azure.identity.id_scope(), id, key)
}

/// The identity's device, connected and subscribed.
async fn applicant(azure: &Azure) -> Client {
    let mut client = azure.connect(&hello(azure), CONNECTED).await;
    client.subscribe("$dps/registrations/res/#", 1).await;
    client
}

fn inject(azure: &Azure, fault: DpsFault, when: When) {
    let id = azure.identity.device_id().to_uppercase();
    azure.emulator.enrollments().faults().inject(id.as_str(), fault, when);
}

fn body(azure: &Azure) -> Vec<u8> {
    json!({"registrationId": azure.identity.device_id()})
        .to_string()
        .into_bytes()
}

async fn register(azure: &Azure, client: &mut Client) -> Message {
    client.request(REGISTER, &body(azure)).await
}

fn poll(registered: &Message) -> String {
    let operation = registered.json()["operationId"].as_str().unwrap().to_owned();
    format!("$dps/registrations/GET/iotdps-get-operationstatus/?$rid=2&operationId={operation}")
}

/// Registers, polls once, and gives the poll's answer back.
async fn outcome(azure: &Azure) -> Value {
    let mut client = applicant(azure).await;
    let registered = register(azure, &mut client).await;
    client.request(&poll(&registered), b"").await.json()
}

#[tokio::test]
async fn connects_are_refused() {
    let azure = Azure::start().await;
    inject(&azure, DpsFault::RefuseConnect { code: 3 }, When::next(1));
    azure.connect(&hello(&azure), [0x20, 2, 0, 3]).await.closed().await;
    applicant(&azure).await;
}

#[tokio::test]
async fn requests_are_refused() {
    let azure = Azure::start().await;
    let mut client = applicant(&azure).await;
    for (error_code, retry_after, topic) in [
        (429_001, Some(7), "$dps/registrations/res/429/?$rid=1&retry-after=7"),
        (503_000, None, "$dps/registrations/res/503/?$rid=1"),
        (401_002, None, "$dps/registrations/res/401/?$rid=1"),
        (404_201, None, "$dps/registrations/res/404/?$rid=1"),
    ] {
        let fault = DpsFault::Refuse {
            error_code,
            retry_after,
        };
        inject(&azure, fault, When::next(1));
        let refused = register(&azure, &mut client).await;
        assert_eq!(
            (refused.topic.as_str(), &refused.json()["errorCode"]),
            (topic, &json!(error_code))
        );
    }
    assert_eq!(
        azure.emulator.enrollments().registration(azure.identity.device_id()),
        None
    );
    let registered = register(&azure, &mut client).await;
    let fault = DpsFault::Refuse {
        error_code: 500_000,
        retry_after: None,
    };
    inject(&azure, fault, When::next(1));
    let poll = poll(&registered);
    assert_eq!(
        client.request(&poll, b"").await.topic,
        "$dps/registrations/res/500/?$rid=2"
    );
    assert_eq!(client.request(&poll, b"").await.json()["status"], "assigned");
}

#[tokio::test]
async fn an_assignment_takes_its_time() {
    let azure = Azure::start().await;
    let mut client = applicant(&azure).await;
    let retry_after = Some(3);
    inject(&azure, DpsFault::StayAssigning { retry_after }, When::next(2));
    let poll = poll(&register(&azure, &mut client).await);
    for _ in 0..2 {
        let answer = client.request(&poll, b"").await;
        assert_eq!(answer.topic, "$dps/registrations/res/202/?$rid=2&retry-after=3");
        assert_eq!(answer.json()["status"], "assigning");
    }
    assert_eq!(client.request(&poll, b"").await.json()["status"], "assigned");
}

#[tokio::test]
async fn a_registration_comes_to_nothing() {
    let azure = Azure::start().await;
    let id = azure.identity.device_id();
    azure.emulator.hub().delete_device(id).unwrap();
    let message = || "The allocation failed.".to_owned();
    let fail = DpsFault::Fail {
        error_code: 400_209,
        message: message(),
    };
    let disable = DpsFault::Disable {
        error_code: 403_000,
        message: message(),
    };
    for (fault, status, code) in [(fail, "failed", 400_209), (disable, "disabled", 403_000)] {
        inject(&azure, fault, When::next(1));
        let outcome = outcome(&azure).await;
        let state = &outcome["registrationState"];
        assert_eq!((&outcome["status"], &state["status"]), (&json!(status), &json!(status)));
        assert_eq!(
            (&state["errorCode"], &state["errorMessage"]),
            (&json!(code), &json!(message()))
        );
        assert_eq!(state.get("assignedHub"), None);
        assert!(azure.emulator.hub().device(id).is_err(), "no device was made");
    }
    assert_eq!(outcome(&azure).await["status"], "assigned");
}

#[tokio::test]
async fn requests_are_never_answered() {
    let azure = Azure::start().await;
    let mut client = applicant(&azure).await;
    inject(&azure, DpsFault::Ignore, When::next(1));
    client.send(&publish(REGISTER, Some(7), &body(&azure))).await;
    assert_eq!(client.packet().await, [0x40, 2, 0, 7]);
    client.send(&[0xC0, 0]).await;
    assert_eq!(client.packet().await, [0xD0, 0]);
    let id = azure.identity.device_id();
    assert_eq!(azure.emulator.enrollments().registration(id), None);
}

#[tokio::test]
async fn the_connection_ends_at_a_poll() {
    let azure = Azure::start().await;
    azure
        .emulator
        .enrollments()
        .faults()
        .inject(Whom::All, DpsFault::Close, When::nth(2));
    let mut client = applicant(&azure).await;
    let registered = register(&azure, &mut client).await;
    client.send(&publish(&poll(&registered), None, b"")).await;
    client.closed().await;
    assert_eq!(outcome(&azure).await["status"], "assigned");
}

#[tokio::test]
async fn a_device_moves_to_another_hub_and_back() {
    let (azure, other) = (Azure::start().await, Azure::start().await);
    let id = azure.identity.device_id();
    let endpoint = format!("localhost:{}", other.emulator.mqtt_address().port());
    let enrollments = azure.emulator.enrollments();
    enrollments.assign_to(&id.to_uppercase(), &endpoint, other.emulator.hub());
    let assigned = outcome(&azure).await["registrationState"].clone();
    assert_eq!(
        (&assigned["assignedHub"], &assigned["deviceId"]),
        (&json!(endpoint), &json!(id))
    );
    let key = &azure.identity.device_keys()[0];
    let token = Token::sign(&format!("localhost/devices/{id}"), key, u64::MAX, None).to_string();
    other.connect(&Connect::new(id, &token), CONNECTED).await;
    enrollments.assign_here(id);
    assert_eq!(outcome(&azure).await["registrationState"]["assignedHub"], "localhost");
}
