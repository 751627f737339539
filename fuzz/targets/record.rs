//! Records: a line is read, or is an error that names it, and there is an end.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use setpoint::record::Record;

fuzz_target!(|data: &[u8]| {
    let Ok(mut record) = Record::new(Path::new("r.jsonl"), data) else {
        return;
    };
    let lines = data.split(|byte| *byte == b'\n').count();
    let mut read = 1;
    while let Ok(Some(_)) = record.next_entry() {
        read += 1;
        assert!(read <= lines);
    }
});
