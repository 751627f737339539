//! What is expected where time cannot be told exactly: on a stage in real time, everything comes a little later than the
//! scenario says, and so the times in it differ too.

use std::time::Duration;

use serde_json::Value;

use super::bound::Bound;
use super::expected::Expected;
use super::moment::wall;
use super::script::{Step, Wanted};

/// The same steps, with every time among the expected values accepted when it is at most `slack` off. What stands in
/// `equals`, `not` and the like stays as it is.
pub(super) fn loosened(steps: &[Step], slack: Duration) -> Vec<Step> {
    let mut steps = steps.to_vec();
    let expectations = steps.iter_mut().flat_map(|step| &mut step.expect);
    for expectation in expectations {
        if let Wanted::Something { parts, .. } = &mut expectation.wanted {
            parts.iter_mut().for_each(|(_, expected)| loosen(expected, slack));
        }
    }
    steps
}

fn loosen(expected: &mut Expected, slack: Duration) {
    match expected {
        Expected::Value(Value::String(text)) => {
            if let Ok(time) = wall(text) {
                *expected = Expected::Bound(Bound::AboutTime(time, slack));
            }
        }
        Expected::Object(members) => members.iter_mut().for_each(|(_, member)| loosen(member, slack)),
        Expected::List(elements) | Expected::Bound(Bound::OneOf(elements)) => {
            elements.iter_mut().for_each(|element| loosen(element, slack));
        }
        Expected::Paths(paths) => paths.iter_mut().for_each(|(_, expected)| loosen(expected, slack)),
        Expected::Value(_) | Expected::Bound(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;

    #[test]
    fn times_become_about_and_everything_else_stays() {
        let text = r#"
steps:
  - expect:
      - telemetry:
          $.at: 2024-01-01T01:00:00+01:00
          $.choice: { oneOf: [never, 2024-01-01T00:00:00.5Z] }
          $.list: [1, 2024-01-01T00:00:00Z, "2024"]
          $.object: { at: 2024-01-01T00:00:00Z }
      - telemetry: { not: 2024-01-01T00:00:00Z }
      - telemetry: { equals: 2024-01-01T00:00:00Z }
      - nothing: log
"#;
        let scenario = Scenario::parse("s.yaml", text).unwrap();
        let steps = loosened(&scenario.steps, Duration::from_secs(5));
        let wanted = steps[0].expect.iter().map(|expectation| expectation.wanted.to_string());
        assert_eq!(
            wanted.collect::<Vec<_>>(),
            [
                "telemetry $.at: 2024-01-01T00:00:00Z ± 5s, $.choice: one of \"never\", 2024-01-01T00:00:00.500Z ± 5s, \
                 $.list: [1,2024-01-01T00:00:00Z ± 5s,\"2024\"], $.object: {\"at\":2024-01-01T00:00:00Z ± 5s}",
                "telemetry anything but \"2024-01-01T00:00:00Z\"",
                "telemetry \"2024-01-01T00:00:00Z\"",
                "no log",
            ]
        );
    }
}
