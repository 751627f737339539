//! What is said of devices that do not get through: the first one at once, then all of them in a line now and then.

/// Shortest and longest time between two lines, in seconds. The longer nothing changes, the seldomer it is said.
const PAUSE: f64 = 10.0;
const LONGEST: f64 = 600.0;

/// Says how many are out, not too often.
#[derive(Debug)]
pub(super) struct Outage {
    devices: u64,
    /// When the last line was said, and of how many; 0: that it is over.
    said: Option<(f64, u64)>,
    pause: f64,
}

impl Outage {
    /// Of so many devices.
    pub(super) fn new(devices: u64) -> Self {
        Self {
            devices,
            said: None,
            pause: PAUSE,
        }
    }

    /// What is to be said now, `at` seconds after the start, when `out` devices do not get through; `latest` is one of them and
    /// what it met.
    pub(super) fn line(&mut self, at: f64, out: u64, latest: Option<&(String, String)>) -> Option<String> {
        let (since, before) = match self.said {
            Some((time, count)) => (at - time, count),
            None => (f64::INFINITY, 0),
        };
        let unchanged = out == before;
        if since < if unchanged { self.pause } else { PAUSE } || (unchanged && out == 0) {
            return None;
        }
        self.pause = if unchanged {
            (self.pause * 2.0).min(LONGEST)
        } else {
            PAUSE
        };
        self.said = Some((at, out));
        Some(match (out, latest) {
            (0, _) => "every device that was started gets through again".to_owned(),
            (1, Some((device, error))) => format!("{device} does not get through: {error}"),
            (_, Some((device, error))) if before == 0 => format!(
                "{device} does not get through: {error} ({} of {} devices do not)",
                grouped(out),
                grouped(self.devices)
            ),
            (_, latest) => {
                let most_lately = latest.map(|(device, error)| format!("; most lately {device}: {error}"));
                format!(
                    "{} of {} devices do not get through{}",
                    grouped(out),
                    grouped(self.devices),
                    most_lately.unwrap_or_default()
                )
            }
        })
    }
}

/// In groups of three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_said_at_once_then_all_of_them_each_ten_seconds_and_that_it_is_over() {
        let mut outage = Outage::new(10_000);
        let latest = ("sim-7".to_owned(), "no way".to_owned());
        let mut said = Vec::new();
        for second in 0_u32..60 {
            let out = match second {
                0..3 | 40.. => 0,
                3 => 1,
                _ => 1_000 + u64::from(second),
            };
            let line = outage.line(second.into(), out, Some(&latest));
            said.extend(line.map(|line| (second, line)));
        }
        let expected = [
            (3, "sim-7 does not get through: no way"),
            (
                13,
                "1,013 of 10,000 devices do not get through; most lately sim-7: no way",
            ),
            (
                23,
                "1,023 of 10,000 devices do not get through; most lately sim-7: no way",
            ),
            (
                33,
                "1,033 of 10,000 devices do not get through; most lately sim-7: no way",
            ),
            (43, "every device that was started gets through again"),
        ];
        assert_eq!(said, expected.map(|(second, line)| (second, line.to_owned())));
    }

    #[test]
    fn what_does_not_change_is_said_less_and_less_often_and_flapping_no_oftener() {
        let mut outage = Outage::new(3);
        let mut said = Vec::new();
        for second in 0_u32..3_000 {
            said.extend(outage.line(second.into(), 2, None).map(|_| second));
        }
        assert_eq!(said, [0, 10, 30, 70, 150, 310, 630, 1_230, 1_830, 2_430]);
        let mut outage = Outage::new(3);
        let lines = (0_u32..100).filter_map(|second| outage.line(second.into(), (second % 2).into(), None));
        assert!(lines.count() <= 10);
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(
            [0, 999, 1_000, 1_234_567].map(grouped),
            ["0", "999", "1,000", "1,234,567"]
        );
    }
}
