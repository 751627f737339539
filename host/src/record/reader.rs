//! Reads a record, one line at a time: a day of a device needs no more memory than a minute.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::line::{Ending, FORMAT, Header, LONGEST, Line};
use crate::sandbox::Event;

/// Why a file cannot be replayed. Each names the file, and where there is one the line.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The file cannot be read.
    #[error("{}: {reason}; give the path of a record", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The system's words.
        reason: io::Error,
    },
    /// Something else altogether.
    #[error(
        "{}:1: is no record; give a file that `setpoint record` or `setpoint run --record` wrote",
        .0.display()
    )]
    NotARecord(PathBuf),
    /// Written by another version of this program.
    #[error(
        "{}:1: is a record in format {format}, and this program reads format {FORMAT}; replay it with setpoint {setpoint}",
        file.display()
    )]
    OtherFormat {
        /// The file.
        file: PathBuf,
        /// Its format.
        format: u64,
        /// The version that wrote it.
        setpoint: String,
    },
    /// A line is none of a record.
    #[error("{}:{line}: is damaged: {reason}; record it again, or remove this line and what follows it", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// From 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
}

/// What happened, and the line that says so.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its line, from 1.
    pub line: u64,
    /// What happened.
    pub event: Event,
}

/// A record that is being read.
#[derive(Debug)]
pub struct Record<R> {
    file: PathBuf,
    input: R,
    line: u64,
    text: Vec<u8>,
    header: Header,
    ending: Option<Ending>,
}

/// As much of the first line as every format has.
#[derive(Deserialize)]
struct First {
    record: AnyHeader,
}

#[derive(Deserialize)]
struct AnyHeader {
    format: u64,
    setpoint: String,
}

impl Record<BufReader<File>> {
    /// Opens a file and reads its first line.
    ///
    /// # Errors
    /// When it is no record, or one of another format.
    pub fn open(file: &Path) -> Result<Self, RecordError> {
        let opened = File::open(file).map_err(|reason| RecordError::Unreadable {
            file: file.to_owned(),
            reason,
        })?;
        Self::new(file, BufReader::new(opened))
    }
}

impl<R: BufRead> Record<R> {
    /// Reads the first line of `input`; errors call it `file`.
    ///
    /// # Errors
    /// When it is no record, or one of another format.
    pub fn new(file: &Path, input: R) -> Result<Self, RecordError> {
        let mut record = Self {
            file: file.to_owned(),
            input,
            line: 0,
            text: Vec::new(),
            header: Header::new(String::new()),
            ending: None,
        };
        record.read_line()?;
        let First { record: header } =
            serde_json::from_slice(&record.text).map_err(|_| RecordError::NotARecord(file.to_owned()))?;
        if header.format != u64::from(FORMAT) {
            return Err(RecordError::OtherFormat {
                file: file.to_owned(),
                format: header.format,
                setpoint: header.setpoint,
            });
        }
        match serde_json::from_slice(&record.text) {
            Ok(Line::Record(header)) => record.header = header,
            _ => return Err(RecordError::NotARecord(file.to_owned())),
        }
        Ok(record)
    }

    /// The first line.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// How it ended, once everything has been read. None: it was cut short, say because the machine went down.
    pub fn ending(&self) -> Option<&Ending> {
        self.ending.as_ref()
    }

    /// What happened next; none at the end. A last line that breaks off counts as the end.
    ///
    /// # Errors
    /// When the line is none of a record.
    pub fn next_entry(&mut self) -> Result<Option<Entry>, RecordError> {
        if self.ending.is_some() {
            return Ok(None);
        }
        self.read_line()?;
        if self.text.is_empty() {
            return Ok(None);
        }
        let whole = self.text.strip_suffix(b"\n");
        let event = match serde_json::from_slice(whole.unwrap_or(&self.text)) {
            Ok(Line::Created(created)) => Event::Created(created),
            Ok(Line::Called(called)) => Event::Called(called),
            Ok(Line::Gone(gone)) => Event::Gone(gone),
            Ok(Line::Ended(ending)) => {
                self.ending = Some(ending);
                return Ok(None);
            }
            Ok(Line::Record(_)) => return Err(self.damaged("a record begins here, within another".to_owned())),
            // Only whoever is interrupted leaves a line without its end.
            Err(_) if whole.is_none() => return Ok(None),
            Err(error) => return Err(self.damaged(reason(&error))),
        };
        Ok(Some(Entry { line: self.line, event }))
    }

    /// An error about the line that was read last.
    pub(super) fn damaged(&self, reason: String) -> RecordError {
        RecordError::Damaged {
            file: self.file.clone(),
            line: self.line,
            reason,
        }
    }

    /// Into `text`, which is empty at the end of the file.
    fn read_line(&mut self) -> Result<(), RecordError> {
        self.text.clear();
        self.line += 1;
        let longest = u64::try_from(LONGEST).unwrap_or(u64::MAX);
        let mut limited = self.input.by_ref().take(longest);
        let read = limited.read_until(b'\n', &mut self.text);
        read.map_err(|reason| RecordError::Unreadable {
            file: self.file.clone(),
            reason,
        })?;
        if self.text.len() >= LONGEST && self.text.last() != Some(&b'\n') {
            return Err(self.damaged(format!("it is longer than {LONGEST} bytes")));
        }
        Ok(())
    }
}

/// The parser's words. Its line is always 1, so that of the file would only be contradicted.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((what, _)) => format!("{what} at column {}", error.column()),
        None => text,
    }
}
