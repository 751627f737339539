//! Who may call what: whoever holds the key of a policy with the right for it.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::Method;
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use setpoint_protocol::{Endpoint, Token};

use super::failure::Failure;
use crate::identity::{Identity, Policy, Right};

/// Lets a request pass when it carries a valid token of a policy that may do this. The caller hears only that it does not; the reason is
/// for the emulator's log.
pub(super) async fn require(State(identity): State<Arc<Identity>>, request: Request, next: Next) -> Response {
    let header = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let now = u64::try_from(Utc::now().timestamp()).unwrap_or(u64::MAX);
    let right = needed(request.method(), request.uri().path());
    match check(header, request.uri().path(), right, &identity, now) {
        Ok(()) => next.run(request).await,
        Err(reason) => {
            tracing::warn!(path = request.uri().path(), reason, "service call refused");
            Failure::Unauthorized.into_response()
        }
    }
}

fn check(header: Option<&str>, path: &str, right: Right, identity: &Identity, now: u64) -> Result<(), String> {
    let header = header.ok_or("no Authorization header")?;
    let token = Token::parse(header).map_err(|error| error.to_string())?;
    authorize(identity, &token, path, right, now)
}

/// Whether a token of a policy lets its holder do something that needs `right` at `path` (with or without its first slash), at
/// `now` (Unix seconds).
///
/// # Errors
///
/// Why not, for the log: the caller is to hear only that it may not.
pub fn authorize(identity: &Identity, token: &Token, path: &str, right: Right, now: u64) -> Result<(), String> {
    let policy = token
        .policy()
        .and_then(Policy::named)
        .ok_or("the token names a policy that does not exist, or none")?;
    if !covers(token.resource(), path, identity.names()) {
        return Err(format!("the token is for {:?}", token.resource()));
    }
    token
        .verify(&identity.policy_key(policy), now)
        .map_err(|error| error.to_string())?;
    if !policy.rights.contains(&right) {
        return Err(format!("policy {} does not have the right {right:?}", policy.name));
    }
    Ok(())
}

/// What a call needs (Microsoft: "IoT Hub permissions", and the articles on twins, methods and queries).
fn needed(method: &Method, path: &str) -> Right {
    let registry = ["/devices", "/statistics", "/configurations"].iter().any(|top| {
        path.strip_prefix(top)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    match path {
        "/devices/query" => Right::RegistryRead,
        _ if path.ends_with("/commands") && *method == Method::DELETE => Right::ServiceConnect,
        _ if registry && *method == Method::GET => Right::RegistryRead,
        _ if registry => Right::RegistryWrite,
        _ => Right::ServiceConnect,
    }
}

/// Whether a token for `resource` (`{hub}` or `{hub}/{path}`) is good for `path`: it is, for everything below what it names. The
/// hub may be any of its names, with a port as the Python service SDK writes it, or without.
pub(crate) fn covers(resource: &str, path: &str, names: &[String]) -> bool {
    let (hub, below) = resource.split_once('/').unwrap_or((resource, ""));
    let Ok(hub) = hub.parse::<Endpoint>() else { return false };
    let known = names.iter().any(|name| name.eq_ignore_ascii_case(&hub.host));
    let path = path.trim_start_matches('/');
    let below = below.trim_end_matches('/');
    let within = below.is_empty()
        || path
            .strip_prefix(below)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    known && within
}

#[cfg(test)]
mod tests {
    use setpoint_protocol::Key;

    use super::*;

    #[test]
    fn a_token_covers_what_it_names_and_below() {
        let names = ["localhost".to_owned(), "::1".to_owned()];
        for resource in [
            "localhost",
            "LOCALHOST:8443",
            "[::1]:8443",
            "localhost/twins",
            "localhost/twins/d/",
        ] {
            assert!(covers(resource, "/twins/d", &names), "{resource}");
        }
        for resource in [
            "",
            "elsewhere",
            "localhost/devices",
            "localhost/twin",
            "localhost/twins/d/methods",
            "localhost:x",
        ] {
            assert!(!covers(resource, "/twins/d", &names), "{resource}");
        }
    }

    #[test]
    fn only_the_policys_own_key_opens() {
        let identity = Identity::temporary().unwrap();
        let policy = Some(identity.service_policy());
        let check = |token: Token| {
            check(
                Some(&token.to_string()),
                "/devices",
                Right::RegistryRead,
                &identity,
                100,
            )
        };
        assert_eq!(
            check(Token::sign("localhost", identity.service_key(), 101, policy)),
            Ok(())
        );
        let device_key = &identity.device_keys()[0];
        for (key, expiry, policy, what) in [
            (identity.service_key(), 100, policy, "expired"),
            (identity.service_key(), 101, Some("device"), "another policy"),
            (identity.service_key(), 101, Some("unheard"), "an unknown policy"),
            (identity.service_key(), 101, None, "no policy"),
            (&Key::from_bytes(vec![1; 32]), 101, policy, "another key"),
            (device_key, 101, policy, "a device's key"),
        ] {
            assert!(check(Token::sign("localhost", key, expiry, policy)).is_err(), "{what}");
        }
    }

    #[test]
    fn each_policy_has_its_rights_and_no_more() {
        let identity = Identity::temporary().unwrap();
        let (get, put, post, delete) = (Method::GET, Method::PUT, Method::POST, Method::DELETE);
        let calls = [
            (
                &get,
                "/devices/d",
                ["iothubowner", "registryRead", "registryReadWrite"].as_slice(),
            ),
            (
                &get,
                "/devices/d/modules/m",
                &["iothubowner", "registryRead", "registryReadWrite"],
            ),
            (
                &get,
                "/statistics/devices",
                &["iothubowner", "registryRead", "registryReadWrite"],
            ),
            (
                &post,
                "/devices/query",
                &["iothubowner", "registryRead", "registryReadWrite"],
            ),
            (&put, "/devices/d", &["iothubowner", "registryReadWrite"]),
            (&post, "/devices", &["iothubowner", "registryReadWrite"]),
            (&delete, "/devices/d", &["iothubowner", "registryReadWrite"]),
            (&delete, "/devices/d/commands", &["iothubowner", "service"]),
            (&get, "/twins/d", &["iothubowner", "service"]),
            (&get, "/messages/serviceBound/feedback", &["iothubowner", "service"]),
            (&get, "/setpoint/events", &["iothubowner", "service"]),
        ];
        for (method, path, allowed) in calls {
            for policy in Policy::ALL {
                let token = Token::sign("localhost", &identity.policy_key(policy), 101, Some(policy.name));
                let passes = authorize(&identity, &token, path, needed(method, path), 100).is_ok();
                assert_eq!(
                    passes,
                    allowed.contains(&policy.name),
                    "{} {method} {path}",
                    policy.name
                );
            }
        }
    }
}
