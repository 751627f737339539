//! What stands before every request: other sites in the same browser get nothing, and can have nothing done.

use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderName, ORIGIN, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::failure::Failure;

/// Scripts, styles and connections from here and nowhere else; nothing inline; text can only become text, never markup
/// (Trusted Types); nobody may put the page into a frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// Headers of every answer.
const HEADERS: [(HeaderName, &str); 7] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "no-referrer"),
    (CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Turns away what does not come from this page or from nobody's, and puts the headers on every answer.
pub(super) async fn watch(request: Request, next: Next) -> Response {
    let mut response = match check(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(reason) => Failure::forbidden(reason).into_response(),
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn check(headers: &HeaderMap) -> Result<(), &'static str> {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let host = text(HOST).unwrap_or_default();
    if !is_loopback(host) {
        return Err("this page answers to localhost, 127.0.0.1 and [::1] alone: open it under one of these names");
    }
    // Sent by browsers with everything that may change something, and with WebSockets.
    if text(ORIGIN).is_some_and(|origin| origin.strip_prefix("http://") != Some(host)) {
        return Err("another origin has nothing to ask here");
    }
    // Sent by browsers with everything. `none` is a person who opens the page.
    let site = text(HeaderName::from_static("sec-fetch-site"));
    let mode = text(HeaderName::from_static("sec-fetch-mode"));
    match site {
        None | Some("same-origin" | "none") => Ok(()),
        // A link on another page: what it opens is this page's own files, which are public.
        Some(_) if mode == Some("navigate") => Ok(()),
        Some(_) => Err("another site has nothing to ask here"),
    }
}

/// Whether the name a browser reached this by means this machine, whatever a DNS server says. With a port or without.
fn is_loopback(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else {
        return false;
    };
    let name = authority.host();
    let name = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
        .unwrap_or(name);
    name.eq_ignore_ascii_case("localhost") || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect()
    }

    #[test]
    fn only_names_of_this_machine_are_answered_to() {
        for host in [
            "localhost",
            "LocalHost:8444",
            "127.0.0.1:8444",
            "127.1.2.3",
            "[::1]:8444",
        ] {
            assert_eq!(check(&headers(&[("host", host)])), Ok(()), "{host}");
        }
        for host in [
            "",
            "example.com",
            "localhost.example.com",
            "10.0.0.1:8444",
            "127.0.0.1.nip.io",
            "a@localhost.x",
        ] {
            assert!(check(&headers(&[("host", host)])).is_err(), "{host}");
        }
        assert!(check(&HeaderMap::new()).is_err());
    }

    #[test]
    fn another_origin_is_turned_away_on_the_same_host_too() {
        let from = |origin| check(&headers(&[("host", "localhost:8444"), ("origin", origin)]));
        assert_eq!(from("http://localhost:8444"), Ok(()));
        for origin in [
            "null",
            "http://localhost:3000",
            "https://localhost:8444",
            "http://127.0.0.1:8444",
        ] {
            assert!(from(origin).is_err(), "{origin}");
        }
    }

    #[test]
    fn other_sites_can_link_here_and_nothing_more() {
        let fetch = |site, mode| {
            check(&headers(&[
                ("host", "localhost"),
                ("sec-fetch-site", site),
                ("sec-fetch-mode", mode),
            ]))
        };
        assert_eq!(fetch("same-origin", "cors"), Ok(()));
        assert_eq!(fetch("none", "navigate"), Ok(()));
        assert_eq!(fetch("cross-site", "navigate"), Ok(()));
        assert!(fetch("cross-site", "no-cors").is_err());
        assert!(fetch("same-site", "websocket").is_err());
    }
}
