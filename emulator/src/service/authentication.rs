//! Who may call: whoever holds the service policy's key.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use setpoint_protocol::{Endpoint, Token};

use super::failure::Failure;
use crate::identity::Identity;

/// Lets a request pass when it carries a valid token of the service policy. The caller hears only that it does not; the reason is
/// for the emulator's log.
pub(super) async fn require(State(identity): State<Arc<Identity>>, request: Request, next: Next) -> Response {
    let header = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let now = u64::try_from(Utc::now().timestamp()).unwrap_or(u64::MAX);
    match check(header, request.uri().path(), &identity, now) {
        Ok(()) => next.run(request).await,
        Err(reason) => {
            tracing::warn!(path = request.uri().path(), reason, "service call refused");
            Failure::Unauthorized.into_response()
        }
    }
}

fn check(header: Option<&str>, path: &str, identity: &Identity, now: u64) -> Result<(), String> {
    let header = header.ok_or("no Authorization header")?;
    let token = Token::parse(header).map_err(|error| error.to_string())?;
    if token.policy() != Some(identity.service_policy()) {
        return Err("the token names another policy, or none".to_owned());
    }
    if !covers(token.resource(), path, identity.names()) {
        return Err(format!("the token is for {:?}", token.resource()));
    }
    token
        .verify(identity.service_key(), now)
        .map_err(|error| error.to_string())
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
    fn only_the_service_policys_key_opens() {
        let identity = Identity::temporary().unwrap();
        let policy = Some(identity.service_policy());
        let check = |token: Token| check(Some(&token.to_string()), "/devices", &identity, 100);
        assert_eq!(
            check(Token::sign("localhost", identity.service_key(), 101, policy)),
            Ok(())
        );
        assert!(
            check(Token::sign("localhost", identity.service_key(), 100, policy)).is_err(),
            "expired"
        );
        assert!(
            check(Token::sign("localhost", identity.service_key(), 101, Some("device"))).is_err(),
            "another policy"
        );
        assert!(
            check(Token::sign("localhost", identity.service_key(), 101, None)).is_err(),
            "no policy"
        );
        assert!(
            check(Token::sign("localhost", &Key::from_bytes(vec![1; 32]), 101, policy)).is_err(),
            "another key"
        );
        assert!(
            check(Token::sign("localhost", &identity.device_keys()[0], 101, policy)).is_err(),
            "a device's key"
        );
    }
}
