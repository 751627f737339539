//! In virtual time, against a service that is a script. Each inner list is one connection.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::{Value, json};
use setpoint_protocol::key::Key;
use setpoint_protocol::topic::DeviceTopic;

use super::super::answer::Answer;
use super::*;
use crate::cloud::{Access, Trust};

/// What the service does with a request.
#[derive(Clone)]
enum Does {
    Answer(Answer),
    /// Breaks the connection.
    Break,
    /// Never answers, as long as the line itself allows.
    Nothing,
}

/// What becomes of a connection.
#[derive(Clone)]
enum Opens {
    Line(Vec<Does>),
    Unreachable,
    Refused,
}

struct Script {
    /// The last of them over and over.
    connections: Mutex<VecDeque<Opens>>,
    begun: Instant,
    /// When what was asked, in milliseconds.
    asked: Arc<Mutex<Vec<(u64, String)>>>,
}

struct ScriptedLine {
    does: VecDeque<Does>,
    begun: Instant,
    asked: Arc<Mutex<Vec<(u64, String)>>>,
}

fn lost() -> ConnectError {
    ConnectError::Lost {
        device: "d".to_owned(),
        endpoint: "dps:8883".parse().unwrap(),
        reason: "a script".to_owned(),
    }
}

#[async_trait]
impl Lines for Script {
    async fn open(&self) -> Result<Box<dyn Line>, ConnectError> {
        let mut connections = self.connections.lock().unwrap();
        let next = match connections.len() {
            1 => connections.front().cloned(),
            _ => connections.pop_front(),
        };
        let endpoint = "dps:8883".parse().unwrap();
        match next.unwrap() {
            Opens::Line(does) => Ok(Box::new(ScriptedLine {
                does: does.into(),
                begun: self.begun,
                asked: Arc::clone(&self.asked),
            })),
            Opens::Unreachable => Err(ConnectError::Unreachable {
                endpoint,
                reason: "a script".to_owned(),
            }),
            Opens::Refused => Err(ConnectError::Refused {
                device: "d".to_owned(),
                endpoint,
                reason: "a script".to_owned(),
            }),
        }
    }
}

#[async_trait]
impl Line for ScriptedLine {
    async fn rest(&mut self, until: Instant) -> Result<(), ConnectError> {
        sleep_until(until).await;
        Ok(())
    }

    async fn ask(&mut self, rid: &str, topic: DeviceTopic, _body: Vec<u8>) -> Result<Answer, ConnectError> {
        let millis = u64::try_from(self.begun.elapsed().as_millis()).unwrap();
        let what = match topic {
            DeviceTopic::DpsRegister { .. } => "register".to_owned(),
            DeviceTopic::DpsPoll { operation_id, .. } => format!("poll {operation_id}"),
            other => panic!("{other}"),
        };
        self.asked.lock().unwrap().push((millis, format!("{rid} {what}")));
        let does = match self.does.len() {
            1 => self.does.front().cloned(),
            _ => self.does.pop_front(),
        };
        match does.unwrap() {
            Does::Answer(answer) => Ok(answer),
            Does::Break => Err(lost()),
            Does::Nothing => std::future::pending().await,
        }
    }

    async fn close(self: Box<Self>) {}
}

fn answer(status: u16, retry_after: Option<u64>, body: &Value) -> Does {
    Does::Answer(Answer {
        status,
        retry_after,
        body: body.to_string().into_bytes(),
    })
}

fn assigning(retry_after: u64) -> Does {
    answer(
        202,
        Some(retry_after),
        &json!({"operationId": "4.d0", "status": "assigning"}),
    )
}

fn assigned() -> Does {
    let state = json!({"registrationId": "d", "assignedHub": "hub", "deviceId": "d", "status": "assigned"});
    answer(
        200,
        None,
        &json!({"operationId": "4.d0", "status": "assigned", "registrationState": state}),
    )
}

