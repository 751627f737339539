//! What a fleet came to: as a table for people, as JSON for programs, as a page with plots for both's superiors.
//!
//! The JSON form is meant to be read by programs of other makers. Within one `version` members are only added.

mod page;
mod plot;
mod table;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use super::launch::Ending;
use super::passage::NotRun;
use super::process::Usage;
use super::spread::Summary;
use super::tally::{Count, Sample, Tally};

pub use plot::{Line, Plot};

/// The name of the format.
pub const FORMAT: &str = "setpoint-fleet";

/// Its version.
pub const VERSION: u32 = 1;

/// What a fleet came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// [`FORMAT`].
    pub format: String,
    /// [`VERSION`].
    pub version: u32,
    /// What was run.
    pub fleet: Fleet,
    /// What became of the devices.
    pub devices: Devices,
    /// Their connections.
    pub connections: Connections,
    /// Their messages.
    pub messages: Messages,
    /// From the moment a timer was due to the hub's PUBACK of the message that came of it, in seconds; until the devices were
    /// told to end.
    pub timer_to_puback: Summary,
    /// The same for each guest of the mix.
    pub by_guest: Vec<Guest>,
    /// From a command's arrival in the device to its answer, in seconds.
    pub commands: Summary,
    /// The guests.
    pub guests: Guests,
    /// This process.
    pub process: Process,
    /// The first devices that ended by themselves, and why.
    pub errors: Vec<Error>,
    /// Why devices never ran; the commonest reason first.
    #[serde(default)]
    pub not_run: Vec<NotRun>,
    /// How it went.
    pub samples: Vec<Sample>,
}

/// What was run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fleet {
    /// The devices' names, with a place for the number.
    pub id: String,
    /// Devices of the whole fleet.
    pub devices: u64,
    /// Which part of it this process ran, as in `0/4`.
    pub shard: String,
    /// Starts a second that were asked for, as in `500/s`.
    pub ramp: String,
    /// Whether instances were put aside between two events.
    pub put_aside: bool,
    /// The guests, by name.
    pub guests: Vec<String>,
    /// The provisioning service.
    pub cloud: String,
    /// When the first device was started, as in RFC 3339.
    pub began: String,
    /// Seconds from then until the devices were told to end.
    pub lasted: f64,
    /// Seconds from then until the last of them had ended.
    pub drained: f64,
}

/// What became of the devices of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Devices {
    /// Devices of this process.
    pub planned: u64,
    /// Started.
    pub launched: u64,
    /// Connected, and their guest started.
    pub ran: u64,
    /// Ended by themselves: refused, or with a guest that failed at once.
    pub ended: u64,
    /// With a guest that has failed too often.
    pub parked: u64,
    /// Had not taken their leave when there was no more time to wait.
    pub abandoned: u64,
    /// Most of them that were connected at one time, by the samples.
    pub most_connected: u64,
}

/// Connections to hubs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Connections {
    /// Made.
    pub made: u64,
    /// Broken, and attempts to make another that failed.
    pub lost: u64,
    /// First attempts that failed and were made again.
    pub retried: u64,
    /// Most made in a second, by the samples.
    pub most_per_second: f64,
}

/// Messages to hubs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Messages {
    /// Accepted from guests.
    pub accepted: u64,
    /// Taken by hubs.
    pub delivered: u64,
    /// Refused by hubs, reports among them.
    pub refused: u64,
    /// Patches of reported properties taken by hubs.
    pub reports: u64,
    /// Delivered a second, over the whole time.
    pub per_second: f64,
    /// Most delivered in a second, by the samples.
    pub most_per_second: f64,
}

/// One guest of the mix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Guest {
    /// Its name.
    pub guest: String,
    /// From timer to PUBACK of its messages, in seconds.
    pub timer_to_puback: Summary,
}

/// What the guests did.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Guests {
    /// How long calls took, in seconds.
    pub calls: Summary,
    /// Seconds in guests, of all devices together.
    pub seconds: f64,
    /// Commands they were asked.
    pub commands: u64,
    /// Times one failed.
    pub failures: u64,
    /// Of these, for running over its time.
    pub over_budget: u64,
    /// Instances started after a failure.
    pub restarts: u64,
    /// Times an instance was put aside.
    pub put_aside: u64,
}

/// What this process used.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Process {
    /// Bytes of memory before the first device.
    pub resident_before: u64,
    /// Most bytes of memory, by the samples, as the system counts them: a page that many instances share, many times.
    pub resident_most: u64,
    /// Bytes of that for each connected device, at the moment when most were connected.
    pub resident_per_device: f64,
    /// Bytes of memory for each connected device, each page counted once, when the devices were told to end. 0 where the
    /// system does not say.
    pub memory_per_device: f64,
    /// Seconds of processor time from the start of the first device on.
    pub cpu: f64,
    /// Seconds of processor time for each delivered message, once the last device had been started; all that the process did.
    pub cpu_per_message: f64,
}

/// A device that ended by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Error {
    /// Its name.
    pub device: String,
    /// Why.
    pub error: String,
}

/// What is known of a fleet before it runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Before {
    /// The devices' names, with a place for the number.
    pub id: String,
    /// Devices of the whole fleet.
    pub devices: u64,
    /// Which part of it this process runs.
    pub shard: String,
    /// Starts a second.
    pub ramp: String,
    /// Whether instances are put aside.
    pub put_aside: bool,
    /// The guests, by name.
    pub guests: Vec<String>,
    /// The provisioning service.
    pub cloud: String,
    /// The time of day.
    pub began: DateTime<Utc>,
    /// What the process used.
    pub usage: Usage,
    /// Bytes of memory of it, each page counted once.
    pub memory: Option<u64>,
}

