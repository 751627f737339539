//! The lines on standard output: those of Microsoft's sample, in the same order.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{Formatter, Serializer};
use setpoint::cloud::Outgoing;
use setpoint::device::{ConnectionState, Notice, Observer, Operator};
use setpoint::printable;
use setpoint_protocol::identifier::is_property_name;
use setpoint_protocol::twin::Document;

/// Writes what a session does, for a person.
pub(crate) struct Console<W> {
    out: W,
    operator: Operator,
    /// Whether the assignment came from a provisioning service.
    provisioned: bool,
    listening: bool,
    sending: bool,
}

impl<W: Write + Send> Console<W> {
    /// Writes to `out`; when nobody reads that any more, stops the session through `operator`.
    pub(crate) fn new(out: W, operator: Operator, provisioned: bool) -> Self {
        Self {
            out,
            operator,
            provisioned,
            listening: false,
            sending: false,
        }
    }

    fn line(&mut self, line: impl AsRef<str>) {
        if writeln!(self.out, "{}", printable(line.as_ref()))
            .and_then(|()| self.out.flush())
            .is_err()
        {
            self.operator.stop_now();
        }
    }
}

impl<W: Write + Send> Observer for Console<W> {
    fn notice(&mut self, notice: &Notice<'_>) {
        match notice {
            Notice::Assigned(assignment) if self.provisioned => {
                self.line("Device was assigned");
                self.line(&assignment.hub.host);
                self.line(&assignment.device_id);
            }
            Notice::Connection(ConnectionState::Up) if !self.listening => {
                self.listening = true;
                self.line("Listening for command requests and property updates");
                self.line("Press Q to quit");
            }
            Notice::Queued(Outgoing::Telemetry { body, .. }) if !self.sending => {
                self.sending = true;
                self.line(format!("Sending telemetry for {}", names(body)));
            }
            Notice::Delivered(Outgoing::Telemetry { .. }) => self.line("Sent message"),
            Notice::Desired(patch, version) => {
                let mut patch: Document = (*patch).clone();
                patch.insert("$version".to_owned(), (*version).into());
                self.line(format!(
                    "the data in the desired properties patch was: {}",
                    json(&Value::Object(patch))
                ));
            }
            Notice::Command(command) => {
                self.line("Command request received with payload");
                match &command.payload {
                    Some(payload) => self.line(json(payload)),
                    None => self.line("Payload was empty."),
                }
            }
            // The sample has no such line, so there is none of its to follow.
            Notice::Swapped(swapped) => self.line(format!("{} has taken the place of {}", swapped.to, swapped.from)),
            Notice::Responded(response, _) => self.line(json(&response.payload)),
            _ => {}
        }
    }
}

/// The names in a telemetry body. They are the guest's, so a name that is none is shown quoted.
fn names(body: &str) -> String {
    let body: Document = serde_json::from_str(body).unwrap_or_default();
    let shown = body.keys().map(|name| {
        if is_property_name(name) {
            name.clone()
        } else {
            format!("{name:?}")
        }
    });
    shown.collect::<Vec<_>>().join(", ")
}

/// JSON with a space after `,` and `:`, as Python writes it.
fn json(value: &Value) -> String {
    let mut text = Vec::new();
    match value.serialize(&mut Serializer::with_formatter(&mut text, PythonSpacing)) {
        Ok(()) => String::from_utf8_lossy(&text).into_owned(),
        Err(_) => value.to_string(),
    }
}

struct PythonSpacing;

impl PythonSpacing {
    fn separate(out: &mut (impl Write + ?Sized), first: bool) -> io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }
}

impl Formatter for PythonSpacing {
    fn begin_array_value<W: Write + ?Sized>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        Self::separate(out, first)
    }

    fn begin_object_key<W: Write + ?Sized>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        Self::separate(out, first)
    }

    fn begin_object_value<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json as value;
    use setpoint::clock::SystemClock;
    use setpoint::device::Control;
    use setpoint::effect::{Command, Member, Response};
    use setpoint::sandbox::{SharedRandom, Surroundings, Tap};
    use std::sync::Arc;
    use tokio::sync::mpsc::Receiver;

    fn operator() -> (Operator, Receiver<Control>) {
        Operator::new(Surroundings {
            clock: Arc::new(SystemClock::new()),
            random: SharedRandom::new(|| 0),
            config: Arc::default(),
            assignment: None,
            tap: Tap::default(),
        })
    }

    fn telemetry(body: &str) -> Outgoing {
        Outgoing::Telemetry {
            component: None,
            body: body.to_owned(),
            properties: Vec::new(),
        }
    }

    fn shown(notices: &[Notice<'_>]) -> String {
        let (operator, _) = operator();
        let mut out = Vec::new();
        let mut console = Console::new(&mut out, operator, true);
        notices.iter().for_each(|notice| console.notice(notice));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_line_stands_as_in_the_sample() {
        let message = telemetry(r#"{"temperature":21}"#);
        let report = Response {
            status: 200,
            payload: value!({ "avgTemp": 1.5, "maxTemp": 2 }),
        };
        let patch = value!({ "targetTemperature": 42.5 }).as_object().unwrap().clone();
        let command = Command {
            request: "1".into(),
            target: Member::named("x"),
            payload: Some(value!("now")),
        };
        let notices = [
            Notice::Connection(&ConnectionState::Up),
            Notice::Queued(&message),
            Notice::Delivered(&message),
            Notice::Queued(&message),
            Notice::Delivered(&message),
            Notice::Desired(&patch, 2),
            Notice::Command(&command),
            Notice::Responded(&report, None),
            Notice::Connection(&ConnectionState::Up),
        ];
        assert_eq!(
            shown(&notices),
            "Listening for command requests and property updates\n\
             Press Q to quit\n\
             Sending telemetry for temperature\n\
             Sent message\n\
             Sent message\n\
             the data in the desired properties patch was: {\"$version\": 2, \"targetTemperature\": 42.5}\n\
             Command request received with payload\n\
             \"now\"\n\
             {\"avgTemp\": 1.5, \"maxTemp\": 2}\n"
        );
    }

    #[test]
    fn a_guest_cannot_write_control_characters_to_the_terminal() {
        let message = telemetry("{\"\\u001b[2J\":1,\"\\u009b2J\":2}");
        let text = shown(&[Notice::Queued(&message)]);
        assert!(
            text.trim_end().chars().all(|character| !character.is_control()),
            "{text:?}"
        );
    }

    #[test]
    fn a_reader_that_has_gone_stops_the_session() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let (operator, mut orders) = operator();
        Console::new(Closed, operator, true).notice(&Notice::Connection(&ConnectionState::Up));
        assert!(matches!(orders.try_recv(), Ok(Control::Stop)));
    }
}
