//! Calls of a hub's service API over HTTPS, signed with the service policy's key.

use std::fmt;
use std::io::BufRead;
use std::io::BufReader;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rustls::pki_types::CertificateDer;
use serde_json::Value;
use setpoint_protocol::service::{API_VERSION, ServiceError};
use setpoint_protocol::{Endpoint, ServiceConnectionString, Token};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body, http};

/// A token is used at once; this is for clocks that differ.
const TOKEN_LIFE: Duration = Duration::from_secs(5 * 60);

/// How long connecting to the hub may take, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the hub may take to begin its answer, beyond what the call itself waits for.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// What may stand in one segment of a path as it is.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A hub, and the right to call it. `Debug` is left out on purpose: it holds a key.
pub(crate) struct ServiceClient {
    agent: Agent,
    hub: ServiceConnectionString,
}

/// Why a call did not succeed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// No answer came.
    #[error("the hub at {at} cannot be reached: {reason}")]
    Unreachable { at: Endpoint, reason: String },
    /// The hub refused.
    #[error("{0}")]
    Refused(Refusal),
    /// What answers is not a hub's service API.
    #[error("what answers at {at} is not the service API of an IoT hub; check HostName in the connection string")]
    NotAHub { at: Endpoint },
}

/// What the hub said when it refused.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    /// The error's name, such as `DeviceNotFound`.
    pub(crate) name: Option<String>,
    text: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.status, &self.name) {
            (401, _) => f.write_str("the hub does not accept the key (401); check the connection string and the clock"),
            (status, Some(name)) => write!(f, "the hub refused: {} ({status} {name})", self.text),
            (status, None) => write!(f, "the hub refused: {} ({status})", self.text),
        }
    }
}

impl ServiceClient {
    /// Calls the hub named in the connection string, believing `authorities`.
    pub(crate) fn new(hub: ServiceConnectionString, authorities: &[CertificateDer<'_>]) -> ServiceClient {
        let roots = authorities
            .iter()
            .map(|authority| Certificate::from_der(authority).to_owned());
        let tls = TlsConfig::builder().root_certs(RootCerts::from(roots)).build();
        let mut config = Agent::config_builder()
            .tls_config(tls)
            .https_only(true)
            // A hub's refusal has a body that says why.
            .http_status_as_error(false)
            // The token is for this hub and nobody it may point to.
            .max_redirects(0)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .user_agent(concat!("setpoint/", env!("CARGO_PKG_VERSION")));
        if is_loopback(&hub.host.host) {
            // No proxy leads back to this machine.
            config = config.proxy(None);
        }
        ServiceClient {
            agent: config.build().new_agent(),
            hub,
        }
    }

    /// Where the hub is.
    pub(crate) fn host(&self) -> &Endpoint {
        &self.hub.host
    }

    /// A device's twin.
    pub(crate) fn twin(&self, device: &str) -> Result<Value, CallError> {
        self.json("GET", &["twins", device], None, Duration::ZERO)
    }

    /// Changes a twin; the whole twin after the change.
    pub(crate) fn patch_twin(&self, device: &str, patch: &Value) -> Result<Value, CallError> {
        self.json("PATCH", &["twins", device], Some(patch), Duration::ZERO)
    }

    /// Calls a method, which may take as long as `patience`.
    pub(crate) fn call(&self, device: &str, request: &Value, patience: Duration) -> Result<Value, CallError> {
        self.json("POST", &["twins", device, "methods"], Some(request), patience)
    }

    /// What devices do from now on, or after the event of the id `last`, as lines of server-sent events; the local emulator alone has
    /// this.
    pub(crate) fn events(&self, device: Option<&str>, last: Option<&str>) -> Result<impl BufRead + use<>, CallError> {
        let query = device
            .map(|device| format!("device={}", encoded(device)))
            .unwrap_or_default();
        let headers: Vec<_> = last.map(|last| ("last-event-id", last)).into_iter().collect();
        let answer = self.send("GET", &["setpoint", "events"], &query, &headers, None, Duration::ZERO)?;
        match answer.body().mime_type() {
            Some("text/event-stream") => Ok(BufReader::new(answer.into_body().into_reader())),
            _ => Err(CallError::NotAHub {
                at: self.hub.host.clone(),
            }),
        }
    }

    fn json(&self, method: &str, path: &[&str], body: Option<&Value>, patience: Duration) -> Result<Value, CallError> {
        let mut answer = self.send(method, path, "", &[], body, patience)?;
        answer.body_mut().read_json().map_err(|error| match error {
            ureq::Error::Json(_) => CallError::NotAHub {
                at: self.hub.host.clone(),
            },
            error => self.unreachable(&error),
        })
    }

    /// Sends one request; an answer that is not a success becomes an error.
    fn send(
        &self,
        method: &str,
        path: &[&str],
        query: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
        patience: Duration,
    ) -> Result<http::Response<Body>, CallError> {
        let path: Vec<_> = path.iter().map(|segment| encoded(segment)).collect();
        let separator = if query.is_empty() { "" } else { "&" };
        let address = format!(
            "https://{}/{}?api-version={API_VERSION}{separator}{query}",
            self.hub.host,
            path.join("/")
        );
        let mut request = http::Request::builder()
            .method(method)
            .uri(address)
            .header(http::header::AUTHORIZATION, self.token())
            .header(http::header::CONTENT_TYPE, "application/json; charset=utf-8");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request
            .body(body.map(Value::to_string).unwrap_or_default())
            .map_err(|error| self.unreachable(&ureq::Error::Http(error)))?;
        let request = self
            .agent
            .configure_request(request)
            .timeout_recv_response(Some(patience + ANSWER_TIMEOUT))
            .build();
        let mut answer = self.agent.run(request).map_err(|error| self.unreachable(&error))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let body = answer.body_mut().read_to_string().unwrap_or_default();
        Err(CallError::Refused(Refusal::read(answer.status().as_u16(), &body)))
    }

    fn token(&self) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let expiry = (now + TOKEN_LIFE).as_secs();
        Token::sign(&self.hub.host.host, &self.hub.key, expiry, Some(&self.hub.policy)).to_string()
    }

