//! Which throttles are asked for, as people write it.

use std::str::FromStr;

use super::{Throttle, Throttles, UnknownThrottle};

/// One word of what is asked for, on the command line and in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// `s1`: all, as tier S1 with one unit has them.
    S1,
    /// One of them by its name, at the same rate.
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

impl Throttles {
    /// Turns on what is asked for; those that are on stay so.
    pub fn turn_on(&self, limits: &[Limit]) {
        for limit in limits {
            let throttles = match limit {
                Limit::S1 => &Throttle::ALL[..],
                Limit::One(throttle) => std::slice::from_ref(throttle),
            };
            for throttle in throttles {
                self.set(*throttle, Some(throttle.s1_rate()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Admission;

    #[test]
    fn s1_is_all_of_them_and_a_name_is_one() {
        assert_eq!("s1".parse(), Ok(Limit::S1));
        assert_eq!("sends".parse(), Ok(Limit::One(Throttle::Sends)));
        assert!("f1".parse::<Limit>().is_err());
        let throttles = Throttles::default();
        throttles.turn_on(&[Limit::One(Throttle::Sends)]);
        assert_eq!(throttles.admit(Throttle::Sends, 1_000_000), Admission::Refused);
        assert_ne!(throttles.admit(Throttle::Connects, 1_000_000), Admission::Refused);
        throttles.turn_on(&[Limit::S1]);
        for throttle in Throttle::ALL {
            assert_eq!(throttles.admit(throttle, 1_000_000), Admission::Refused, "{throttle}");
        }
    }
}
