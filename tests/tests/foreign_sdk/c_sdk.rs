//! Microsoft's SDK for C: built once from its source, and what it takes to compile a program against it.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use setpoint_tests::{kept, venv};

/// Where the scenarios lie, and what names the SDK and the tools to build it.
pub(crate) const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/c");

/// The crate that has the SDK's source in it.
const CRATE: &str = "azure-iot-rs-sys";

/// What these tests need of the system.
const NEEDS: &str = "a C and a C++ compiler and the headers of OpenSSL (libssl-dev)";

/// A device that provisions, with a key or a certificate, over MQTT as it is and in WebSockets. Uploads and the services' side, which would need libcurl, are
/// left out, as are the samples; a newer compiler's warnings about the SDK are not ours.
const OPTIONS: [&str; 9] = [
    "-DCMAKE_BUILD_TYPE=Release",
    "-DCMAKE_INSTALL_LIBDIR=lib",
    "-Duse_amqp=OFF",
    "-Duse_http=OFF",
    "-Duse_prov_client=ON",
    "-Dhsm_type_sastoken=OFF",
    "-Duse_default_uuid=ON",
    "-Dskip_samples=ON",
    "-Dwarnings_as_errors=OFF",
];

/// Its libraries, each before those that it needs, and the system's.
const LIBRARIES: [&str; 17] = [
    "prov_device_client",
    "prov_device_ll_client",
    "prov_mqtt_transport",
    "prov_mqtt_ws_transport",
    "iothub_client",
    "iothub_client_mqtt_transport",
    "iothub_client_mqtt_ws_transport",
    "prov_auth_client",
    "hsm_security_client",
    "umqtt",
    "aziotsharedutil",
    "parson",
    "ssl",
    "crypto",
    "pthread",
    "m",
    "rt",
];

/// Compiles a program against the SDK. What it includes may lie in `folder`, where the program goes.
pub(crate) fn compile(source: &Path, folder: &Path) -> PathBuf {
    let sdk = sdk();
    let program = folder.join(source.file_stem().unwrap());
    let mut compiler = Command::new("cc");
    compiler
        // USE_PROV_MODULE declares the clients for devices that were provisioned.
        .args(["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-DUSE_PROV_MODULE", "-I"])
        .arg(folder);
    for headers in ["include", "include/azureiot"] {
        compiler.arg("-isystem").arg(sdk.join(headers));
    }
    compiler
        .arg(source)
        .arg("-o")
        .arg(&program)
        .arg("-L")
        .arg(sdk.join("lib"));
    compiler.args(LIBRARIES.map(|library| format!("-l{library}")));
    kept::run(&mut compiler, NEEDS);
    program
}

/// The SDK's headers and libraries. Made at the first call, which takes half a minute on two cores and the internet.
fn sdk() -> PathBuf {
    let named = |name: &str| Path::new(FOLDER).join(name);
    let mut of = OPTIONS.join(" ").into_bytes();
    for name in ["Cargo.lock", "requirements.txt"] {
        of.extend(fs::read(named(name)).unwrap());
    }
    kept::made_once(
        "c-sdk",
        &of,
        |folder| folder.join("lib/libiothub_client.a").is_file(),
        |folder| {
            let source = fetched(&named("Cargo.toml"));
            let scratch = tempfile::tempdir_in(folder).unwrap();
            let (tools, build) = (scratch.path().join("tools"), scratch.path().join("build"));
            let mut pip = Command::new(venv::python());
            pip.args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--target",
            ])
            .arg(&tools)
            .arg("-r")
            .arg(named("requirements.txt"));
            kept::run(&mut pip, "Python");
            let cmake = || Command::new(tools.join("cmake/data/bin/cmake"));
            let defined = |name: &str, value: &Path| [OsStr::new(name), value.as_os_str()].join(OsStr::new("="));
            let mut configure = cmake();
            configure
                .arg("-S")
                .arg(source)
                .arg("-B")
                .arg(&build)
                .args(["-G", "Ninja"])
                .args(OPTIONS);
            configure.arg(defined("-DCMAKE_MAKE_PROGRAM", &tools.join("bin/ninja")));
            configure.arg(defined("-DCMAKE_INSTALL_PREFIX", folder));
            kept::run(&mut configure, NEEDS);
            kept::run(cmake().arg("--build").arg(&build), NEEDS);
            kept::run(cmake().arg("--install").arg(&build), NEEDS);
        },
    )
}

/// The SDK's source, as Cargo has fetched it.
fn fetched(manifest: &Path) -> PathBuf {
    let mut cargo = Command::new("cargo");
    cargo
        .args(["metadata", "--locked", "--format-version", "1", "--manifest-path"])
        .arg(manifest);
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages.iter().find(|package| package["name"] == CRATE).unwrap();
    let manifest = Path::new(package["manifest_path"].as_str().unwrap());
    manifest.with_file_name("azure-iot-sdk-c")
}
