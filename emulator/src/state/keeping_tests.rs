use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use setpoint_protocol::PropertyBag;
use setpoint_protocol::twin::Document;

use super::super::{CloudMessage, Subscription};
use super::*;

/// A keeper's memory.
type Kept = Arc<Mutex<BTreeMap<String, Value>>>;

fn kept_hub() -> (Arc<Hub>, Kept) {
    let (hub, kept) = (Hub::new(), Kept::default());
    keep(&hub, &kept);
    (hub, kept)
}

fn keep(hub: &Hub, kept: &Kept) {
    let kept = Arc::clone(kept);
    hub.keep_with(Box::new(move |change| {
        let mut kept = kept.lock().unwrap();
        match &change.value {
            Some(value) => drop(kept.insert(change.name.clone(), value.clone())),
            None => drop(kept.remove(&change.name)),
        }
    }));
}

/// Another hub, of what was kept.
fn restored(kept: &Kept) -> Arc<Hub> {
    let hub = Hub::new();
    for (name, value) in kept.lock().unwrap().iter() {
        // As it comes from a disk.
        let value = serde_json::from_str(&value.to_string()).unwrap();
        hub.restore(name, value).unwrap();
    }
    hub
}

fn document(value: Value) -> Document {
    value.as_object().unwrap().clone()
}

fn message(text: &str, id: &str) -> CloudMessage {
    CloudMessage {
        body: text.as_bytes().to_vec(),
        properties: [("$.mid", id), ("iothub-ack", "full")]
            .into_iter()
            .collect::<PropertyBag>(),
        expires: None,
    }
}

/// What anybody can see of a device, but for what ends with its connection.
fn visible(hub: &Hub, name: &str) -> Value {
    let Ok(device) = hub.device(name) else {
        return Value::Null;
    };
    let mut twin = hub.twin(name).unwrap();
    for passing in ["connectionState", "lastActivityTime"] {
        twin.as_object_mut().unwrap().remove(passing);
    }
    json!({
        "etag": device.etag,
        "generation": device.generation_id,
        "enabled": device.enabled,
        "credentials": json!(KeptCredentials::of(&device.credentials)),
        "details": device.details,
        "messages": device.waiting_messages,
        "model": device.model_id,
        "twin": twin,
    })
}

#[test]
fn a_device_comes_back_with_all_it_had() {
    let (hub, kept) = kept_hub();
    hub.create_device("d", None).unwrap();
    hub.create_module("d", "m", None).unwrap();
    hub.patch_twin(
        "d",
        &document(json!({"tags": {"site": "a"}, "properties": {"desired": {"x": {"y": 1}}}})),
        None,
    )
    .unwrap();
    hub.update_device("d", None, Some(false)).unwrap();
    hub.update_device("d", None, Some(true)).unwrap();
    let link = hub.connect("d", false, Some("dtmi:a;1")).unwrap();
    link.report(&document(json!({"z": 2}))).unwrap();
    hub.send_to_device("d", message("hello", "1")).unwrap();
    drop(link);
    let again = restored(&kept);
    for name in ["d", "d/m"] {
        assert_eq!(visible(&again, name), visible(&hub, name));
    }
    // And is another than one that is made now.
    again.delete_device("d").unwrap();
    let other = again.create_device("d", None).unwrap();
    assert_ne!(other.generation_id, hub.device("d").unwrap().generation_id);
}

