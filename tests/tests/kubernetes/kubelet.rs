//! What a node makes of a pod's container: its variables, its arguments, its volumes; and the real program in it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};

use serde_json::Value;
use setpoint_tests::Place;
use setpoint_tests::kill::command;

use crate::manifests::{Manifests, read};

/// A pod of a manifest, on a node whose cluster is a local Azure IoT.
pub(crate) struct Pod<'a> {
    manifests: &'a Manifests,
    index: u64,
    /// Variables that have other values than the manifest's.
    given: BTreeMap<String, String>,
    /// Holds its volumes.
    folder: PathBuf,
    secret: String,
    cloud: [(&'static str, String); 2],
}

impl<'a> Pod<'a> {
    pub(crate) fn new(manifests: &'a Manifests, index: u64, place: &Place, folder: &Path) -> Self {
        let ca = folder.join("ca.pem");
        std::fs::write(&ca, place.identity.ca_pem()).unwrap();
        let [key, _] = place.identity.group_keys();
        let devices = (2 * manifests.pods()).to_string();
        let given = [
            ("DEVICES", devices.as_str()),
            ("RAMP", "100/s"),
            ("IOTHUB_DEVICE_DPS_ID_SCOPE", place.identity.id_scope()),
        ];
        Self {
            manifests,
            index,
            given: given.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            folder: folder.to_owned(),
            secret: key.to_base64(),
            cloud: [
                ("IOTHUB_DEVICE_DPS_ENDPOINT", place.endpoint().to_string()),
                ("SSL_CERT_FILE", ca.display().to_string()),
            ],
        }
    }

    /// The same with another value of a variable.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.given.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Variables of the container: those of the whole map, and then one after the other. Each can name those before it in its
    /// own list, and no others, as in the kubelet's makeEnvironmentVariables.
    pub(crate) fn variables(&self) -> Vec<(String, String)> {
        let container = self.manifests.container();
        let mut all = Vec::new();
        for source in container["envFrom"].as_array().unwrap() {
            let settings = self.manifests.the("ConfigMap").unwrap();
            assert_eq!(source["configMapRef"]["name"], settings["metadata"]["name"]);
            for (name, value) in settings["data"].as_object().unwrap() {
                all.push((name.clone(), self.given_or(name, value.as_str().unwrap())));
            }
        }
        let mut own = Vec::new();
        for variable in container["env"].as_array().unwrap() {
            let name = variable["name"].as_str().unwrap();
            let value = match variable.get("value") {
                Some(value) => expanded(value.as_str().unwrap(), &own),
                None => self.value_from(&variable["valueFrom"]),
            };
            own.push((name.to_owned(), self.given_or(name, &value)));
        }
        all.extend(own);
        all
    }

    fn given_or(&self, name: &str, value: &str) -> String {
        self.given.get(name).map_or(value, String::as_str).to_owned()
    }

    fn value_from(&self, source: &Value) -> String {
        if let Some(path) = source.pointer("/fieldRef/fieldPath") {
            // What the controllers write on their pods.
            let written = match self.manifests.workload()["kind"].as_str().unwrap() {
                "Job" => "metadata.annotations['batch.kubernetes.io/job-completion-index']",
                _ => "metadata.labels['apps.kubernetes.io/pod-index']",
            };
            assert_eq!(path, written);
            return self.index.to_string();
        }
        let secret = &source["secretKeyRef"];
        assert_eq!(secret["name"], "setpoint-group", "deploy/README.md has it made");
        assert_eq!(secret["key"], "group-key", "deploy/README.md has it made");
        self.secret.clone()
    }

    /// Arguments of the program. They can name every variable.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let variables = self.variables();
        let arguments = self.manifests.arguments().into_iter();
        arguments.map(|argument| expanded(argument, &variables)).collect()
    }

    /// Where a path of the container is on this machine. All of it but its volumes is read-only.
    fn here(&self, text: &str) -> String {
        let (before, path) = text.split_at(text.find('=').map_or(0, |equals| equals + 1));
        // A part of a fleet has a slash as well, and a key can begin with one.
        if text == self.secret || !path.starts_with('/') || !path.contains(char::is_alphabetic) {
            return text.to_owned();
        }
        let mounts = self.manifests.container()["volumeMounts"].as_array().unwrap();
        let inside = mounts
            .iter()
            .any(|mount| Path::new(path).starts_with(mount["mountPath"].as_str().unwrap()));
        assert!(inside, "{text} is on no volume");
        format!("{before}{}{path}", self.folder.display())
    }

    /// The program as the image has it, in this pod: with the image's variables and the pod's, and no others.
    pub(crate) fn start(&self) -> Running {
        let image = read("deploy/Containerfile");
        let image = image.lines().find_map(|line| line.strip_prefix("ENV ")).unwrap();
        let image = image.split(' ').map(|variable| variable.split_once('=').unwrap());
        let mut program = Command::new(command());
        program.env_clear();
        for (name, value) in image {
            program.env(name, format!("{}{value}", self.folder.display()));
        }
        for (name, value) in self.variables() {
            program.env(name, self.here(&value));
        }
        program.envs(self.cloud.iter().map(|(name, value)| (name, value)));
        for argument in self.arguments() {
            program.arg(self.here(&argument.replace("=0.0.0.0:9464", "=127.0.0.1:0")));
        }
        let spawned = program
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = spawned.unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap()).lines();
        Running { child, stderr }
    }
}

/// Names of variables in a text, in the form in which Kubernetes takes them, exchanged for their values.
fn expanded(text: &str, variables: &[(String, String)]) -> String {
    let expand = |text: String, (name, value): &(String, String)| text.replace(&format!("$({name})"), value);
    let expanded = variables.iter().fold(text.to_owned(), expand);
    assert!(
        !expanded.contains("$("),
        "{expanded} names a variable that is not there yet"
    );
    expanded
}

/// The program, which is killed when it is dropped.
pub(crate) struct Running {
    child: Child,
    stderr: Lines<BufReader<ChildStderr>>,
}

/// How a program ended.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) said: String,
}

impl Running {
    /// The address of its metrics, once it is ready to start devices; or how it ended before that.
    pub(crate) fn ready(&mut self) -> Result<String, Ended> {
        let mut said = String::new();
        for line in self.stderr.by_ref() {
            let line = line.unwrap();
            if let Some(url) = line.strip_prefix("metrics on ") {
                return Ok(url.trim_end_matches("/metrics").to_owned());
            }
            said += &line;
            said.push('\n');
        }
        let code = self.child.wait().unwrap().code();
        Err(Ended { code, said })
    }

    /// Told to end, as Kubernetes does it.
    pub(crate) fn terminated(mut self) -> Ended {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let mut said: String = self.stderr.by_ref().map(|line| line.unwrap() + "\n").collect();
        let mut stdout = self.child.stdout.take().unwrap();
        std::io::Read::read_to_string(&mut stdout, &mut said).unwrap();
        Ended {
            code: self.child.wait().unwrap().code(),
            said,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
