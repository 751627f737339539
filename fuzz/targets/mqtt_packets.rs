//! A device's side of an MQTT connection to the emulator. The first byte says what comes before the rest: nothing (`0`), a
//! valid CONNECT to the hub (`h`) with every subscription there is, or one to DPS (`d`).
#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use serde_json::json;
use setpoint_emulator::state::{CloudMessage, Credentials, Enrollment};
use setpoint_emulator::{Enrollments, Hub, fuzzing};
use setpoint_protocol::{Filter, Key, PropertyBag, Token};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::runtime::{Builder, Runtime};

const DEVICE: &str = "device";
const SCOPE: &str = "0ne00000000";

/// In 2100.
const EXPIRY: u64 = 4_102_444_800;

/// So little that packets come in pieces.
const PIPE: usize = 256;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = Builder::new_current_thread();
    builder.enable_time().start_paused(true);
    builder.build().expect("there is a runtime")
});

fn key() -> Key {
    Key::from_bytes(vec![7; 32])
}

fn text(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).expect("it is short");
    [&length.to_be_bytes()[..], text.as_bytes()].concat()
}

/// A packet with this first byte; its length takes two bytes.
fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).expect("it is short");
    let low = u8::try_from(length & 0x7f).expect("seven bits") | 0x80;
    let high = u8::try_from(length >> 7).expect("it is short");
    [&[first, low, high][..], body].concat()
}

fn connect(username: &str, resource: &str) -> Vec<u8> {
    let token = Token::sign(resource, &key(), EXPIRY, None).to_string();
    // Level 4, user name and password, a keep-alive of a minute.
    let fixed = [&text("MQTT")[..], &[4, 0b1100_0000, 0, 60]].concat();
    packet(0x10, &[fixed, text(DEVICE), text(username), text(&token)].concat())
}

fn subscribe(filter: &Filter) -> Vec<u8> {
    packet(0x82, &[&[0, 1][..], &text(&filter.to_string()), &[1]].concat())
}

fn greeting(first: u8) -> Vec<u8> {
    match first {
        b'h' => {
            let messages = Filter::Messages {
                device_id: DEVICE.to_owned(),
                module_id: None,
            };
            let filters = [Filter::TwinResponses, Filter::Desired, Filter::Methods, messages];
            let subscriptions = filters.iter().flat_map(subscribe);
            let username = format!("localhost/{DEVICE}/?api-version=2021-04-12");
            let connect = connect(&username, &format!("localhost/devices/{DEVICE}"));
            connect.into_iter().chain(subscriptions).collect()
        }
        b'd' => {
            let username = format!("{SCOPE}/registrations/{DEVICE}/api-version=2019-03-31");
            let connect = connect(&username, &format!("{SCOPE}/registrations/{DEVICE}"));
            [connect, subscribe(&Filter::Dps)].concat()
        }
        _ => Vec::new(),
    }
}

/// A hub with one device, for whom a message waits, and DPS that knows it.
fn services() -> (Arc<Hub>, Arc<Enrollments>) {
    let (hub, enrollments) = (Hub::new(), Arc::new(Enrollments::new(SCOPE)));
    let credentials = Credentials::Keys([key(), key()]);
    hub.create_device(DEVICE, Some(credentials.clone()))
        .expect("nobody has this name");
    let message = CloudMessage {
        body: b"hello".to_vec(),
        properties: PropertyBag::default(),
        expires: None,
    };
    hub.send_to_device(DEVICE, message).expect("the device is there");
    let enrollment = Enrollment::new(DEVICE, [key(), key()]);
    enrollments.put(enrollment).expect("it is one");
    (hub, enrollments)
}

async fn converse(first: u8, bytes: &[u8]) {
    let (hub, enrollments) = services();
    let (client, server) = duplex(PIPE);
    let (mut answers, mut client) = tokio::io::split(client);
    let greeting = greeting(first);
    let speaking = async {
        // The server may close at any time.
        let _ = client.write_all(&greeting).await;
        if first == b'h'
            && hub
                .twin(DEVICE)
                .is_ok_and(|twin| twin["connectionState"] == "Connected")
        {
            let patch = json!({ "properties": { "desired": { "a": 1 } } });
            let patched = hub.patch_twin(DEVICE, patch.as_object().expect("it is one"), None);
            patched.expect("the device is there");
        }
        let _ = client.write_all(bytes).await;
        let _ = client.shutdown().await;
    };
    let mut heard = Vec::new();
    let hearing = answers.read_to_end(&mut heard);
    let serving = fuzzing::serve(server, Arc::clone(&hub), enrollments);
    let ((), _, ()) = tokio::join!(speaking, hearing, serving);
    if !greeting.is_empty() {
        // CONNACK, accepted.
        assert_eq!(heard.get(..4), Some(&[0x20, 2, 0, 0][..]));
    }
    let twin = hub.twin(DEVICE).expect("no device deletes itself");
    assert_eq!(twin["connectionState"], "Disconnected");
}

fuzz_target!(|data: &[u8]| {
    if let Some((first, bytes)) = data.split_first() {
        RUNTIME.block_on(converse(*first, bytes));
    }
});
