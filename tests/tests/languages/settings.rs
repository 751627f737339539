//! What the operator may set.

use setpoint::effect::{Effect, StartReason};

use crate::instance::Instance;
use crate::{Language, languages};

const SETTINGS: [(&str, &[&str]); 2] = [
    (
        "interval",
        &[
            "8",
            "0.25",
            " 86400 ",
            "\t1\n",
            "86400.0000000001",
            "1e-3",
            "1.0005",
            "0.0000001",
            "1e-9",
            "0.0000000005",
            "1e-10",
            "4e-10",
            "5e-10",
            "6e-10",
            "0.001000000499",
            "+8",
            "8.",
            ".5",
            "8e0",
            "8E+1",
            "1e4",
            "007",
            "86400.5",
            "0",
            "-0",
            "-1",
            "1e5",
            "1e300",
            "1e400",
            "1e-400",
            "",
            " ",
            "nan",
            "inf",
            "-inf",
            "Infinity",
            "eight",
            "8s",
            "8,5",
            "1_000",
            "0x8",
            "8\u{a0}",
            "\u{85}8",
            "\u{feff}8",
            "\u{1c}8",
            "\u{3000}8\u{2003}",
            "٨",
            "8 8",
            "--8",
            "e5",
            ".",
            "say \"hi\" \\ \u{7f}é",
        ],
    ),
    (
        "window",
        &[
            "1",
            "450",
            " 100000 ",
            "+5",
            "007",
            "0000000000000000000000000000000005",
            "100001",
            "0",
            "-0",
            "-1",
            "1.5",
            "5.0",
            "1e2",
            "",
            " ",
            "many",
            "18446744073709551616",
            "1_000",
            "\u{a0}5",
            "\u{feff}5",
            "٥",
            "0x5",
            "+",
            "++5",
            "say \"hi\" \\ \u{7f}é",
        ],
    ),
];

/// What the thermostat does at its start with this setting, or why it does not start.
fn start(language: &Language, key: &str, value: &str) -> Result<Vec<Effect>, String> {
    let started = Instance::start(language, &[(key, value)], StartReason::PowerOn, None);
    started.map(|mut instance| instance.effects())
}

#[test]
fn are_taken_or_refused_alike_in_every_language() {
    let (rust, foreign) = languages();
    for (key, values) in SETTINGS {
        for value in values {
            let expected = start(rust, key, value);
            for language in foreign {
                assert_eq!(
                    start(language, key, value),
                    expected,
                    "{}: {key} = {value:?}",
                    language.name()
                );
            }
        }
    }
}
