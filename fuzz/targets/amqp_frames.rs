//! A service's side of an AMQP connection to the emulator. The first byte says what comes before the rest: nothing (`0`), or a
//! greeting by name and key up to an open connection with a session (`s`).
#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use setpoint_emulator::{Hub, Identity, amqp_fuzzing};
use setpoint_protocol::PropertyBag;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::runtime::{Builder, Runtime};

const DEVICE: &str = "device";

/// So little that frames come in pieces.
const PIPE: usize = 256;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = Builder::new_current_thread();
    builder.enable_time().start_paused(true);
    builder.build().expect("there is a runtime")
});

static IDENTITY: LazyLock<Arc<Identity>> =
    LazyLock::new(|| Arc::new(Identity::temporary().expect("there is randomness")));

/// A frame of this type with this value.
fn frame(kind: u8, value: &[u8]) -> Vec<u8> {
    let size = u32::try_from(8 + value.len()).expect("it is short");
    [&size.to_be_bytes()[..], &[2, kind, 0, 0], value].concat()
}

/// A performative: its code and its fields, encoded.
fn performative(code: u8, count: u8, fields: &[u8]) -> Vec<u8> {
    let size = u8::try_from(fields.len() + 1).expect("it is short");
    [&[0x00, 0x53, code, 0xc0, size, count][..], fields].concat()
}

fn greeting(first: u8) -> Vec<u8> {
    if first != b's' {
        return Vec::new();
    }
    let response = format!(
        "\0{}\0{}",
        IDENTITY.service_policy(),
        IDENTITY.service_key().to_base64()
    );
    let length = u8::try_from(response.len()).expect("it is short");
    let init = [&[0xa3, 5][..], b"PLAIN", &[0xa0, length], response.as_bytes()].concat();
    [
        &b"AMQP\x03\x01\x00\x00"[..],
        &frame(1, &performative(0x41, 2, &init)),
        b"AMQP\x00\x01\x00\x00",
        &frame(0, &performative(0x10, 1, &[0xa1, 1, b'c'])),
        // No remote channel, the first id, both windows.
        &frame(0, &performative(0x11, 4, &[0x40, 0x43, 0x52, 100, 0x52, 100])),
    ]
    .concat()
}

/// A hub with something to read and a device to send to.
fn hub() -> Arc<Hub> {
    let hub = Hub::new();
    hub.create_device(DEVICE, None).expect("nobody has this name");
    let link = hub.connect(DEVICE, true, None).expect("it is there");
    link.telemetry(PropertyBag::default(), vec![b'x'; 1000])
        .expect("it is there");
    hub
}

async fn converse(first: u8, bytes: &[u8]) {
    let (client, server) = duplex(PIPE);
    let (mut answers, mut client) = tokio::io::split(client);
    let greeting = greeting(first);
    let speaking = async {
        // The server may close at any time.
        let _ = client.write_all(&greeting).await;
        let _ = client.write_all(bytes).await;
        let _ = client.shutdown().await;
    };
    let mut heard = Vec::new();
    let hearing = answers.read_to_end(&mut heard);
    let serving = amqp_fuzzing::serve(server, hub(), Arc::clone(&IDENTITY));
    let ((), _, ()) = tokio::join!(speaking, hearing, serving);
    if !greeting.is_empty() {
        assert!(heard.starts_with(b"AMQP\x03\x01\x00\x00"));
        assert!(
            heard.windows(8).any(|part| part == b"AMQP\x00\x01\x00\x00"),
            "it was let in"
        );
    }
}

fuzz_target!(|data: &[u8]| {
    if let Some((first, bytes)) = data.split_first() {
        RUNTIME.block_on(converse(*first, bytes));
    }
});
