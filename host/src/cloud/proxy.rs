//! An HTTP proxy between a device and its cloud, and which hosts are reached without it.

use std::fmt;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use setpoint_protocol::endpoint::{Endpoint, EndpointError};
use zeroize::Zeroizing;

/// A proxy's URL has this port when it says none, as the scheme has.
const PORT: u16 = 80;

/// A proxy that opens tunnels with HTTP's CONNECT. What shows it leaves user and password out.
#[derive(Clone)]
pub struct Proxy {
    /// With its port.
    pub(super) endpoint: Endpoint,
    /// The header's value, a secret.
    pub(super) authorization: Option<Zeroizing<String>>,
}

/// Why a text is not a proxy's URL. Says nothing of the text, which may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    /// Another scheme than `http`.
    #[error("only proxies with http:// are spoken to; give http://HOST:PORT or http://USER:PASSWORD@HOST:PORT")]
    Scheme,
    /// The host is none.
    #[error("its host is malformed: {0}; give http://HOST:PORT or http://USER:PASSWORD@HOST:PORT")]
    Host(#[from] EndpointError),
}

impl std::str::FromStr for Proxy {
    type Err = ProxyError;

    /// Reads `http://[user[:password]@]host[:port][/]`, also without `http://`. A percent sign in user or password begins the
    /// code of a character.
    fn from_str(text: &str) -> Result<Proxy, ProxyError> {
        let text = text.trim();
        let rest = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
            Some(_) => return Err(ProxyError::Scheme),
            None => text,
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        // A password may hold an @.
        let (identity, host) = match rest.rsplit_once('@') {
            Some((identity, host)) => (Some(identity), host),
            None => (None, rest),
        };
        let endpoint: Endpoint = host.parse()?;
        let port = Some(endpoint.port_or(PORT));
        Ok(Proxy {
            endpoint: Endpoint { port, ..endpoint },
            authorization: identity.map(basic),
        })
    }
}

/// RFC 7617.
fn basic(identity: &str) -> Zeroizing<String> {
    let (user, password) = identity.split_once(':').unwrap_or((identity, ""));
    let decoded = |text: &str| Zeroizing::new(percent_decode_str(text).collect::<Vec<u8>>());
    let plain = Zeroizing::new([decoded(user).as_slice(), b":", decoded(password).as_slice()].concat());
    Zeroizing::new(format!("Basic {}", Zeroizing::new(STANDARD.encode(&*plain)).as_str()))
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.endpoint)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

/// Which hosts are reached through which proxy.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    proxy: Option<Proxy>,
    /// Whether every host is, this machine too.
    always: bool,
    /// Those that are not.
    direct: Vec<String>,
}

/// An environment variable that names a proxy and cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{variable} names no proxy: {error}")]
pub struct ProxyVariableError {
    variable: &'static str,
    error: ProxyError,
}

impl Proxies {
    /// Every host through this one.
    pub fn always(proxy: Proxy) -> Proxies {
        Proxies {
            proxy: Some(proxy),
            always: true,
            direct: Vec::new(),
        }
    }

    /// As everybody does it: `https_proxy` or `HTTPS_PROXY` for hosts that `no_proxy` or `NO_PROXY` does not name; this
    /// machine is always reached directly. `NO_PROXY` lists host names, each of which stands for all names that end in it
    /// too, addresses, and `*` for everything; with `:port` an entry is about that port alone.
    pub fn from_environment(get: impl Fn(&str) -> Option<String>) -> Result<Proxies, ProxyVariableError> {
        let get = |name: &'static str| {
            let value = get(name)?.trim().to_owned();
            (!value.is_empty()).then_some((name, value))
        };
        let Some((variable, url)) = get("https_proxy").or_else(|| get("HTTPS_PROXY")) else {
            return Ok(Proxies::default());
        };
        let url = Zeroizing::new(url);
        let proxy = url.parse().map_err(|error| ProxyVariableError { variable, error })?;
        let direct = get("no_proxy").or_else(|| get("NO_PROXY"));
        let direct = direct.map(|(_, list)| list).unwrap_or_default();
        let direct = direct.split([',', ' ']).filter(|entry| !entry.is_empty());
        Ok(Proxies {
            proxy: Some(proxy),
            always: false,
            direct: direct.map(str::to_ascii_lowercase).collect(),
        })
    }

    /// The proxy on the way to `endpoint`, which has a port.
    pub(super) fn on_the_way_to(&self, endpoint: &Endpoint) -> Option<&Proxy> {
        let proxy = self.proxy.as_ref()?;
        let host = endpoint.host.to_ascii_lowercase();
        let host = host.trim_end_matches('.');
        let is_direct = || is_this_machine(host) || self.direct.iter().any(|entry| names(entry, host, endpoint.port));
        (self.always || !is_direct()).then_some(proxy)
    }
}

fn is_this_machine(host: &str) -> bool {
    let address = host.parse().map(|address: IpAddr| address.to_canonical());
    host == "localhost" || host.ends_with(".localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// Whether an entry of `NO_PROXY` is about this host and port.
fn names(entry: &str, host: &str, port: Option<u16>) -> bool {
    if entry == "*" {
        return true;
    }
    let entry = entry.trim_start_matches("*.").trim_start_matches('.');
    // An IPv6 address may stand there without its brackets, where a colon begins no port.
    let is_address = entry.parse::<IpAddr>().is_ok();
    let (name, about) = match entry.rsplit_once(':') {
        Some((name, port)) if !is_address => (name, port.parse().ok()),
        _ => (entry, None),
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    let ends_in_it = || host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'));
    !name.is_empty() && (about.is_none() || about == port) && (host == name || ends_in_it())
}

#[cfg(test)]
#[path = "proxy_tests.rs"]
mod tests;