impl Report {
    /// Of a fleet that has ended.
    pub fn of(before: Before, ending: &Ending, tally: &Tally) -> Self {
        let samples = tally.samples();
        let lasted = ending.lasted.as_secs_f64();
        let get = |count| tally.get(count);
        let by_guest = before.guests.iter().enumerate().map(|(place, guest)| Guest {
            guest: guest.clone(),
            timer_to_puback: tally.to_puback_of(place),
        });
        let by_guest = by_guest.collect();
        let process = process(&before, ending, &samples);
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            fleet: Fleet {
                id: before.id,
                devices: before.devices,
                shard: before.shard,
                ramp: before.ramp,
                put_aside: before.put_aside,
                guests: before.guests,
                cloud: before.cloud,
                began: before.began.to_rfc3339_opts(SecondsFormat::Millis, true),
                lasted,
                drained: ending.drained.as_secs_f64(),
            },
            devices: Devices {
                planned: ending.devices,
                launched: get(Count::Launched),
                ran: get(Count::Ran),
                ended: get(Count::Ended),
                parked: get(Count::Parked),
                abandoned: ending.abandoned,
                most_connected: samples.iter().map(|sample| sample.up).max().unwrap_or(0),
            },
            connections: Connections {
                made: get(Count::Connected),
                lost: get(Count::Lost),
                retried: get(Count::Retried),
                most_per_second: steepest(&samples, |sample| sample.connected),
            },
            messages: Messages {
                accepted: get(Count::Queued),
                delivered: get(Count::Delivered),
                refused: get(Count::Refused),
                reports: get(Count::Reported),
                per_second: if lasted > 0.0 {
                    get(Count::Delivered) as f64 / lasted
                } else {
                    0.0
                },
                most_per_second: steepest(&samples, |sample| sample.delivered),
            },
            timer_to_puback: tally.to_puback(),
            by_guest,
            commands: tally.commands(),
            guests: Guests {
                calls: tally.calls(),
                seconds: get(Count::GuestTime) as f64 / 1e9,
                commands: get(Count::Commands),
                failures: get(Count::Failures),
                over_budget: get(Count::OverBudget),
                restarts: get(Count::Restarts),
                put_aside: get(Count::PutAside),
            },
            process,
            errors: tally
                .errors()
                .into_iter()
                .map(|(device, error)| Error { device, error })
                .collect(),
            not_run: tally.not_run(),
            samples,
        }
    }

    /// Whether every device ran, and none has ended or been given up before its time.
    pub fn all_ran(&self) -> bool {
        let Devices {
            planned,
            ran,
            ended,
            parked,
            abandoned,
            ..
        } = self.devices;
        ran >= planned && ended == 0 && parked == 0 && abandoned == 0
    }

    /// For programs.
    pub fn json(&self) -> String {
        // Numbers and texts always have a JSON form.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// For people.
    pub fn table(&self) -> String {
        table::table(self)
    }

    /// One file with everything in it, for a browser.
    pub fn page(&self) -> String {
        page::page(self)
    }
}

fn process(before: &Before, ending: &Ending, samples: &[Sample]) -> Process {
    let Before { usage, memory, .. } = before;
    let fullest = samples.iter().max_by_key(|sample| sample.up);
    let per_device = fullest.filter(|sample| sample.up > 0).map(|sample| {
        let more = sample.resident.saturating_sub(usage.resident);
        more as f64 / sample.up as f64
    });
    let last = samples.last().copied().unwrap_or_default();
    // From the first moment at which all were connected, so that the making of connections is not counted.
    let steady = fullest.and_then(|fullest| samples.iter().find(|sample| sample.up == fullest.up));
    let per_message = steady.and_then(|from| {
        let messages = last
            .delivered
            .checked_sub(from.delivered)
            .filter(|messages| *messages > 0)?;
        Some((last.cpu - from.cpu) / messages as f64)
    });
    let memory = memory.zip(ending.memory).filter(|_| ending.connected > 0);
    let memory = memory.map(|(before, after)| after.saturating_sub(before) as f64 / ending.connected as f64);
    Process {
        resident_before: usage.resident,
        resident_most: samples.iter().map(|sample| sample.resident).max().unwrap_or(0),
        resident_per_device: per_device.unwrap_or(0.0),
        memory_per_device: memory.unwrap_or(0.0),
        cpu: last.cpu - usage.cpu.as_secs_f64(),
        cpu_per_message: per_message.unwrap_or(0.0),
    }
}

/// The most that `of` grows in a second, between two samples.
fn steepest(samples: &[Sample], of: impl Fn(&Sample) -> u64) -> f64 {
    rates(samples, of).into_iter().map(|(_, rate)| rate).fold(0.0, f64::max)
}

/// How much `of` grows a second, at the time of each sample.
fn rates(samples: &[Sample], of: impl Fn(&Sample) -> u64) -> Vec<(f64, f64)> {
    let start = Sample::default();
    let earlier = std::iter::once(&start).chain(samples);
    let rate = |(before, after): (&Sample, &Sample)| {
        let time = after.at - before.at;
        // Two samples at one time, say the last two, tell no rate.
        (time > 0.1).then(|| (after.at, of(after).saturating_sub(of(before)) as f64 / time))
    };
    earlier.zip(samples).filter_map(rate).collect()
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
