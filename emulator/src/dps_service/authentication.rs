//! Which services may call: whoever holds the key of the policy `provisioningserviceowner`.

use axum::{
    extract::{Request, State},
    http::header::AUTHORIZATION,
    middleware::Next,
    response::{IntoResponse, Response},
};
use chrono::Utc;
use setpoint_protocol::Token;

use super::{Dps, failure::Refused};
use crate::{
    identity::{Identity, PROVISIONING_POLICY},
    service::covers,
    state::DpsError,
};

/// Lets a request pass when it carries a valid token of the policy, and there are not too many. The caller hears only that it does
/// not; the reason is for the emulator's log.
pub(super) async fn require(State(dps): State<Dps>, request: Request, next: Next) -> Response {
    let header = request.headers().get(AUTHORIZATION);
    let header = header.and_then(|value| value.to_str().ok());
    let now = u64::try_from(Utc::now().timestamp()).unwrap_or(u64::MAX);
    let path = request.uri().path();
    if let Err(reason) = check(header, path, &dps.identity, now) {
        tracing::warn!(path, reason, "DPS service call refused");
        return Refused(DpsError::Unauthorized("Unauthorized")).into_response();
    }
    match dps.enrollments.count_operation() {
        Ok(()) => next.run(request).await,
        Err(error) => Refused(error).into_response(),
    }
}

fn check(header: Option<&str>, path: &str, identity: &Identity, now: u64) -> Result<(), String> {
    let header = header.ok_or("no Authorization header")?;
    let token = Token::parse(header).map_err(|error| error.to_string())?;
    if token.policy() != Some(PROVISIONING_POLICY) {
        return Err(format!(
            "the token names another policy than {PROVISIONING_POLICY}, or none"
        ));
    }
    if !covers(token.resource(), path, identity.names()) {
        return Err(format!("the token is for {:?}", token.resource()));
    }
    token
        .verify(&identity.provisioning_key(), now)
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use setpoint_protocol::Key;

    use super::*;

    #[test]
    fn only_the_policys_own_key_opens() {
        let identity = Identity::temporary().unwrap();
        let check = |resource: &str, key: &Key, expiry, policy| {
            let token = Token::sign(resource, key, expiry, policy).to_string();
            check(Some(&token), "/enrollments/d", &identity, 100).is_ok()
        };
        let (own, policy) = (identity.provisioning_key(), Some(PROVISIONING_POLICY));
        assert!(check("localhost:8443", &own, 101, policy));
        assert!(check("localhost/enrollments", &own, 101, policy));
        assert!(!check("localhost", &own, 100, policy), "expired");
        assert!(!check("elsewhere", &own, 101, policy), "for another host");
        assert!(
            !check("localhost/registrations", &own, 101, policy),
            "for something else"
        );
        assert!(!check("localhost", &own, 101, Some("iothubowner")), "another policy");
        assert!(!check("localhost", &own, 101, None), "no policy");
        assert!(
            !check("localhost", identity.service_key(), 101, policy),
            "the hub's key"
        );
        assert!(super::check(None, "/enrollments/d", &identity, 100).is_err());
    }
}
