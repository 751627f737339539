//! Where interfaces come from.

use serde_json::Value;

use crate::dtmi::Dtmi;
use crate::error::ModelError;

/// A document with one interface or several.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// What errors call it.
    pub file: String,
    /// An interface, or an array of them.
    pub json: Value,
}

/// Somewhere that has interfaces.
pub trait Source {
    /// The document with this interface in it; none when this place does not have it.
    ///
    /// # Errors
    /// It is there and cannot be read, or is not JSON.
    fn document(&self, id: &Dtmi) -> Result<Option<Document>, ModelError>;

    /// Where this looks for an interface, for the error that says that it is not there.
    fn place(&self, id: &Dtmi) -> String;
}

/// Reads a document's text.
pub(crate) fn parse(file: &str, text: &str) -> Result<Document, ModelError> {
    match serde_json::from_str(text) {
        Ok(json) => Ok(Document {
            file: file.to_owned(),
            json,
        }),
        Err(error) => Err(ModelError::NotJson {
            file: file.to_owned(),
            reason: error.to_string(),
        }),
    }
}

/// Documents in memory, each by its name and text.
#[derive(Debug, Clone, Default)]
pub struct Bundle(Vec<(String, String)>);

impl Bundle {
    /// Holds these documents.
    pub fn new<F: Into<String>, T: Into<String>>(documents: impl IntoIterator<Item = (F, T)>) -> Self {
        let documents = documents.into_iter();
        Self(documents.map(|(file, text)| (file.into(), text.into())).collect())
    }
}

impl Source for Bundle {
    fn document(&self, id: &Dtmi) -> Result<Option<Document>, ModelError> {
        for (file, text) in &self.0 {
            // Only what names it is parsed.
            if text.contains(&format!("\"{id}\"")) {
                let document = parse(file, text)?;
                if holds(&document.json, id) {
                    return Ok(Some(document));
                }
            }
        }
        Ok(None)
    }

    fn place(&self, id: &Dtmi) -> String {
        format!("{} in the bundle", id.path())
    }
}

fn holds(json: &Value, id: &Dtmi) -> bool {
    match json {
        Value::Array(interfaces) => interfaces.iter().any(|interface| holds(interface, id)),
        interface => interface.get("@id").and_then(Value::as_str) == Some(id.as_str()),
    }
}

/// Looks in one after the other; the first that has the interface gives it.
impl Source for [&dyn Source] {
    fn document(&self, id: &Dtmi) -> Result<Option<Document>, ModelError> {
        for source in self {
            if let Some(document) = source.document(id)? {
                return Ok(Some(document));
            }
        }
        Ok(None)
    }

    fn place(&self, id: &Dtmi) -> String {
        let places: Vec<String> = self.iter().map(|source| source.place(id)).collect();
        places.join(", nor ")
    }
}
