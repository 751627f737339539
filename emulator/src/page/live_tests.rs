//! The line to a browser, over a real socket.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::*;
use crate::Declaration;
use crate::state::{CloudMessage, Hub};

const PATIENCE: Duration = Duration::from_secs(30);

/// A page that is served, of a hub with the device `d`.
async fn page() -> (Emulator, Arc<Hub>, Page) {
    page_of(&Declaration::default()).await
}

/// The same with what is declared.
async fn page_of(declaration: &Declaration) -> (Emulator, Arc<Hub>, Page) {
    let any = "127.0.0.1:0".parse().unwrap();
    let options = crate::Options {
        mqtt: any,
        https: any,
        identity: Arc::new(Identity::temporary().unwrap()),
        data: None,
    };
    let emulator = Emulator::start_declared(options, declaration).await.unwrap();
    let hub = Arc::clone(emulator.hub());
    hub.create_device("d", None).unwrap();
    let options = PageOptions {
        address: any,
        models: Arc::new(|id| Model::read(id, &setpoint_dtdl::Bundle::default())),
        files: None,
    };
    let page = Page::start(&emulator, options).await.unwrap();
    (emulator, hub, page)
}

async fn open(page: &Page, headers: &[(&'static str, &str)]) -> Result<WebSocketStream<TcpStream>, Error> {
    open_at(page, "live", headers).await
}

async fn open_at(
    page: &Page,
    path: &str,
    headers: &[(&'static str, &str)],
) -> Result<WebSocketStream<TcpStream>, Error> {
    let stream = TcpStream::connect(page.address()).await.unwrap();
    let mut request = format!("ws://{}/api/{path}", page.address())
        .into_client_request()
        .unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    let (socket, _) = tokio_tungstenite::client_async(request, stream).await?;
    Ok(socket)
}

fn cookie(page: &Page) -> String {
    let key = page.link().split_once("#access=").unwrap().1.to_owned();
    page.access.admit(&key).unwrap().split(';').next().unwrap().to_owned()
}

/// The next news that fit, others passed over.
async fn news(socket: &mut WebSocketStream<TcpStream>, fits: impl Fn(&Value) -> bool) -> Value {
    let found = async {
        loop {
            let Some(Ok(Message::Text(text))) = socket.next().await else {
                panic!("the line has ended")
            };
            let news: Value = serde_json::from_str(&text).unwrap();
            if fits(&news) {
                return news;
            }
        }
    };
    tokio::time::timeout(PATIENCE, found).await.unwrap()
}

async fn watch(socket: &mut WebSocketStream<TcpStream>, device: &str, from: u64) {
    let asked = serde_json::json!({"watch": device, "from": from});
    socket.send(Message::text(asked.to_string())).await.unwrap();
}

#[tokio::test]
async fn who_has_no_cookie_or_comes_from_elsewhere_hears_nothing() {
    let (_emulator, _hub, page) = page().await;
    let refused = |result: Result<WebSocketStream<TcpStream>, Error>| match result {
        Err(Error::Http(answer)) => answer.status().as_u16(),
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(open(&page, &[]).await), 401);
    let cookie = cookie(&page);
    let origin = open(&page, &[("cookie", &cookie), ("origin", "http://localhost:3000")]).await;
    assert_eq!(refused(origin), 403);
    assert!(open(&page, &[("cookie", &cookie)]).await.is_ok());
}

#[tokio::test]
async fn devices_are_told_when_they_change_and_not_otherwise() {
    let (_emulator, hub, page) = page().await;
    let mut socket = open(&page, &[("cookie", &cookie(&page))]).await.unwrap();
    let first = news(&mut socket, |_| true).await;
    assert!(first["hello"]["epoch"].is_string(), "{first}");
    let all = news(&mut socket, |news| news.get("devices").is_some()).await;
    assert_eq!(all["devices"]["rows"][0]["id"], "d");
    assert!(!all.to_string().contains("Key"));
    hub.create_device("e", None).unwrap();
    let one = news(&mut socket, |news| news.get("devices").is_some()).await;
    let rows: Vec<_> = one["devices"]["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["id"])
        .collect();
    assert_eq!(rows, ["e"], "only what is new");
    let message = CloudMessage {
        body: Vec::new(),
        properties: Default::default(),
        expires: None,
    };
    hub.send_to_device("d", message).unwrap();
    let one = news(&mut socket, |news| news.get("devices").is_some()).await;
    assert_eq!(
        (&one["devices"]["rows"][0]["id"], &one["devices"]["rows"][0]["waiting"]),
        (&"d".into(), &1.into())
    );
    hub.delete_device("e").unwrap();
    let gone = news(&mut socket, |news| news.get("devices").is_some()).await;
    assert_eq!(gone["devices"]["gone"], serde_json::json!(["e"]));
}

#[tokio::test]
async fn a_device_is_told_from_where_the_browser_has_it() {
    let (_emulator, hub, page) = page().await;
    let link = hub.connect("d", true, None).unwrap();
    let send = |text: &str| link.telemetry(Default::default(), text.as_bytes().to_vec()).unwrap();
    send(r#"{"t": 1}"#);
    send(r#"{"t": 2}"#);
    let cookie = cookie(&page);
    let mut socket = open(&page, &[("cookie", &cookie)]).await.unwrap();
    watch(&mut socket, "d", 0).await;
    let mut told = Vec::new();
    while told.len() < 3 {
        let batch = news(&mut socket, |news| news.get("events").is_some()).await;
        assert_eq!(batch["events"]["device"], "d");
        told.extend(batch["events"]["events"].as_array().unwrap().clone());
    }
    let kinds: Vec<_> = told.iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["connected", "telemetry", "telemetry"]);
    assert_eq!(told[2]["numbers"]["t"], 2);
    send(r#"{"t": 3}"#);
    drop(socket);
    // A browser that was away asks for what it has not seen.
    let mut socket = open(&page, &[("cookie", &cookie)]).await.unwrap();
    watch(&mut socket, "d", told[2]["n"].as_u64().unwrap() + 1).await;
    let batch = news(&mut socket, |news| news.get("events").is_some()).await;
    assert_eq!(batch["events"]["events"][0]["numbers"]["t"], 3);
    // Twins are told when they change, whoever changed them.
    let patch = serde_json::json!({"properties": {"desired": {"a": 1}}});
    hub.patch_twin("d", patch.as_object().unwrap(), None).unwrap();
    let changed = |news: &Value| news.pointer("/twin/twin/properties/desired/a").is_some();
    news(&mut socket, changed).await;
    page.stop().await;
    while let Some(Ok(_)) = tokio::time::timeout(PATIENCE, socket.next()).await.unwrap() {}
}

#[tokio::test]
async fn another_hub_is_told_of_on_a_line_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("azure.yaml");
    std::fs::write(&file, "hubs: [two.localhost]").unwrap();
    let declaration = Declaration::open(&file, &Identity::temporary().unwrap()).unwrap();
    let (emulator, own, page) = page_of(&declaration).await;
    let (_, second) = emulator.hubs().nth(1).unwrap();
    second.create_device("s", None).unwrap();
    let cookie = cookie(&page);
    let mut socket = open_at(&page, "hub/two.localhost/live", &[("cookie", &cookie)])
        .await
        .unwrap();
    let first = news(&mut socket, |_| true).await;
    let names = serde_json::json!([emulator.identity.host(), "two.localhost"]);
    assert_eq!(first["hello"]["hubs"], names);
    let all = news(&mut socket, |news| news.get("devices").is_some()).await;
    let rows = all["devices"]["rows"].as_array().unwrap();
    assert_eq!(rows.iter().map(|row| &row["id"]).collect::<Vec<_>>(), ["s"]);
    // A device of the same name in the own hub is another one.
    own.create_device("s", None).unwrap();
    watch(&mut socket, "s", 0).await;
    for (hub, text) in [(&own, "1"), (second, "2")] {
        let link = hub.connect("s", true, None).unwrap();
        link.telemetry(Default::default(), text.into()).unwrap();
    }
    let mut told = Vec::new();
    while told.len() < 3 {
        let batch = news(&mut socket, |news| news.get("events").is_some()).await;
        told.extend(batch["events"]["events"].as_array().unwrap().clone());
    }
    let kinds: Vec<_> = told.iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["connected", "telemetry", "disconnected"]);
    assert_eq!(told[1]["text"], "2");
    let nowhere = open_at(&page, "hub/nowhere/live", &[("cookie", &cookie)]).await;
    assert!(matches!(nowhere, Err(Error::Http(answer)) if answer.status() == 404));
}
