//! What this process uses.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Memory and processor time of this process.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    /// Bytes of memory in use, 0 where the system does not say. A page of a file that is mapped many times counts as often,
    /// so the beginning of a guest's memory, which its instances share until they write to it, counts for each of them.
    pub resident: u64,
    /// Bytes of it that are this process's own: heap, stacks, and what guests wrote.
    pub own: u64,
    /// Processor time, of the program and of the system on its behalf.
    pub cpu: Duration,
}

impl Usage {
    /// As it is now.
    pub fn now() -> Self {
        Self {
            resident: status("VmRSS:").unwrap_or(0),
            own: status("RssAnon:").unwrap_or(0),
            cpu: Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default(),
        }
    }
}

/// Bytes of memory of this process, each page counted once. It takes the system a while to count them.
pub fn proportional() -> Option<u64> {
    kibibytes("/proc/self/smaps_rollup", "Pss:")
}

fn status(name: &str) -> Option<u64> {
    kibibytes("/proc/self/status", name)
}

/// Source: proc(5): lines of a name and a number of KiB.
fn kibibytes(file: &str, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_uses_more_and_more_time_and_some_memory() {
        let before = Usage::now();
        assert!(before.resident > 1 << 20 && before.own < before.resident, "{before:?}");
        assert!(proportional().unwrap() > 1 << 20);
        // A process that never used any would never get here.
        while Usage::now().cpu == before.cpu {}
    }
}
