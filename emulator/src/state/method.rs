//! Direct methods: a call from a service, carried to the device and answered by it.

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use tokio::{sync::oneshot, time};

use super::{Delivery, Hub, HubError, Subscription, session::Delivered};

/// Largest payload each way, in bytes (IoT Hub quotas: 128 KB).
pub const METHOD_LIMIT: usize = 128 * 1024;

/// Longest method name, in bytes. A component, `*` and a command need at most 129.
const NAME_LIMIT: usize = 1024;

/// What a device answered.
#[derive(Debug, Clone, PartialEq)]
pub struct MethodResult {
    /// The status the device chose, commonly an HTTP-like one.
    pub status: u16,
    /// Its payload; null when it sent none.
    pub payload: Value,
}

/// An answer as it came off the wire.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) payload: Vec<u8>,
}

/// A call that waits for its answer; forgotten by the hub when dropped.
struct Call<'a> {
    hub: &'a Hub,
    device_id: &'a str,
    rid: String,
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        // Gone with the device, or answered: both leave nothing to forget.
        let _ = self.hub.with(self.device_id, |entry| entry.calls.remove(&self.rid));
    }
}

impl Hub {
    /// Calls a method of a device and waits for the answer.
    ///
    /// A device that is offline or does not listen for methods is waited for up to `connect_timeout` (zero: not at all),
    /// its answer up to `response_timeout`. Dropping the future forgets the call; an answer that comes later is ignored.
    ///
    /// # Errors
    ///
    /// [`HubError::DeviceNotFound`], [`HubError::DeviceNotOnline`], [`HubError::GatewayTimeout`],
    /// [`HubError::TooLarge`] above [`METHOD_LIMIT`], [`HubError::BadDeviceResponse`].
    pub async fn call_method(
        &self,
        device_id: &str,
        name: &str,
        payload: Option<Value>,
        connect_timeout: Duration,
        response_timeout: Duration,
    ) -> Result<MethodResult, HubError> {
        if name.is_empty() || name.len() > NAME_LIMIT || name.contains(['/', '+', '#', '\0']) {
            return Err(HubError::InvalidArgument(
                "the method name is empty, longer than 1024 bytes, or has a character of / + # in it".to_owned(),
            ));
        }
        let payload: Arc<[u8]> = payload
            .map_or_else(Vec::new, |value| value.to_string().into_bytes())
            .into();
        if payload.len() > METHOD_LIMIT {
            let size = payload.len();
            return Err(HubError::TooLarge(format!(
                "the payload has {size} bytes: at most {METHOD_LIMIT} are allowed"
            )));
        }
        let online = self.when_online(device_id, name, &payload);
        let Ok(begun) = time::timeout(connect_timeout, online).await else {
            return Err(HubError::DeviceNotOnline(device_id.to_owned()));
        };
        let (call, answer) = begun?;
        let answered = time::timeout(response_timeout, answer).await;
        drop(call);
        match answered {
            Ok(Ok(answer)) => decode(device_id, &answer),
            // The device was deleted meanwhile.
            Ok(Err(_)) => Err(HubError::DeviceNotFound(device_id.to_owned())),
            Err(_) => Err(HubError::GatewayTimeout(device_id.to_owned())),
        }
    }

    /// Sends the request as soon as the device listens.
    async fn when_online<'a>(
        &'a self,
        device_id: &'a str,
        name: &str,
        payload: &Arc<[u8]>,
    ) -> Result<(Call<'a>, oneshot::Receiver<Answer>), HubError> {
        loop {
            let mut listening = std::pin::pin!(self.listening.notified());
            // Registered before looking, so that a subscription between the look and the wait is not missed.
            listening.as_mut().enable();
            if let Some(begun) = self.begin(device_id, name, payload)? {
                return Ok(begun);
            }
            listening.await;
        }
    }

    /// Sends the request if the device listens.
    fn begin<'a>(
        &'a self,
        device_id: &'a str,
        name: &str,
        payload: &Arc<[u8]>,
    ) -> Result<Option<(Call<'a>, oneshot::Receiver<Answer>)>, HubError> {
        let rid = self.next_number().to_string();
        self.with(device_id, |entry| {
            let request = Delivery::Method {
                name: name.to_owned(),
                rid: rid.clone(),
                payload: Arc::clone(payload),
            };
            match entry.session.deliver(Subscription::Methods, request) {
                Delivered::Yes => {}
                Delivered::NotListening => return Ok(None),
                Delivered::TooSlow => {
                    self.disconnect(device_id, entry, super::CloseReason::TooSlow);
                    return Ok(None);
                }
            }
            let (sender, answer) = oneshot::channel();
            entry.calls.insert(rid.clone(), sender);
            Ok(Some((
                Call {
                    hub: self,
                    device_id,
                    rid,
                },
                answer,
            )))
        })?
    }
}

fn decode(device_id: &str, answer: &Answer) -> Result<MethodResult, HubError> {
    let payload = match answer.payload.as_slice() {
        b"" => Value::Null,
        text => serde_json::from_slice(text).map_err(|_| HubError::BadDeviceResponse(device_id.to_owned()))?,
    };
    Ok(MethodResult {
        status: answer.status,
        payload,
    })
}
