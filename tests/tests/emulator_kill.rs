//! SIGKILL of an emulator that keeps what it knows: whatever it had acknowledged is there when it is started again.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, helpers too"
)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use setpoint_emulator::Identity;
use setpoint_emulator::identity::PROVISIONING_POLICY;
use setpoint_protocol::{Key, Token};
use setpoint_tests::kill::command;
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// Lives that end by SIGKILL.
const LIVES: u64 = 8;

/// A running emulator and a service that calls it.
struct Life {
    child: Child,
    _stdout: BufReader<ChildStdout>,
    at: String,
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
        let (_, rest) = first.split_once("HTTPS on 127.0.0.1:").unwrap();
        let port = rest
            .split(|character: char| !character.is_ascii_digit())
            .next()
            .unwrap();
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
            at: format!("https://localhost:{port}"),
            agent: agent.build().new_agent(),
            tokens: [
                token(identity.service_key(), identity.service_policy()),
                token(&identity.provisioning_key(), PROVISIONING_POLICY),
            ],
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

fn is_there(life: &Life, known: &Acknowledged) {
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
            wait.recv().unwrap();
            std::thread::sleep(moment);
            // By its number, as `kill` needs it for itself.
            let pid = rustix::process::Pid::from_child(&life.child);
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
            working.join().unwrap()
        });
        life.kill();
        assert!(known.devices.len() >= before);
    }
    assert!(
        known.devices.len() > 10 && known.enrollments.len() > 10,
        "seed {seed}: {known:?}"
    );
    let last = Life::begin(data.path());
    is_there(&last, &known);
    last.kill();
}
