//! A place in a document, which knows what to call itself in an error.

use serde_json::Value;

use crate::dtmi::Dtmi;
use crate::error::{Fault, ModelError};
use crate::model::Label;

/// A JSON value with its file and its path in it.
#[derive(Debug, Clone)]
pub(super) struct Node<'a> {
    pub(super) file: &'a str,
    at: String,
    pub(super) value: &'a Value,
}

impl<'a> Node<'a> {
    /// An interface in a file.
    pub(super) fn root(file: &'a str, value: &'a Value) -> Self {
        Self {
            file,
            at: String::new(),
            value,
        }
    }

    /// What is wrong here.
    pub(super) fn fault(&self, fault: Fault) -> ModelError {
        let at = if self.at.is_empty() { "the interface" } else { &self.at };
        ModelError::Invalid {
            file: self.file.to_owned(),
            at: at.to_owned(),
            fault,
        }
    }

    fn inside(&self, step: &str, value: &'a Value) -> Node<'a> {
        let dot = if self.at.is_empty() || step.starts_with('[') {
            ""
        } else {
            "."
        };
        Node {
            file: self.file,
            at: format!("{}{dot}{step}", self.at),
            value,
        }
    }

    /// A member that need not be there.
    pub(super) fn optional(&self, name: &str) -> Option<Node<'a>> {
        self.value.get(name).map(|value| self.inside(name, value))
    }

    /// A member that must be there.
    pub(super) fn member(&self, name: &'static str) -> Result<Node<'a>, ModelError> {
        self.optional(name).ok_or_else(|| {
            if self.value.is_object() {
                self.fault(Fault::Missing(name))
            } else {
                self.fault(Fault::Kind("an object"))
            }
        })
    }

    /// A text.
    pub(super) fn text(&self) -> Result<&'a str, ModelError> {
        self.value.as_str().ok_or_else(|| self.fault(Fault::Kind("a string")))
    }

    /// An identifier.
    pub(super) fn dtmi(&self) -> Result<Dtmi, ModelError> {
        let parsed = self.text()?.parse();
        parsed.map_err(|crate::dtmi::NotDtmi(text)| self.fault(Fault::NotDtmi(text)))
    }

    /// The elements of a set. In JSON-LD one that has a single element need not be an array.
    pub(super) fn elements(&self) -> Vec<Node<'a>> {
        match self.value {
            Value::Array(items) => {
                let items = items.iter().enumerate();
                items
                    .map(|(index, item)| self.inside(&format!("[{index}]"), item))
                    .collect()
            }
            _ => vec![self.clone()],
        }
    }

    /// The elements of a member that need not be there.
    pub(super) fn elements_of(&self, name: &str) -> Vec<Node<'a>> {
        self.optional(name).map(|node| node.elements()).unwrap_or_default()
    }

    /// Whether its `@type` is, or has in it, this.
    pub(super) fn is_a(&self, kind: &str) -> bool {
        self.types().any(|found| found == kind)
    }

    /// The texts of its `@type`.
    pub(super) fn types(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let (one, several) = match self.value.get("@type") {
            Some(Value::Array(types)) => (None, Some(types)),
            other => (other.and_then(Value::as_str), None),
        };
        one.into_iter()
            .chain(several.into_iter().flatten().filter_map(Value::as_str))
    }

    /// The programming name of an element.
    pub(super) fn name(&self, longest: usize) -> Result<String, ModelError> {
        let name = self.member("name")?;
        let text = name.text()?;
        if text.len() <= longest && is_name(text) {
            return Ok(text.to_owned());
        }
        Err(name.fault(Fault::Name(text.chars().take(80).collect())))
    }

    /// What people are shown.
    pub(super) fn label(&self) -> Result<Label, ModelError> {
        Ok(Label {
            display_name: self.localized("displayName")?,
            description: self.localized("description")?,
        })
    }

    fn localized(&self, name: &str) -> Result<Option<String>, ModelError> {
        let Some(node) = self.optional(name) else {
            return Ok(None);
        };
        let text = match node.value {
            Value::String(text) => Some(text.as_str()),
            Value::Object(languages) => {
                let english = languages.get("en").or_else(|| languages.values().next());
                english.and_then(Value::as_str)
            }
            _ => None,
        };
        let wanted = "a string, nor strings by language";
        text.map(|text| Some(text.to_owned()))
            .ok_or_else(|| node.fault(Fault::Kind(wanted)))
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !text.ends_with('_')
}
