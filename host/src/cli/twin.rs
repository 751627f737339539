//! `setpoint twin`: read a device's twin, or set desired properties and see how the device takes them.

use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Map, Value, json};

use super::Usage;
use super::hub_choice::HubChoice;
use super::output::print_json;

/// How often the twin is read while waiting for the device; a hub has no way to be told.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// Shows a device's twin, or sets desired properties and shows how the device acknowledges them
#[derive(Args)]
#[command(after_help = "Examples:
  setpoint twin my-pnp-device
  setpoint twin my-pnp-device '{\"targetTemperature\": 42.5}'
  setpoint twin my-pnp-device '{\"targetTemperature\": null}'          removes it
  setpoint twin my-controller '{\"thermostat1\": {\"__t\": \"c\", \"targetTemperature\": 20}}'

A property that the device refuses (a status of 400 and above) is a failure: exit code 1.")]
pub(crate) struct Twin {
    /// The device's id
    device: String,

    /// Desired properties to set, as a JSON object
    patch: Option<String>,

    /// Seconds to wait for the device's acknowledgement
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(0..=3600))]
    wait: u64,

    #[command(flatten)]
    hub: HubChoice,
}

impl Twin {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let patch = self.patch.as_deref().map(parse).transpose()?;
        let client = self.hub.client(Some(&self.device))?;
        let Some(patch) = patch else {
            return Ok(print_json(&client.twin(&self.device)?)?);
        };
        let mut twin = client.patch_twin(&self.device, &json!({"properties": {"desired": patch}}))?;
        let version = half(&twin, "desired")
            .get("$version")
            .and_then(Value::as_u64)
            .unwrap_or_default();
        let waiting = Waiting {
            paths: property_paths(&patch),
            version,
        };
        let deadline = Instant::now() + Duration::from_secs(self.wait);
        while !waiting.missing(&half(&twin, "reported")).is_empty() && Instant::now() < deadline {
            thread::sleep(POLL_INTERVAL);
            twin = client.twin(&self.device)?;
        }
        let reported = half(&twin, "reported");
        let acknowledged = waiting.acknowledgements(&reported);
        print_json(&json!({"desired": patch, "version": version, "reported": nested(&acknowledged)}))?;
        judge(&self.device, self.wait, &waiting.missing(&reported), &acknowledged)
    }
}

/// Where a property stands: its name, or its component's name and its own.
type PropertyPath = Vec<String>;

/// The properties whose acknowledgement is waited for, and the version it must be for.
struct Waiting {
    paths: Vec<PropertyPath>,
    version: u64,
}

impl Waiting {
    fn acknowledgement<'a>(&self, reported: &'a Map<String, Value>, path: &PropertyPath) -> Option<&'a Value> {
        let (first, rest) = path.split_first()?;
        let found = rest
            .iter()
            .try_fold(reported.get(first)?, |value, name| value.get(name))?;
        // An acknowledgement of an earlier value is not the answer.
        (found.get("av")?.as_u64()? >= self.version).then_some(found)
    }

    fn acknowledgements<'a>(&self, reported: &'a Map<String, Value>) -> Vec<(&PropertyPath, &'a Value)> {
        self.paths
            .iter()
            .filter_map(|path| Some((path, self.acknowledgement(reported, path)?)))
            .collect()
    }

    fn missing(&self, reported: &Map<String, Value>) -> Vec<String> {
        let missing = self
            .paths
            .iter()
            .filter(|path| self.acknowledgement(reported, path).is_none());
        missing.map(|path| path.join(".")).collect()
    }
}

/// Every property the patch sets. One that it removes has nothing to be acknowledged.
fn property_paths(patch: &Map<String, Value>) -> Vec<PropertyPath> {
    let mut paths = Vec::new();
    for (name, value) in patch.iter().filter(|(name, value)| *name != "__t" && !value.is_null()) {
        match value
            .as_object()
            .filter(|object| object.get("__t").is_some_and(|mark| mark == "c"))
        {
            Some(component) => {
                let within = property_paths(component).into_iter();
                paths.extend(within.map(|path| [vec![name.clone()], path].concat()));
            }
            None => paths.push(vec![name.clone()]),
        }
    }
    paths
}

