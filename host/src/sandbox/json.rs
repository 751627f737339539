//! Texts of JSON that are passed on as they stand: read to the end, so that what is no JSON is found, and nothing of them kept.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Whether `text` is JSON, as [`serde_json::Value`] would read it, and then whether it is an object.
pub(super) fn is_object(text: &str) -> serde_json::Result<bool> {
    let form: Form = serde_json::from_str(text)?;
    Ok(form == Form::Object)
}

#[derive(PartialEq, Eq)]
enum Form {
    Object,
    Other,
}

/// Unlike [`IgnoredAny`] it is held to the depth and the numbers that a value is held to.
impl<'de> Deserialize<'de> for Form {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Form;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any valid JSON value")
    }

    fn visit_unit<E>(self) -> Result<Form, E> {
        Ok(Form::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Form, E> {
        Ok(Form::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Form, E> {
        Ok(Form::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Form, E> {
        Ok(Form::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Form, E> {
        Ok(Form::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<Form, E> {
        Ok(Form::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Form, A::Error> {
        while elements.next_element::<Form>()?.is_some() {}
        Ok(Form::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Form, A::Error> {
        while members.next_entry::<IgnoredAny, Form>()?.is_some() {}
        Ok(Form::Object)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn says_the_same(text: &str) {
        let value: serde_json::Result<Value> = serde_json::from_str(text);
        let expected = value.map(|value| value.is_object()).map_err(|error| error.to_string());
        assert_eq!(is_object(text).map_err(|error| error.to_string()), expected, "{text}");
    }

    #[test]
    fn it_agrees_with_what_a_value_is_at_the_edges() {
        for text in [
            "",
            "{}",
            " {\"a\": [1, -2, 3.5, null, true, \"x\"]} ",
            "[]",
            "7",
            "-1",
            "null",
            "\"text\"",
            "1e999",
            "{\"a\":1e999}",
            "{\"a\":\"\\ud800\"}",
            "{\"\\ud800\":1}",
            "{\"a\":1,\"a\":2}",
            "{\"a\":1,}",
            "{1:2}",
            "{} x",
            "{\"a\":01}",
            "{\"a\":\"\u{1}\"}",
        ] {
            says_the_same(text);
        }
        for depth in [100, 126, 127, 128, 129, 100_000] {
            says_the_same(&format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth)));
        }
    }

    proptest! {
        #[test]
        fn it_agrees_with_what_a_value_is(text in "[\\[\\]{}\",:0-9eE.+ntrufalse\\\\ud-]{0,24}") {
            says_the_same(&text);
        }

        #[test]
        fn and_of_texts_that_are_nearly_json(cut in any::<prop::sample::Index>(), with in "[\\[\\]{}\",:0-9eE]{0,2}") {
            let mut text = r#"{"a":[1,-2.5e3,null,true,{"b":"c\u00e9"}],"d":{"e":[[],{}]}}"#.to_owned();
            let at = cut.index(text.len());
            text.replace_range(at..=at, &with);
            says_the_same(&text);
        }
    }
}
