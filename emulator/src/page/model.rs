//! A device's model as the page makes forms of it.

use serde_json::{Map, Value, json};
use setpoint_dtdl::{Command, Contents, EnumValues, Label, Model, Payload, Property, Schema, Telemetry};

/// The whole model: the default component and then the named ones.
pub(super) fn show(model: &Model) -> Value {
    let components = model.all().map(|(name, contents)| {
        let label = match name {
            None => Some(&model.label),
            Some(name) => {
                let mut components = model.components.iter();
                components
                    .find(|component| component.name == name)
                    .map(|component| &component.label)
            }
        };
        component(name, label, contents)
    });
    labelled(
        &model.label,
        [("id", json!(model.id.as_str())), ("components", components.collect())],
    )
}

fn component(name: Option<&str>, label: Option<&Label>, contents: &Contents) -> Value {
    let empty = Label::default();
    labelled(
        label.unwrap_or(&empty),
        [
            ("name", json!(name)),
            ("telemetries", contents.telemetries.iter().map(telemetry).collect()),
            ("properties", contents.properties.iter().map(property).collect()),
            ("commands", contents.commands.iter().map(command).collect()),
        ],
    )
}

fn telemetry(telemetry: &Telemetry) -> Value {
    let schema = schema(&telemetry.schema);
    labelled(
        &telemetry.label,
        [
            ("name", json!(telemetry.name)),
            ("schema", schema),
            ("unit", json!(telemetry.unit)),
        ],
    )
}

fn property(property: &Property) -> Value {
    labelled(
        &property.label,
        [
            ("name", json!(property.name)),
            ("schema", schema(&property.schema)),
            ("unit", json!(property.unit)),
            ("writable", json!(property.writable)),
        ],
    )
}

fn command(command: &Command) -> Value {
    let part = |part: &Option<Payload>| part.as_ref().map_or(Value::Null, payload);
    labelled(
        &command.label,
        [
            ("name", json!(command.name)),
            ("request", part(&command.request)),
            ("response", part(&command.response)),
        ],
    )
}

fn payload(payload: &Payload) -> Value {
    labelled(
        &payload.label,
        [("name", json!(payload.name)), ("schema", schema(&payload.schema))],
    )
}

/// A type of data, with the words for what fits it.
fn schema(of: &Schema) -> Value {
    let words = of.to_string();
    match of {
        Schema::Primitive(primitive) => json!({"kind": "primitive", "type": primitive.name(), "words": words}),
        Schema::Enum(values) => json!({"kind": "enum", "values": enumeration(values), "words": words}),
        Schema::Array(element) => json!({"kind": "array", "of": schema(element), "words": words}),
        Schema::Map(value) => json!({"kind": "map", "of": schema(value), "words": words}),
        Schema::Object(fields) => {
            let fields = fields.iter().map(|field| {
                let parts = [
                    ("name", json!(field.name)),
                    ("schema", schema(&field.schema)),
                    ("required", json!(field.required)),
                ];
                labelled(&field.label, parts)
            });
            json!({"kind": "object", "fields": fields.collect::<Value>(), "words": words})
        }
        Schema::Geospatial(geometry) => json!({"kind": "geospatial", "type": geometry.type_name(), "words": words}),
    }
}

fn enumeration(values: &EnumValues) -> Value {
    let value = |name: &str, label: &Label, value: Value| labelled(label, [("name", json!(name)), ("value", value)]);
    match values {
        EnumValues::Integers(values) => values
            .iter()
            .map(|one| value(&one.name, &one.label, json!(one.value)))
            .collect(),
        EnumValues::Strings(values) => values
            .iter()
            .map(|one| value(&one.name, &one.label, json!(one.value)))
            .collect(),
    }
}

fn labelled<const N: usize>(label: &Label, parts: [(&str, Value); N]) -> Value {
    let mut all: Map<String, Value> = parts
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    all.insert("displayName".to_owned(), json!(label.display_name));
    all.insert("description".to_owned(), json!(label.description));
    Value::Object(all)
}
