//! DPS's rules, seen from the wire.

use crate::client::{Azure, CONNECTED, Client, Connect, Message, publish};
use serde_json::json;
use setpoint_emulator::state::{Allocation, DpsThrottles, Enrollment, Hub, Terms};
use setpoint_protocol::{Key, Token};

pub(crate) const ANSWERS: &str = "$dps/registrations/res/#";
pub(crate) const REGISTER: &str = "$dps/registrations/PUT/iotdps-register/?$rid=1";

/// Connects to DPS, subscribes and registers.
async fn register(azure: &Azure, scope: &str, id: &str, key: &Key) -> (Client, Message) {
    let mut client = azure.connect(&Connect::dps(scope, id, key), CONNECTED).await;
    assert_eq!(client.subscribe(ANSWERS, 1).await, 1);
    let body = json!({"registrationId": id, "payload": {"modelId": "dtmi:a;1"}}).to_string();
    let answer = client.request(REGISTER, body.as_bytes()).await;
    (client, answer)
}

/// Registers, polls once, and gives the answer to the poll back.
async fn provision(azure: &Azure, id: &str, key: &Key) -> Message {
    let (mut client, answer) = register(azure, azure.identity.id_scope(), id, key).await;
    assert_eq!(answer.topic, "$dps/registrations/res/202/?$rid=1&retry-after=0");
    assert_eq!(answer.json()["status"], "assigning");
    let operation = answer.json()["operationId"].as_str().unwrap().to_owned();
    let poll = format!("$dps/registrations/GET/iotdps-get-operationstatus/?$rid=2&operationId={operation}");
    let done = client.request(&poll, b" ").await;
    assert_eq!(done.topic, "$dps/registrations/res/200/?$rid=2");
    assert_eq!(done.json()["operationId"], operation);
    done
}

#[tokio::test]
async fn an_individual_enrolment_is_assigned_and_its_key_opens_the_hub() {
    let azure = Azure::start().await;
    let (id, keys) = (azure.identity.device_id(), azure.identity.device_keys());
    for (key, substatus) in keys
        .iter()
        .zip(["initialAssignment", "reprovisionedToInitialAssignment"])
    {
        let done = provision(&azure, id, key).await.json();
        let state = &done["registrationState"];
        assert_eq!(
            (&done["status"], &state["assignedHub"]),
            (&json!("assigned"), &json!("localhost"))
        );
        assert_eq!((&state["deviceId"], &state["registrationId"]), (&json!(id), &json!(id)));
        assert_eq!(
            (&state["substatus"], &state["payload"]["modelId"]),
            (&json!(substatus), &json!("dtmi:a;1"))
        );
        for member in ["createdDateTimeUtc", "lastUpdatedDateTimeUtc", "etag"] {
            assert!(state[member].is_string(), "{member}");
        }
    }
    azure.device().await;
}

#[tokio::test]
async fn a_group_assigns_any_device_with_a_derived_key() {
    let azure = Azure::start().await;
    for (id, group_key) in ["shed-1", "shed-2"].into_iter().zip(azure.identity.group_keys()) {
        let key = group_key.derive(id);
        assert_eq!(provision(&azure, id, &key).await.json()["status"], "assigned");
        let token = Token::sign(&format!("localhost/devices/{id}"), &key, u64::MAX, None);
        azure.connect(&Connect::new(id, &token.to_string()), CONNECTED).await;
    }
}

#[tokio::test]
async fn a_wrong_key_is_refused_only_when_registering() {
    let azure = Azure::start().await;
    let scope = azure.identity.id_scope();
    let (_, refused) = register(&azure, scope, azure.identity.device_id(), &Key::from_bytes(vec![7; 64])).await;
    assert_eq!(refused.topic, "$dps/registrations/res/401/?$rid=1");
    let body = refused.json();
    assert_eq!(body["errorCode"], 401_002);
    for member in ["trackingId", "message", "timestampUtc"] {
        assert!(!body[member].as_str().unwrap().is_empty(), "{member}");
    }
}

#[tokio::test]
async fn a_token_that_has_ended_is_refused_with_the_time() {
    let azure = Azure::start().await;
    let (scope, id) = (azure.identity.id_scope(), azure.identity.device_id());
    let resource = format!("{scope}/registrations/{id}");
    let token = Token::sign(&resource, &azure.identity.device_keys()[0], 1, Some("registration"));
    let hello = Connect {
        password: Some(token.to_string()),
        ..Connect::dps(scope, id, &azure.identity.device_keys()[0])
    };
    let mut client = azure.connect(&hello, CONNECTED).await;
    assert_eq!(client.subscribe(ANSWERS, 1).await, 1);
    let body = json!({"registrationId": id}).to_string();
    let answer = client.request(REGISTER, body.as_bytes()).await;
    assert_eq!(answer.topic, "$dps/registrations/res/401/?$rid=1");
    let said = answer.json()["timestampUtc"].as_str().unwrap().to_owned();
    let time = chrono::DateTime::parse_from_rfc3339(&said).unwrap();
    let off = chrono::Utc::now().signed_duration_since(time);
    assert!(off.abs() < chrono::TimeDelta::minutes(1), "{said}");
}

