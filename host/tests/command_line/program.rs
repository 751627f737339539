//! The program as a user starts it, in an environment of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use setpoint_emulator::{Emulator, Identity, Options};
use setpoint_protocol::Key;
use tempfile::TempDir;

/// How long a line may take. Only a failing test waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Where the program keeps things, and what it is told.
pub(crate) struct Environment {
    pub(crate) folder: TempDir,
    variables: Vec<(String, String)>,
}

/// How the program ended.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The program while it runs.
pub(crate) struct Program {
    child: Child,
    lines: Receiver<String>,
    /// Read while it runs: a pipe that is full would hold it up.
    stderr: Option<JoinHandle<String>>,
    /// Dropping it ends standard input.
    pub(crate) keyboard: Option<ChildStdin>,
}

impl Environment {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            variables: Vec::new(),
        }
    }

    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        if name.ends_with("_KEY") {
            // Some are none on purpose.
            setpoint_test_logs::keys(Key::from_base64(value).ok().as_ref());
        }
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The variables of Microsoft's sample.
    pub(crate) fn device(self, variables: &[(&str, &str)]) -> Self {
        variables.iter().fold(self, |this, (name, value)| {
            this.set(&format!("IOTHUB_DEVICE_{name}"), value)
        })
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_string_lossy().into_owned()
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> String {
        std::fs::write(self.folder.path().join(name), bytes).unwrap();
        self.path(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_setpoint"));
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.folder.path())
            .current_dir(self.folder.path());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        let output = self.command(arguments).stdin(Stdio::null()).output().unwrap();
        let ended = Ended {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        };
        if !shows_keys(arguments) {
            setpoint_test_logs::printed(&ended.stdout);
        }
        setpoint_test_logs::printed(&ended.stderr);
        ended
    }

    /// Starts it, with a keyboard.
    pub(crate) fn start(&self, arguments: &[&str]) -> Program {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        let is_log = !shows_keys(arguments);
        std::thread::spawn(move || {
            stdout.lines().map_while(Result::ok).try_for_each(|line| {
                if is_log {
                    setpoint_test_logs::printed(&format!("{line}\n"));
                }
                sender.send(line)
            })
        });
        let mut stderr = child.stderr.take().unwrap();
        let stderr = std::thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).unwrap();
            setpoint_test_logs::printed(&text);
            text
        });
        let keyboard = child.stdin.take();
        Program {
            child,
            lines,
            stderr: Some(stderr),
            keyboard,
        }
    }
}

impl Drop for Environment {
    /// The program has made keys of its own there.
    fn drop(&mut self) {
        setpoint_test_logs::identities(self.folder.path());
    }
}

/// Standard output of `emulator` is what others are pointed at it with, keys included; nothing else ever shows one.
fn shows_keys(arguments: &[&str]) -> bool {
    arguments.first() == Some(&"emulator")
}

impl Ended {
    /// The one line of an error, without its beginning.
    pub(crate) fn error(&self) -> &str {
        let line = self.stderr.strip_suffix('\n').unwrap_or(&self.stderr);
        assert!(!line.contains('\n') && !line.contains("panicked"), "{}", self.stderr);
        line.strip_prefix("setpoint: ")
            .unwrap_or_else(|| panic!("{}", self.stderr))
    }
}

impl Program {
    pub(crate) fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("the program writes a line")
    }

    /// Reads lines up to this one.
    pub(crate) fn until(&self, wanted: &str) -> Vec<String> {
        let mut lines = vec![self.line()];
        while lines.last().is_some_and(|line| line != wanted) {
            lines.push(self.line());
        }
        lines
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    pub(crate) fn press(&mut self, text: &str) {
        self.keyboard.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// Nobody reads its standard output any more.
    pub(crate) fn close_output(&mut self) {
        self.lines = channel().1;
    }

    /// Waits for its end; returns what it wrote to standard error as well.
    pub(crate) fn wait(mut self) -> (ExitStatus, String) {
        let stderr = self.stderr.take().unwrap().join().unwrap();
        (self.child.wait().unwrap(), stderr)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It has ended already where the test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An emulator in this process whose authority lies in `folder`.
pub(crate) async fn emulator(folder: &Path) -> (Emulator, Arc<Identity>) {
    setpoint_test_logs::start();
    let identity = Arc::new(Identity::open(&folder.join("azure")).unwrap());
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let options = Options {
        mqtt: any,
        https: any,
        identity: Arc::clone(&identity),
        data: None,
    };
    (Emulator::start(options).await.unwrap(), identity)
}
