//! A device's model, flattened: what it inherits and includes stands where it is used.

use crate::dtmi::Dtmi;
use crate::schema::Schema;

/// What a device promises.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// Its identifier.
    pub id: Dtmi,
    /// For people.
    pub label: Label,
    /// The default component: everything that stands in the interface itself.
    pub contents: Contents,
    /// The named components, in the model's order.
    pub components: Vec<Component>,
}

/// What people are shown. Of a text in several languages, the English one, else the first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Label {
    /// `displayName`.
    pub display_name: Option<String>,
    /// `description`.
    pub description: Option<String>,
}

/// Telemetry, properties and commands of one component, each in the model's order, what is inherited first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Contents {
    /// What it measures and tells.
    pub telemetries: Vec<Telemetry>,
    /// Its state.
    pub properties: Vec<Property>,
    /// What can be asked of it.
    pub commands: Vec<Command>,
}

/// An interface that is part of the device, under a name.
#[derive(Debug, Clone, PartialEq)]
pub struct Component {
    /// Its name.
    pub name: String,
    /// For people.
    pub label: Label,
    /// Its interface.
    pub interface: Dtmi,
    /// What stands in it.
    pub contents: Contents,
}

/// A value that a device sends.
#[derive(Debug, Clone, PartialEq)]
pub struct Telemetry {
    /// Its name, which is its member in a message's body.
    pub name: String,
    /// For people.
    pub label: Label,
    /// The type of its value.
    pub schema: Schema,
    /// What it is measured in, as the model says it: `degreeCelsius`.
    pub unit: Option<String>,
}

/// A part of a device's state.
#[derive(Debug, Clone, PartialEq)]
pub struct Property {
    /// Its name.
    pub name: String,
    /// For people.
    pub label: Label,
    /// The type of its value.
    pub schema: Schema,
    /// What it is measured in, as the model says it: `degreeCelsius`.
    pub unit: Option<String>,
    /// Whether the cloud may set it. A device acknowledges what it sets; what is not writable it reports.
    pub writable: bool,
}

/// Something that can be asked of a device.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// Its name.
    pub name: String,
    /// For people.
    pub label: Label,
    /// What is sent with it; none for a command without payload.
    pub request: Option<Payload>,
    /// What it answers; none for a command that answers nothing.
    pub response: Option<Payload>,
}

/// What goes with a command, or comes back.
#[derive(Debug, Clone, PartialEq)]
pub struct Payload {
    /// Its name, which is not part of the data.
    pub name: String,
    /// For people.
    pub label: Label,
    /// The type of its value.
    pub schema: Schema,
}

impl Model {
    /// What stands in a component; none is the default one.
    pub fn component(&self, name: Option<&str>) -> Option<&Contents> {
        match name {
            None => Some(&self.contents),
            Some(name) => {
                let mut components = self.components.iter();
                components
                    .find(|component| component.name == name)
                    .map(|component| &component.contents)
            }
        }
    }

    /// The default component and then the named ones, with their names.
    pub fn all(&self) -> impl Iterator<Item = (Option<&str>, &Contents)> {
        let named = self.components.iter();
        let named = named.map(|component| (Some(component.name.as_str()), &component.contents));
        std::iter::once((None, &self.contents)).chain(named)
    }
}

impl Contents {
    /// The telemetry of this name.
    pub fn telemetry(&self, name: &str) -> Option<&Telemetry> {
        self.telemetries.iter().find(|telemetry| telemetry.name == name)
    }

    /// The property of this name.
    pub fn property(&self, name: &str) -> Option<&Property> {
        self.properties.iter().find(|property| property.name == name)
    }

    /// The command of this name.
    pub fn command(&self, name: &str) -> Option<&Command> {
        self.commands.iter().find(|command| command.name == name)
    }
}