fn busy(status: u16, retry_after: Option<u64>) -> Does {
    answer(status, retry_after, &json!({"errorCode": u32::from(status) * 1000 + 1}))
}

type Outcome = Result<Assignment, ProvisionError>;

/// Runs a registration; what came of it, and what was asked when.
async fn run(connections: Vec<Opens>) -> (Outcome, Vec<(u64, String)>) {
    let (outcome, asked, _) = watch(connections).await;
    (outcome, asked)
}

/// Runs a registration; what came of it, and what it told meanwhile.
async fn told(connections: Vec<Opens>) -> (Outcome, Vec<Duration>) {
    let (outcome, _, told) = watch(connections).await;
    (outcome, told)
}

async fn watch(connections: Vec<Opens>) -> (Outcome, Vec<(u64, String)>, Vec<Duration>) {
    let access = Access::with_key(Key::from_bytes(vec![1; 32]), &Trust::system(None).unwrap());
    let service = DpsProvisioner::new("dps".parse().unwrap(), "0ne", "d", access);
    let asked = Arc::default();
    let script = Script {
        connections: Mutex::new(connections.into()),
        begun: Instant::now(),
        asked: Arc::clone(&asked),
    };
    let told = Mutex::default();
    let registration = Registration::new(&service, &script, "dtmi:com:example:Thermostat;1");
    let outcome = registration
        .run(|time| Vec::push(&mut told.lock().unwrap(), time))
        .await;
    let asked = asked.lock().unwrap().clone();
    (outcome, asked, told.into_inner().unwrap())
}

