//! The identity registry, by the SDKs for services.

use serde_json::json;

use super::{Place, Sdk};

async fn is_kept_by(sdk: Sdk) -> String {
    let place = Place::new().await;
    let seen = place.run(sdk, "registry", &place.device()).await;
    assert_eq!(seen["keys_differ"], true);
    assert_eq!(seen["listed"], json!(["made-by-sdk", "my-pnp-device"]));
    assert_eq!(seen["status"], "disabled");
    assert!(place.emulator.hub().device("made-by-sdk").is_err());
    seen["gone"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_service_sdk_keeps_the_registry() {
    let gone = is_kept_by(Sdk::Python).await;
    assert!(gone.contains("Not Found"), "{gone}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_node_service_sdk_keeps_the_registry() {
    assert_eq!(is_kept_by(Sdk::Node).await, "DeviceNotFoundError");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_module_lives_its_whole_day() {
    let mut place = Place::new().await;
    let seen = place
        .run(Sdk::Node, "module_day", &place.device().over_websockets())
        .await;
    let answer = json!({"asked": "2026-01-01T00:00:00Z", "by": "getMaxMinReport"});
    assert_eq!(
        seen,
        json!({
            "listed": ["m"],
            "reported_at_service": 10.96,
            "patch": {"targetTemperature": 42.5, "$version": 2},
            "response": {"status": 201, "payload": answer},
            "gone": "ModuleNotFound",
        })
    );
    let heard = place.heard().await;
    let message = heard.iter().find(|event| event.body == b"hello").unwrap();
    assert_eq!(message.module_id.as_deref(), Some("m"));
}
