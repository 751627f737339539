//! Devices that are played at the hub's own door: one as it should be, one as it should not.

use std::f64::consts::TAU;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use setpoint_emulator::Hub;
use setpoint_emulator::state::{Delivery, Link, Subscription};
use setpoint_protocol::PropertyBag;
use tokio::task::JoinHandle;

/// A temperature controller that measures, acknowledges and answers, until it is dropped.
pub(crate) struct Greenhouse(JoinHandle<()>);

impl Greenhouse {
    pub(crate) fn start(hub: &Arc<Hub>) -> Greenhouse {
        for id in [
            "greenhouse",
            "cellar",
            "attic",
            "a-device-with-a-name-that-is-longer-than-any-list-is-wide-on-a-narrow-screen",
        ] {
            hub.create_device(id, None).unwrap();
        }
        hub.update_device("cellar", None, Some(false)).unwrap();
        let mut link = hub
            .connect("greenhouse", true, Some("dtmi:com:example:TemperatureController;2"))
            .unwrap();
        link.subscribe(Subscription::Desired, Some(0));
        link.subscribe(Subscription::Methods, Some(0));
        let reported = json!({
            "serialNumber": "GH-2031-7",
            "colour": "not in the model",
            "thermostat1": {"__t": "c", "maxTempSinceLastReboot": 24.1},
            "thermostat2": {"__t": "c", "maxTempSinceLastReboot": 19.5},
            "deviceInformation": {"__t": "c", "manufacturer": "Example", "totalMemory": 512},
        });
        link.report(reported.as_object().unwrap()).unwrap();
        let desired = json!({"properties": {"desired": {
            "thermostat1": {"__t": "c", "targetTemperature": 22.5},
            "thermostat2": {"__t": "c", "targetTemperature": 90},
        }}});
        hub.patch_twin("greenhouse", desired.as_object().unwrap(), None)
            .unwrap();
        Greenhouse(tokio::spawn(live(link)))
    }
}

impl Drop for Greenhouse {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn live(mut link: Link) {
    let mut turns = tokio::time::interval(Duration::from_millis(200));
    let mut number = 0.0;
    loop {
        tokio::select! {
            _ = turns.tick() => {
                number += 1.0;
                measure(&link, number);
            }
            delivery = link.next() => match delivery {
                Delivery::Desired { patch, version } => acknowledge(&link, &patch, version),
                Delivery::Method { rid, .. } => link.respond(&rid, 200, b"{}".to_vec()),
                Delivery::Close(_) => return,
                _ => {}
            },
        }
    }
}

fn measure(link: &Link, number: f64) {
    let wave = (number / 60.0 * TAU).sin();
    let send = |component: Option<&str>, body: Value| {
        let mut properties = vec![("$.ct".to_owned(), Some("application/json".to_owned()))];
        properties.extend(component.map(|name| ("$.sub".to_owned(), Some(name.to_owned()))));
        link.telemetry(PropertyBag(properties), body.to_string().into_bytes())
            .unwrap();
    };
    let ripple = (number * 0.9).sin() * 0.3;
    let round = |value: f64| (value * 100.0).round() / 100.0;
    send(
        Some("thermostat1"),
        json!({"temperature": round(22.0 + 1.8 * wave + ripple)}),
    );
    send(Some("thermostat2"), json!({"temperature": round(18.0 - wave + ripple)}));
    send(None, json!({"workingSet": round(128.0 + 0.1 * number)}));
}

/// Takes what is reasonable, refuses the rest.
fn acknowledge(link: &Link, patch: &serde_json::Map<String, Value>, version: u64) {
    let mut reported = serde_json::Map::new();
    for (component, values) in patch {
        let Some(target) = values.get("targetTemperature") else {
            continue;
        };
        let taken = target.as_f64().is_some_and(|value| value < 40.0);
        let (code, words) = if taken {
            (200, "taken")
        } else {
            (400, "no greenhouse is that warm")
        };
        let answer =
            json!({"value": if taken { target.clone() } else { json!(20) }, "ac": code, "av": version, "ad": words});
        reported.insert(component.clone(), json!({"__t": "c", "targetTemperature": answer}));
    }
    link.report(&reported).unwrap();
}

/// A device that sends whatever would be something else elsewhere; its name, and its connection.
pub(crate) fn hostile(hub: &Arc<Hub>) -> (String, Link) {
    let id = "a'*()!=@$,:._-%3Cb%3E".to_owned();
    hub.create_device(&id, None).unwrap();
    let script = "<script>hacked()</script>";
    let link = hub.connect(&id, true, Some("\"><script>hacked()</script>")).unwrap();
    let send = |body: Vec<u8>| {
        let properties = vec![
            ("<img src=x onerror=hacked()>".to_owned(), Some(script.to_owned())),
            ("$.ct".to_owned(), Some("text/html".to_owned())),
            ("$.sub".to_owned(), Some(String::new())),
        ];
        link.telemetry(PropertyBag(properties), body).unwrap();
    };
    for value in [1e308, -1e308, 5e-324, 0.0] {
        send(
            json!({"huge": value, "<img src=x onerror=hacked()>": 1, "__proto__": 2, "constructor": 3})
                .to_string()
                .into_bytes(),
        );
    }
    send(
        json!({ "text": "<svg onload=hacked()>".repeat(12_000) })
            .to_string()
            .into_bytes(),
    );
    send(json!({ "long": "x".repeat(250_000) }).to_string().into_bytes());
    send(format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000)).into_bytes());
    send(vec![0xff; 4_096]);
    send("\u{202e}txet desrever \u{0}\u{7}".as_bytes().to_vec());
    send(br#"{"n": 1e400}"#.to_vec());
    send(b"</pre><script>hacked()</script>".to_vec());
    for number in 0..100 {
        send(json!({format!("name-{number}"): number}).to_string().into_bytes());
    }
    let mut deep = json!("bottom");
    for _ in 0..8 {
        deep = json!({"<b>deep</b>": deep});
    }
    let reported = json!({
        "<b/onmouseover=hacked()>bold</b>": script,
        "answer": {"value": script, "ac": 200, "av": 1, "ad": script},
        "nested": deep,
    });
    link.report(reported.as_object().unwrap()).unwrap();
    (id, link)
}
