//! From JSON to a model: the interface asked for, with everything it inherits and includes.
//!
//! | file | holds |
//! | --- | --- |
//! | `node.rs` | a place in a document, for errors that say where |
//! | `version.rs` | the two versions of DTDL |
//! | `schema.rs` | schemas |
//! | `contents.rs` | telemetry, properties, commands |
//! | `library.rs` | the interfaces that have been fetched, and which of them inherit from which |

mod contents;
mod library;
mod node;
mod schema;
mod version;

#[cfg(test)]
mod tests;

use crate::dtmi::Dtmi;
use crate::error::{Fault, ModelError};
use crate::model::{Component, Contents, Model};
use crate::source::Source;
use contents::Elements;
use library::Library;
use schema::unique;

impl Model {
    /// Reads the model `id`, and whatever it refers to, from `source`.
    ///
    /// # Errors
    /// An interface is not there, cannot be read, or is not DTDL 2 or 3; each names the file and the member.
    pub fn read<S: Source + ?Sized>(id: &Dtmi, source: &S) -> Result<Self, ModelError> {
        let library = Library::fetch(id, source)?;
        let Flat { contents, components } = flatten(&library, id)?;
        let components = components.into_iter().map(|included| {
            let inside = flatten(&library, &included.interface)?;
            if let Some(nested) = inside.components.first() {
                return Err(nested.node.fault(Fault::NestedComponent));
            }
            Ok(Component {
                name: included.name,
                label: included.label,
                interface: included.interface,
                contents: inside.contents,
            })
        });
        Ok(Self {
            label: library.node(id)?.label()?,
            components: components.collect::<Result<_, _>>()?,
            id: id.clone(),
            contents,
        })
    }
}

/// An interface with what it inherits; components are still names of interfaces.
struct Flat<'l> {
    contents: Contents,
    components: Vec<contents::Included<'l>>,
}

fn flatten<'l>(library: &'l Library, id: &Dtmi) -> Result<Flat<'l>, ModelError> {
    let mut contents = Contents::default();
    let mut components = Vec::new();
    let mut names = Vec::new();
    // An interface inherited over two ways stands in the line once, as in DTDL.
    for ancestor in library.lineage(id)? {
        let interface = library.node(&ancestor)?;
        let Elements {
            contents: mut own,
            components: mut included,
            names: mut own_names,
        } = Elements::read(&interface, library.version(&ancestor)?)?;
        contents.telemetries.append(&mut own.telemetries);
        contents.properties.append(&mut own.properties);
        contents.commands.append(&mut own.commands);
        components.append(&mut included);
        names.append(&mut own_names);
    }
    unique(&library.node(id)?, names.iter().map(String::as_str))?;
    Ok(Flat { contents, components })
}