#[tokio::test]
async fn another_scope_and_an_unknown_device_are_not_found() {
    let azure = Azure::start().await;
    let (id, key) = (azure.identity.device_id(), &azure.identity.device_keys()[0]);
    let (_, refused) = register(&azure, "0neFFFFFFFF", id, key).await;
    assert_eq!(refused.topic, "$dps/registrations/res/404/?$rid=1");
    for group in [setpoint_emulator::GROUP, setpoint_emulator::X509_GROUP] {
        azure.emulator.enrollments().delete_group(group);
    }
    let (_, refused) = register(&azure, azure.identity.id_scope(), "nobody", key).await;
    assert_eq!(
        (refused.topic.as_str(), &refused.json()["errorCode"]),
        ("$dps/registrations/res/404/?$rid=1", &json!(404_201))
    );
}

#[tokio::test]
async fn a_disabled_enrolment_ends_disabled() {
    let azure = Azure::start().await;
    let keys = azure.identity.device_keys().clone();
    let enrollment = Enrollment {
        terms: Terms {
            enabled: false,
            ..Terms::default()
        },
        ..Enrollment::new("retired", keys.clone())
    };
    azure.emulator.enrollments().put(enrollment).unwrap();
    let done = provision(&azure, "retired", &keys[0]).await.json();
    assert_eq!(
        (&done["status"], done["registrationState"].get("assignedHub")),
        (&json!("disabled"), None)
    );
}

#[tokio::test]
async fn dps_takes_its_own_topics_only() {
    let azure = Azure::start().await;
    let (id, key) = (azure.identity.device_id(), &azure.identity.device_keys()[0]);
    let hello = Connect::dps(azure.identity.id_scope(), id, key);
    azure
        .connect(
            &Connect {
                client_id: "other".into(),
                ..hello
            },
            [0x20, 2, 0, 5],
        )
        .await
        .closed()
        .await;
    let hello = Connect::dps(azure.identity.id_scope(), id, key);
    let mut client = azure.connect(&hello, CONNECTED).await;
    client
        .send(&publish(&format!("devices/{id}/messages/events/"), Some(1), b"{}"))
        .await;
    client.closed().await;
}

#[tokio::test]
async fn each_hub_has_devices_of_its_own() {
    let azure = Azure::start().await;
    let (second, key) = (Hub::new(), azure.identity.device_keys()[0].clone());
    let enrollments = azure.emulator.enrollments();
    enrollments.link("127.0.0.2", &second);
    let enrollment = Enrollment {
        terms: Terms {
            allocation: Some(Allocation::Static),
            hubs: vec!["127.0.0.2".to_owned()],
            ..Terms::default()
        },
        device_id: Some("Shed".to_owned()),
        ..Enrollment::new("dev-1", azure.identity.device_keys().clone())
    };
    enrollments.put(enrollment).unwrap();
    let done = provision(&azure, "dev-1", &key).await.json();
    let state = &done["registrationState"];
    assert_eq!(
        (&state["assignedHub"], &state["deviceId"]),
        (&json!("127.0.0.2"), &json!("Shed"))
    );
    let hello = |hub: &str| {
        let token = Token::sign(&format!("{hub}/devices/Shed"), &key, u64::MAX, None).to_string();
        Connect {
            username: Some(format!("{hub}/Shed/?api-version=2021-04-12")),
            ..Connect::new("Shed", &token)
        }
    };
    let _there = azure.connect(&hello("127.0.0.2"), CONNECTED).await;
    assert!(second.device("Shed").unwrap().connected);
    // The emulator's own hub knows nobody of that name.
    azure.connect(&hello("localhost"), [0x20, 2, 0, 5]).await.closed().await;
    let events = azure.emulator.hub().devices();
    assert!(events.iter().all(|device| device.device_id != "Shed"));
}

#[tokio::test]
async fn who_polls_too_often_is_told_to_wait() {
    let azure = Azure::start().await;
    azure.emulator.enrollments().throttle(DpsThrottles::documented());
    let (id, key) = (azure.identity.device_id(), &azure.identity.device_keys()[0]);
    let (mut client, answer) = register(&azure, azure.identity.id_scope(), id, key).await;
    let operation = answer.json()["operationId"].as_str().unwrap().to_owned();
    let poll = format!("$dps/registrations/GET/iotdps-get-operationstatus/?$rid=2&operationId={operation}");
    for _ in 0..5 {
        let done = client.request(&poll, b"").await;
        assert_eq!(done.topic, "$dps/registrations/res/200/?$rid=2");
    }
    let refused = client.request(&poll, b"").await;
    let topic = "$dps/registrations/res/429/?$rid=2&retry-after=";
    assert!(refused.topic.starts_with(topic), "{}", refused.topic);
    assert_eq!(refused.json()["errorCode"], 429_001);
}
