//! Twin requests and answers to methods, as the topics they are.

use super::{
    Begin::{Hub, Listening},
    Case, End, Part,
    packets::{packet, puback, publish, publish_with, text},
};

const TWIN: &[u8] = br#"{"desired":{"$version":1},"reported":{"$version":1}}"#;

/// A refusal of a twin request: `{"errorCode":..,"message":..,"timestampUtc":..,"trackingId":..}`.
fn refusal(status: u16, code: u32, message: &str) -> Vec<Part> {
    let head = format!("$iothub/twin/res/{status}/?$rid=1");
    let before = format!(r#"{{"errorCode":{code},"message":"{message}","timestampUtc":""#);
    let (time, between, id) = ("2026-11-26T01:19:59.123456Z".len(), r#"","trackingId":""#, 16);
    let body = vec![b'-'; before.len() + time + between.len() + id + 2];
    let whole = packet(0x30, &[&text(&head)[..], &body].concat());
    let header = whole.len() - body.len();
    vec![
        Part::Bytes([&whole[..header], before.as_bytes()].concat()),
        Part::Any(time),
        Part::Bytes(between.into()),
        Part::Any(id),
        Part::Bytes(br#""}"#.to_vec()),
    ]
}

pub(crate) fn cases() -> Vec<Case> {
    let get = |name, rid: &str, answer: &str| {
        Case::good(
            name,
            Listening,
            publish(&format!("$iothub/twin/GET/?$rid={rid}"), None, b""),
            publish(&format!("$iothub/twin/res/200/?$rid={answer}"), None, TWIN),
            End::Open,
        )
    };
    let report = "$iothub/twin/PATCH/properties/reported/?$rid=1";
    let reported = publish("$iothub/twin/res/204/?$rid=1&$version=2", None, b"");
    let refused = |name, body: &[u8], message: &str| Case {
        answer: refusal(400, 400_004, message),
        ..Case::good(name, Listening, publish(report, None, body), [], End::Open)
    };
    let open = |name, begin, send: Vec<u8>, answer: Vec<u8>| Case::good(name, begin, send, answer, End::Open);
    vec![
        get("a twin is read", "1", "1"),
        get("a request id of letters", "a-b_c.d", "a-b_c.d"),
        get("a request id that is encoded", "a%2Fb", "a%2Fb"),
        get("a request id beside other parameters", "1&x=y", "1"),
        open(
            "a twin is read with QoS 1: the PUBACK comes first",
            Listening,
            publish("$iothub/twin/GET/?$rid=1", Some(7), b""),
            [puback(7).to_vec(), publish("$iothub/twin/res/200/?$rid=1", None, TWIN)].concat(),
        ),
        open(
            "a twin is read by one that does not listen",
            Hub,
            publish("$iothub/twin/GET/?$rid=1", Some(7), b""),
            puback(7).to_vec(),
        ),
        open(
            "a twin request with a body",
            Listening,
            publish("$iothub/twin/GET/?$rid=1", None, b" "),
            publish("$iothub/twin/res/200/?$rid=1", None, TWIN),
        ),
        open(
            "a report",
            Listening,
            publish(report, None, br#"{"a":1}"#),
            reported.clone(),
        ),
        open(
            "a report with QoS 1",
            Listening,
            publish(report, Some(7), br#"{"a":1}"#),
            [puback(7).to_vec(), reported.clone()].concat(),
        ),
        open(
            "a report to retain",
            Listening,
            publish_with(1, report, None, br#"{"a":1}"#),
            reported,
        ),
        open(
            "a report by one that does not listen",
            Hub,
            publish(report, Some(7), br#"{"a":1}"#),
            puback(7).to_vec(),
        ),
        refused(
            "a report that is not JSON",
            b"{",
            "the reported properties are not JSON: EOF while parsing an object at line 1 column 1",
        ),
        refused(
            "a report that is no object",
            b"[1]",
            "reported properties must be a JSON object",
        ),
        open(
            "an answer to no method",
            Hub,
            publish("$iothub/methods/res/200/?$rid=1", Some(7), b"{}"),
            puback(7).to_vec(),
        ),
        open(
            "an answer to no method with a status of its own",
            Hub,
            publish("$iothub/methods/res/404/?$rid=x", None, b""),
            vec![],
        ),
    ]
}
