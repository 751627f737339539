//! docs/scenarios.md: every scenario in it is played, and what it shows as the output is the output.

use std::time::Duration;

use setpoint::sandbox::THERMOSTAT;
use setpoint::scenario::Scenario;
use setpoint_tests::TEMPERATURE_CONTROLLER;

use crate::{in_virtual_time, program, repository, words};

/// A block of code: its language, with what stands behind it, and its lines.
struct Block {
    info: String,
    text: String,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for line in page.lines() {
        match (line.strip_prefix("```"), open.take()) {
            (Some(info), None) => {
                open = Some(Block {
                    info: info.to_owned(),
                    text: String::new(),
                });
            }
            (Some(_), Some(block)) => blocks.push(block),
            (None, Some(mut block)) => {
                block.text += line;
                block.text.push('\n');
                open = Some(block);
            }
            (None, None) => {}
        }
    }
    blocks
}

#[test]
fn every_example_is_played() {
    let page = std::fs::read_to_string(repository("docs/scenarios.md")).unwrap();
    let thermostat = program("thermostat", THERMOSTAT);
    let controller = program("temperature-controller", TEMPERATURE_CONTROLLER);
    let (mut passed, mut failed) = (0, 0);
    let blocks = blocks(&page);
    for (index, block) in blocks.iter().enumerate() {
        let guest = match block.info.as_str() {
            "yaml" => &thermostat,
            "yaml temperature-controller" => &controller,
            other => {
                assert!(!other.starts_with("yaml"), "{other}: no such guest");
                continue;
            }
        };
        let scenario = Scenario::parse("warm.yaml", &block.text).unwrap_or_else(|error| panic!("{error}"));
        let mut outcome = in_virtual_time(guest, &scenario);
        outcome.took = Duration::ZERO;
        match blocks.get(index + 1).filter(|next| next.info == "text") {
            Some(shown) => {
                assert_eq!(words(&outcome), shown.text);
                failed += 1;
            }
            None => {
                assert!(outcome.passed(), "{}", words(&outcome));
                passed += 1;
            }
        }
    }
    assert!(passed >= 4 && failed == 1, "{passed} passed, {failed} failed");
}
