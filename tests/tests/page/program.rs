//! The `setpoint` command as people start it: the emulator with its page, and a device.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use setpoint_tests::kill::command;
use tempfile::TempDir;

use crate::browser::built_page;

/// `setpoint emulator`, and where everything of it is.
pub(crate) struct Azure {
    child: Child,
    folder: TempDir,
    link: String,
    variables: BTreeMap<String, String>,
    ports: [String; 4],
}

/// What an emulator leaves behind: its folder and its ports.
pub(crate) struct Left {
    folder: TempDir,
    ports: [String; 4],
}

impl Azure {
    /// Starts one, or another where one was.
    pub(crate) fn start(left: Option<Left>) -> Azure {
        let any = || "127.0.0.1:0".to_owned();
        let left = left.unwrap_or_else(|| Left {
            folder: tempfile::tempdir().unwrap(),
            ports: [any(), any(), any(), any()],
        });
        let [mqtt, https, amqp, page] = &left.ports;
        let mut child = Command::new(command())
            .args([
                "emulator", "--listen", mqtt, "--https", https, "--amqp", amqp, "--page", page,
            ])
            .arg("--page-files")
            .arg(built_page())
            .arg("--data")
            .arg(left.folder.path())
            // Not among the user's own.
            .env("SETPOINT_DATA", left.folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (mut link, mut ports, mut variables) = (None, None, BTreeMap::new());
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        while !variables.contains_key("REQUESTS_CA_BUNDLE") {
            let line = lines.next().expect("the emulator prints its block").unwrap();
            if let Some((_, address)) = line.split_once("the link is secret: ") {
                link = Some(address.to_owned());
            } else if let Some(addresses) = line.strip_prefix("# MQTT on ") {
                let addresses = addresses.split(';').next().unwrap();
                let mut addresses = addresses
                    .split(", ")
                    .map(|part| part.rsplit(' ').next().unwrap().to_owned());
                ports = Some([(); 3].map(|()| addresses.next().unwrap()));
            } else if let Some(variable) = line.strip_prefix("export ") {
                let (name, value) = variable.split_once('=').unwrap();
                variables.insert(name.to_owned(), value.trim_matches('\'').to_owned());
            }
        }
        setpoint_test_logs::identities(left.folder.path());
        let (link, [mqtt, https, amqp]) = (link.unwrap(), ports.unwrap());
        let page = link
            .strip_prefix("http://")
            .unwrap()
            .split('/')
            .next()
            .unwrap()
            .to_owned();
        Azure {
            child,
            folder: left.folder,
            link,
            variables,
            ports: [mqtt, https, amqp, page],
        }
    }

    pub(crate) fn link(&self) -> &str {
        &self.link
    }

    /// Ends it without a word to anybody.
    pub(crate) fn kill(mut self) -> Left {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        Left {
            folder: std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap()),
            ports: self.ports.clone(),
        }
    }
}

impl Drop for Azure {
    fn drop(&mut self) {
        // It may have been killed already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `setpoint run` beside it: the thermostat that the command brings along.
pub(crate) struct Thermostat(Child);

impl Thermostat {
    pub(crate) fn start(azure: &Azure) -> Thermostat {
        let child = Command::new(command())
            .args(["run", "--config", "interval=1", "--data"])
            .arg(azure.folder.path().join("device"))
            .env("SETPOINT_DATA", azure.folder.path())
            .envs(&azure.variables)
            // It ends at the end of its input.
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn();
        Thermostat(child.unwrap())
    }
}

impl Drop for Thermostat {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
