//! What stands in one interface: its telemetry, properties, commands, and the names of its components' interfaces.

use super::node::Node;
use super::schema::{Schemas, Use};
use super::version::Version;
use crate::dtmi::Dtmi;
use crate::error::{Fault, ModelError};
use crate::model::{Command, Contents, Label, Payload, Property, Telemetry};

/// The kinds of contents there are.
const KINDS: [&str; 5] = ["Telemetry", "Property", "Command", "Component", "Relationship"];

/// The contents of one interface, without what it inherits.
pub(super) struct Elements<'l> {
    pub(super) contents: Contents,
    pub(super) components: Vec<Included<'l>>,
    /// Every name, of relationships too: together they must be different.
    pub(super) names: Vec<String>,
}

/// A component whose interface has not been looked at.
pub(super) struct Included<'l> {
    pub(super) node: Node<'l>,
    pub(super) name: String,
    pub(super) label: Label,
    pub(super) interface: Dtmi,
}

impl<'l> Elements<'l> {
    pub(super) fn read(interface: &Node<'l>, version: Version) -> Result<Self, ModelError> {
        let schemas = Schemas::of(interface, version);
        let mut elements = Self {
            contents: Contents::default(),
            components: Vec::new(),
            names: Vec::new(),
        };
        for element in interface.elements_of("contents") {
            let name = elements.add(&element, &schemas)?;
            elements.names.push(name);
        }
        Ok(elements)
    }

    /// Adds one element; returns its name.
    fn add(&mut self, element: &Node<'l>, schemas: &Schemas<'l>) -> Result<String, ModelError> {
        let kind = kind_of(element)?;
        let name = element.name(schemas.version.longest_name())?;
        let label = element.label()?;
        match kind {
            "Telemetry" => self.contents.telemetries.push(Telemetry {
                name: name.clone(),
                label,
                schema: schemas.read(&element.member("schema")?, Use::Other)?,
                unit: unit(element),
            }),
            "Property" => self.contents.properties.push(Property {
                name: name.clone(),
                label,
                schema: schemas.read(&element.member("schema")?, Use::Property)?,
                unit: unit(element),
                writable: is_writable(element)?,
            }),
            "Command" => self.contents.commands.push(Command {
                name: name.clone(),
                label,
                request: payload(element, "request", schemas)?,
                response: payload(element, "response", schemas)?,
            }),
            "Component" => self.components.push(Included {
                node: element.clone(),
                name: name.clone(),
                label,
                interface: interface_of(&element.member("schema")?)?,
            }),
            // A relationship says nothing of what travels between a device and its hub.
            _ => {}
        }
        Ok(name)
    }
}

/// The one kind it is of; semantic types and those of extensions may stand beside it.
fn kind_of(element: &Node<'_>) -> Result<&'static str, ModelError> {
    let mut kinds = KINDS.into_iter().filter(|kind| element.is_a(kind));
    match (kinds.next(), kinds.next()) {
        (Some(kind), None) => Ok(kind),
        _ if element.value.is_object() => {
            let types: Vec<&str> = element.types().collect();
            let types = format!("{types:?}").chars().take(80).collect();
            Err(element.fault(Fault::ContentType(types)))
        }
        _ => Err(element.fault(Fault::Kind("an object"))),
    }
}

fn interface_of(schema: &Node<'_>) -> Result<Dtmi, ModelError> {
    match schema.optional("@id") {
        Some(id) => id.dtmi(),
        None => schema.dtmi(),
    }
}

fn is_writable(property: &Node<'_>) -> Result<bool, ModelError> {
    let Some(node) = property.optional("writable") else {
        return Ok(false);
    };
    let writable = node.value.as_bool();
    writable.ok_or_else(|| node.fault(Fault::Kind("true or false")))
}

/// A unit of an extension is an object, and then not shown.
fn unit(element: &Node<'_>) -> Option<String> {
    let unit = element.optional("unit")?;
    unit.value.as_str().map(str::to_owned)
}

fn payload<'l>(command: &Node<'l>, member: &'static str, schemas: &Schemas<'l>) -> Result<Option<Payload>, ModelError> {
    let Some(node) = command.optional(member) else {
        return Ok(None);
    };
    Ok(Some(Payload {
        name: node.name(schemas.version.longest_name())?,
        label: node.label()?,
        schema: schemas.read(&node.member("schema")?, Use::Other)?,
    }))
}