    fn unreachable(&self, error: &ureq::Error) -> CallError {
        let mut reason = error.to_string();
        if reason.contains("certificate") {
            reason += "; if you trust it, name its authority with --ca FILE";
        }
        CallError::Unreachable {
            at: self.hub.host.clone(),
            reason,
        }
    }
}

impl Refusal {
    fn read(status: u16, body: &str) -> Refusal {
        match serde_json::from_str::<ServiceError>(body) {
            Ok(error) => Refusal {
                status,
                name: error.name().map(str::to_owned),
                text: error.text().trim().to_owned(),
            },
            Err(_) => Refusal {
                status,
                name: None,
                text: "it does not say why".to_owned(),
            },
        }
    }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// Whether a host name means this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_the_hub_said() {
        let body =
            r#"{"Message": "ErrorCode:DeviceNotOnline;device d is not online", "ExceptionMessage": "Tracking ID:x"}"#;
        let refusal = Refusal::read(404, body);
        assert_eq!(
            refusal.to_string(),
            "the hub refused: device d is not online (404 DeviceNotOnline)"
        );
        assert_eq!(
            Refusal::read(502, "<html>").to_string(),
            "the hub refused: it does not say why (502)"
        );
        assert!(
            Refusal::read(401, body)
                .to_string()
                .contains("check the connection string")
        );
    }

    #[test]
    fn ids_are_encoded_where_a_path_would_break() {
        assert_eq!(encoded("my-pnp_device.1"), "my-pnp_device.1");
        assert_eq!(encoded("a?b#c%d/e"), "a%3Fb%23c%25d%2Fe");
    }

    #[test]
    fn this_machine_has_many_names() {
        for host in ["localhost", "LOCALHOST", "127.0.0.1", "127.9.8.7", "::1"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["hub.azure-devices.net", "10.0.0.1", "localhost.example"] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