fn nested(acknowledged: &[(&PropertyPath, &Value)]) -> Value {
    let mut shown = Value::Object(Map::new());
    for (path, value) in acknowledged {
        let mut at = &mut shown;
        for name in path.iter() {
            // Indexing makes the member; the value is an object or still null at each step.
            at = match at {
                Value::Object(object) => object.entry(name.as_str()).or_insert_with(|| Value::Object(Map::new())),
                other => other,
            };
        }
        *at = (*value).clone();
    }
    shown
}

fn half(twin: &Value, name: &str) -> Map<String, Value> {
    let found = twin
        .get("properties")
        .and_then(|properties| properties.get(name))
        .and_then(Value::as_object);
    found.cloned().unwrap_or_default()
}

/// A refused property is a failure. One that nobody answered for is not: it is set, and waits for the device.
fn judge(device: &str, wait: u64, missing: &[String], acknowledged: &[(&PropertyPath, &Value)]) -> anyhow::Result<()> {
    for (path, value) in acknowledged {
        let status = value.get("ac").and_then(Value::as_u64).unwrap_or_default();
        if status >= 400 {
            let reason = value.get("ad").and_then(Value::as_str).unwrap_or("no reason given");
            anyhow::bail!("{device} refused {} with status {status}: {reason}", path.join("."));
        }
    }
    if !missing.is_empty() {
        eprintln!(
            "{device} did not acknowledge {} within {wait} s; it is set and will reach the device",
            missing.join(", ")
        );
    }
    Ok(())
}

fn parse(patch: &str) -> Result<Map<String, Value>, Usage> {
    serde_json::from_str(patch).map_err(|_| {
        Usage(format!(
            "the patch {patch:?} is not a JSON object; write it as '{{\"targetTemperature\": 42.5}}'"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn only_an_object_is_a_patch() {
        assert!(parse("{\"a\": 1}").is_ok());
        for bad in ["a", "1", "[1]", "{a: 1}"] {
            assert!(
                parse(bad).unwrap_err().to_string().contains("is not a JSON object"),
                "{bad}"
            );
        }
    }

    #[test]
    fn what_is_set_is_waited_for_in_components_too() {
        let patch = object(json!({"a": 1, "gone": null, "part": {"__t": "c", "b": {"x": 1}}, "plain": {"y": 1}}));
        assert_eq!(property_paths(&patch), [vec!["a"], vec!["part", "b"], vec!["plain"]]);
    }

    #[test]
    fn an_acknowledgement_counts_from_its_version_on() {
        let waiting = Waiting {
            paths: vec![vec!["a".into()], vec!["part".into(), "b".into()]],
            version: 3,
        };
        let earlier = object(json!({"a": {"value": 1, "ac": 200, "av": 2}}));
        assert_eq!(waiting.missing(&earlier), ["a", "part.b"]);
        let reported =
            object(json!({"a": {"value": 1, "ac": 200, "av": 3}, "part": {"b": {"value": 2, "ac": 200, "av": 4}}}));
        assert!(waiting.missing(&reported).is_empty());
        assert_eq!(
            nested(&waiting.acknowledgements(&reported)),
            Value::Object(reported.clone())
        );
    }

    #[test]
    fn a_refused_property_is_a_failure() {
        let path = vec!["a".to_owned()];
        let refused = json!({"value": "x", "ac": 400, "av": 1, "ad": "not a number"});
        let error = judge("d", 5, &[], &[(&path, &refused)]).unwrap_err().to_string();
        assert_eq!(error, "d refused a with status 400: not a number");
        assert!(judge("d", 5, &["a".to_owned()], &[]).is_ok());
    }
}
