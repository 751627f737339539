//! Throttles of the services' side: calls wait their turn, or are refused with 429 (Microsoft: "IoT Hub quotas and throttling").

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{Method, header::CONTENT_LENGTH};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time;

use super::failure::Failure;
use crate::state::{Admission, Hub, HubError, METHOD_METER, Throttle};

/// Lets a call pass when its throttle does.
pub(super) async fn pace(State(hub): State<Arc<Hub>>, request: Request, next: Next) -> Response {
    if let Some(throttle) = throttle(request.method(), request.uri().path()) {
        let amount = match throttle {
            Throttle::Methods => body_length(&request).div_ceil(METHOD_METER).max(1),
            _ => 1,
        };
        match hub.throttles().admit(throttle, amount) {
            Admission::After(wait) => {
                if !wait.is_zero() {
                    time::sleep(wait).await;
                }
            }
            Admission::Refused => return Failure::Hub(HubError::Throttled(throttle)).into_response(),
        }
    }
    next.run(request).await
}

fn body_length(request: &Request) -> u64 {
    let length = request.headers().get(CONTENT_LENGTH);
    length
        .and_then(|length| length.to_str().ok()?.parse().ok())
        .unwrap_or(0)
}

/// What a call counts as.
fn throttle(method: &Method, path: &str) -> Option<Throttle> {
    let mut levels = path.trim_matches('/').split('/');
    let twin = match *method {
        Method::GET => Throttle::TwinReads,
        _ => Throttle::TwinUpdates,
    };
    match (levels.next()?, levels.next_back()) {
        ("devices", Some("query")) => Some(Throttle::Queries),
        ("devices", Some("devicebound")) => Some(Throttle::CloudToDevice),
        ("devices", _) => Some(Throttle::Registry),
        ("twins", Some("methods")) => Some(Throttle::Methods),
        ("digitaltwins", Some(_)) if path.contains("/commands/") => Some(Throttle::Methods),
        ("twins" | "digitaltwins", _) => Some(twin),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_count_as_what_they_are() {
        for (method, path, expected) in [
            (Method::GET, "/devices", Some(Throttle::Registry)),
            (Method::PUT, "/devices/d", Some(Throttle::Registry)),
            (Method::GET, "/devices/d/modules/m", Some(Throttle::Registry)),
            (Method::POST, "/devices/query", Some(Throttle::Queries)),
            (
                Method::POST,
                "/devices/d/messages/devicebound",
                Some(Throttle::CloudToDevice),
            ),
            (Method::GET, "/twins/d", Some(Throttle::TwinReads)),
            (Method::PATCH, "/twins/d", Some(Throttle::TwinUpdates)),
            (Method::POST, "/twins/d/methods", Some(Throttle::Methods)),
            (Method::GET, "/digitaltwins/d", Some(Throttle::TwinReads)),
            (Method::PATCH, "/digitaltwins/d", Some(Throttle::TwinUpdates)),
            (Method::POST, "/digitaltwins/d/commands/reboot", Some(Throttle::Methods)),
            (
                Method::POST,
                "/digitaltwins/d/components/c/commands/getMaxMinReport",
                Some(Throttle::Methods),
            ),
            (Method::GET, "/setpoint/events", None),
            (Method::GET, "/", None),
        ] {
            assert_eq!(throttle(&method, path), expected, "{method} {path}");
        }
    }
}
