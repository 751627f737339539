//! Where a service is: a host name, and a port when it is not the usual one.

use std::{fmt, net::Ipv6Addr, str::FromStr};

/// A host and, when one was given, a port: `host`, `host:port`, `[::1]` or `[::1]:port`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// A DNS name or an address; an IPv6 address stands here without its brackets.
    pub host: String,
    /// The port, when one was given.
    pub port: Option<u16>,
}

/// Why a text is not an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// There is no host name.
    #[error("the host name is empty")]
    NoHost,
    /// A character that no host name has, such as those of a URL: a scheme or a path does not belong here.
    #[error("{0:?} cannot stand in a host name; give the name alone, without https:// or a path")]
    Character(char),
    /// What follows the colon is no port.
    #[error("the port is not a number from 1 to 65535")]
    Port,
    /// What stands in brackets is no IPv6 address, or the bracket is not closed.
    #[error("the address in brackets is not an IPv6 address")]
    Brackets,
}

impl Endpoint {
    /// An endpoint without a port.
    pub fn new(host: impl Into<String>) -> Endpoint {
        Endpoint {
            host: host.into(),
            port: None,
        }
    }

    /// The port, or `default` when none was given.
    pub fn port_or(&self, default: u16) -> u16 {
        self.port.unwrap_or(default)
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Endpoint, EndpointError> {
        let text = text.trim();
        if let Some(bracketed) = text.strip_prefix('[') {
            let (address, rest) = bracketed.split_once(']').ok_or(EndpointError::Brackets)?;
            address.parse::<Ipv6Addr>().map_err(|_| EndpointError::Brackets)?;
            let port = match rest.strip_prefix(':') {
                Some(port) => Some(parse_port(port)?),
                None if rest.is_empty() => None,
                None => return Err(EndpointError::Brackets),
            };
            return Ok(Endpoint {
                host: address.to_owned(),
                port,
            });
        }
        let (host, port) = match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        };
        if host.is_empty() {
            return Err(EndpointError::NoHost);
        }
        if let Some(odd) = host
            .chars()
            .find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')))
        {
            return Err(EndpointError::Character(odd));
        }
        // `https://host` reads as host `https` and a port that begins with a slash; say what is really wrong.
        if port.is_some_and(|port| port.starts_with('/')) {
            return Err(EndpointError::Character('/'));
        }
        Ok(Endpoint {
            host: host.to_owned(),
            port: port.map(parse_port).transpose()?,
        })
    }
}

fn parse_port(text: &str) -> Result<u16, EndpointError> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(EndpointError::Port);
    }
    text.parse().ok().filter(|&port| port != 0).ok_or(EndpointError::Port)
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]", self.host)?;
        } else {
            f.write_str(&self.host)?;
        }
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_each_form() {
        let parsed = |text: &str| text.parse::<Endpoint>().map(|e| (e.host, e.port));
        assert_eq!(
            parsed("hub.azure-devices.net"),
            Ok(("hub.azure-devices.net".to_owned(), None))
        );
        assert_eq!(parsed("localhost:8884"), Ok(("localhost".to_owned(), Some(8884))));
        assert_eq!(parsed("[::1]:8883"), Ok(("::1".to_owned(), Some(8883))));
        assert_eq!(parsed("[::1]"), Ok(("::1".to_owned(), None)));
    }

    #[test]
    fn says_what_is_wrong() {
        let error = |text: &str| text.parse::<Endpoint>().unwrap_err();
        assert_eq!(error(""), EndpointError::NoHost);
        assert_eq!(error(":1"), EndpointError::NoHost);
        assert_eq!(error("https://hub"), EndpointError::Character('/'));
        assert_eq!(error("hub/path"), EndpointError::Character('/'));
        assert_eq!(error("hub:0"), EndpointError::Port);
        assert_eq!(error("hub:+1"), EndpointError::Port);
        assert_eq!(error("hub:65536"), EndpointError::Port);
        assert_eq!(error("hub:"), EndpointError::Port);
        assert_eq!(error("[hub]"), EndpointError::Brackets);
        assert_eq!(error("[::1]8883"), EndpointError::Brackets);
    }

    #[test]
    fn falls_back_to_the_default_port() {
        assert_eq!(Endpoint::new("hub").port_or(8883), 8883);
        assert_eq!(
            Endpoint {
                host: "hub".to_owned(),
                port: Some(1)
            }
            .port_or(8883),
            1
        );
    }

    proptest! {
        #[test]
        fn parsing_undoes_display(
            host in prop_oneof!["[a-zA-Z0-9._-]{1,40}", any::<Ipv6Addr>().prop_map(|a| a.to_string())],
            port in proptest::option::of(1u16..),
        ) {
            let endpoint = Endpoint { host, port };
            prop_assert_eq!(endpoint.to_string().parse(), Ok(endpoint));
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = text.parse::<Endpoint>();
        }
    }
}
