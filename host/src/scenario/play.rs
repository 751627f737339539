//! Plays a scenario on a stage.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use super::judge::Judge;
use super::loosened::loosened;
use super::outcome::{Failure, Outcome};
use super::script::{Moment, Place, Scenario, Step};
use super::stage::{Stage, StageError};

/// Sets the stage and plays a scenario on it.
pub fn play(scenario: &Scenario, set_stage: impl FnOnce(&Scenario) -> Result<Box<dyn Stage>, StageError>) -> Outcome {
    let began = Instant::now();
    let (failures, started, lasted) = match set_stage(scenario) {
        Ok(mut stage) => {
            let (failures, started) = perform(scenario, stage.as_mut());
            (failures, started, stage.now())
        }
        Err(error) => {
            let place = scenario
                .steps
                .first()
                .map_or(Place { line: 1, column: 1 }, |step| step.place);
            let failure = Failure::because(place, Duration::ZERO, error.to_string());
            (vec![failure], has_started(&error), Duration::ZERO)
        }
    };
    Outcome {
        file: scenario.file.clone(),
        name: scenario.name.clone(),
        failures,
        started,
        took: began.elapsed(),
        lasted,
    }
}

fn has_started(error: &StageError) -> bool {
    !matches!(error, StageError::NotStarted(_))
}

/// What was not as expected, and whether the guest started.
fn perform(scenario: &Scenario, stage: &mut dyn Stage) -> (Vec<Failure>, bool) {
    let slack = stage.slack();
    let steps = match slack.is_zero() {
        true => Cow::Borrowed(&scenario.steps),
        false => Cow::Owned(loosened(&scenario.steps, slack)),
    };
    let mut judge = Judge::new(slack);
    if refused(scenario, stage, &mut judge) {
        return (judge.into_failures(), true);
    }
    for step in steps.iter() {
        if let Err(error) = perform_step(step, stage, &mut judge) {
            judge.fail(Failure::because(step.place, stage.now(), error.to_string()));
            return (judge.into_failures(), has_started(&error));
        }
        judge.end_step(step, scenario.strict);
    }
    (judge.into_failures(), true)
}

/// Before any time is spent: whether there is a step that this stage cannot do.
fn refused(scenario: &Scenario, stage: &dyn Stage, judge: &mut Judge<'_>) -> bool {
    let mut any = false;
    for step in &scenario.steps {
        let refusal = step.action.as_ref().and_then(|action| stage.refusal(action));
        if let Some(reason) = refusal {
            any = true;
            judge.fail(Failure::because(step.place, Duration::ZERO, reason));
        }
    }
    any
}

fn perform_step<'a>(step: &'a Step, stage: &mut dyn Stage, judge: &mut Judge<'a>) -> Result<(), StageError> {
    let at = match step.moment {
        Moment::At(at) => at.max(stage.now()),
        Moment::After(pause) => stage.now().saturating_add(pause),
    };
    pass(stage, at, judge)?;
    if let Some(action) = &step.action {
        stage.act(action)?;
    }
    judge.begin(step, at);
    if step.expect.is_empty() {
        return pass(stage, at, judge);
    }
    while let Some(until) = judge.undecided_until() {
        let happenings = stage.wait(until)?;
        let reached = happenings.is_empty().then_some(until);
        judge.record(happenings);
        judge.look(reached);
    }
    Ok(())
}

/// Lets time pass, and everything that is to happen up to then.
fn pass(stage: &mut dyn Stage, until: Duration, judge: &mut Judge<'_>) -> Result<(), StageError> {
    loop {
        let happenings = stage.wait(until)?;
        if happenings.is_empty() {
            return Ok(());
        }
        judge.record(happenings);
    }
}

#[cfg(test)]
#[path = "play_tests.rs"]
mod tests;
