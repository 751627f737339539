//! Bad input: one line that names what is wrong and what to do, the documented exit code, no panic, no secret.

use std::net::TcpListener;

use crate::program::{Environment, emulator};

const SECRET: &str = "c2VjcmV0";

const DPS: [(&str, &str); 5] = [
    ("SECURITY_TYPE", "DPS"),
    ("DPS_ENDPOINT", "localhost:1"),
    ("DPS_ID_SCOPE", "0ne"),
    ("DPS_DEVICE_ID", "device"),
    ("DPS_DEVICE_KEY", SECRET),
];

/// Runs the program and expects this exit code and all of these parts in its one line.
fn refused(environment: &Environment, arguments: &[&str], code: i32, parts: &[&str]) {
    let ended = environment.run(arguments);
    assert_eq!(ended.code, Some(code), "{arguments:?}: {}", ended.stderr);
    for part in parts {
        assert!(ended.error().contains(part), "{part:?} is not in {:?}", ended.error());
    }
    assert!(!ended.stderr.contains(SECRET), "{}", ended.stderr);
}

fn guest(environment: &Environment, text: &str) -> String {
    environment.write("guest.wasm", &wat::parse_str(text).unwrap())
}

#[test]
fn a_missing_variable() {
    for missing in 2..DPS.len() {
        let mut variables = DPS.to_vec();
        let (name, _) = variables.remove(missing);
        let environment = Environment::new().device(&variables);
        refused(
            &environment,
            &["run"],
            2,
            &[&format!("IOTHUB_DEVICE_{name} is not set; set it to")],
        );
    }
}

#[test]
fn a_malformed_variable() {
    let mut variables = DPS;
    variables[4].1 = "c2VjcmV0!";
    let environment = Environment::new().device(&variables);
    refused(
        &environment,
        &["run"],
        2,
        &["IOTHUB_DEVICE_DPS_DEVICE_KEY is not base64", "set it to"],
    );
    for (index, value, part) in [
        (1, "https://example.com/", "DPS_ENDPOINT"),
        (3, "no spaces", "DPS_DEVICE_ID"),
    ] {
        let mut variables = DPS;
        variables[index].1 = value;
        refused(
            &Environment::new().device(&variables),
            &["run"],
            2,
            &[part, "set it to"],
        );
    }
    let string = "HostName=h;DeviceId=d;SharedAccessKey=c2VjcmV0!";
    let variables = [("SECURITY_TYPE", "connectionString"), ("CONNECTION_STRING", string)];
    refused(
        &Environment::new().device(&variables),
        &["run"],
        2,
        &["IOTHUB_DEVICE_CONNECTION_STRING", "not base64"],
    );
    let environment = Environment::new().device(&[("SECURITY_TYPE", "password")]);
    refused(
        &environment,
        &["run"],
        2,
        &["IOTHUB_DEVICE_SECURITY_TYPE", "password", "DPS or connectionString"],
    );
}

#[test]
fn a_connection_string_without_a_part() {
    for (string, part) in [
        ("DeviceId=d;SharedAccessKey=c2VjcmV0", "HostName"),
        ("HostName=h;SharedAccessKey=c2VjcmV0", "DeviceId"),
        ("HostName=h;DeviceId=d", "SharedAccessKey"),
    ] {
        let variables = [("SECURITY_TYPE", "connectionString"), ("CONNECTION_STRING", string)];
        let environment = Environment::new().device(&variables);
        refused(&environment, &["run"], 2, &["IOTHUB_DEVICE_CONNECTION_STRING", part]);
    }
}

#[test]
fn a_file_that_is_no_guest() {
    let environment = Environment::new();
    refused(
        &environment,
        &["run", "missing.wasm"],
        2,
        &["missing.wasm", "No such file", "give the path"],
    );
    let text = environment.write("text.wasm", b"not wasm");
    refused(
        &environment,
        &["run", &text],
        2,
        &["text: is not WebAssembly", "give a component"],
    );
    refused(&environment, &["inspect", &text], 2, &["text: is not WebAssembly"]);
    refused(
        &environment,
        &["componentize", &text, "-o", "out.wasm"],
        2,
        &["text: is not WebAssembly"],
    );
    let module = guest(&environment, "(module (memory 1))");
    refused(
        &environment,
        &["run", &module],
        2,
        &["guest: is a core module without component metadata", "wit-bindgen"],
    );
}

#[test]
fn a_guest_that_begins_with_more_memory_than_it_may_have() {
    let environment = Environment::new();
    for command in ["run", "inspect", "check"] {
        refused(
            &environment,
            &[command, "--memory", "1"],
            2,
            &["thermostat: begins with", "may have 1048576", "--memory 2"],
        );
    }
    // It is told what helps.
    let inspected = environment.run(&["inspect", "--memory", "2"]);
    assert_eq!((inspected.code, inspected.stderr.as_str()), (Some(0), ""));
}

