//! URL encoding as the SDKs do it: everything but RFC 3986's unreserved characters becomes `%XX`.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::fmt::Display;

/// What is encoded. This is `urllib.parse.quote(text, safe="")` of the Python SDK, so `$` becomes `%24`, space `%20`;
/// MQTT's wildcards and level separator are encoded too, which keeps a value inside its topic level.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Characters that device ids and method names may hold and that mean nothing in a topic. They stay as they are: of the
/// SDKs only Python's decodes a method's name, and a component's command has a `*` in it.
const LEVEL: &AsciiSet = &RESERVED
    .remove(b'*')
    .remove(b'!')
    .remove(b'(')
    .remove(b')')
    .remove(b',')
    .remove(b':')
    .remove(b'=')
    .remove(b'@')
    .remove(b'$')
    .remove(b'\'');

/// `text` as one level of a topic.
pub(crate) fn encode_level(text: &str) -> impl Display + '_ {
    utf8_percent_encode(text, LEVEL)
}

/// `text` encoded.
pub(crate) fn encode(text: &str) -> impl Display + '_ {
    utf8_percent_encode(text, RESERVED)
}

/// `text` decoded, or nothing when a `%` is not followed by two hex digits or the result is not UTF-8.
pub(crate) fn decode(text: &str) -> Option<String> {
    if text
        .split('%')
        .skip(1)
        .any(|escape| !starts_with_two_hex_digits(escape))
    {
        return None;
    }
    percent_decode_str(text).decode_utf8().ok().map(Into::into)
}

fn starts_with_two_hex_digits(text: &str) -> bool {
    text.as_bytes()
        .first_chunk::<2>()
        .is_some_and(|pair| pair.iter().all(u8::is_ascii_hexdigit))
}

/// The `name=value` pairs of `text`, encoded as they stand; a name without `=` has no value.
pub(crate) fn pairs(text: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| match pair.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (pair, None),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn encodes_as_python_does() {
        assert_eq!(
            encode("$.ct=application/json +#ü~").to_string(),
            "%24.ct%3Dapplication%2Fjson%20%2B%23%C3%BC~"
        );
    }

    #[test]
    fn a_lone_percent_sign_does_not_decode() {
        assert_eq!(decode("100%"), None);
        assert_eq!(decode("%g0"), None);
        assert_eq!(decode("%ff"), None, "not UTF-8");
        assert_eq!(decode("a+b%2b"), Some("a+b+".to_owned()), "a plus sign is no space");
    }

    proptest! {
        #[test]
        fn decoding_undoes_encoding(text in any::<String>()) {
            prop_assert_eq!(decode(&encode(&text).to_string()), Some(text.clone()));
            let level = encode_level(&text).to_string();
            prop_assert!(!level.contains(['/', '?', '+', '#', '\0']), "{}", level);
            prop_assert_eq!(decode(&level), Some(text));
        }

        #[test]
        fn no_text_makes_decoding_panic(text in any::<String>()) {
            let _ = decode(&text);
            let _ = pairs(&text).count();
        }
    }
}
