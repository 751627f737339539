use super::*;
use crate::properties::PropertyBag;
use proptest::prelude::*;

fn bag(pairs: &[(&str, &str)]) -> PropertyBag {
    pairs.iter().copied().collect()
}

/// Each topic a device publishes on, as the documents and the Python SDK have it.
#[test]
fn what_a_device_publishes() {
    let telemetry = |module_id: Option<&str>, properties| DeviceTopic::Telemetry {
        device_id: "dev-1".to_owned(),
        module_id: module_id.map(str::to_owned),
        properties,
    };
    let rid = || "1f".to_owned();
    let content = bag(&[("$.ct", "application/json"), ("$.ce", "utf-8")]);
    let cases = [
        (
            "devices/dev-1/messages/events/",
            telemetry(None, PropertyBag::default()),
        ),
        (
            "devices/dev-1/messages/events/%24.ct=application%2Fjson&%24.ce=utf-8",
            telemetry(None, content),
        ),
        (
            "devices/dev-1/modules/m/messages/events/a=b",
            telemetry(Some("m"), bag(&[("a", "b")])),
        ),
        ("$iothub/twin/GET/?$rid=1f", DeviceTopic::TwinGet { rid: rid() }),
        (
            "$iothub/twin/PATCH/properties/reported/?$rid=1f",
            DeviceTopic::TwinReport { rid: rid() },
        ),
        (
            "$iothub/methods/res/404/?$rid=1f",
            DeviceTopic::MethodResponse {
                status: 404,
                rid: rid(),
            },
        ),
        (
            "$dps/registrations/PUT/iotdps-register/?$rid=1f",
            DeviceTopic::DpsRegister { rid: rid() },
        ),
        (
            "$dps/registrations/GET/iotdps-get-operationstatus/?$rid=1f&operationId=4.d0a671905ea5b2c8.42d7",
            DeviceTopic::DpsPoll {
                rid: rid(),
                operation_id: "4.d0a671905ea5b2c8.42d7".to_owned(),
            },
        ),
    ];
    for (text, topic) in cases {
        assert_eq!(DeviceTopic::parse(text).as_ref(), Ok(&topic));
        assert_eq!(topic.to_string(), text);
    }
}

/// Each topic the cloud publishes on.
#[test]
fn what_the_cloud_publishes() {
    let rid = || "1f".to_owned();
    let response = |status, version| CloudTopic::TwinResponse {
        status,
        rid: rid(),
        version,
        retry_after: None,
    };
    let throttled = CloudTopic::TwinResponse {
        status: 429,
        rid: rid(),
        version: None,
        retry_after: Some(5),
    };
    let dps = |status, retry_after| CloudTopic::DpsResponse {
        status,
        rid: rid(),
        retry_after,
    };
    let cases = [
        ("$iothub/twin/res/200/?$rid=1f", response(200, None)),
        ("$iothub/twin/res/204/?$rid=1f&$version=4", response(204, Some(4))),
        ("$iothub/twin/res/429/?$rid=1f&retry-after=5", throttled),
        (
            "$iothub/twin/PATCH/properties/desired/?$version=2",
            CloudTopic::Desired { version: 2 },
        ),
        (
            "$iothub/methods/POST/thermostat1*getMaxMinReport/?$rid=1f",
            CloudTopic::Method {
                name: "thermostat1*getMaxMinReport".to_owned(),
                rid: rid(),
            },
        ),
        (
            "devices/dev-1/messages/devicebound/%24.to=%2Fdevices%2Fdev-1&a=b",
            CloudTopic::Message {
                device_id: "dev-1".to_owned(),
                module_id: None,
                properties: bag(&[("$.to", "/devices/dev-1"), ("a", "b")]),
            },
        ),
        ("$dps/registrations/res/202/?$rid=1f&retry-after=3", dps(202, Some(3))),
        ("$dps/registrations/res/401/?$rid=1f", dps(401, None)),
    ];
    for (text, topic) in cases {
        assert_eq!(CloudTopic::parse(text).as_ref(), Ok(&topic));
        assert_eq!(topic.to_string(), text);
    }
}