#[test]
fn a_guest_that_wants_what_the_host_does_not_give() {
    let environment = Environment::new();
    let files = guest(
        &environment,
        r#"(component (import "wasi:filesystem/types@0.2.0" (instance)))"#,
    );
    refused(
        &environment,
        &["run", &files],
        2,
        &[
            "guest: imports wasi:filesystem/types@0.2.0",
            "--allow wasi",
            "build it without",
        ],
    );
    // With that it is still no device.
    for command in ["run", "inspect", "check"] {
        refused(
            &environment,
            &[command, "--allow", "wasi", &files],
            2,
            &["does not export setpoint:device/device@0.1.0"],
        );
    }
    let socket = guest(
        &environment,
        r#"(component (import "wasi:sockets/tcp@0.2.0" (instance)))"#,
    );
    refused(
        &environment,
        &["run", "--allow", "wasi", &socket],
        2,
        &[
            "guest: imports wasi:sockets/tcp@0.2.0, which this host does not give",
            "build it without",
        ],
    );
    let newer = guest(
        &environment,
        r#"(component (import "setpoint:device/clock@0.2.0" (instance)))"#,
    );
    refused(
        &environment,
        &["run", &newer],
        2,
        &["setpoint:device@0.2.0", "setpoint:device@0.1.0", "build it again"],
    );
    let nothing = guest(&environment, "(component)");
    refused(
        &environment,
        &["run", &nothing],
        2,
        &["does not export setpoint:device/device@0.1.0"],
    );
}

#[test]
fn a_configuration_the_guest_does_not_take() {
    let environment = Environment::new();
    refused(
        &environment,
        &["run", "--config", "interval=soon"],
        4,
        &["thermostat: does not start", "interval"],
    );
    let ended = environment.run(&["run", "--config", "interval"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("KEY=VALUE"), "{}", ended.stderr);
}

#[test]
fn a_port_in_use() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let environment = Environment::new();
    let any = "127.0.0.1:0";
    refused(
        &environment,
        &["emulator", "--listen", &address, "--https", any, "--amqp", any],
        1,
        &[&address, "port is in use"],
    );
    refused(
        &environment,
        &["emulator", "--https", &address, "--listen", any, "--amqp", any],
        1,
        &[&address, "port is in use"],
    );
    refused(
        &environment,
        &["emulator", "--page", &address, "--listen", any, "--https", any],
        1,
        &[&address, "for the page", "port is in use"],
    );
    refused(
        &environment,
        &["emulator", "--amqp", &address, "--listen", any, "--https", any],
        1,
        &[&address, "AMQP", "port is in use"],
    );
}

#[test]
fn an_endpoint_that_cannot_be_reached() {
    // Bound and let go: nobody listens there now.
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string();
    let mut variables = DPS;
    variables[1].1 = &address;
    refused(
        &Environment::new().device(&variables),
        &["run"],
        1,
        &[&address, "cannot be reached", "check the host name"],
    );
    variables[1].1 = "no-such-host.invalid";
    let environment = Environment::new().device(&variables);
    refused(
        &environment,
        &["run"],
        1,
        &["no-such-host.invalid", "cannot be reached"],
    );
}

#[test]
fn a_file_of_authorities_that_is_none() {
    let environment = Environment::new().device(&DPS);
    let file = environment.write("ca.pem", b"not a certificate");
    refused(&environment, &["run", "--ca", &file], 2, &["ca.pem", "PEM"]);
    refused(&environment, &["run", "--ca", "missing.pem"], 2, &["missing.pem"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_does_not_match_and_a_registration_that_is_refused() {
    let environment = Environment::new();
    let (emulator, identity) = emulator(environment.folder.path()).await;
    let endpoint = format!("localhost:{}", emulator.mqtt_address().port());
    let mut variables = DPS;
    variables[1].1 = &endpoint;
    variables[2].1 = identity.id_scope();
    variables[3].1 = identity.device_id();
    let ca = identity.ca_path().unwrap().to_string_lossy().into_owned();
    let environment = environment.device(&variables);
    refused(
        &environment,
        &["run"],
        1,
        &[&endpoint, "certificate", "--ca FILE or SSL_CERT_FILE"],
    );
    let parts = [
        "my-pnp-device",
        "status 401",
        "401002",
        "tracking id",
        "check the id scope",
    ];
    refused(&environment, &["run", "--ca", &ca], 3, &parts);
    emulator.stop().await;
}

#[test]
fn a_model_that_is_not_there_or_not_dtdl() {
    let environment = Environment::new();
    let folder = environment.path("nowhere");
    let file = "dtmi/com/example/thermostat-1.json";
    let parts = [
        "there is no model dtmi:com:example:Thermostat;1",
        file,
        "does not exist",
    ];
    refused(&environment, &["check", "--models", &folder], 2, &parts);
    std::fs::create_dir_all(environment.folder.path().join("models/dtmi/com/example")).unwrap();
    environment.write(&format!("models/{file}"), b"{");
    refused(&environment, &["check"], 2, &[file, "is not JSON"]);
    let model =
        br#"{ "@context": "dtmi:dtdl:context;4", "@id": "dtmi:com:example:Thermostat;1", "@type": "Interface" }"#;
    environment.write(&format!("models/{file}"), model);
    refused(&environment, &["check"], 2, &[file, "@context", "is not DTDL 2 or 3"]);
}
