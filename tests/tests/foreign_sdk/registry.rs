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