#[test]
fn what_a_device_subscribes_to() {
    let messages = |module_id: Option<&str>| Filter::Messages {
        device_id: "dev-1".to_owned(),
        module_id: module_id.map(str::to_owned),
    };
    let (device_id, module_id) = ("dev-1".to_owned(), "m".to_owned());
    let inputs = Filter::Inputs {
        device_id: device_id.clone(),
        module_id: module_id.clone(),
    };
    let cases = [
        ("$iothub/twin/res/#", Filter::TwinResponses),
        ("devices/dev-1/modules/m/inputs/#", inputs),
        ("devices/dev-1/modules/m/#", Filter::Module { device_id, module_id }),
        ("$iothub/twin/PATCH/properties/desired/#", Filter::Desired),
        ("$iothub/methods/POST/#", Filter::Methods),
        ("devices/dev-1/messages/devicebound/#", messages(None)),
        ("devices/dev-1/modules/m/messages/devicebound/#", messages(Some("m"))),
        ("$dps/registrations/res/#", Filter::Dps),
    ];
    for (text, filter) in cases {
        assert_eq!(Filter::parse(text).as_ref(), Ok(&filter));
        assert_eq!(filter.to_string(), text);
    }
}

#[test]
fn a_star_in_a_method_name_needs_no_encoding() {
    let topic = CloudTopic::parse("$iothub/methods/POST/thermostat1*getMaxMinReport/?$rid=1").unwrap();
    assert_eq!(
        topic,
        CloudTopic::Method {
            name: "thermostat1*getMaxMinReport".to_owned(),
            rid: "1".to_owned()
        }
    );
}

#[test]
fn parameters_come_in_any_order_and_encoding() {
    let poll = DeviceTopic::DpsPoll {
        rid: "1".to_owned(),
        operation_id: "o".to_owned(),
    };
    for query in [
        "operationId=o&$rid=1",
        "%24rid=1&operationId=o",
        "$rid=1&operationId=o&future=x",
    ] {
        let text = format!("$dps/registrations/GET/iotdps-get-operationstatus/?{query}");
        assert_eq!(DeviceTopic::parse(&text).as_ref(), Ok(&poll), "{query}");
    }
}

#[test]
fn nothing_else_is_a_topic() {
    for text in [
        "",
        "a/b",
        "devices/dev-1",
        "devices/dev-1/messages",
        "devices/dev-1/messages/eventsx",
        "devices/dev-1/modules/m",
        "$iothub/twin/GET/",
        "$iothub/methods/POST/name",
        "$iothub/twin/res/#",
    ] {
        assert_eq!(DeviceTopic::parse(text), Err(TopicError::Unknown), "{text:?}");
        assert_eq!(CloudTopic::parse(text), Err(TopicError::Unknown), "{text:?}");
    }
    for text in [
        "",
        "#",
        "$iothub/#",
        "devices/+/messages/devicebound/#",
        "devices/dev-1/messages/events/#",
        "devices/dev-1/#",
        "devices/dev-1/inputs/#",
        "devices/dev-1/modules/m/inputs/one/#",
    ] {
        let filter = Filter::parse(text);
        let own = Filter::Messages {
            device_id: "dev-1".to_owned(),
            module_id: None,
        };
        assert_ne!(filter, Ok(own), "{text:?}");
        assert!(!filter.is_ok_and(|filter| filter.to_string() == text), "{text:?}");
    }
}

#[test]
fn says_what_is_wrong_with_a_topic() {
    let device = |text: &str| DeviceTopic::parse(text).unwrap_err();
    assert_eq!(device("devices//messages/events/"), TopicError::Missing("device id"));
    assert_eq!(device("devices/%/messages/events/"), TopicError::Malformed("device id"));
    assert_eq!(
        device("devices/a/messages/events/=1"),
        TopicError::Properties(PropertyError::NoName)
    );
    assert_eq!(device("$iothub/twin/GET/?"), TopicError::Missing("$rid"));
    assert_eq!(
        device("$iothub/methods/res/ok/?$rid=1"),
        TopicError::Malformed("status")
    );
    assert_eq!(
        device("$iothub/methods/res/+20/?$rid=1"),
        TopicError::Malformed("status")
    );
    assert_eq!(
        device("$iothub/methods/res/70000/?$rid=1"),
        TopicError::Malformed("status")
    );
    let poll = "$dps/registrations/GET/iotdps-get-operationstatus/?$rid=1";
    assert_eq!(device(poll), TopicError::Missing("operationId"));
    let cloud = |text: &str| CloudTopic::parse(text).unwrap_err();
    assert_eq!(
        cloud("$iothub/twin/PATCH/properties/desired/?"),
        TopicError::Missing("$version")
    );
    assert_eq!(
        cloud("$iothub/twin/res/204/?$rid=1&$version=x"),
        TopicError::Malformed("$version")
    );
    assert_eq!(
        cloud("$iothub/methods/POST//?$rid=1"),
        TopicError::Missing("method name")
    );
}

