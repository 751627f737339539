//! Who may use the page: whoever has the link that the emulator prints.
//!
//! The link carries a key behind `#`, which a browser never sends; the page's script trades it for a cookie. Both are derived from
//! the identity's service key, which is random and kept with the identity: so they outlive a restart, differ between
//! emulators, and neither tells anything of the other or of the key they come from.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::http::HeaderMap;
use axum::http::header::COOKIE;
use setpoint_protocol::Key;

use crate::identity::Identity;

/// How long a browser keeps the cookie, in seconds: a year.
const KEPT: u64 = 365 * 24 * 60 * 60;

/// The two secrets and the cookie's name.
pub(super) struct Access {
    link: String,
    cookie: String,
    name: String,
}

impl Access {
    /// For the page on this port.
    pub(super) fn new(identity: &Identity, port: u16) -> Access {
        let derived = |purpose: &str| in_url(&identity.service_key().derive(purpose));
        Access {
            link: derived("setpoint page link"),
            cookie: derived("setpoint page cookie"),
            // A browser keeps one jar for all ports of a host: two emulators must not take each other's.
            name: format!("setpoint-page-{port}"),
        }
    }

    /// The link for a person, who sits at this machine if the page listens on every address.
    pub(super) fn link(&self, address: SocketAddr) -> String {
        let host = match address.ip() {
            ip if !ip.is_unspecified() => ip,
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        };
        let address = SocketAddr::new(host, address.port());
        format!("http://{address}/#access={}", self.link)
    }

    /// The cookie to set for who has shown `key`; none if that is not the link's.
    pub(super) fn admit(&self, key: &str) -> Option<String> {
        same(key, &self.link).then(|| {
            let (name, cookie) = (&self.name, &self.cookie);
            format!("{name}={cookie}; Path=/; HttpOnly; SameSite=Strict; Max-Age={KEPT}")
        })
    }

    /// Whether a request carries the cookie.
    pub(super) fn allows(&self, headers: &HeaderMap) -> bool {
        let texts = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut cookies = texts.flat_map(|text| text.split(';'));
        cookies.any(|cookie| {
            let pair = cookie.trim().split_once('=');
            pair.is_some_and(|(name, value)| name == self.name && same(value, &self.cookie))
        })
    }
}

/// Whether two secrets are the same, in a time that does not tell where they differ.
fn same(given: &str, secret: &str) -> bool {
    let key = |text: &str| Key::from_bytes(text.as_bytes().to_vec());
    key(given) == key(secret)
}

/// In characters that a URL and a cookie take as they are.
fn in_url(key: &Key) -> String {
    key.to_base64().replace('+', "-").replace('/', "_").replace('=', "")
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(cookie: &str) -> HeaderMap {
        HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(cookie).unwrap())])
    }

    #[test]
    fn the_links_key_gives_the_cookie_and_the_cookie_opens() {
        let identity = Identity::temporary().unwrap();
        let access = Access::new(&identity, 8444);
        let link = access.link("127.0.0.1:8444".parse().unwrap());
        let key = link.strip_prefix("http://127.0.0.1:8444/#access=").unwrap();
        let set = access.admit(key).unwrap();
        assert!(set.contains("; HttpOnly; SameSite=Strict"), "{set}");
        let pair = set.split(';').next().unwrap();
        assert!(access.allows(&headers(&format!("theme=dark; {pair}"))));
        assert!(!set.contains(key), "who sees the one does not know the other");
        // After a restart.
        assert!(Access::new(&identity, 8444).allows(&headers(pair)));
    }

    #[test]
    fn nothing_else_opens() {
        let identity = Identity::temporary().unwrap();
        let access = Access::new(&identity, 8444);
        assert_eq!(access.admit(""), None);
        assert_eq!(access.admit(&access.cookie), None);
        for cookie in ["", "setpoint-page-8444", "setpoint-page-8444="] {
            assert!(!access.allows(&headers(cookie)), "{cookie:?}");
        }
        let others = Access::new(&Identity::temporary().unwrap(), 8444);
        assert!(!access.allows(&headers(&format!("{}={}", others.name, others.cookie))));
        assert!(!access.allows(&headers(&format!("setpoint-page-1={}", access.cookie))));
    }

    #[test]
    fn a_page_on_every_address_is_linked_to_on_loopback() {
        let access = Access::new(&Identity::temporary().unwrap(), 1);
        assert!(
            access
                .link("0.0.0.0:1".parse().unwrap())
                .starts_with("http://127.0.0.1:1/")
        );
        assert!(access.link("[::]:1".parse().unwrap()).starts_with("http://[::1]:1/"));
    }
}
