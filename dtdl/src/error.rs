//! What can be wrong with a model.

use crate::dtmi::Dtmi;

/// Why there is no model. Each names what to look at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// No source has the interface.
    #[error("there is no model {id}{}: {place} does not exist", wanted(.wanted_by.as_ref()))]
    NotFound {
        /// The interface.
        id: Dtmi,
        /// The interface that refers to it; none for the one that was asked for.
        wanted_by: Option<Dtmi>,
        /// Where it should be.
        place: String,
    },
    /// The file is there and cannot be read.
    #[error("{file}: cannot be read: {reason}")]
    Unreadable {
        /// The file.
        file: String,
        /// The system's words.
        reason: String,
    },
    /// It is not JSON.
    #[error("{file}: is not JSON: {reason}")]
    NotJson {
        /// The file.
        file: String,
        /// The parser's words.
        reason: String,
    },
    /// It is JSON, but not DTDL as this crate knows it.
    #[error("{file}: {at}: {fault}")]
    Invalid {
        /// The file.
        file: String,
        /// The member, such as `contents[2].schema`.
        at: String,
        /// What is wrong with it.
        fault: Fault,
    },
}

fn wanted(by: Option<&Dtmi>) -> String {
    by.map(|by| format!(", which {by} refers to")).unwrap_or_default()
}

/// What is wrong with one member of a DTDL document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A member that must be there is not.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// Another kind of JSON.
    #[error("is not {0}")]
    Kind(&'static str),
    /// The context names no version of DTDL, or another.
    #[error("is not DTDL 2 or 3: the context is {0}, not dtmi:dtdl:context;2 or dtmi:dtdl:context;3")]
    Version(String),
    /// The document says it is another interface.
    #[error("is {found:?}, not {wanted}, which its place says it is")]
    Identity {
        /// What it says.
        found: String,
        /// What it should.
        wanted: Dtmi,
    },
    /// Not a model identifier.
    #[error("{0:?} is no model identifier such as dtmi:com:example:Thermostat;1")]
    NotDtmi(String),
    /// Not a name.
    #[error(
        "{0:?} is no name: letters, digits and '_', the first one a letter, the last one no '_', of limited length"
    )]
    Name(String),
    /// Two members of one name.
    #[error("there are two {0:?}")]
    Duplicate(String),
    /// An element of a kind this version does not have, or of several.
    #[error("is of type {0}; it takes one of Telemetry, Property, Command, Component and Relationship")]
    ContentType(String),
    /// A schema of a kind this version does not have.
    #[error("{0} is no schema of DTDL 2 or 3, and the interface's `schemas` have none of that name")]
    UnknownSchema(String),
    /// More levels of complex schemas inside each other than DTDL allows.
    #[error("schemas lie deeper inside each other than 5 levels")]
    SchemaTooDeep,
    /// Only version 3 has that.
    #[error("DTDL 2 has no arrays in properties, nor geospatial schemas, which are made of arrays")]
    ArrayInProperty,
    /// An enumeration no value fits.
    #[error("an enumeration needs values, all of the kind valueSchema says")]
    EnumValues,
    /// A map's keys are texts.
    #[error("the key of a map is a string")]
    MapKey,
    /// Neither version has that.
    #[error("a component's interface has no components of its own in DTDL 2 and 3")]
    NestedComponent,
    /// An interface that inherits from itself.
    #[error("{0} inherits from itself")]
    Cycle(Dtmi),
    /// More levels of inheritance than DTDL allows.
    #[error("interfaces inherit over more than 10 levels")]
    ExtendsTooDeep,
}
