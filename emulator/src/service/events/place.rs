//! How far a reader has come, as the id of an event.

use std::fmt;

use crate::state::EventLog;
use crate::state::endpoint::Position;

/// The number of the next message in each partition of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Which log, by when it was made: one that is not kept begins anew with the process, and its numbers with it.
    log: i64,
    pub(super) next: Vec<u64>,
}

impl Place {
    /// After everything there is.
    pub(super) fn latest(log: &EventLog) -> Place {
        Place::at(log, Position::Latest)
    }

    /// Where the id says; before everything there is when it is another log's, or no id.
    pub(super) fn after(id: &str, log: &EventLog) -> Place {
        let earliest = Place::at(log, Position::Earliest);
        let latest = Place::latest(log);
        match Place::parse(id) {
            Some(place)
                if place.log == latest.log
                    && place.next.len() == latest.next.len()
                    && place.next.iter().zip(&latest.next).all(|(next, latest)| next <= latest) =>
            {
                place
            }
            _ => earliest,
        }
    }

    fn at(log: &EventLog, position: Position) -> Place {
        let next = |partition| log.locate(partition, position).unwrap_or_default();
        Place {
            log: log.created().timestamp_micros(),
            next: (0..log.partitions()).map(next).collect(),
        }
    }

    fn parse(id: &str) -> Option<Place> {
        let (log, next) = id.split_once('-')?;
        Some(Place {
            log: log.parse().ok()?,
            next: next.split('.').map(str::parse).collect::<Result<_, _>>().ok()?,
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-", self.log)?;
        for (partition, next) in self.next.iter().enumerate() {
            let dot = if partition == 0 { "" } else { "." };
            write!(f, "{dot}{next}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_known_again_and_what_is_none_is_the_beginning() {
        let log = EventLog::default();
        let place = Place::latest(&log);
        assert_eq!(Place::parse(&place.to_string()), Some(place.clone()));
        assert_eq!(Place::after(&place.to_string(), &log), place);
        let earliest = Place::at(&log, Position::Earliest);
        for id in ["", "x", "1-", "1-0.0.0.0", "-1-0", "1-0.0.0.99999999999999999999"] {
            assert_eq!(Place::after(id, &log), earliest, "{id}");
        }
    }
}
