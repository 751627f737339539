//! The stream of what devices do, and how a reader comes back to it.

use axum::body::BodyDataStream;

use super::*;
use crate::state::Link;

/// A reader of the stream.
struct Reader {
    stream: BodyDataStream,
    text: String,
    /// The last id.
    id: String,
}

impl Reader {
    async fn of(api: &Api, query: &str, last: Option<&str>) -> Reader {
        let mut request = Request::get(format!("/setpoint/events{query}")).header("Authorization", api.token());
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = api.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Reader {
            stream: response.into_body().into_data_stream(),
            text: String::new(),
            id: String::new(),
        }
    }

    /// The next event, as browsers understand the stream; it is there at once.
    fn next(&mut self) -> Option<Value> {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let mut data = None;
                for line in block.lines() {
                    if let Some(id) = line.strip_prefix("id: ") {
                        self.id = id.to_owned();
                    }
                    data = line.strip_prefix("data: ").map(str::to_owned).or(data);
                }
                self.text = rest.to_owned();
                if let Some(data) = data {
                    return Some(serde_json::from_str(&data).unwrap());
                }
            }
            let chunk: Bytes = tokio::task::unconstrained(self.stream.next()).now_or_never()??.unwrap();
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The bodies of the telemetry that is there, as numbers.
    fn numbers(&mut self) -> Vec<u64> {
        let events = std::iter::from_fn(|| self.next());
        events.filter_map(|event| event["body"].as_u64()).collect()
    }
}

fn send(link: &Link, numbers: std::ops::Range<u64>) {
    for number in numbers {
        link.telemetry(PropertyBag::default(), number.to_string().into_bytes())
            .unwrap();
    }
}

#[tokio::test]
async fn events_arrive_as_json_lines_of_the_device_asked_for() {
    let api = Api::with_device();
    api.hub.create_device("e", None).unwrap();
    api.get("/setpoint/events?device=none")
        .await
        .is_refusal(404, "DeviceNotFound");
    let mut reader = Reader::of(&api, "?device=d", None).await;
    let _other = api.hub.connect("e", true, None).unwrap();
    let link = api.hub.connect("d", true, None).unwrap();
    let properties = PropertyBag::parse("%24.ct=application%2Fjson&colour=red").unwrap();
    link.telemetry(properties, b"{\"temperature\": 22}".to_vec()).unwrap();
    let connected = reader.next().unwrap();
    assert_eq!(
        (&connected["kind"], &connected["deviceId"]),
        (&json!("connected"), &json!("d"))
    );
    let telemetry = reader.next().unwrap();
    assert_eq!(
        (&telemetry["kind"], &telemetry["body"]),
        (&json!("telemetry"), &json!({"temperature": 22}))
    );
    assert_eq!(telemetry["systemProperties"]["content-type"], "application/json");
    let generation = &telemetry["systemProperties"]["iothub-connection-auth-generation-id"];
    assert_eq!(generation, &json!(api.hub.device("d").unwrap().generation_id));
    assert!(telemetry["enqueuedTime"].is_string());
    assert_eq!(telemetry["properties"], json!({"colour": "red"}));
}

#[tokio::test]
async fn a_reader_that_comes_back_goes_on_where_it_was() {
    let api = Api::with_device();
    api.hub.create_device("e", None).unwrap();
    let links = ["d", "e"].map(|id| api.hub.connect(id, true, None).unwrap());
    send(&links[0], 0..1);
    let mut reader = Reader::of(&api, "", None).await;
    assert_eq!(reader.numbers(), [0; 0], "from now on");
    let before_any = reader.id.clone();
    send(&links[0], 1..3);
    send(&links[1], 3..5);
    assert_eq!(reader.numbers(), [1, 2, 3, 4]);
    let last = reader.id.clone();
    drop(reader);
    send(&links[1], 5..6);
    send(&links[0], 6..8);

    let mut back = Reader::of(&api, "", Some(&last)).await;
    assert_eq!(back.numbers(), [5, 6, 7], "what came meanwhile, in its order");
    send(&links[1], 8..9);
    assert_eq!(back.numbers(), [8], "and what comes");
    let mut cut_off = Reader::of(&api, "", Some(&before_any)).await;
    assert_eq!(cut_off.numbers(), (1..9).collect::<Vec<_>>());
    let mut one = Reader::of(&api, "?device=e", Some(&last)).await;
    assert_eq!(one.numbers(), [5, 8]);
    let mut stranger = Reader::of(&api, "", Some("17-5.5.5.5")).await;
    assert_eq!(
        stranger.numbers(),
        (0..9).collect::<Vec<_>>(),
        "an id of another log is the beginning of this one"
    );
}

#[tokio::test]
async fn a_slow_reader_misses_no_telemetry_and_hears_how_much_else() {
    let api = Api::with_device();
    let mut reader = Reader::of(&api, "", None).await;
    for round in 0..50 {
        // Connected and disconnected.
        let link = api.hub.connect("d", true, None).unwrap();
        send(&link, round * 100..(round + 1) * 100);
    }
    let (mut numbers, mut others, mut missed) = (Vec::new(), 0, 0);
    while let Some(event) = reader.next() {
        missed += event["missed"].as_u64().unwrap_or_default();
        numbers.extend(event["body"].as_u64());
        others += u64::from(event["kind"] == "connected" || event["kind"] == "disconnected");
    }
    assert_eq!(numbers, (0..5000).collect::<Vec<_>>());
    assert!(missed > 0 && others > 0, "{missed} {others}");
    assert_eq!(missed + others, 100);
}
