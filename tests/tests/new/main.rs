//! Projects that `setpoint new` makes: each builds with its own commands, passes its own tests, and does in its sandbox
//! what those in all other languages do.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, helpers too"
)]

mod behaviour;
mod instance;
mod made;
mod model;

use made::Made;
use setpoint::template::Language;

/// For each language: its project keeps its promises.
macro_rules! languages {
    ($($name:ident: $language:expr,)*) => {
        $(mod $name {
            use super::*;

            #[test]
            fn passes_its_own_tests() {
                Made::of($language).test();
            }

            #[test]
            fn does_what_the_others_do() {
                let made = Made::of($language);
                behaviour::check(&made.guest());
                instance::check(&made.guest());
            }

            #[test]
            fn keeps_every_rule_of_its_model() {
                model::check(&Made::of($language));
            }
        })*

        /// A language that is not among them would not be tested.
        #[test]
        fn all_languages_are_there() {
            assert_eq!([$($language),*], Language::ALL);
        }
    };
}

languages! {
    rust: Language::Rust,
    python: Language::Python,
    js: Language::JavaScript,
    c: Language::C,
}

#[test]
fn each_goes_on_where_one_in_another_language_was() {
    let guests: Vec<_> = Language::ALL
        .into_iter()
        .map(|language| Made::of(language).guest())
        .collect();
    behaviour::check_relay(&guests);
}
