//! Direct methods: `/twins/{id}/methods` of devices, `/twins/{id}/modules/{mid}/methods` of modules.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use setpoint_protocol::service::{MethodRequest, MethodResult};

use super::body::{JsonBody, Name};
use super::failure::Failure;
use crate::state::Hub;

/// How long a device may take to answer, in seconds (IoT Hub: "Understand and invoke direct methods").
const RESPONSE_TIMEOUT: RangeInclusive<u64> = 5..=300;

/// When the caller does not say.
const DEFAULT_RESPONSE_TIMEOUT: u64 = 30;

/// How long to wait for a device that is offline, in seconds; when the caller does not say, not at all.
const CONNECT_TIMEOUT: RangeInclusive<u64> = 0..=300;

pub(super) async fn call(
    State(hub): State<Arc<Hub>>,
    Name(name): Name,
    JsonBody(request): JsonBody<MethodRequest>,
) -> Result<Json<MethodResult>, Failure> {
    let timeouts = Timeouts::new(request.connect_timeout_in_seconds, request.response_timeout_in_seconds)?;
    let result = hub
        .call_method(
            &name,
            &request.method_name,
            request.payload,
            timeouts.connect,
            timeouts.response,
        )
        .await?;
    Ok(Json(MethodResult {
        status: result.status,
        payload: result.payload,
    }))
}

/// How long a call waits.
pub(super) struct Timeouts {
    pub(super) connect: Duration,
    pub(super) response: Duration,
}

impl Timeouts {
    /// From what the caller gave, in seconds.
    pub(super) fn new(connect: Option<u64>, response: Option<u64>) -> Result<Timeouts, Failure> {
        let within = |name: &str, range: RangeInclusive<u64>, given: Option<u64>, default: u64| {
            let seconds = given.unwrap_or(default);
            if range.contains(&seconds) {
                return Ok(Duration::from_secs(seconds));
            }
            let (least, most) = (range.start(), range.end());
            Err(Failure::invalid(format!(
                "{name} is {seconds}: it must be from {least} to {most}"
            )))
        };
        Ok(Timeouts {
            connect: within(
                "connectTimeoutInSeconds",
                CONNECT_TIMEOUT,
                connect,
                *CONNECT_TIMEOUT.start(),
            )?,
            response: within(
                "responseTimeoutInSeconds",
                RESPONSE_TIMEOUT,
                response,
                DEFAULT_RESPONSE_TIMEOUT,
            )?,
        })
    }
}
