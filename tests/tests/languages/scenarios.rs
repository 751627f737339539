//! guest/thermostat/scenarios: every thermostat passes each of them, and all do the same meanwhile.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use serde_json::json;
use setpoint::scenario::{Action, Happening, Scenario, Stage, StageError, VirtualStage, What, play, report};

use crate::{Language, common, languages};

fn scenarios() -> Vec<Scenario> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../guest/thermostat/scenarios");
    let files = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| Scenario::open(file).unwrap()).collect()
}

/// The stage in virtual time, and a copy of all that happens on it.
struct Recorded {
    stage: VirtualStage,
    record: Rc<RefCell<Vec<Happening>>>,
}

impl Stage for Recorded {
    fn refusal(&self, action: &Action) -> Option<String> {
        self.stage.refusal(action)
    }

    fn act(&mut self, action: &Action) -> Result<(), StageError> {
        self.stage.act(action)
    }

    fn wait(&mut self, until: Duration) -> Result<Vec<Happening>, StageError> {
        let happenings = self.stage.wait(until)?;
        let comparable = happenings.iter().cloned().map(comparable);
        self.record.borrow_mut().extend(comparable);
        Ok(happenings)
    }

    fn now(&self) -> Duration {
        self.stage.now()
    }

    fn slack(&self) -> Duration {
        self.stage.slack()
    }
}

/// Without a library's own words.
fn comparable(mut happening: Happening) -> Happening {
    match &mut happening.what {
        What::Response { payload, .. } => {
            if let Some(message) = payload.get_mut("message") {
                *message = json!(common(message.as_str().unwrap()));
            }
        }
        What::Log { message, .. } => *message = common(message).to_owned(),
        What::Telemetry { .. } | What::Report { .. } | What::Acknowledgement { .. } => {}
    }
    happening
}

/// All that the thermostat in this language does, which is all that the scenario expects.
fn played(scenario: &Scenario, language: &Language) -> Vec<Happening> {
    let record = Rc::default();
    let outcome = play(scenario, |scenario| {
        let stage = VirtualStage::set(&language.program, scenario, &BTreeMap::new())?;
        let record = Rc::clone(&record);
        Ok(Box::new(Recorded { stage, record }))
    });
    let mut words = Vec::new();
    report::one(&outcome, &mut words).unwrap();
    assert!(
        outcome.passed(),
        "{}:\n{}",
        language.name(),
        String::from_utf8_lossy(&words)
    );
    record.take()
}

#[test]
fn all_pass_the_same_scenarios_with_the_same_results() {
    let scenarios = scenarios();
    assert!(!scenarios.is_empty());
    let (rust, foreign) = languages();
    for scenario in &scenarios {
        let expected = played(scenario, rust);
        assert!(!expected.is_empty(), "{}: the device does nothing", scenario.file);
        for language in foreign {
            let got = played(scenario, language);
            let (name, file) = (language.name(), &scenario.file);
            for (expected, got) in expected.iter().zip(&got) {
                assert_eq!(expected, got, "{name}, {file}");
            }
            assert_eq!(expected.len(), got.len(), "{name}, {file}");
        }
    }
}
