use super::*;

fn proxy(text: &str) -> Proxy {
    text.parse().unwrap()
}

/// As an environment in which these are set.
fn proxies(variables: &[(&str, &str)]) -> Result<Proxies, ProxyVariableError> {
    Proxies::from_environment(|name| {
        let found = variables.iter().find(|(set, _)| *set == name);
        found.map(|(_, value)| (*value).to_owned())
    })
}

fn is_proxied(proxies: &Proxies, endpoint: &str) -> bool {
    proxies.on_the_way_to(&endpoint.parse().unwrap()).is_some()
}

#[test]
fn reads_every_usual_form() {
    for (text, shown) in [
        ("http://proxy:3128", "http://proxy:3128"),
        ("HTTP://proxy.example.com:3128/", "http://proxy.example.com:3128"),
        ("proxy:3128", "http://proxy:3128"),
        ("http://proxy", "http://proxy:80"),
        ("http://[::1]:3128", "http://[::1]:3128"),
        (" http://user:password@proxy:3128 ", "http://proxy:3128"),
    ] {
        assert_eq!(proxy(text).to_string(), shown, "{text}");
    }
}

#[test]
fn user_and_password_become_a_header() {
    for (identity, plain) in [
        ("user:password", "user:password"),
        ("user", "user:"),
        ("domain%5Cuser:p%40ss%3Aword", "domain\\user:p@ss:word"),
        ("user:p@ss:word", "user:p@ss:word"),
    ] {
        let header = proxy(&format!("http://{identity}@proxy:1")).authorization.unwrap();
        assert_eq!(*header, format!("Basic {}", STANDARD.encode(plain)), "{identity}");
    }
    assert!(proxy("http://proxy:1").authorization.is_none());
}

#[test]
fn says_what_is_wrong_and_shows_no_password() {
    for scheme in ["https", "socks5"] {
        let text = format!("{scheme}://proxy:1");
        assert_eq!(text.parse::<Proxy>().unwrap_err(), ProxyError::Scheme);
    }
    for text in [
        "http://",
        "http://user:secret@",
        "http://user:secret@proxy:none",
        "http://proxy/secret",
    ] {
        let error = text.parse::<Proxy>().unwrap_err();
        assert!(matches!(error, ProxyError::Host(_)), "{text}: {error:?}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    let shown = format!("{:?}", Proxies::always(proxy("http://user:secret@proxy:1")));
    assert!(shown.contains("http://proxy:1") && !shown.contains("secret"), "{shown}");
    assert!(!shown.contains(&STANDARD.encode("user:secret")), "{shown}");
}

#[test]
fn the_environment_names_the_proxy_in_small_letters_or_capitals() {
    let hub = "hub.azure-devices.net:8883";
    assert!(!is_proxied(&proxies(&[]).unwrap(), hub));
    assert!(!is_proxied(&proxies(&[("HTTPS_PROXY", " ")]).unwrap(), hub));
    assert!(!is_proxied(&proxies(&[("HTTP_PROXY", "http://proxy:1")]).unwrap(), hub));
    let both = [("HTTPS_PROXY", "http://capital:1"), ("https_proxy", "http://small:1")];
    for (variables, shown) in [(&both[..1], "http://capital:1"), (&both[..], "http://small:1")] {
        let proxies = proxies(variables).unwrap();
        let found = proxies.on_the_way_to(&hub.parse().unwrap());
        assert_eq!(found.unwrap().to_string(), shown);
    }
    let error = proxies(&[("HTTPS_PROXY", "socks5://user:secret@proxy:1")])
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("HTTPS_PROXY names no proxy") && !error.contains("secret"),
        "{error}"
    );
}

#[test]
fn this_machine_needs_no_proxy_unless_that_is_asked_for() {
    let usual = proxies(&[("HTTPS_PROXY", "http://proxy:1")]).unwrap();
    let always = Proxies::always(proxy("http://proxy:1"));
    for here in [
        "localhost:8883",
        "LOCALHOST:1",
        "hub.localhost:1",
        "127.0.0.1:1",
        "127.9.9.9:1",
        "[::1]:1",
    ] {
        assert!(!is_proxied(&usual, here), "{here}");
        assert!(is_proxied(&always, here), "{here}");
    }
    assert!(is_proxied(&usual, "192.168.0.1:8883"));
}

#[test]
fn no_proxy_names_what_is_reached_directly() {
    let cases = [
        ("hub.example.com", "hub.example.com:1", true),
        ("HUB.example.com", "hub.EXAMPLE.com:1", true),
        ("example.com", "hub.example.com:1", true),
        (".example.com", "hub.example.com:1", true),
        ("*.example.com", "hub.example.com:1", true),
        ("example.com", "badexample.com:1", false),
        ("other.com, example.com", "hub.example.com:1", true),
        ("other.com example.com", "hub.example.com:1", true),
        ("example.com:8883", "hub.example.com:8883", true),
        ("example.com:8883", "hub.example.com:443", false),
        ("10.0.0.1", "10.0.0.1:1", true),
        ("10.0.0.1", "110.0.0.1:1", false),
        ("fd00::1", "[fd00::1]:1", true),
        ("[fd00::1]:443", "[fd00::1]:443", true),
        ("[fd00::1]:443", "[fd00::1]:8883", false),
        ("*", "hub.example.com:1", true),
        (",", "hub.example.com:1", false),
        ("", "hub.example.com:1", false),
    ];
    for (list, endpoint, is_direct) in cases {
        for name in ["NO_PROXY", "no_proxy"] {
            let proxies = proxies(&[("HTTPS_PROXY", "http://proxy:1"), (name, list)]).unwrap();
            assert_eq!(!is_proxied(&proxies, endpoint), is_direct, "{name}={list}: {endpoint}");
        }
    }
}