#[test]
fn a_session_goes_on_where_it_ended() {
    let (hub, kept) = kept_hub();
    hub.create_device("d", None).unwrap();
    let mut link = hub.connect("d", false, None).unwrap();
    link.subscribe(Subscription::Messages, Some(1));
    link.subscribe(Subscription::Methods, Some(0));
    hub.send_to_device("d", message("one", "1")).unwrap();
    hub.send_to_device("d", message("two", "2")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let sent = runtime.block_on(link.next());
    // Killed, with the first sent and not acknowledged.
    let again = restored(&kept);
    let mut link = again.connect("d", false, None).unwrap();
    assert!(link.session_present());
    assert_eq!(link.subscription(Subscription::Messages), Some(1));
    assert_eq!(link.subscription(Subscription::Methods), Some(0));
    let first = runtime.block_on(link.next());
    let (super::super::Delivery::Message(sent), super::super::Delivery::Message(first)) = (sent, first) else {
        panic!("messages were sent");
    };
    assert_eq!(
        (first.packet_id, first.again, first.body),
        (sent.packet_id, true, b"one".to_vec())
    );
}

#[test]
fn feedback_waits_for_its_reader() {
    let (hub, kept) = kept_hub();
    hub.create_device("d", None).unwrap();
    let link = hub.connect("d", true, None).unwrap();
    let mut link = link;
    link.subscribe(Subscription::Messages, Some(0));
    for id in ["1", "2"] {
        hub.send_to_device("d", message("x", id)).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(link.next());
    }
    let ids = |hub: &Hub| {
        let batch = hub.receive_feedback();
        let records = batch.map(|batch| batch.records).unwrap_or_default();
        records
            .into_iter()
            .map(|record| record.original_message_id)
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(&restored(&kept)), ["1", "2"]);
    // Read and not completed: it comes again after a kill.
    let batch = hub.receive_feedback().unwrap();
    assert_eq!(ids(&restored(&kept)), ["1", "2"]);
    hub.complete_feedback(&batch.lock_token).unwrap();
    assert_eq!(ids(&restored(&kept)), Vec::<String>::new());
}

#[test]
fn what_is_not_of_this_version_is_named_without_what_it_holds() {
    let hub = Hub::new();
    let error = hub.restore("devices/d", json!({"credentials": "secret"})).unwrap_err();
    assert_eq!(error, "devices/d is not what this version writes");
    // Parts of nobody are left alone.
    hub.restore("twins/nobody", json!({})).unwrap();
    hub.restore("something/else", json!(1)).unwrap();
}

#[derive(Debug, Clone)]
enum Step {
    Create(usize),
    Module(usize),
    Delete(usize),
    Enable(usize, bool),
    Desired(usize, u8),
    Tags(usize, u8),
    Connect(usize, bool),
    Disconnect(usize),
    Report(usize, u8),
    Send(usize),
    Purge(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let device = 0..3_usize;
    prop_oneof![
        device.clone().prop_map(Step::Create),
        device.clone().prop_map(Step::Module),
        device.clone().prop_map(Step::Delete),
        (device.clone(), any::<bool>()).prop_map(|(d, on)| Step::Enable(d, on)),
        (device.clone(), any::<u8>()).prop_map(|(d, n)| Step::Desired(d, n)),
        (device.clone(), any::<u8>()).prop_map(|(d, n)| Step::Tags(d, n)),
        (device.clone(), any::<bool>()).prop_map(|(d, clean)| Step::Connect(d, clean)),
        device.clone().prop_map(Step::Disconnect),
        (device.clone(), any::<u8>()).prop_map(|(d, n)| Step::Report(d, n)),
        device.clone().prop_map(Step::Send),
        device.prop_map(Step::Purge),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// After any number of steps, also those that are refused.
    #[test]
    fn whatever_happens_is_kept(steps in prop::collection::vec(step(), 0..60)) {
        let (hub, kept) = kept_hub();
        let names = ["a", "b", "c"];
        let mut links = [None, None, None];
        for step in steps {
            match step {
                Step::Create(d) => drop(hub.create_device(names[d], None)),
                Step::Module(d) => drop(hub.create_module(names[d], "m", None)),
                Step::Delete(d) => drop(hub.delete_device(names[d])),
                Step::Enable(d, on) => drop(hub.update_device(names[d], None, Some(on))),
                Step::Desired(d, n) => {
                    let patch = document(json!({"properties": {"desired": {"x": n}}}));
                    drop(hub.patch_twin(names[d], &patch, None));
                }
                Step::Tags(d, n) => drop(hub.patch_twin(names[d], &document(json!({"tags": {"x": n}})), None)),
                Step::Connect(d, clean) => links[d] = hub.connect(names[d], clean, Some("dtmi:a;1")).ok(),
                Step::Disconnect(d) => links[d] = None,
                Step::Report(d, n) => {
                    if let Some(link) = &links[d] {
                        drop(link.report(&document(json!({"r": n}))));
                    }
                }
                Step::Send(d) => drop(hub.send_to_device(names[d], message("x", "1"))),
                Step::Purge(d) => drop(hub.purge_messages(names[d])),
            }
        }
        let again = restored(&kept);
        let of = |hub: &Hub| {
            let names = hub.devices().into_iter().map(|device| device.device_id);
            let names = names.flat_map(|device| [device.clone(), format!("{device}/m")]);
            names.map(|name| visible(hub, &name)).collect::<Vec<_>>()
        };
        prop_assert_eq!(of(&again), of(&hub));
    }
}
