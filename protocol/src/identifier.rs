//! Which names Azure IoT accepts.

/// The longest registration and device id, in characters.
pub const LONGEST_ID: usize = 128;

/// Whether DPS accepts `text` as a registration id: up to 128 letters, digits, `-`, `.`, `_` and `:`, the last one a
/// letter, a digit or `-`. DPS compares registration ids without regard to case.
///
/// Source: Microsoft, "DPS terminology", registration id.
pub fn is_registration_id(text: &str) -> bool {
    is_short_enough(text)
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte))
        && text
            .bytes()
            .last()
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Whether IoT Hub accepts `text` as a device or module id: up to 128 ASCII letters, digits and
/// `- . % _ * ? ! ( ) , : = @ $ '`. IoT Hub compares device ids with regard to case.
///
/// Source: Microsoft, "Understand the identity registry in your IoT hub", device identity properties.
pub fn is_device_id(text: &str) -> bool {
    is_short_enough(text)
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-.%_*?!(),:=@$'".contains(&byte))
}

fn is_short_enough(text: &str) -> bool {
    (1..=LONGEST_ID).contains(&text.len())
}

/// Whether `text` may name an application property of a message: ASCII letters, digits and
/// ``! # $ % & ' * + - . ^ _ ` | ~``.
///
/// Source: Microsoft, "Create and read IoT Hub messages". A name that begins with `$` is the system's.
pub fn is_property_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// The longest model id, in characters.
pub const LONGEST_DTMI: usize = 2048;

/// Whether `text` is a digital twin model identifier with a version, such as `dtmi:com:example:Thermostat;1`.
///
/// Source: DTDL v2, "Digital Twin Model Identifier": segments begin with a letter or `_`, hold letters, digits and `_` and do
/// not end with `_`; the version has one to nine digits and does not begin with 0.
pub fn is_dtmi(text: &str) -> bool {
    let Some((path, version)) = text.strip_prefix("dtmi:").and_then(|rest| rest.split_once(';')) else {
        return false;
    };
    text.len() <= LONGEST_DTMI && path.split(':').all(is_dtmi_segment) && is_dtmi_version(version)
}

fn is_dtmi_segment(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !text.ends_with('_')
}

fn is_dtmi_version(text: &str) -> bool {
    (1..=9).contains(&text.len()) && !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registration_ids() {
        assert!(is_registration_id("my-pnp-device"));
        assert!(is_registration_id("SN.007_a1-"));
        assert!(is_registration_id(&"a".repeat(128)));
        for bad in ["", "ends.", "a b", "ü", "a/b", "a+"] {
            assert!(!is_registration_id(bad), "{bad:?}");
        }
        assert!(!is_registration_id(&"a".repeat(129)));
    }

    #[test]
    fn device_ids() {
        assert!(is_device_id("my-pnp-device"));
        assert!(is_device_id("-.%_*?!(),:=@$'"));
        for bad in ["", "a/b", "a b", "ü", "a&b", "a+b", "a#"] {
            assert!(!is_device_id(bad), "{bad:?}");
        }
        assert!(!is_device_id(&"a".repeat(129)));
    }

    #[test]
    fn property_names() {
        assert!(is_property_name("iothub-correlation.id"));
        for bad in ["", "a b", "a=b", "a/b", "ü"] {
            assert!(!is_property_name(bad), "{bad:?}");
        }
    }

    #[test]
    fn model_ids() {
        assert!(is_dtmi("dtmi:com:example:Thermostat;1"));
        assert!(is_dtmi("dtmi:com:example:TemperatureController;2"));
        for bad in [
            "",
            "dtmi:com:example:Thermostat",
            "dtmi:com:example:Thermostat;0",
            "dtmi:com:example:Thermostat;01",
            "dtmi:com:example:Thermostat;1234567890",
            "dtmi:com:example:Thermostat;1;2",
            "dtmi:com::Thermostat;1",
            "dtmi:com:1example;1",
            "dtmi:com:example_;1",
            "com:example:Thermostat;1",
        ] {
            assert!(!is_dtmi(bad), "{bad:?}");
        }
    }
}
