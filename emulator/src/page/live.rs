//! `/api/live`, and `/api/hub/{name}/live`: a WebSocket that tells a browser what changes in a hub, several times a second and in batches.
//!
//! The browser sends `{"watch": "device", "from": 7}` for one device's events from that number on (null for none). It gets objects
//! with some of these members: `hello` (first of all; another `epoch` than before is another emulator; `hubs` has all names), `devices` with `rows` that
//! are new or changed and `gone` ids, `events` of the device it watches, `twin`, and `missed`. It gets an empty object when there was
//! nothing for a while, so that it can tell silence from death.
//!
//! Nothing here waits for a device or holds what a slow browser has not read: each turn compares what the browser has with what is.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use axum::extract::{State, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::get;
use axum::{Router, middleware};
use chrono::Utc;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::sync::watch;
use tokio::time::{self, Instant, MissedTickBehavior};

use super::chosen::Chosen;
use super::event::{show, show_numbers};
use super::rows::row;
use super::{Shared, api};

/// From one turn to the next.
const TURN: Duration = Duration::from_millis(100);

/// Least time between two looks at all devices; and a look may take this part of the time.
const LIST_PAUSE: Duration = Duration::from_millis(300);
const LIST_SHARE: u32 = 20;

/// Between two looks at the twin of the device that is watched; a report is noticed at once.
const TWIN_PAUSE: Duration = Duration::from_secs(1);

/// The longest silence.
const SILENCE: Duration = Duration::from_secs(5);

/// How many of the newest events are sent with their text. Of those before, a plot needs the numbers.
const WITH_TEXT: usize = 500;

/// The largest message a browser sends, in bytes.
const ASKED: usize = 4 * 1024;

/// The route, which asks for the cookie like all others.
pub(super) fn router(shared: Shared, closing: watch::Receiver<()>) -> Router {
    let live = get(
        async |State(shared): State<Shared>, chosen: Chosen, upgrade: WebSocketUpgrade| {
            answer(upgrade, shared, chosen, closing)
        },
    );
    Router::new()
        .route("/live", live.clone())
        .route("/hub/{hub}/live", live)
        .route_layer(middleware::from_fn_with_state(shared.clone(), api::require))
        .with_state(shared)
}

fn answer(upgrade: WebSocketUpgrade, shared: Shared, chosen: Chosen, mut closing: watch::Receiver<()>) -> Response {
    upgrade
        .max_message_size(ASKED)
        .max_frame_size(ASKED)
        .on_upgrade(async move |socket| {
            tokio::select! {
                // An error is a browser that is gone.
                _ = serve(socket, shared, chosen) => {}
                // Never sent to: ends when the server does.
                _ = closing.changed() => {}
            }
        })
}

#[derive(Deserialize)]
struct Asked {
    watch: Option<String>,
    #[serde(default)]
    from: u64,
}

/// What the browser has been told.
struct Told {
    devices: HashMap<String, u64>,
    listed: Option<Instant>,
    list_pause: Duration,
    watched: Option<Watched>,
    missed: u64,
}

struct Watched {
    device_id: String,
    /// The number of the next event to tell.
    from: u64,
    twin: Option<u64>,
    looked: Option<Instant>,
}

async fn serve(mut socket: WebSocket, shared: Shared, chosen: Chosen) -> Result<(), axum::Error> {
    let mut told = Told {
        devices: HashMap::new(),
        listed: None,
        list_pause: LIST_PAUSE,
        watched: None,
        missed: 0,
    };
    let (epoch, now) = (chosen.history.epoch(), Utc::now().timestamp_millis());
    let hello = json!({"hello": {"epoch": epoch, "now": now, "hubs": api::names(&shared)}});
    socket.send(Message::text(hello.to_string())).await?;
    let mut turns = time::interval(TURN);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut spoken = Instant::now();
    loop {
        tokio::select! {
            asked = socket.recv() => match asked {
                Some(Ok(Message::Text(text))) => {
                    // Another tongue than this page's is passed over.
                    if let Ok(asked) = serde_json::from_str::<Asked>(&text) {
                        told.watched = asked.watch.map(|device_id| Watched { device_id, from: asked.from, twin: None, looked: None });
                    }
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
                None => return Ok(()),
            },
            _ = turns.tick() => {
                let news = told.turn(&chosen).await;
                if !news.is_empty() || spoken.elapsed() >= SILENCE {
                    socket.send(Message::text(Value::Object(news).to_string())).await?;
                    spoken = Instant::now();
                }
            }
        }
    }
}

impl Told {
    /// What is new since the last turn.
    async fn turn(&mut self, chosen: &Chosen) -> Map<String, Value> {
        let mut news = Map::new();
        if self.listed.is_none_or(|at| at.elapsed() >= self.list_pause)
            && let Some(devices) = self.list(chosen)
        {
            news.insert("devices".to_owned(), devices);
        }
        if let Some(watched) = &mut self.watched {
            watched.turn(chosen, &mut news).await;
        }
        let missed = chosen.history.missed();
        if missed != self.missed {
            self.missed = missed;
            news.insert("missed".to_owned(), json!(missed));
        }
        news
    }

    fn list(&mut self, chosen: &Chosen) -> Option<Value> {
        let began = Instant::now();
        let devices = chosen.hub.devices();
        let mut before = std::mem::take(&mut self.devices);
        let mut rows = Vec::new();
        for device in &devices {
            let row = row(device);
            let now = hash(&row);
            if before.remove(&device.device_id) != Some(now) {
                rows.push(row);
            }
            self.devices.insert(device.device_id.clone(), now);
        }
        let first = self.listed.is_none();
        self.listed = Some(Instant::now());
        self.list_pause = LIST_PAUSE.max(began.elapsed() * LIST_SHARE);
        let gone: Vec<String> = before.into_keys().collect();
        // The first is told in any case: an empty hub is one, too.
        (first || !rows.is_empty() || !gone.is_empty()).then(|| json!({"rows": rows, "gone": gone}))
    }
}

impl Watched {
    async fn turn(&mut self, chosen: &Chosen, news: &mut Map<String, Value>) {
        let kept = chosen.history.of(&self.device_id, self.from, usize::MAX);
        let reported = !kept.is_empty();
        if let Some(last) = kept.last() {
            self.from = last.number + 1;
            // Thousands of messages are read for the first batch.
            let shown = tokio::task::spawn_blocking(move || {
                let old = kept.len().saturating_sub(WITH_TEXT);
                let (old, new) = kept.split_at(old);
                old.iter()
                    .filter_map(show_numbers)
                    .chain(new.iter().map(show))
                    .collect::<Vec<_>>()
            });
            let events = shown.await.unwrap_or_default();
            news.insert("events".to_owned(), json!({"device": self.device_id, "events": events}));
        }
        if reported || self.looked.is_none_or(|at| at.elapsed() >= TWIN_PAUSE) {
            self.looked = Some(Instant::now());
            // None when the device is gone, which the list says.
            let Ok(mut twin) = chosen.hub.twin(&self.device_id) else {
                return;
            };
            // They change with every message, and stand in the list.
            if let Value::Object(twin) = &mut twin {
                for name in ["lastActivityTime", "connectionState", "cloudToDeviceMessageCount"] {
                    twin.remove(name);
                }
            }
            let now = hash(&twin);
            if self.twin != Some(now) {
                self.twin = Some(now);
                news.insert("twin".to_owned(), json!({"device": self.device_id, "twin": twin}));
            }
        }
    }
}

fn hash(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.to_string().hash(&mut hasher);
    hasher.finish()
}
