//! What the devices of a fleet are called, and which of them this process runs.

use std::fmt;
use std::str::FromStr;

use setpoint_protocol::identifier::is_registration_id;

/// Most digits a number is padded to; a registration id has 128 characters.
const WIDEST: usize = 20;

/// A device's name, with a place for its number: `sim-{:05}` makes `sim-00001`, `sim-{}` makes `sim-1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    before: String,
    width: usize,
    after: String,
}

/// Why a text is no pattern, or no shard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// There is no place for the number, or more than one.
    #[error("{0:?} has no single place for the device's number; write it as {{}}, or {{:05}} for five digits")]
    Place(String),
    /// What comes of it is no registration id.
    #[error("{0:?} makes {1:?}, which is no registration id: up to 128 letters, digits and - . _ :")]
    Characters(String, String),
    /// Not `I/N`, or `I` is not below `N`.
    #[error("{0:?} is no shard; write I/N with I from 0 to N-1, for example 0/4 for the first of four")]
    Shard(String),
}

impl FromStr for Pattern {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, IdentityError> {
        let no_place = || IdentityError::Place(text.to_owned());
        let (before, rest) = text.split_once('{').ok_or_else(no_place)?;
        let (place, after) = rest.split_once('}').ok_or_else(no_place)?;
        if before.contains('}') || after.contains(['{', '}']) {
            return Err(no_place());
        }
        let width = match place.strip_prefix(":0") {
            None if place.is_empty() => 1,
            None => return Err(no_place()),
            Some(width) => width.parse().map_err(|_| no_place())?,
        };
        if !(1..=WIDEST).contains(&width) {
            return Err(no_place());
        }
        let pattern = Self {
            before: before.to_owned(),
            width,
            after: after.to_owned(),
        };
        // The longest there can be: then every other is a registration id, too.
        let longest = pattern.name(u64::MAX);
        if !is_registration_id(&longest) {
            return Err(IdentityError::Characters(text.to_owned(), longest));
        }
        Ok(pattern)
    }
}

impl Pattern {
    /// The name of the device with this number. Different numbers have different names.
    pub fn name(&self, number: u64) -> String {
        let Self { before, width, after } = self;
        format!("{before}{number:0width$}{after}")
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { before, width, after } = self;
        match width {
            1 => write!(f, "{before}{{}}{after}"),
            width => write!(f, "{before}{{:0{width}}}{after}"),
        }
    }
}

/// One of several processes that run a fleet between them. They need not know of each other: the numbers of each follow from
/// the fleet's size alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: u64,
    of: u64,
}

impl Default for Shard {
    /// The whole fleet.
    fn default() -> Self {
        Self { index: 0, of: 1 }
    }
}

impl FromStr for Shard {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, IdentityError> {
        let parsed = text.split_once('/').and_then(|(index, of)| {
            let (index, of) = (index.parse().ok()?, of.parse().ok()?);
            (index < of).then_some(Self { index, of })
        });
        parsed.ok_or_else(|| IdentityError::Shard(text.to_owned()))
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl Shard {
    /// The numbers of its devices, in a fleet whose devices are numbered from 1 to `devices`: an unbroken run, next to that of
    /// the shard before. The runs differ in length by one at most.
    pub fn numbers(self, devices: u64) -> std::ops::Range<u64> {
        let bound = |index: u64| {
            let product = u128::from(devices) * u128::from(index) / u128::from(self.of.max(1));
            u64::try_from(product).unwrap_or(devices).saturating_add(1)
        };
        bound(self.index)..bound(self.index + 1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_has_its_number_in_its_place() {
        let name = |pattern: &str, number| pattern.parse::<Pattern>().unwrap().name(number);
        assert_eq!(name("sim-{:05}", 42), "sim-00042");
        assert_eq!(name("sim-{:05}", 123_456), "sim-123456");
        assert_eq!(name("{}-of-mine", 7), "7-of-mine");
    }

    #[test]
    fn what_has_no_place_for_a_number_is_refused() {
        for text in [
            "sim", "sim-{", "sim-}{", "{}{}", "{:5}", "{:0}", "{:00}", "{:021}", "{x}",
        ] {
            assert_eq!(
                text.parse::<Pattern>(),
                Err(IdentityError::Place(text.to_owned())),
                "{text}"
            );
        }
        for text in ["a b{}", "s/{}", &format!("{}{{}}", "x".repeat(110))] {
            assert!(
                matches!(text.parse::<Pattern>(), Err(IdentityError::Characters(..))),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_shard_is_refused() {
        for text in ["", "1", "1/", "/2", "2/2", "0/0", "-1/2", "a/b"] {
            assert_eq!(text.parse::<Shard>(), Err(IdentityError::Shard(text.to_owned())));
        }
    }

    proptest! {
        /// However a fleet is divided, every device is run by exactly one process.
        #[test]
        fn shards_are_disjoint_and_leave_nobody_out(devices in 0..5_000_u64, of in 1..60_u64) {
            let mut seen = HashSet::new();
            let (mut least, mut most) = (u64::MAX, 0);
            for index in 0..of {
                let numbers = Shard { index, of }.numbers(devices);
                let count = numbers.end - numbers.start;
                (least, most) = (least.min(count), most.max(count));
                for number in numbers {
                    prop_assert!((1..=devices).contains(&number) && seen.insert(number));
                }
            }
            prop_assert_eq!(seen.len() as u64, devices);
            prop_assert!(most - least <= 1);
        }

        /// Devices of two numbers never share a name.
        #[test]
        fn names_are_different(width in 1..=20_usize, one in any::<u64>(), other in any::<u64>()) {
            let pattern: Pattern = format!("x{{:0{width}}}").parse().unwrap();
            prop_assert_eq!(pattern.name(one) == pattern.name(other), one == other);
        }

        /// A pattern is read as it is written.
        #[test]
        fn a_pattern_is_written_as_it_is_read(before in "[a-z]{0,8}", width in 1..=20_usize, after in "[a-z]{0,8}") {
            let pattern = Pattern { before, width, after };
            prop_assert_eq!(pattern.to_string().parse(), Ok(pattern));
        }

        /// The largest numbers overflow nothing.
        #[test]
        fn the_largest_fleet_is_divided(index in 0..1_000_u64) {
            let numbers = Shard { index, of: 1_000 }.numbers(u64::MAX - 1);
            prop_assert!(numbers.start < numbers.end);
        }
    }
}
