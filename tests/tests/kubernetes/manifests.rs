//! The manifests in deploy/, as `kubectl apply -k` makes them of their overlays.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use setpoint_tests::venv;

/// The oldest Kubernetes that deploy/README.md names, and the newest there is a schema for.
const VERSIONS: [&str; 2] = ["1.29", "1.37"];

/// The top of the tree.
const TOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// What one overlay comes to.
pub(crate) struct Manifests {
    /// The overlay's folder.
    pub(crate) name: String,
    documents: Vec<Value>,
}

/// A file of the tree.
pub(crate) fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(TOP).join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every overlay there is.
pub(crate) fn overlays() -> Vec<PathBuf> {
    let folder = Path::new(TOP).join("deploy/kubernetes/overlays");
    let mut overlays: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    overlays.sort();
    assert!(overlays.len() >= 3, "{overlays:?}");
    overlays
}

/// The overlay in one text, as kubectl would send it.
pub(crate) fn rendered(overlay: &Path) -> String {
    let mut kubectl = Command::new("kubectl");
    kubectl.arg("kustomize").arg(overlay);
    succeeded(
        kubectl
            .output()
            .unwrap_or_else(|error| panic!("kubectl: {error}; these tests need kubectl 1.27 or newer")),
    )
}

/// The manifests in a text, and what Kubernetes would not take of them.
pub(crate) fn held_to_schemas(text: &str) -> (Vec<Value>, Vec<String>) {
    let mut python = Command::new(venv::python())
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/python/manifests.py"))
        .args(VERSIONS)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    python.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let answer: Value = serde_json::from_str(&succeeded(python.wait_with_output().unwrap())).unwrap();
    let mistakes = answer["mistakes"].as_array().unwrap().iter();
    (
        answer["documents"].as_array().unwrap().clone(),
        mistakes.map(|mistake| mistake.as_str().unwrap().to_owned()).collect(),
    )
}

impl Manifests {
    /// Those of all overlays, in which no schema finds a mistake.
    pub(crate) fn all() -> Vec<Self> {
        let all = overlays().into_iter().map(|overlay| {
            let name = overlay.file_name().unwrap().to_str().unwrap().to_owned();
            let (documents, mistakes) = held_to_schemas(&rendered(&overlay));
            assert_eq!(mistakes, Vec::<String>::new(), "{name}");
            Self { name, documents }
        });
        all.collect()
    }

    /// The one document of this kind.
    pub(crate) fn the(&self, kind: &str) -> Option<&Value> {
        let mut found = self.documents.iter().filter(|document| document["kind"] == kind);
        let first = found.next();
        assert!(found.next().is_none(), "{} has two of {kind}", self.name);
        first
    }

    /// What is told to run pods.
    pub(crate) fn workload(&self) -> &Value {
        let (job, set) = (self.the("Job"), self.the("StatefulSet"));
        assert!(job.is_none() || set.is_none(), "{}", self.name);
        job.or(set).unwrap()
    }

    /// What the pods are made from.
    pub(crate) fn template(&self) -> &Value {
        &self.workload()["spec"]["template"]
    }

    /// Their one container.
    pub(crate) fn container(&self) -> &Value {
        let containers = self.template()["spec"]["containers"].as_array().unwrap();
        assert_eq!(containers.len(), 1, "{}", self.name);
        &containers[0]
    }

    /// How many pods there are.
    pub(crate) fn pods(&self) -> u64 {
        let spec = &self.workload()["spec"];
        let pods = spec.get("completions").or(spec.get("replicas"));
        pods.unwrap().as_u64().unwrap()
    }

    /// The texts of a list in the container.
    pub(crate) fn arguments(&self) -> Vec<&str> {
        let arguments = self.container()["args"].as_array().unwrap().iter();
        arguments.map(|argument| argument.as_str().unwrap()).collect()
    }
}

fn succeeded(output: Output) -> String {
    assert!(
        output.status.success(),
        "{}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}
