//! Text of guests and clouds, as a terminal may be shown it.

/// Without control characters, which a terminal would obey: each is shown as its escape, `\u{1b}`.
pub fn printable(text: &str) -> String {
    let shown = |character: char| match character.is_control() {
        true => character.escape_unicode().to_string(),
        false => character.to_string(),
    };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown_and_all_else_is_left() {
        assert_eq!(printable("21 °C \u{1b}[2J\u{9b}x"), "21 °C \\u{1b}[2J\\u{9b}x");
    }
}
