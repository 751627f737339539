//! Names of a model's telemetry, properties and commands.

use std::fmt;

/// A telemetry, property or command of the device's model; without a component, of the default component.
///
/// A `&str` converts into one of the default component: `host.report("serialNumber", "A-17")`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Member {
    /// None is the default component.
    pub component: Option<String>,
    /// As the model spells it.
    pub name: String,
}

impl Member {
    /// `name` of the named component.
    pub fn of(component: impl Into<String>, name: impl Into<String>) -> Member {
        Member {
            component: Some(component.into()),
            name: name.into(),
        }
    }

    /// Component and name, to match on: `match command.target.parts() { (None, "reset") => .. }`.
    pub fn parts(&self) -> (Option<&str>, &str) {
        (self.component.as_deref(), &self.name)
    }
}

impl From<&str> for Member {
    fn from(name: &str) -> Member {
        Member {
            component: None,
            name: name.to_owned(),
        }
    }
}

impl From<String> for Member {
    fn from(name: String) -> Member {
        Member { component: None, name }
    }
}

/// `component.name`, or the name alone.
impl fmt::Display for Member {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.component {
            Some(component) => write!(formatter, "{component}.{}", self.name),
            None => formatter.write_str(&self.name),
        }
    }
}