const LEVELS: &str = "\\PC{1,12}";

fn bags() -> impl Strategy<Value = PropertyBag> {
    proptest::collection::vec((LEVELS, any::<Option<String>>()), 0..4).prop_map(PropertyBag)
}

fn identities() -> impl Strategy<Value = (String, Option<String>)> {
    (LEVELS, proptest::option::of(LEVELS))
}

fn device_topics() -> impl Strategy<Value = DeviceTopic> {
    prop_oneof![
        (identities(), bags()).prop_map(|((device_id, module_id), properties)| DeviceTopic::Telemetry {
            device_id,
            module_id,
            properties
        }),
        any::<String>().prop_map(|rid| DeviceTopic::TwinGet { rid }),
        any::<String>().prop_map(|rid| DeviceTopic::TwinReport { rid }),
        any::<(u16, String)>().prop_map(|(status, rid)| DeviceTopic::MethodResponse { status, rid }),
        any::<String>().prop_map(|rid| DeviceTopic::DpsRegister { rid }),
        any::<(String, String)>().prop_map(|(rid, operation_id)| DeviceTopic::DpsPoll { rid, operation_id }),
    ]
}

fn cloud_topics() -> impl Strategy<Value = CloudTopic> {
    prop_oneof![
        any::<(u16, String, Option<u64>, Option<u64>)>().prop_map(|(status, rid, version, retry_after)| {
            CloudTopic::TwinResponse {
                status,
                rid,
                version,
                retry_after,
            }
        }),
        any::<u64>().prop_map(|version| CloudTopic::Desired { version }),
        (LEVELS, any::<String>()).prop_map(|(name, rid)| CloudTopic::Method { name, rid }),
        (identities(), bags()).prop_map(|((device_id, module_id), properties)| CloudTopic::Message {
            device_id,
            module_id,
            properties
        }),
        any::<(u16, String, Option<u64>)>().prop_map(|(status, rid, retry_after)| CloudTopic::DpsResponse {
            status,
            rid,
            retry_after
        }),
    ]
}

/// Nearly a topic: the pieces of real ones, put together at random.
const ALMOST: &str = "(devices/|modules/|messages/events|messages/devicebound|\\$iothub/|twin/|methods/|\\$dps/registrations/\
                      |res/|GET/|PATCH/properties/|desired/|reported/|POST/|200|/\\?|\\$rid=|&|=|%|#|\\PC){0,9}";

proptest! {
    #[test]
    fn parsing_undoes_display_of_device_topics(topic in device_topics()) {
        let text = topic.to_string();
        prop_assert!(!text.contains(['+', '#', '\0']), "not publishable: {:?}", text);
        prop_assert_eq!(DeviceTopic::parse(&text), Ok(topic));
    }

    #[test]
    fn parsing_undoes_display_of_cloud_topics(topic in cloud_topics()) {
        let text = topic.to_string();
        prop_assert!(!text.contains(['+', '#', '\0']), "not publishable: {:?}", text);
        let filter = topic.filter();
        let start = filter.to_string();
        prop_assert!(text.starts_with(start.trim_end_matches('#')), "{} is not under {}", text, start);
        prop_assert_eq!(CloudTopic::parse(&text), Ok(topic));
        prop_assert_eq!(Filter::parse(&start), Ok(filter));
    }

    #[test]
    fn no_text_panics(text in ALMOST) {
        let _ = DeviceTopic::parse(&text);
        let _ = CloudTopic::parse(&text);
        let _ = Filter::parse(&text);
    }
}
