//! Topics, filters and property bags: what is read is written as something that is read as the same, and could be published.
#![no_main]

use libfuzzer_sys::fuzz_target;
use setpoint_protocol::{CloudTopic, DeviceTopic, Filter, PropertyBag};

/// MQTT's wildcards and the null character are no part of a topic that is published.
fn publishable(topic: String) -> String {
    assert!(!topic.contains(['+', '#', '\0']), "{topic:?}");
    topic
}

fuzz_target!(|text: &str| {
    if let Ok(topic) = DeviceTopic::parse(text) {
        assert_eq!(DeviceTopic::parse(&publishable(topic.to_string())).as_ref(), Ok(&topic));
    }
    if let Ok(topic) = CloudTopic::parse(text) {
        let built = publishable(topic.to_string());
        assert_eq!(CloudTopic::parse(&built).as_ref(), Ok(&topic));
        let filter = topic.filter();
        assert_eq!(Filter::parse(&filter.to_string()), Ok(filter));
    }
    if let Ok(filter) = Filter::parse(text) {
        assert_eq!(Filter::parse(&filter.to_string()), Ok(filter));
    }
    if let Ok(bag) = PropertyBag::parse(text) {
        assert_eq!(PropertyBag::parse(&publishable(bag.to_string())).as_ref(), Ok(&bag));
    }
});
