//! Files that are no record, or not all of one.

use std::time::Duration;

use setpoint::record::{Entry, RecordError, Replay, ReplayError};
use setpoint::sandbox::THERMOSTAT;

use super::shelf::{edited, read, record, themselves};

fn recorded() -> String {
    record(
        THERMOSTAT,
        |setup| setup,
        |device| device.advance(Duration::from_secs(30)).unwrap(),
    )
}

/// What can be read of it, whether it has an end, and what is wrong with it.
fn entries(text: &str) -> (Vec<Entry>, bool, Option<RecordError>) {
    let mut record = match read(text) {
        Ok(record) => record,
        Err(error) => return (Vec::new(), false, Some(error)),
    };
    let mut entries = Vec::new();
    loop {
        match record.next_entry() {
            Ok(Some(entry)) => entries.push(entry),
            Ok(None) => return (entries, record.ending().is_some(), None),
            Err(error) => return (entries, record.ending().is_some(), Some(error)),
        }
    }
}

fn error(text: &str) -> String {
    entries(text).2.expect("an error").to_string()
}

#[test]
fn wherever_a_record_breaks_off_what_is_before_can_be_replayed() {
    let written = recorded();
    let whole = entries(&written).0;
    let first = written.find('\n').unwrap() + 1;
    for cut in (first..written.len() - 1).step_by(97) {
        let text = String::from_utf8_lossy(&written.as_bytes()[..cut]).into_owned();
        let (some, ended, error) = entries(&text);
        assert!(error.is_none(), "cut at {cut}: {error:?}");
        assert!(!ended, "cut at {cut}");
        assert_eq!(some[..], whole[..some.len()], "cut at {cut}");
        let lines = text.matches('\n').count() - 1;
        assert!((lines..=lines + 1).contains(&some.len()), "cut at {cut}");
    }
}

#[test]
fn a_damaged_line_is_named() {
    let written = recorded();
    let lines: Vec<_> = written.lines().collect();
    let mut damaged = lines.clone();
    damaged[4] = &lines[4][..40];
    let text = error(&(damaged.join("\n") + "\n"));
    assert!(
        text.starts_with("some.jsonl:5: is damaged: EOF while parsing"),
        "{text}"
    );

    let strange = edited(&written, |line| {
        if let Some(quota) = line.pointer_mut("/called/quota") {
            *quota = "plenty".into();
        }
    });
    let text = error(&strange);
    assert!(
        text.starts_with("some.jsonl:3: is damaged: invalid type: string \"plenty\""),
        "{text}"
    );

    let twice = written.replace("{\"ended\"", &format!("{}\n{{\"ended\"", lines[0]));
    assert!(error(&twice).contains("a record begins here, within another"));
}

#[test]
fn what_is_no_record_is_told_so() {
    for text in [
        "",
        "\n",
        "{}",
        "hello",
        "{\"created\":{}}\n",
        "[1]\n",
        "{\"record\":{\"format\":1}}\n",
    ] {
        assert_eq!(
            error(text),
            "some.jsonl:1: is no record; give a file that `setpoint record` or `setpoint run --record` wrote"
        );
    }
}

#[test]
fn a_record_of_a_later_format_names_the_program_that_reads_it() {
    let later = "{\"record\":{\"format\":2,\"setpoint\":\"7.0.0\",\"news\":true}}\n";
    assert_eq!(
        error(later),
        "some.jsonl:1: is a record in format 2, and this program reads format 1; replay it with setpoint 7.0.0"
    );
}

#[test]
fn an_instance_that_was_never_made_is_named() {
    let written = recorded();
    let without: String = written
        .lines()
        .filter(|line| !line.starts_with("{\"created\""))
        .map(|line| format!("{line}\n"))
        .collect();
    let entry = entries(&without).0.remove(0);
    let error = Replay::new(themselves(), None).play(&entry).unwrap_err();
    assert!(
        matches!(error, ReplayError::NoInstance { line: 2, instance: 1 }),
        "{error}"
    );
}
