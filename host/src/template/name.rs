//! What a project is called, and what else is called after it.

use super::Language;

/// Long enough for anybody, and leaves room for the rest of a model's identifier, which has at most 128 characters.
const LONGEST: usize = 64;

/// A name that a project in some language may have: words in lower case between single `-` or `_`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name(String);

/// Why a project cannot have a name.
#[derive(Debug, thiserror::Error)]
pub enum NameError {
    /// It is not made as names are.
    #[error(
        "{0:?} is no name for a project: give words of the letters a to z and digits, joined by - or _, the first \
         character a letter, {LONGEST} characters at most, such as my-device"
    )]
    Malformed(String),
    /// The name means something in the language, or to its tools.
    #[error(
        "{name:?} cannot be the name of a project in {language}, where it means something else; give another, such as \
         my-{name}"
    )]
    Reserved {
        /// The name.
        name: String,
        /// The language.
        language: Language,
    },
}

impl Name {
    /// Checks a name for a project in this language.
    ///
    /// # Errors
    /// [`NameError`], which says the rule.
    pub(super) fn parse(name: &str, language: Language) -> Result<Self, NameError> {
        let is_word = |word: &str| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        let begins_well = name.starts_with(|first: char| first.is_ascii_lowercase());
        if name.len() > LONGEST || !begins_well || !name.split(['-', '_']).all(is_word) {
            return Err(NameError::Malformed(name.to_owned()));
        }
        let parsed = Self(name.to_owned());
        match language.reserved().contains(&parsed.module().as_str()) {
            true => Err(NameError::Reserved {
                name: parsed.0,
                language,
            }),
            false => Ok(parsed),
        }
    }

    /// `my-device`, as it was given.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// `my_device`
    pub(super) fn module(&self) -> String {
        self.0.replace('-', "_")
    }

    /// `MyDevice`
    pub(super) fn type_name(&self) -> String {
        let mut upper = true;
        let mut type_name = String::new();
        for character in self.0.chars() {
            match character {
                '-' | '_' => upper = true,
                _ if std::mem::take(&mut upper) => type_name.push(character.to_ascii_uppercase()),
                _ => type_name.push(character),
            }
        }
        type_name
    }

    /// `dtmi:com:example:MyDevice;1`
    pub(super) fn model_id(&self) -> String {
        format!("dtmi:com:example:{};1", self.type_name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(name: &str, language: Language) -> String {
        let refused = Name::parse(name, language).err();
        refused.unwrap_or_else(|| panic!("{name:?} was taken")).to_string()
    }

    #[test]
    fn a_name_gives_its_name_to_other_things() {
        let name = Name::parse("my-2nd_device", Language::Rust).unwrap();
        assert_eq!(name.module(), "my_2nd_device");
        assert_eq!(name.type_name(), "My2ndDevice");
        assert_eq!(name.model_id(), "dtmi:com:example:My2ndDevice;1");
    }

    #[test]
    fn names_are_words_in_lower_case() {
        let long = "x".repeat(65);
        for name in [
            "",
            "-",
            "2nd",
            "_a",
            "a-",
            "a--b",
            "a-_b",
            "My",
            "my device",
            "häuschen",
            "a.b",
            "../a",
            "a/b",
            &long,
        ] {
            for language in Language::ALL {
                let refusal = refusal(name, language);
                assert!(
                    refusal.contains("such as my-device") && !refusal.contains('\n'),
                    "{refusal}"
                );
            }
        }
    }

    #[test]
    fn what_means_something_in_the_language_is_no_name() {
        for name in ["fn", "self", "proc-macro", "setpoint-guest"] {
            let refusal = refusal(name, Language::Rust);
            assert!(
                refusal.contains("in Rust") && refusal.contains(&format!("such as my-{name}")),
                "{refusal}"
            );
        }
    }

    #[test]
    fn what_a_refusal_proposes_is_taken() {
        for language in Language::ALL {
            for name in language.reserved() {
                Name::parse(&format!("my-{name}"), language).unwrap();
            }
        }
    }
}
