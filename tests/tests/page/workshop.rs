//! A device whose model has every kind of schema: it takes nearly all it is told, and tells what it took.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use setpoint_emulator::Hub;
use setpoint_emulator::state::{Delivery, Link, Subscription};
use tokio::task::JoinHandle;

/// The device, until it is dropped.
pub(crate) struct Workshop(JoinHandle<()>);

impl Workshop {
    pub(crate) fn start(hub: &Arc<Hub>) -> Workshop {
        hub.create_device("workshop", None).unwrap();
        let model = Some("dtmi:com:example:Workshop;1");
        let mut link = hub.connect("workshop", true, model).unwrap();
        for which in [Subscription::Desired, Subscription::Methods, Subscription::Messages] {
            link.subscribe(which, Some(1));
        }
        let numbers = json!({"levels": [1, 2.5], "tank": {"inner": {"depth": 3}}, "on": true, "name": "4"});
        link.telemetry(Default::default(), numbers.to_string().into_bytes())
            .unwrap();
        Workshop(tokio::spawn(work(link)))
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn work(mut link: Link) {
    loop {
        match link.next().await {
            Delivery::Desired { patch, version } => {
                let answers = patch.iter().filter(|(_, wanted)| !wanted.is_null());
                let answers = answers.map(|(name, wanted)| (name.clone(), answer(name, wanted, version)));
                link.report(&answers.collect()).unwrap();
            }
            Delivery::Method { name, rid, payload } => {
                let payload: Value = serde_json::from_slice(&payload).unwrap_or(json!("nothing"));
                match name.as_str() {
                    "sulk" => {}
                    "mix" => link.respond(&rid, 200, payload["minutes"].to_string().into_bytes()),
                    _ => link.respond(&rid, 200, json!({ "took": payload }).to_string().into_bytes()),
                }
            }
            Delivery::Message(message) => {
                let heard = json!({
                    "body": String::from_utf8(message.body).unwrap(),
                    "colour": message.properties.get("colour"),
                });
                link.acknowledge(message.packet_id.unwrap());
                link.report(&Map::from_iter([("heard".to_owned(), heard)])).unwrap();
            }
            Delivery::Close(_) => return,
        }
    }
}

/// Takes a value; refuses a level that is too high, and needs time for a break.
fn answer(name: &str, wanted: &Value, version: u64) -> Value {
    let (code, words, value) = match name {
        "level" if wanted.as_i64() > Some(100) => (400, "at most 100", json!(100)),
        "break" => (202, "at the end of the hour", json!("PT0S")),
        _ => (200, "taken", wanted.clone()),
    };
    json!({"value": value, "ac": code, "av": version, "ad": words})
}
