//! The version of the API a caller speaks, which every call to the hub names.

use axum::extract::{Query, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::failure::Failure;

/// The first version of the service API (Microsoft: "IoT Hub REST API versions"); what is older is no version.
const FIRST: &str = "2015-08-15-preview";

#[derive(Deserialize)]
struct Version {
    #[serde(rename = "api-version")]
    version: Option<String>,
}

/// Refuses a call without a version, or with one that cannot be one. All real ones are served alike: what changed between them
/// was added.
pub(super) async fn require(request: Request, next: Next) -> Response {
    let named = Query::<Version>::try_from_uri(request.uri())
        .ok()
        .and_then(|query| query.0.version);
    match named {
        Some(version) if is_version(&version) => next.run(request).await,
        Some(version) => {
            Failure::ApiVersion(format!("{version:?} is no API version: give one such as 2021-04-12")).into_response()
        }
        None => {
            Failure::ApiVersion("the call names no API version: add ?api-version=2021-04-12".to_owned()).into_response()
        }
    }
}

/// A date, with or without `-preview` behind it, not older than the API.
fn is_version(text: &str) -> bool {
    let date = text.strip_suffix("-preview").unwrap_or(text);
    let shaped = date.len() == 10 && chrono::NaiveDate::parse_from_str(date, "%Y-%m-%d").is_ok();
    shaped && text >= FIRST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_dates() {
        for good in ["2021-04-12", "2016-11-14", "2020-05-31-preview", FIRST] {
            assert!(is_version(good), "{good}");
        }
        for bad in [
            "",
            "2021",
            "2021-4-12",
            "2021-13-01",
            "2010-01-01",
            "2021-04-12-beta",
            "latest",
        ] {
            assert!(!is_version(bad), "{bad}");
        }
    }
}