fn what(asked: &[(u64, String)]) -> Vec<&str> {
    asked.iter().map(|(_, what)| what.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn assigning_may_take_minutes() {
    let mut script = vec![assigning(3); 200];
    script.push(assigned());
    let (outcome, asked) = run(vec![Opens::Line(script)]).await;
    assert_eq!(outcome.unwrap().device_id, "d");
    assert_eq!(asked.len(), 201);
    assert_eq!(asked[200], (600_000, "201 poll 4.d0".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn it_ends_after_a_quarter_of_an_hour() {
    let begun = Instant::now();
    let (outcome, _) = run(vec![Opens::Line(vec![assigning(3)])]).await;
    assert!(
        matches!(outcome, Err(ProvisionError::TimedOut { seconds: 900, .. })),
        "{outcome:?}"
    );
    assert_eq!(begun.elapsed(), DEADLINE);
}

#[tokio::test(start_paused = true)]
async fn a_connection_lost_while_polling_is_made_again_and_the_poll_goes_on() {
    let (outcome, asked) = run(vec![
        Opens::Line(vec![assigning(3), Does::Break]),
        Opens::Unreachable,
        Opens::Line(vec![assigning(3), Does::Break]),
        Opens::Line(vec![assigned()]),
    ])
    .await;
    outcome.unwrap();
    let expected = ["1 register", "2 poll 4.d0", "3 poll 4.d0", "4 poll 4.d0", "5 poll 4.d0"];
    assert_eq!(what(&asked), expected);
}

#[tokio::test(start_paused = true)]
async fn a_connection_lost_over_the_registration_is_made_again_too() {
    let (outcome, asked) = run(vec![Opens::Line(vec![Does::Break]), Opens::Line(vec![assigned()])]).await;
    outcome.unwrap();
    assert_eq!(what(&asked), ["1 register", "2 register"]);
    assert!(asked[1].0 >= 2_000, "after a pause: {asked:?}");
}

#[tokio::test(start_paused = true)]
async fn connections_that_are_lost_without_an_answer_are_an_error_in_the_end() {
    let begun = Instant::now();
    let (outcome, asked) = run(vec![
        Opens::Line(vec![assigning(0), Does::Break]),
        Opens::Line(vec![Does::Break]),
    ])
    .await;
    assert!(
        matches!(outcome, Err(ProvisionError::Connect(ConnectError::Lost { .. }))),
        "{outcome:?}"
    );
    assert_eq!(asked.len(), 2 + 5, "{asked:?}");
    // 2, 4, 8, 16 and 32 seconds, and up to half as long by chance.
    let seconds = begun.elapsed().as_secs();
    assert!((62..=93).contains(&seconds), "{seconds}");
}

#[tokio::test(start_paused = true)]
async fn the_first_connection_must_succeed() {
    let begun = Instant::now();
    let (outcome, _) = run(vec![Opens::Unreachable]).await;
    assert!(
        matches!(outcome, Err(ProvisionError::Connect(ConnectError::Unreachable { .. }))),
        "{outcome:?}"
    );
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_refused_later_ends_it_at_once() {
    let (outcome, asked) = run(vec![Opens::Line(vec![Does::Break]), Opens::Refused]).await;
    assert!(
        matches!(outcome, Err(ProvisionError::Connect(ConnectError::Refused { .. }))),
        "{outcome:?}"
    );
    assert_eq!(asked.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_busy_service_is_left_alone_as_long_as_it_wants() {
    let (outcome, asked) = run(vec![Opens::Line(vec![
        busy(429, Some(20)),
        busy(503, Some(30)),
        assigning(0),
        busy(500, Some(40)),
        assigned(),
    ])])
    .await;
    outcome.unwrap();
    let expected = ["1 register", "2 register", "3 register", "4 poll 4.d0", "5 poll 4.d0"];
    assert_eq!(what(&asked), expected);
    let pauses: Vec<_> = asked.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    for (pause, wish) in pauses.into_iter().zip([20_000, 30_000, 0, 40_000]) {
        assert!(
            (wish..=wish + 2_000).contains(&pause),
            "{pause} is not {wish} and a little"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn five_requests_in_ten_seconds_are_the_limit_across_connections() {
    let breaks = Opens::Line(vec![assigning(0), assigning(0), Does::Break]);
    let (outcome, asked) = run(vec![
        breaks.clone(),
        breaks.clone(),
        breaks,
        Opens::Line(vec![assigned()]),
    ])
    .await;
    outcome.unwrap();
    assert_eq!(asked.len(), 10);
    for six in asked.windows(6) {
        assert!(six[5].0 - six[0].0 >= 10_000, "{six:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_ends_it_says_the_whole_reason() {
    for status in ["failed", "disabled"] {
        let state = json!({
            "registrationId": "d", "status": status, "errorCode": 400_207, "errorMessage": "Custom allocation failed",
        });
        let ended = json!({"operationId": "4.d0", "status": status, "registrationState": state, "trackingId": "97d6"});
        let (outcome, _) = run(vec![Opens::Line(vec![assigning(0), answer(200, None, &ended)])]).await;
        let error = outcome.unwrap_err().to_string();
        for part in ["d:", status, "400207", "Custom allocation failed", "97d6", "4.d0"] {
            assert!(error.contains(part), "{part} is missing: {error}");
        }
    }
    let refusal = json!({"errorCode": 404_201, "trackingId": "97d6", "message": "Not enrolled"});
    let (outcome, _) = run(vec![Opens::Line(vec![answer(404, None, &refusal)])]).await;
    let error = outcome.unwrap_err().to_string();
    for part in ["d:", "404", "404201", "Not enrolled", "97d6"] {
        assert!(error.contains(part), "{part} is missing: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_half_minute_it_tells_that_it_still_waits() {
    // One that never answers is left to the line, which this one has no end for.
    let told = told(vec![Opens::Line(vec![assigning(3), Does::Nothing])]).await.1;
    let seconds: Vec<_> = told.iter().map(Duration::as_secs).collect();
    let expected: Vec<_> = (1..30).map(|half_minutes| half_minutes * 30).collect();
    assert_eq!(&seconds[..29], expected);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_assigned_soon_tells_nothing() {
    let (outcome, told) = told(vec![Opens::Line(vec![assigning(3), assigned()])]).await;
    outcome.unwrap();
    assert_eq!(told, Vec::<Duration>::new());
}
