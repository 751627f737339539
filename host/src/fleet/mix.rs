//! Which guest a device of a fleet runs.

use std::path::PathBuf;
use std::str::FromStr;

/// Largest sum of weights: as fine as anybody needs, and small enough that every guest is among the first devices.
const MOST: u64 = 10_000;

/// Guests and their weights: `a.wasm=80,b.wasm=20`. A guest without a weight has weight 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mix<G = PathBuf> {
    parts: Vec<(G, u64)>,
    total: u64,
    /// How far apart in the sum of weights two devices with neighbouring numbers are; has no divisor in common with it.
    stride: u64,
}

/// Why a text is no mix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no mix of guests: {1}; write it as a.wasm=80,b.wasm=20")]
pub struct MixError(String, &'static str);

impl FromStr for Mix {
    type Err = MixError;

    fn from_str(text: &str) -> Result<Self, MixError> {
        let wrong = |why| MixError(text.to_owned(), why);
        let part = |part: &str| {
            let (path, weight) = match part.rsplit_once('=') {
                Some((path, weight)) => (path, weight.parse().map_err(|_| wrong("a weight is a whole number"))?),
                None => (part, 1),
            };
            if path.is_empty() {
                return Err(wrong("a guest has no name"));
            }
            Ok((PathBuf::from(path), weight))
        };
        let parts = text.split(',').map(part).collect::<Result<Vec<_>, _>>()?;
        Self::new(parts).ok_or_else(|| wrong("the weights are not between 1 and 10000 in all"))
    }
}

impl<G> Mix<G> {
    /// One guest for all.
    pub fn only(guest: G) -> Self {
        Self {
            parts: vec![(guest, 1)],
            total: 1,
            stride: 1,
        }
    }

    /// None when the weights are nothing in all, or more than 10,000. They are divided by what divides them all.
    pub fn new(mut parts: Vec<(G, u64)>) -> Option<Self> {
        let common = parts
            .iter()
            .fold(0, |common, (_, weight)| common_divisor(common, *weight));
        let sum = parts
            .iter()
            .try_fold(0_u64, |sum, (_, weight)| sum.checked_add(*weight));
        let total = sum?.checked_div(common)?;
        if total > MOST {
            return None;
        }
        for (_, weight) in &mut parts {
            *weight /= common;
        }
        Some(Self {
            parts,
            total,
            stride: stride(total),
        })
    }

    /// The same with what `make` makes of each guest.
    ///
    /// # Errors
    /// The first of `make`'s.
    pub fn try_map<H, E>(self, mut make: impl FnMut(G) -> Result<H, E>) -> Result<Mix<H>, E> {
        let parts = self.parts.into_iter().map(|(guest, weight)| Ok((make(guest)?, weight)));
        Ok(Mix {
            parts: parts.collect::<Result<_, E>>()?,
            total: self.total,
            stride: self.stride,
        })
    }

    /// The guests, in the order in which they were named.
    pub fn guests(&self) -> impl Iterator<Item = &G> {
        self.parts.iter().map(|(guest, _)| guest)
    }

    /// The place among [`Mix::guests`] of the guest that the device with this number runs: always the same, in whatever process.
    /// Of any run of numbers as long as the sum of the weights, each guest has exactly its weight, and they are well mixed.
    pub fn place(&self, number: u64) -> usize {
        let total = u128::from(self.total);
        let mut at = u64::try_from(u128::from(number) * u128::from(self.stride) % total).unwrap_or(0);
        for (place, (_, weight)) in self.parts.iter().enumerate() {
            match at.checked_sub(*weight) {
                Some(rest) => at = rest,
                None => return place,
            }
        }
        0
    }
}

/// The number next to the golden section of `total` that has no divisor in common with it: multiples of it fall evenly.
fn stride(total: u64) -> u64 {
    let golden = total * 618 / 1_000;
    (golden..=golden + total)
        .find(|stride| common_divisor(*stride, total) == 1)
        .unwrap_or(1)
}

fn common_divisor(one: u64, other: u64) -> u64 {
    match other {
        0 => one,
        other => common_divisor(other, one % other),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_mix_is_read_with_its_weights() {
        let mix: Mix = "a.wasm=80,b=x.wasm=20,c.wasm=100".parse().unwrap();
        let names: Vec<_> = mix.guests().map(|path| path.to_str().unwrap()).collect();
        assert_eq!(names, ["a.wasm", "b=x.wasm", "c.wasm"]);
        assert_eq!(
            mix.parts.iter().map(|(_, weight)| *weight).collect::<Vec<_>>(),
            [4, 1, 5]
        );
        assert_eq!("a.wasm,b.wasm".parse::<Mix>().unwrap().total, 2);
    }

    #[test]
    fn what_is_no_mix_is_refused() {
        for text in ["", "a=", "=1", "a=1,", "a=-1", "a=x", "a=0", "a=0,b=0", "a=10000,b=1"] {
            assert!(text.parse::<Mix>().is_err(), "{text}");
        }
    }

    #[test]
    fn guests_are_mixed_and_not_in_blocks() {
        let mix = Mix::new(vec![("good", 90), ("bad", 10)]).unwrap();
        let bad: Vec<_> = (0..30).filter(|number| mix.place(*number) == 1).collect();
        assert_eq!(bad.len(), 3);
        let half = Mix::new(vec![("a", 50), ("b", 50)]).unwrap();
        assert_ne!(half.place(1), half.place(2));
    }

    proptest! {
        /// Whatever run of numbers a shard has, each guest has its share of it.
        #[test]
        fn every_run_has_each_guest_by_its_weight(weights in prop::collection::vec(0..40_u64, 1..6), from in any::<u32>()) {
            let parts: Vec<_> = weights.iter().enumerate().map(|(place, weight)| (place, *weight)).collect();
            let Some(mix) = Mix::new(parts) else {
                prop_assert!(weights.iter().all(|weight| *weight == 0));
                return Ok(());
            };
            let mut counts = vec![0; weights.len()];
            let from = u64::from(from);
            for number in from..from + mix.total {
                counts[mix.place(number)] += 1;
            }
            let wanted: Vec<_> = mix.parts.iter().map(|(_, weight)| *weight).collect();
            prop_assert_eq!(counts, wanted);
        }
    }
}
