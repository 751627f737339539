//! One connection to the service, which answers one request after the other.

use std::time::Duration;

use async_trait::async_trait;
use rumqttc::{Packet, QoS};
use setpoint_protocol::topic::{CloudTopic, DeviceTopic, Filter};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::answer::Answer;
use crate::cloud::mqtt::{Login, Session};
use crate::cloud::{Access, ConnectError};

/// How long a request may go unanswered on a line that lives. The service answers within seconds.
const ANSWER_TIME: Duration = Duration::from_secs(60);

/// Opens lines; over MQTT, and in tests by a script.
#[async_trait]
pub(super) trait Lines: Sync {
    /// Returns once the service has accepted the device and its subscription.
    async fn open(&self) -> Result<Box<dyn Line>, ConnectError>;
}

/// After the first error a line is of no more use.
#[async_trait]
pub(super) trait Line: Send {
    /// Waits, while the line lives on.
    async fn rest(&mut self, until: Instant) -> Result<(), ConnectError>;

    /// Asks, and waits for the answer to the request id `rid`, which `topic` carries.
    async fn ask(&mut self, rid: &str, topic: DeviceTopic, body: Vec<u8>) -> Result<Answer, ConnectError>;

    /// Says goodbye.
    async fn close(self: Box<Self>);
}

/// A line over MQTT.
pub(super) struct MqttLine(Session);

impl MqttLine {
    pub(super) async fn open(login: Login, access: &Access) -> Result<MqttLine, ConnectError> {
        let mut session = Session::open(login, access).await?;
        session.subscribe(&Filter::Dps)?;
        session.subscribed(1, |_| Ok(())).await?;
        Ok(MqttLine(session))
    }

    /// What happened next. What comes is acknowledged at once: nothing of it is worth keeping.
    async fn next(&mut self) -> Result<Packet, ConnectError> {
        let packet = self.0.next().await?;
        if let Packet::Publish(publish) = &packet
            && publish.qos != QoS::AtMostOnce
        {
            self.0.acknowledge(publish.pkid)?;
        }
        Ok(packet)
    }
}

#[async_trait]
impl Line for MqttLine {
    async fn rest(&mut self, until: Instant) -> Result<(), ConnectError> {
        loop {
            tokio::select! {
                () = sleep_until(until) => return Ok(()),
                packet = self.next() => drop(packet?),
            }
        }
    }

    async fn ask(&mut self, rid: &str, topic: DeviceTopic, body: Vec<u8>) -> Result<Answer, ConnectError> {
        self.0.publish(topic.to_string().into(), body.into())?;
        let deadline = Instant::now() + ANSWER_TIME;
        loop {
            let Ok(packet) = timeout_at(deadline, self.next()).await else {
                let seconds = ANSWER_TIME.as_secs();
                return Err(self.0.lost(&format!("a request was not answered within {seconds} s")));
            };
            if let Some(answer) = answer_to(rid, &packet?) {
                return Ok(answer);
            }
        }
    }

    async fn close(self: Box<Self>) {
        self.0.close().await;
    }
}

/// The answer in `packet`, when it is one to the request `rid`.
pub(super) fn answer_to(rid: &str, packet: &Packet) -> Option<Answer> {
    let Packet::Publish(publish) = packet else {
        return None;
    };
    match CloudTopic::parse(std::str::from_utf8(&publish.topic).ok()?).ok()? {
        CloudTopic::DpsResponse {
            status,
            rid: answered,
            retry_after,
        } if answered == rid => Some(Answer {
            status,
            retry_after,
            body: publish.payload.to_vec(),
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rumqttc::Publish;

    use super::*;

    #[test]
    fn only_the_answer_to_the_request_counts() {
        let publish = |topic: &str| {
            let publish = Publish::new(topic, QoS::AtLeastOnce, "body");
            Packet::Publish(publish)
        };
        let answer = answer_to("2", &publish("$dps/registrations/res/202/?$rid=2&retry-after=3")).unwrap();
        assert_eq!(
            (answer.status, answer.retry_after, answer.body.as_slice()),
            (202, Some(3), b"body".as_slice())
        );
        assert!(answer_to("2", &publish("$dps/registrations/res/202/?$rid=1")).is_none());
        assert!(answer_to("2", &publish("$iothub/twin/res/200/?$rid=2")).is_none());
        assert!(answer_to("2", &Packet::PingResp).is_none());
    }
}
