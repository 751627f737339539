//! What test processes write down.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, Once};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use setpoint_protocol::Key;
use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

use crate::{FOLDER, KEYS};

/// Everything, without libraries that log what they send, tokens among it, or each instruction they compile: the program's own
/// logs leave them out too, whatever is asked for. Nor what is said of each type of a component.
const FILTER: &str = "trace,rumqttc=info,rumqttc_core=info,ureq=info,ureq_proto=info,hyper=info,cranelift_codegen=info,\
                      cranelift_frontend=info,wasmtime=info,wasmtime_internal_cranelift=info,regalloc2=info,wit_parser=info,\
                      wit_component=info";

/// Where this process writes.
static FILES: LazyLock<Option<Files>> = LazyLock::new(|| std::env::var_os(FOLDER).map(|folder| Files(folder.into())));

/// From now on, this process writes its traces down.
pub fn start() {
    static STARTED: Once = Once::new();
    if let Some(files) = &*FILES {
        STARTED.call_once(|| {
            // Takes what libraries log in the older way, too, rustls among them.
            files.traces().try_init().expect("no test logs anywhere else");
        });
    }
}

/// Notes what a program under test has printed.
pub fn printed(text: &str) {
    if let Some(files) = &*FILES {
        files.add(&own("printed"), text);
    }
}

/// Notes that these keys are secret.
pub fn keys<'a>(keys: impl IntoIterator<Item = &'a Key>) {
    if let Some(files) = &*FILES {
        files.keys(keys);
    }
}

/// Notes that this private key, in PEM, is secret: what it encodes, and each line of it.
pub fn private_key(pem: &str) {
    if let Some(files) = &*FILES {
        files.private_key(pem);
    }
}

/// Notes that the keys of every identity kept in this folder, or in one within it, are secret.
pub fn identities(folder: &Path) {
    if let Some(files) = &*FILES {
        files.identities(folder);
    }
}

/// The folder.
pub(crate) struct Files(pub(crate) PathBuf);

impl Files {
    pub(crate) fn traces(&self) -> impl Subscriber + Send + Sync + use<> {
        tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new(FILTER))
            .with_writer(Mutex::new(self.open(&own("traces"))))
            .with_ansi(false)
            .finish()
    }

    pub(crate) fn keys<'a>(&self, keys: impl IntoIterator<Item = &'a Key>) {
        let lines: String = keys.into_iter().map(|key| key.to_base64() + "\n").collect();
        self.add(KEYS, &lines);
    }

    pub(crate) fn private_key(&self, pem: &str) {
        let body = pem.lines().map(str::trim).filter(|line| !line.starts_with("-----"));
        let body: Vec<&str> = body.collect();
        let encoded = STANDARD.decode(body.concat());
        let encoded = encoded.expect("PEM is base64 between its first and last line");
        // The last line may be too short to mean anything, or hold nothing but the public key.
        let lines = body.iter().filter(|line| line.len() == 64);
        let lines = lines.map(|line| line.as_bytes().to_vec());
        let all: Vec<Key> = std::iter::once(encoded).chain(lines).map(Key::from_bytes).collect();
        self.keys(&all);
    }

    pub(crate) fn identities(&self, folder: &Path) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                self.identities(&path);
            } else if entry.file_name() == "identity.json" {
                self.identity(&fs::read(&path).unwrap_or_default());
            }
        }
    }

    /// Tests spoil such files too; what is no identity has no keys.
    fn identity(&self, kept: &[u8]) {
        let kept: Value = serde_json::from_slice(kept).unwrap_or_default();
        let places = [
            "/groupKeys/0",
            "/groupKeys/1",
            "/deviceKeys/0",
            "/deviceKeys/1",
            "/serviceKey",
        ];
        let texts = places.iter().filter_map(|place| kept.pointer(place)?.as_str());
        let keys: Vec<Key> = texts.filter_map(|text| Key::from_base64(text).ok()).collect();
        self.keys(&keys);
        if let Some(pem) = kept.pointer("/caKey").and_then(Value::as_str) {
            self.private_key(pem);
        }
    }

    /// In one piece, as other processes add to the same file.
    pub(crate) fn add(&self, name: &str, text: &str) {
        let written = self.open(name).write_all(text.as_bytes());
        written.expect("the folder for logs can be written to");
    }

    fn open(&self, name: &str) -> File {
        let opened = OpenOptions::new().create(true).append(true).open(self.0.join(name));
        opened.expect("the folder for logs is there and can be written to")
    }
}

/// The file of this process for one kind of thing.
fn own(kind: &str) -> String {
    let program = std::env::current_exe().expect("a process has a program");
    let program = program.file_name().unwrap_or_default().to_string_lossy();
    format!("{program}.{}.{kind}", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Failure, search};

    const PEM: &str = "-----BEGIN PRIVATE KEY-----\n\
                       MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgnot0a0key0at0all\n\
                       AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n\
                       AAAA\n\
                       -----END PRIVATE KEY-----\n";

    /// A folder in which `note` has noted what is secret, and in which `text` is then logged.
    fn logged(note: impl Fn(&Files), text: &str) -> Result<crate::Found, Failure> {
        let folder = tempfile::tempdir().unwrap();
        let files = Files(folder.path().to_owned());
        note(&files);
        tracing::subscriber::with_default(files.traces(), || tracing::trace!(text, "a line"));
        search(folder.path())
    }

    #[test]
    fn a_key_that_is_traced_is_found() {
        let key = Key::from_bytes((0..32).collect());
        let note = |files: &Files| files.keys([&key]);
        assert!(matches!(logged(note, &key.to_base64()), Err(Failure::Keys(_))));
        assert_eq!(logged(note, "nothing").unwrap().keys, 1);
    }

    #[test]
    fn a_line_of_a_private_key_is_found() {
        let note = |files: &Files| files.private_key(PEM);
        for line in PEM.lines().filter(|line| line.len() == 64) {
            assert!(matches!(logged(note, line), Err(Failure::Keys(_))), "{line}");
        }
        assert!(logged(note, "AAAA").is_ok());
    }

    #[test]
    fn what_a_program_printed_is_searched_for_the_keys_it_keeps() {
        let key = Key::from_bytes((0..32).collect()).to_base64();
        let note = |files: &Files| {
            let kept = files.0.join("azure");
            fs::create_dir(&kept).unwrap();
            let pem = PEM.replace('\n', "\\n");
            let identity = format!(r#"{{"deviceKeys": ["{key}", "c2VjcmV0"], "caKey": "{pem}"}}"#);
            fs::write(kept.join("identity.json"), identity).unwrap();
            files.identities(&files.0);
            fs::remove_dir_all(&kept).unwrap();
            files.add(&own("printed"), &format!("the key is {key}\n"));
        };
        let Err(Failure::Keys(places)) = logged(note, "nothing") else {
            panic!("the key is found")
        };
        assert_eq!(places.len(), 1);
    }
}
