//! SIGKILL of an emulator that keeps what it knows: whatever it had acknowledged is there when it is started again.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, helpers too"
)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};
use setpoint_emulator::Identity;
use setpoint_emulator::identity::PROVISIONING_POLICY;
use setpoint_protocol::{Key, Token};
use setpoint_tests::kill::command;
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// Lives that end by SIGKILL.
const LIVES: u64 = 8;

/// Telemetry messages that are under way at a time.
const WINDOW: u16 = 20;

/// A running emulator and a service that calls it.
struct Life {
    child: Child,
    _stdout: BufReader<ChildStdout>,
    at: String,
    mqtt: u16,
    identity: Identity,
    agent: Agent,
    tokens: [String; 2],
}

impl Life {
    fn begin(data: &Path) -> Life {
        let any = "127.0.0.1:0";
        let mut child = Command::new(command())
            .args(["emulator", "--listen", any, "--https", any, "--amqp", any, "--data"])
            .arg(data)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // Kept open: an emulator whose output nobody takes any more ends.
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        stdout.read_line(&mut first).unwrap();
        let port = |protocol: &str| -> u16 {
            let (_, rest) = first.split_once(&format!("{protocol} on 127.0.0.1:")).unwrap();
            let end = rest.find(|character: char| !character.is_ascii_digit());
            rest[..end.unwrap_or(rest.len())].parse().unwrap()
        };
        let identity = Identity::open(data).unwrap();
        setpoint_test_logs::identities(data);
        let roots = RootCerts::from([Certificate::from_pem(identity.ca_pem().as_bytes()).unwrap()]);
        let tls = TlsConfig::builder().root_certs(roots).build();
        let agent = Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .proxy(None);
        let token = |key: &Key, policy: &str| Token::sign("localhost", key, 4_102_444_800, Some(policy)).to_string();
        Life {
            child,
            _stdout: stdout,
            at: format!("https://localhost:{}", port("HTTPS")),
            mqtt: port("MQTT"),
            agent: agent.build().new_agent(),
            tokens: [
                token(identity.service_key(), identity.service_policy()),
                token(&identity.provisioning_key(), PROVISIONING_POLICY),
            ],
            identity,
        }
    }

