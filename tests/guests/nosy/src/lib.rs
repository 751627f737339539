//! Tries what the standard library offers a program on `wasm32-wasip2`. Every command is one thing to try, and answers with
//! what came of it.

use setpoint_guest::{Command, Device, Host, Outcome, Response, StartReason, Value, json};
use std::env;
use std::fmt::Debug;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::time::{Duration, Instant, SystemTime};

/// The device.
pub struct Nosy {
    started: Instant,
}

impl Device for Nosy {
    const MODEL_ID: &'static str = "dtmi:com:example:Nosy;1";

    fn start(_: &mut impl Host, _: StartReason, _: Option<Vec<u8>>) -> Result<Self, String> {
        Ok(Nosy {
            started: Instant::now(),
        })
    }

    fn invoke(&mut self, _: &mut impl Host, command: Command) -> Outcome {
        let text = command
            .payload
            .as_ref()
            .and_then(|payload| payload.decode::<String>().ok())
            .unwrap_or_default();
        let found = match command.target.parts() {
            (None, "print") => print(&text),
            (None, "variables") => json!({
                "variables": env::vars_os().count(),
                "arguments": env::args_os().count(),
                "home": env::var_os("HOME").is_some(),
            }),
            (None, "read") => outcome(std::fs::read_to_string(text)),
            (None, "write") => outcome(std::fs::write(text, "was here")),
            (None, "list") => outcome(std::fs::read_dir(text).map(Iterator::count)),
            (None, "input") => outcome(io::read_to_string(io::stdin())),
            (None, "time") => json!({
                "wall": SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_millis() as u64),
                "running": self.started.elapsed().as_millis() as u64,
            }),
            (None, "random") => json!(RandomState::new().hash_one(0)),
            (None, "sleep") => {
                std::thread::sleep(Duration::from_secs(1));
                json!("slept")
            }
            (None, "exit") => std::process::exit(0),
            _ => return command.unknown().into(),
        };
        Response::ok(found).into()
    }
}

/// To both outputs; the second line of standard output is left without an end.
fn print(text: &str) -> Value {
    println!("{text}");
    print!("and more");
    eprintln!("{text}!");
    outcome(io::stdout().flush())
}

fn outcome<T: Debug>(tried: io::Result<T>) -> Value {
    match tried {
        Ok(got) => json!({ "got": format!("{got:?}") }),
        Err(error) => json!({ "error": error.kind().to_string() }),
    }
}

setpoint_guest::export!(Nosy);
