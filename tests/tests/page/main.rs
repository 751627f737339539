//! The page in a real Chromium, driven by Playwright; the scenarios are in `tests/page`.
//!
//! They need Node with npm, and Chromium (`apt-get install chromium`, or its path in `CHROMIUM`). Pictures of every view are kept in
//! `page-pictures` beside what tests make.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, helpers too"
)]

mod browser;
mod devices;
mod program;
mod workshop;

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use setpoint_dtdl::{Model, Repository};
use setpoint_emulator::page::PageOptions;
use setpoint_emulator::{Declaration, Emulator, Identity, Options};
use setpoint_tests::Place;

use browser::{built_page, play};
use devices::{Greenhouse, hostile};
use program::{Azure, Thermostat};
use workshop::Workshop;

/// An emulator in this process with the page, and its link.
async fn place() -> (Place, String) {
    place_with(concat!(env!("CARGO_MANIFEST_DIR"), "/../models")).await
}

/// One that knows the models in this folder.
async fn place_with(models: &str) -> (Place, String) {
    let mut place = Place::new().await;
    let link = listen(&mut place.emulator, models).await;
    (place, link)
}

/// Opens the page of an emulator; its link.
async fn listen(emulator: &mut Emulator, models: &str) -> String {
    let models = Repository::new(models);
    let options = PageOptions {
        address: ([127, 0, 0, 1], 0).into(),
        models: Arc::new(move |id| Model::read(id, &models)),
        files: Some(tokio::task::spawn_blocking(built_page).await.unwrap()),
    };
    emulator.listen_page(options).await.unwrap()
}

/// Plays a scenario that asks for nothing.
async fn watch(scenario: &'static str, link: String) {
    let played = tokio::task::spawn_blocking(move || {
        play(scenario, &link, |asked| panic!("nobody knows how to {asked}"));
    });
    played.await.unwrap();
}

#[test]
fn a_thermostat_is_seen_set_and_called() {
    let azure = Azure::start(None);
    let _thermostat = Thermostat::start(&azure);
    play("thermostat", azure.link(), |asked| {
        panic!("nobody knows how to {asked}")
    });
}

#[test]
fn the_page_outlives_the_emulator() {
    let mut azure = Some(Azure::start(None));
    let link = azure.as_ref().unwrap().link().to_owned();
    let _thermostat = Thermostat::start(azure.as_ref().unwrap());
    let mut killed = None;
    play("restart", &link, |asked| {
        match asked {
            "kill" => killed = azure.take().map(Azure::kill),
            "start" => azure = Some(Azure::start(killed.take())),
            _ => panic!("nobody knows how to {asked}"),
        }
        String::new()
    });
    assert_eq!(azure.unwrap().link(), link, "the link is the same after a restart");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_link_lets_in() {
    let (_place, link) = place().await;
    watch("doors", link).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_view_is_for_everybody() {
    let (place, link) = place().await;
    let _greenhouse = Greenhouse::start(place.emulator.hub());
    watch("views", link).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_every_kind_refuses_what_does_not_fit_and_sets_what_does() {
    let (place, link) = place_with(concat!(env!("CARGO_MANIFEST_DIR"), "/models")).await;
    let _workshop = Workshop::start(place.emulator.hub());
    watch("forms", link).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn plots_follow_the_mouse_and_fingers() {
    let (place, link) = place().await;
    let _greenhouse = Greenhouse::start(place.emulator.hub());
    watch("plot", link).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_do_everything() {
    let (place, link) = place().await;
    let _greenhouse = Greenhouse::start(place.emulator.hub());
    watch("keyboard", link).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_hub_is_chosen_and_everything_is_its_own() {
    setpoint_test_logs::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("azure.yaml");
    std::fs::write(&file, "hubs: [two.localhost]\n").unwrap();
    let identity = Arc::new(Identity::temporary().unwrap());
    setpoint_test_logs::keys(identity.device_keys().iter().chain([identity.service_key()]));
    let declaration = Declaration::open(&file, &identity).unwrap();
    let any = ([127, 0, 0, 1], 0).into();
    let options = Options {
        mqtt: any,
        https: any,
        identity,
        data: None,
    };
    let mut emulator = Emulator::start_declared(options, &declaration).await.unwrap();
    let link = listen(&mut emulator, concat!(env!("CARGO_MANIFEST_DIR"), "/../models")).await;
    let (_, second) = emulator.hubs().nth(1).unwrap();
    let _greenhouse = Greenhouse::start(second);
    let own = emulator.hub();
    own.create_device("greenhouse", None).unwrap();
    let device = own.connect("greenhouse", true, None).unwrap();
    device.telemetry(Default::default(), br#"{"own": 1}"#.to_vec()).unwrap();
    watch("hubs", link).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_device_sends_stays_text() {
    let (place, link) = place().await;
    let (device, _link) = hostile(place.emulator.hub());
    let played = tokio::task::spawn_blocking(move || {
        play("hostile", &link, |asked| {
            assert_eq!(asked, "device");
            device.clone()
        });
    });
    played.await.unwrap();
}

/// Messages of the busy device, and how far apart they are: a hundred a second.
const MESSAGES: u64 = 2_000;
const PAUSE: Duration = Duration::from_millis(10);

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_devices_and_a_hundred_messages_a_second_are_shown() {
    let (place, link) = place().await;
    let hub = Arc::clone(place.emulator.hub());
    let mut links = Vec::new();
    for number in 0..999 {
        let id = format!("device-{number:04}");
        hub.create_device(&id, None).unwrap();
        links.push(hub.connect(&id, true, None).unwrap());
    }
    hub.create_device("busy", None).unwrap();
    let busy = hub.connect("busy", true, None).unwrap();
    let runtime = tokio::runtime::Handle::current();
    let mut busy = Some((busy, links));
    let played = tokio::task::spawn_blocking(move || {
        play("crowd", &link, |asked| {
            assert_eq!(asked, "begin");
            let (busy, links) = busy.take().unwrap();
            runtime.spawn(async move {
                let mut turns = tokio::time::interval(PAUSE);
                for number in 0..MESSAGES {
                    turns.tick().await;
                    let send = |link: &setpoint_emulator::state::Link, body: serde_json::Value| {
                        link.telemetry(Default::default(), body.to_string().into_bytes())
                            .unwrap();
                    };
                    send(&busy, json!({ "n": number }));
                    // The others are alive, too: their rows change.
                    send(&links[number as usize % links.len()], json!({"t": number}));
                }
                // They stay connected.
                std::future::pending::<()>().await;
            });
            MESSAGES.to_string()
        });
    });
    played.await.unwrap();
}
