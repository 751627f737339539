//! Devices behind a proxy.

use setpoint::cloud::{Access, AzureConnector, ConnectError, Connector, ProvisionError, Provisioner, Proxies};

use crate::local::{DEVICE, Local, MODEL};
use crate::tunnels::{Manner, TestProxy};

/// `user:secret`, as the header has it.
const IDENTITY: &str = "Basic dXNlcjpzZWNyZXQ=";

fn through(local: &Local, url: &str) -> Access {
    local.access().proxies(Proxies::always(url.parse().unwrap()))
}

/// How provisioning fails through this proxy.
async fn failure(local: &Local, proxy: &TestProxy, identity: &str) -> String {
    let provisioner = local.provisioner(through(local, &proxy.url(identity)));
    match provisioner.provision(MODEL).await {
        Err(ProvisionError::Connect(error @ ConnectError::Unreachable { .. })) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn dps_and_hub_are_reached_through_tunnels() {
    let local = Local::start().await;
    let proxy = TestProxy::start(Manner::Open).await;
    let access = through(&local, &proxy.url(""));
    let assignment = local.provisioner(access.clone()).provision(MODEL).await.unwrap();
    assert_eq!(assignment.device_id, DEVICE);
    let connection = AzureConnector::new(access).connect(&assignment, MODEL).await.unwrap();
    let line = format!("CONNECT localhost:{} HTTP/1.1", local.port());
    assert_eq!(proxy.asked(), [line.clone(), line]);
    connection.close().await;
}

#[tokio::test]
async fn a_proxy_that_asks_who_is_there_is_told() {
    let local = Local::start().await;
    let proxy = TestProxy::start(Manner::OpenFor(IDENTITY)).await;
    let access = through(&local, &proxy.url("user:secret@"));
    local.provisioner(access).provision(MODEL).await.unwrap();

    let unknown = failure(&local, &proxy, "").await;
    let wrong = failure(&local, &proxy, "user:hunter2@").await;
    for (error, advice) in [(&unknown, "give it a user and a password"), (&wrong, "does not accept")] {
        for part in [&proxy.url(""), "407 Proxy Authentication Required", advice] {
            assert!(error.contains(part), "{part} is missing: {error}");
        }
        assert!(!error.contains("hunter2") && !error.contains("user:"), "{error}");
    }
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named_with_its_answer() {
    let local = Local::start().await;
    for (answer, part) in [
        ("HTTP/1.1 403 Forbidden\r\n\r\n", "answered 403 Forbidden"),
        ("HTTP/1.1 502 Bad Gateway\r\n\r\n", "answered 502 Bad Gateway"),
        ("SSH-2.0-OpenSSH_9.2\r\n\r\n", "is no HTTP proxy"),
        ("HTTP/1.1 200", "broke off"),
    ] {
        let proxy = TestProxy::start(Manner::Say(answer)).await;
        let error = failure(&local, &proxy, "user:secret@").await;
        assert!(error.contains(part) && error.contains(&proxy.url("")), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_named() {
    let local = Local::start().await;
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let refused = local.provisioner(through(&local, &url)).provision(MODEL).await;
    let error = refused.unwrap_err().to_string();
    assert!(error.contains(&format!("the proxy {url} does not answer")), "{error}");
}

#[tokio::test]
async fn the_environments_proxy_is_not_asked_for_this_machine() {
    let local = Local::start().await;
    let proxy = TestProxy::start(Manner::Open).await;
    let proxies = Proxies::from_environment(|name| (name == "HTTPS_PROXY").then(|| proxy.url("")));
    let access = local.access().proxies(proxies.unwrap());
    local.provisioner(access).provision(MODEL).await.unwrap();
    assert_eq!(proxy.asked(), Vec::<String>::new());
}
