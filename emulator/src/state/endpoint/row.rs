//! A message of the log as bytes, for whoever keeps it beyond the process: what is known of it, in the form of postcard, and then
//! its body as it is.

use std::{borrow::Cow, sync::Arc};

use chrono::DateTime;
use serde::{Deserialize, Serialize};

use super::Stored;
use crate::state::{DeviceEvent, EventKind};

/// Names of system properties that most messages have; kept by their places here, so one is only ever added at the end.
const NAMES: [&str; 9] = [
    "iothub-connection-device-id",
    "iothub-connection-module-id",
    "iothub-connection-auth-method",
    "iothub-connection-auth-generation-id",
    "iothub-enqueuedtime",
    "iothub-message-source",
    "dt-dataschema",
    "content-type",
    "content-encoding",
];

#[derive(Serialize, Deserialize)]
enum Name<'a> {
    Known(u8),
    Other(#[serde(borrow)] Cow<'a, str>),
}

/// Everything but the body, the partition and the number. Without names, so fields keep their order.
#[derive(Serialize, Deserialize)]
struct Head<'a> {
    offset: u64,
    seconds: i64,
    nanoseconds: u32,
    kind: EventKind,
    device_id: &'a str,
    module_id: Option<&'a str>,
    #[serde(borrow)]
    system: Vec<(Name<'a>, &'a str)>,
    application: Vec<(&'a str, Option<&'a str>)>,
}

/// As bytes.
pub(crate) fn encode(stored: &Stored) -> Vec<u8> {
    let event = &stored.event;
    let system = event.system.iter().map(|(name, value)| {
        let known = NAMES.iter().position(|known| known == name);
        let name = match known.and_then(|known| u8::try_from(known).ok()) {
            Some(known) => Name::Known(known),
            None => Name::Other(Cow::Borrowed(name)),
        };
        (name, value.as_str())
    });
    let application = event
        .application
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_deref()));
    let head = Head {
        offset: stored.offset,
        seconds: event.enqueued.timestamp(),
        nanoseconds: event.enqueued.timestamp_subsec_nanos(),
        kind: event.kind,
        device_id: &event.device_id,
        module_id: event.module_id.as_deref(),
        system: system.collect(),
        application: application.collect(),
    };
    // Text, numbers and lists of known length, in memory: nothing of it can fail. What would be empty is known for damaged.
    let mut bytes = postcard::to_extend(&head, Vec::with_capacity(256 + event.body.len())).unwrap_or_default();
    bytes.extend_from_slice(&event.body);
    bytes
}

/// What [`encode`] made, of the partition and under the number that it was kept with; `None` when it is not that.
pub(crate) fn decode(partition: usize, sequence: u64, bytes: &[u8]) -> Option<Stored> {
    let (head, body) = postcard::take_from_bytes::<Head<'_>>(bytes).ok()?;
    let system = head.system.into_iter().map(|(name, value)| {
        let name = match name {
            Name::Known(known) => (*NAMES.get(usize::from(known))?).to_owned(),
            Name::Other(name) => name.into_owned(),
        };
        Some((name, value.to_owned()))
    });
    let application = head
        .application
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.map(str::to_owned)));
    Some(Stored {
        partition,
        sequence,
        offset: head.offset,
        event: Arc::new(DeviceEvent {
            device_id: head.device_id.to_owned(),
            module_id: head.module_id.map(str::to_owned),
            enqueued: DateTime::from_timestamp(head.seconds, head.nanoseconds)?,
            kind: head.kind,
            body: body.to_vec(),
            system: system.collect::<Option<_>>()?,
            application: application.collect(),
        }),
    })
}

#[cfg(test)]
mod tests {
    use chrono::Utc;
    use proptest::prelude::*;

    use super::*;

    fn stored(body: Vec<u8>, system: Vec<(String, String)>, application: Vec<(String, Option<String>)>) -> Stored {
        Stored {
            partition: 3,
            sequence: 70_000,
            offset: 1 << 40,
            event: Arc::new(DeviceEvent {
                device_id: "d".to_owned(),
                module_id: Some("m".to_owned()),
                enqueued: Utc::now(),
                kind: EventKind::Telemetry,
                body,
                system,
                application,
            }),
        }
    }

    proptest! {
        #[test]
        fn a_message_comes_back_as_it_was(
            body: Vec<u8>, system: Vec<(String, String)>, application: Vec<(String, Option<String>)>
        ) {
            let known = NAMES.map(|name| (name.to_owned(), "x".to_owned()));
            let stored = stored(body, known.into_iter().chain(system).collect(), application);
            prop_assert_eq!(decode(3, 70_000, &encode(&stored)), Some(stored));
        }

        #[test]
        fn what_is_no_message_is_none_and_harms_nobody(bytes: Vec<u8>) {
            let _ = decode(0, 0, &bytes);
        }
    }

    #[test]
    fn a_row_that_is_cut_within_its_head_is_none() {
        let whole = encode(&stored(
            Vec::new(),
            vec![("a".into(), "b".into())],
            vec![("c".into(), None)],
        ));
        for cut in 0..whole.len() {
            assert_eq!(decode(0, 0, &whole[..cut]), None, "cut at {cut}");
        }
    }
}
