//! `wasi:io/streams`. What a guest writes becomes lines of its log, within the same quota. What it reads is at its end.

use wasmtime::component::Resource;

use super::generated::wasi::io::streams;
use super::handles::{Input, Output, Pollable};
use crate::effect::Level;
use crate::sandbox::imports::{LOG_BYTES, State};

/// Bytes that may always be written at once.
const AT_ONCE: u64 = 64 * 1024;

/// The same for the calls that flush as well. Source: wasi:io/streams, `blocking-write-and-flush` and
/// `blocking-write-zeroes-and-flush`: "up to 4096".
const AT_ONCE_WITH_FLUSH: u64 = 4096;

type Outcome<T> = wasmtime::Result<Result<T, streams::StreamError>>;

/// A line that has not ended yet. Of a long one the beginning is kept.
#[derive(Default)]
pub(super) struct Line(Vec<u8>);

impl Line {
    fn add(&mut self, bytes: &[u8]) {
        let room = LOG_BYTES.saturating_sub(self.0.len());
        self.0.extend(bytes.iter().take(room));
    }

    fn end(&mut self) -> String {
        let bytes = std::mem::take(&mut self.0);
        let text = bytes.strip_suffix(b"\r").unwrap_or(&bytes);
        String::from_utf8_lossy(text).into_owned()
    }
}

impl State {
    fn line(&mut self, output: Output) -> (&mut Line, Level) {
        match output {
            Output::Stdout => (&mut self.wasi.stdout, Level::Info),
            Output::Stderr => (&mut self.wasi.stderr, Level::Warn),
        }
    }

    fn print(&mut self, output: &Resource<Output>, bytes: &[u8], most: u64) -> Outcome<()> {
        // A stream that takes more than it said it would is broken, says WASI: the guest traps.
        if bytes.len() as u64 > most {
            return Err(wasmtime::Error::msg(format!(
                "it writes more than the {most} bytes a call may have"
            )));
        }
        let output = *self.wasi.table.get(output)?;
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (line, level) = self.line(output);
            let Some(last) = piece.strip_suffix(b"\n") else {
                line.add(piece);
                continue;
            };
            line.add(last);
            let text = line.end();
            self.log(level, text);
        }
        Ok(Ok(()))
    }

    fn print_zeroes(&mut self, output: &Resource<Output>, length: u64, most: u64) -> Outcome<()> {
        let zeroes = usize::try_from(length.min(most + 1)).unwrap_or(usize::MAX);
        self.print(output, &vec![0; zeroes], most)
    }
}

impl streams::Host for State {}

impl streams::HostOutputStream for State {
    fn check_write(&mut self, _: Resource<Output>) -> Outcome<u64> {
        Ok(Ok(AT_ONCE))
    }

    fn write(&mut self, output: Resource<Output>, bytes: Vec<u8>) -> Outcome<()> {
        self.print(&output, &bytes, AT_ONCE)
    }

    fn blocking_write_and_flush(&mut self, output: Resource<Output>, bytes: Vec<u8>) -> Outcome<()> {
        self.print(&output, &bytes, AT_ONCE_WITH_FLUSH)
    }

    /// A line is a line when it ends; there is nothing to hurry.
    fn flush(&mut self, _: Resource<Output>) -> Outcome<()> {
        Ok(Ok(()))
    }

    fn blocking_flush(&mut self, _: Resource<Output>) -> Outcome<()> {
        Ok(Ok(()))
    }

    fn subscribe(&mut self, _: Resource<Output>) -> wasmtime::Result<Resource<Pollable>> {
        self.hold(Pollable::Ready)
    }

    fn write_zeroes(&mut self, output: Resource<Output>, length: u64) -> Outcome<()> {
        self.print_zeroes(&output, length, AT_ONCE)
    }

    fn blocking_write_zeroes_and_flush(&mut self, output: Resource<Output>, length: u64) -> Outcome<()> {
        self.print_zeroes(&output, length, AT_ONCE_WITH_FLUSH)
    }

    fn splice(&mut self, _: Resource<Output>, _: Resource<Input>, _: u64) -> Outcome<u64> {
        at_its_end()
    }

    fn blocking_splice(&mut self, _: Resource<Output>, _: Resource<Input>, _: u64) -> Outcome<u64> {
        at_its_end()
    }

    fn drop(&mut self, output: Resource<Output>) -> wasmtime::Result<()> {
        self.let_go(output)
    }
}

fn at_its_end<T>() -> Outcome<T> {
    Ok(Err(streams::StreamError::Closed))
}

impl streams::HostInputStream for State {
    fn read(&mut self, _: Resource<Input>, _: u64) -> Outcome<Vec<u8>> {
        at_its_end()
    }

    fn blocking_read(&mut self, _: Resource<Input>, _: u64) -> Outcome<Vec<u8>> {
        at_its_end()
    }

    fn skip(&mut self, _: Resource<Input>, _: u64) -> Outcome<u64> {
        at_its_end()
    }

    fn blocking_skip(&mut self, _: Resource<Input>, _: u64) -> Outcome<u64> {
        at_its_end()
    }

    fn subscribe(&mut self, _: Resource<Input>) -> wasmtime::Result<Resource<Pollable>> {
        self.hold(Pollable::Ready)
    }

    fn drop(&mut self, input: Resource<Input>) -> wasmtime::Result<()> {
        self.let_go(input)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_end_is_kept_to_its_limit() {
        let mut line = Line::default();
        for _ in 0..100 {
            line.add(&[b'x'; 100]);
        }
        assert_eq!(line.end(), "x".repeat(LOG_BYTES));
        line.add(b"the next one\r");
        assert_eq!(line.end(), "the next one");
        assert_eq!(line.end(), "");
    }
}
