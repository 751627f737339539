//! `--throttle`: which of the hub's throttles are on.

use std::str::FromStr;

use setpoint_emulator::state::{Throttle, Throttles, UnknownThrottle};

/// One word of the option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    /// All, as tier S1 with one unit has them.
    S1,
    /// One of them, at the same rate.
    One(Throttle),
}

impl FromStr for Limit {
    type Err = UnknownThrottle;

    fn from_str(word: &str) -> Result<Limit, UnknownThrottle> {
        match word {
            "s1" => Ok(Limit::S1),
            _ => word.parse().map(Limit::One),
        }
    }
}

/// Turns on what was asked for.
pub(super) fn apply(limits: &[Limit], throttles: &Throttles) {
    for limit in limits {
        match limit {
            Limit::S1 => Throttle::ALL
                .iter()
                .for_each(|throttle| throttles.set(*throttle, Some(throttle.s1_rate()))),
            Limit::One(throttle) => throttles.set(*throttle, Some(throttle.s1_rate())),
        }
    }
}

#[cfg(test)]
mod tests {
    use setpoint_emulator::state::Admission;

    use super::*;

    #[test]
    fn s1_is_all_of_them_and_a_name_is_one() {
        assert_eq!("s1".parse(), Ok(Limit::S1));
        assert_eq!("sends".parse(), Ok(Limit::One(Throttle::Sends)));
        assert!("f1".parse::<Limit>().is_err());
        let throttles = Throttles::default();
        apply(&[Limit::One(Throttle::Sends)], &throttles);
        assert_eq!(throttles.admit(Throttle::Sends, 1_000_000), Admission::Refused);
        assert_ne!(throttles.admit(Throttle::Connects, 1_000_000), Admission::Refused);
        apply(&[Limit::S1], &throttles);
        for throttle in Throttle::ALL {
            assert_eq!(throttles.admit(throttle, 1_000_000), Admission::Refused, "{throttle}");
        }
    }
}
