//! The scenario's file, as it is written. What it means is in `read.rs`.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_saphyr::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    pub(super) name: Option<String>,
    pub(super) start: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) config: BTreeMap<String, Spanned<Value>>,
    pub(super) random: Option<Spanned<Value>>,
    pub(super) desired: Option<Spanned<Value>>,
    #[serde(default)]
    pub(super) strict: bool,
    pub(super) steps: Vec<Spanned<Step>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    pub(super) at: Option<Spanned<String>>,
    pub(super) after: Option<Spanned<String>>,
    pub(super) desired: Option<Spanned<Value>>,
    pub(super) command: Option<String>,
    pub(super) component: Option<Spanned<String>>,
    #[serde(default, deserialize_with = "present")]
    pub(super) payload: Option<Spanned<Value>>,
    pub(super) message: Option<Message>,
    pub(super) cloud: Option<Spanned<Value>>,
    pub(super) clock: Option<Spanned<String>>,
    pub(super) restart: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) expect: Vec<Spanned<Expect>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Message {
    #[serde(default)]
    pub(super) body: Value,
    #[serde(default)]
    pub(super) properties: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expect {
    #[serde(default, deserialize_with = "present")]
    pub(super) telemetry: Option<Spanned<Value>>,
    pub(super) report: Option<Spanned<BTreeMap<String, Spanned<Value>>>>,
    pub(super) ack: Option<Ack>,
    pub(super) response: Option<Response>,
    pub(super) log: Option<Log>,
    pub(super) nothing: Option<Spanned<Value>>,
    pub(super) component: Option<Spanned<String>>,
    #[serde(default, deserialize_with = "present")]
    pub(super) properties: Option<Spanned<Value>>,
    pub(super) count: Option<Spanned<Value>>,
    pub(super) within: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ack {
    pub(super) property: String,
    #[serde(default, deserialize_with = "present")]
    pub(super) value: Option<Spanned<Value>>,
    #[serde(default, deserialize_with = "present")]
    pub(super) status: Option<Spanned<Value>>,
    #[serde(default, deserialize_with = "present")]
    pub(super) version: Option<Spanned<Value>>,
    #[serde(default, deserialize_with = "present")]
    pub(super) description: Option<Spanned<Value>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Response {
    #[serde(default, deserialize_with = "present")]
    pub(super) status: Option<Spanned<Value>>,
    #[serde(default, deserialize_with = "present")]
    pub(super) payload: Option<Spanned<Value>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Log {
    #[serde(default, deserialize_with = "present")]
    pub(super) level: Option<Spanned<Value>>,
    #[serde(default, deserialize_with = "present")]
    pub(super) message: Option<Spanned<Value>>,
}

/// A value that may be null, which is not the same as one that is not there.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Spanned<Value>>, D::Error> {
    Spanned::<Value>::deserialize(deserializer).map(Some)
}
