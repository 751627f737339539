//! From JSON to a [`Schema`].

use serde_json::Value;

use super::node::Node;
use super::version::Version;
use crate::error::{Fault, ModelError};
use crate::schema::{EnumValue, EnumValues, Field, Geometry, Primitive, Schema};

/// How many complex schemas may lie inside each other. Source: DTDL v2 and v3, "Complex schema".
const DEEPEST: usize = 5;

/// Reads the schemas of one interface.
pub(super) struct Schemas<'a> {
    pub(super) version: Version,
    /// What the interface keeps for use in several places, in `schemas`. It is neither inherited nor seen by components.
    shared: Vec<Node<'a>>,
}

/// What a schema is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Property,
    Other,
}

impl<'a> Schemas<'a> {
    pub(super) fn of(interface: &Node<'a>, version: Version) -> Self {
        Self {
            version,
            shared: interface.elements_of("schemas"),
        }
    }

    /// The schema in `node`.
    pub(super) fn read(&self, node: &Node<'a>, purpose: Use) -> Result<Schema, ModelError> {
        self.at_depth(node, purpose, 0)
    }

    fn at_depth(&self, node: &Node<'a>, purpose: Use, depth: usize) -> Result<Schema, ModelError> {
        match node.value {
            Value::String(name) => self.named(node, name, purpose, depth),
            Value::Object(_) => self.complex(node, purpose, depth),
            _ => Err(node.fault(Fault::Kind("a schema: its name, or an object"))),
        }
    }

    fn named(&self, node: &Node<'a>, name: &str, purpose: Use, depth: usize) -> Result<Schema, ModelError> {
        if let Some(primitive) = primitive(name) {
            return Ok(Schema::Primitive(primitive));
        }
        if let Some(geometry) = geometry(name) {
            self.allow_array(node, purpose)?;
            return Ok(Schema::Geospatial(geometry));
        }
        let has_name = |shared: &&Node<'_>| shared.value.get("@id").and_then(Value::as_str) == Some(name);
        match self.shared.iter().find(has_name) {
            // A schema that refers to itself ends at the deepest level.
            Some(shared) => self.complex(shared, purpose, depth),
            None => Err(node.fault(Fault::UnknownSchema(shown(&format!("{name:?}"))))),
        }
    }

    fn complex(&self, node: &Node<'a>, purpose: Use, depth: usize) -> Result<Schema, ModelError> {
        let depth = depth + 1;
        if depth > DEEPEST {
            return Err(node.fault(Fault::SchemaTooDeep));
        }
        let inner = |node: &Node<'a>| self.at_depth(node, purpose, depth);
        if node.is_a("Array") {
            self.allow_array(node, purpose)?;
            return Ok(Schema::Array(Box::new(inner(&node.member("elementSchema")?)?)));
        }
        if node.is_a("Map") {
            let key = node.member("mapKey")?.member("schema")?;
            if key.value.as_str().and_then(primitive) != Some(Primitive::String) {
                return Err(key.fault(Fault::MapKey));
            }
            return Ok(Schema::Map(Box::new(inner(
                &node.member("mapValue")?.member("schema")?,
            )?)));
        }
        if node.is_a("Object") {
            let fields = node.elements_of("fields");
            let fields = fields.iter().map(|field| {
                Ok(Field {
                    name: field.name(self.version.longest_name())?,
                    label: field.label()?,
                    schema: inner(&field.member("schema")?)?,
                    required: self.version == Version::V3 && field.is_a("Required"),
                })
            });
            let fields = fields.collect::<Result<Vec<_>, ModelError>>()?;
            unique(node, fields.iter().map(|field| field.name.as_str()))?;
            return Ok(Schema::Object(fields));
        }
        if node.is_a("Enum") {
            return self.enumeration(node).map(Schema::Enum);
        }
        let types: Vec<&str> = node.types().collect();
        Err(node.fault(Fault::UnknownSchema(shown(&format!("{types:?}")))))
    }

    fn allow_array(&self, node: &Node<'a>, purpose: Use) -> Result<(), ModelError> {
        if self.version == Version::V2 && purpose == Use::Property {
            return Err(node.fault(Fault::ArrayInProperty));
        }
        Ok(())
    }

    fn enumeration(&self, node: &Node<'a>) -> Result<EnumValues, ModelError> {
        let kind = node.member("valueSchema")?;
        let values = node.elements_of("enumValues");
        if values.is_empty() {
            return Err(node.fault(Fault::EnumValues));
        }
        match primitive(kind.text()?) {
            Some(Primitive::Integer) => {
                let of = |value: &Value| value.as_i64().and_then(|value| i32::try_from(value).ok());
                self.values(node, &values, of).map(EnumValues::Integers)
            }
            Some(Primitive::String) => {
                let of = |value: &Value| value.as_str().map(str::to_owned);
                self.values(node, &values, of).map(EnumValues::Strings)
            }
            _ => Err(kind.fault(Fault::EnumValues)),
        }
    }

    fn values<T: PartialEq>(
        &self,
        node: &Node<'a>,
        values: &[Node<'a>],
        of: impl Fn(&Value) -> Option<T>,
    ) -> Result<Vec<EnumValue<T>>, ModelError> {
        let mut read: Vec<EnumValue<T>> = Vec::with_capacity(values.len());
        for value in values {
            let literal = value.member("enumValue")?;
            let known = EnumValue {
                name: value.name(self.version.longest_name())?,
                label: value.label()?,
                value: of(literal.value).ok_or_else(|| literal.fault(Fault::EnumValues))?,
            };
            if read.iter().any(|other| other.value == known.value) {
                return Err(literal.fault(Fault::Duplicate(shown(&literal.value.to_string()))));
            }
            read.push(known);
        }
        unique(node, read.iter().map(|value| value.name.as_str()))?;
        Ok(read)
    }
}

/// Whether every name is there once.
pub(super) fn unique<'n>(node: &Node<'_>, names: impl Iterator<Item = &'n str>) -> Result<(), ModelError> {
    let mut seen = std::collections::HashSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(node.fault(Fault::Duplicate(name.to_owned())));
        }
    }
    Ok(())
}

/// By its name, or the identifier behind it: `dtmi:dtdl:instance:Schema:double;2`.
fn primitive(name: &str) -> Option<Primitive> {
    let name = standard(name, "dtmi:dtdl:instance:Schema:");
    Primitive::ALL.into_iter().find(|primitive| primitive.name() == name)
}

/// By its name, or the identifier behind it: `dtmi:standard:schema:geospatial:point;2`.
fn geometry(name: &str) -> Option<Geometry> {
    let name = standard(name, "dtmi:standard:schema:geospatial:");
    Geometry::ALL.into_iter().find(|geometry| geometry.name() == name)
}

fn standard<'n>(name: &'n str, prefix: &str) -> &'n str {
    let term = name.strip_prefix(prefix).and_then(|rest| rest.split_once(';'));
    term.map_or(name, |(term, _)| term)
}

/// An error is a line: of a text without end it shows the beginning.
fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}