    /// A call; its status and its answer, unless the emulator ended meanwhile.
    fn call(&self, method: &str, path: &str, body: &Value) -> Option<(u16, Value)> {
        let token = usize::from(path.starts_with("/enrollments"));
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}?api-version=2021-04-12", self.at))
            .header("authorization", &self.tokens[token])
            .header("content-type", "application/json")
            .header("iothub-to", body["to"].as_str().unwrap_or_default());
        let sent = match method {
            "GET" => self.agent.run(request.body(()).unwrap()),
            _ => self.agent.run(request.body(body.to_string()).unwrap()),
        };
        let mut answer = sent.ok()?;
        let status = answer.status().as_u16();
        Some((status, answer.body_mut().read_json().unwrap_or_default()))
    }

    /// Telemetry with the ids of its events, from the first that is kept, until it is enough or the emulator ends. That none is missed
    /// is seen by the ids; connections, which are not kept, may be.
    fn telemetry(&self, enough: impl Fn(&str) -> bool) -> Vec<(String, String)> {
        let request = self
            .agent
            .get(format!("{}/setpoint/events", self.at))
            .header("authorization", &self.tokens[0])
            .header("last-event-id", "from the beginning");
        let Ok(answer) = request.call() else { return Vec::new() };
        let (mut telemetry, mut id) = (Vec::new(), String::new());
        let lines = BufReader::new(answer.into_body().into_reader()).lines();
        for line in lines.map_while(Result::ok) {
            if let Some(text) = line.strip_prefix("id: ") {
                id = text.to_owned();
            }
            let Some(data) = line.strip_prefix("data: ") else {
                continue;
            };
            // Cut off with the emulator.
            let Ok(event) = serde_json::from_str::<Value>(data) else {
                break;
            };
            if event["kind"] == "telemetry" {
                let body = event["body"].as_str().unwrap().to_owned();
                let last = enough(&body);
                telemetry.push((id.clone(), body));
                if last {
                    break;
                }
            }
        }
        telemetry
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// What was acknowledged.
#[derive(Debug, Default, Clone)]
struct Acknowledged {
    /// Numbers of devices.
    devices: Vec<u64>,
    /// The last number in the twin of the first device, and how many messages wait for it.
    twin: u64,
    messages: u64,
    enrollments: Vec<u64>,
    /// The last message that got a PUBACK, by life and number.
    sent: BTreeMap<u64, u64>,
    /// Telemetry that a reader has seen, by the ids of events.
    seen: BTreeMap<String, String>,
}

/// Sends telemetry until the emulator is gone; the number of the last message that got a PUBACK, as all before it did.
fn send(life: &Life, number: u64) -> Option<u64> {
    let identity = &life.identity;
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(identity.ca_pem().as_bytes()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let tls = ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
    let mut stream = StreamOwned::new(tls, TcpStream::connect(("127.0.0.1", life.mqtt)).ok()?);
    let id = identity.device_id();
    let resource = format!("localhost/devices/{id}");
    let token = Token::sign(&resource, &identity.device_keys()[0], 4_102_444_800, None).to_string();
    let user = format!("localhost/{id}/?api-version=2021-04-12");
    let hello = [
        &text("MQTT"),
        &[4, 0b1100_0010, 0, 0][..],
        &text(id),
        &text(&user),
        &text(&token),
    ]
    .concat();
    stream.write_all(&packet(0x10, &hello)).ok()?;
    stream.read_exact(&mut [0; 4]).ok()?;
    let topic = text(&format!("devices/{id}/messages/events/"));
    let mut acknowledged = None;
    for first in (0..).step_by(usize::from(WINDOW)) {
        let mut bytes = Vec::new();
        for packet_id in 1..=WINDOW {
            let body = format!("{number}:{}", first + u64::from(packet_id) - 1);
            bytes.extend(packet(
                0x32,
                &[&topic[..], &packet_id.to_be_bytes(), body.as_bytes()].concat(),
            ));
        }
        if stream.write_all(&bytes).is_err() {
            break;
        }
        let mut puback = [0; 4];
        for packet_id in 1..=WINDOW {
            if stream.read_exact(&mut puback).is_err() {
                return acknowledged;
            }
            let [high, low] = packet_id.to_be_bytes();
            assert_eq!(puback, [0x40, 2, high, low]);
            acknowledged = Some(first + u64::from(packet_id) - 1);
        }
    }
    acknowledged
}

fn text(text: &str) -> Vec<u8> {
    [&u16::try_from(text.len()).unwrap().to_be_bytes()[..], text.as_bytes()].concat()
}

fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    let mut left = body.len();
    while left > 127 {
        bytes.push((left % 128) as u8 | 0x80);
        left /= 128;
    }
    bytes.push(left as u8);
    [bytes, body.to_vec()].concat()
}

/// Writes until the emulator is gone; what it had acknowledged by then.
fn work(life: &Life, number: u64, mut known: Acknowledged) -> Acknowledged {
    for step in 0.. {
        let id = number * 1_000_000 + step;
        let done = |answer: Option<(u16, Value)>| answer.map(|(status, _)| (200..300).contains(&status));
        let Some(made) = done(life.call(
            "PUT",
            &format!("/devices/d{id}"),
            &json!({"deviceId": format!("d{id}")}),
        )) else {
            break;
        };
        assert!(made);
        known.devices.push(id);
        let first = format!("d{}", known.devices[0]);
        let patch = json!({"properties": {"desired": {"n": id}}});
        match done(life.call("PATCH", &format!("/twins/{first}"), &patch)) {
            Some(patched) => assert!(patched),
            None => break,
        }
        known.twin = id;
        let to = format!("/devices/{first}/messages/devicebound");
        match done(life.call("POST", "/messages/devicebound", &json!({ "to": to }))) {
            // Fifty wait at most.
            Some(sent) => known.messages += u64::from(sent),
            None => break,
        }
        let enrollment = json!({"registrationId": format!("e{id}"), "attestation": {"type": "symmetricKey"}});
        match done(life.call("PUT", &format!("/enrollments/e{id}"), &enrollment)) {
            Some(enrolled) => assert!(enrolled),
            None => break,
        }
        known.enrollments.push(id);
    }
    known
}

/// The telemetry that was acknowledged is there in its order, under numbers without gaps, and each of those that somebody saw before.
fn telemetry_is_there(life: &Life, known: &Acknowledged) {
    let Some((number, last)) = known.sent.last_key_value() else {
        return;
    };
    let telemetry = life.telemetry(|body| *body == format!("{number}:{last}"));
    // `{log}-{next}.{next}..`, of which one rises: there is one device.
    let next = |id: &str| -> u64 {
        let (_, partitions) = id.split_once('-').unwrap();
        partitions.split('.').map(|next| next.parse::<u64>().unwrap()).sum()
    };
    let numbers: Vec<_> = telemetry.iter().map(|(id, _)| next(id)).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    let mut rest = telemetry.iter().map(|(_, body)| body.as_str());
    for (number, last) in &known.sent {
        for n in 0..=*last {
            let wanted = format!("{number}:{n}");
            assert!(rest.any(|body| body == wanted), "{wanted} is lost or out of order");
        }
    }
    let bodies: BTreeMap<_, _> = telemetry.iter().cloned().collect();
    for (id, body) in &known.seen {
        // Those after the last acknowledged one are compared the next time.
        assert!(bodies.get(id).is_none_or(|now| now == body), "{id} was {body}");
    }
}

fn is_there(life: &Life, known: &Acknowledged) {
    telemetry_is_there(life, known);
    let get = |path: String| life.call("GET", &path, &Value::Null).unwrap();
    for id in &known.devices {
        assert_eq!(get(format!("/devices/d{id}")).0, 200, "d{id} of {known:?}");
    }
    for id in &known.enrollments {
        assert_eq!(get(format!("/enrollments/e{id}")).0, 200, "e{id} of {known:?}");
    }
    if let Some(first) = known.devices.first() {
        let (_, twin) = get(format!("/twins/d{first}"));
        let n = twin["properties"]["desired"]["n"].as_u64().unwrap_or(0);
        // What was not acknowledged may have been done.
        assert!(n >= known.twin, "{n} for {}", known.twin);
        let (_, device) = get(format!("/devices/d{first}"));
        let messages = device["cloudToDeviceMessageCount"].as_u64().unwrap();
        assert!(messages >= known.messages, "{messages} for {}", known.messages);
    }
}

#[test]
fn an_emulator_that_is_killed_has_what_it_had_acknowledged() {
    setpoint_test_logs::start();
    let seed = u64::from(rand::random::<u32>());
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let data = tempfile::tempdir().unwrap();
    let mut known = Acknowledged::default();
    for number in 1..=LIVES {
        let life = Life::begin(data.path());
        is_there(&life, &known);
        let moment = Duration::from_millis(random.random_range(20..400));
        let before = known.devices.len();
        // Its own first device, so that each life is at work when it ends.
        known = std::thread::scope(|scope| {
            let (begun, wait) = mpsc::channel();
            let known = known.clone();
            let life = &life;
            let working = scope.spawn(move || {
                begun.send(()).unwrap();
                work(life, number, known)
            });
            let sending = scope.spawn(move || send(life, number));
            let reading = scope.spawn(move || life.telemetry(|_| false));
            wait.recv().unwrap();
            std::thread::sleep(moment);
            // By its number, as `kill` needs it for itself.
            let pid = rustix::process::Pid::from_child(&life.child);
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
            let mut known = working.join().unwrap();
            if let Some(last) = sending.join().unwrap() {
                known.sent.insert(number, last);
            }
            for (id, body) in reading.join().unwrap() {
                let before = known.seen.insert(id.clone(), body.clone());
                assert!(before.is_none_or(|before| before == body), "{id} is now {body}");
            }
            known
        });
        life.kill();
        assert!(known.devices.len() >= before);
    }
    let sent: u64 = known.sent.values().sum();
    assert!(sent > 100 && !known.seen.is_empty(), "seed {seed}: {sent}");
    assert!(
        known.devices.len() > 10 && known.enrollments.len() > 10,
        "seed {seed}: {known:?}"
    );
    let last = Life::begin(data.path());
    is_there(&last, &known);
    last.kill();
}
