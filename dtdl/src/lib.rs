//! Models of devices, written in the Digital Twins Definition Language (DTDL), versions 2 and 3.
//!
//! A [`Model`] is what a device promises: its telemetry, properties and commands, those of its components, and the
//! [`Schema`] of each. [`Model::read`] makes one from the interfaces that a [`Source`] holds, with everything inherited
//! (`extends`) and included (components, `schemas`) already in its place. A schema says whether a JSON value fits
//! ([`Schema::check`]), and names values that do and do not ([`Schema::valid`], [`Schema::invalid`]).
//!
//! ```
//! use setpoint_dtdl::{Bundle, Model};
//!
//! let lamp = r#"{
//!     "@context": "dtmi:dtdl:context;3",
//!     "@id": "dtmi:com:example:Lamp;1",
//!     "@type": "Interface",
//!     "contents": [{ "@type": "Property", "name": "brightness", "schema": "integer", "writable": true }]
//! }"#;
//! let model = Model::read(&"dtmi:com:example:Lamp;1".parse()?, &Bundle::new([("lamp.json", lamp)]))?;
//! let brightness = model.contents.property("brightness").ok_or("no brightness")?;
//! assert!(brightness.schema.check(&80.into()).is_ok());
//! assert_eq!(
//!     brightness.schema.check(&"bright".into()).unwrap_err().to_string(),
//!     r#"$ is "bright", not an integer of 32 bits"#
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Only what bears on the data that travels is kept: relationships, semantic types and most limits on the size of a
//! model are not looked at. What is looked at and wrong is a [`ModelError`] with the file and the member in it.
//!
//! | file | holds |
//! | --- | --- |
//! | `dtmi.rs` | identifiers, and where a model repository keeps what they name |
//! | `model.rs` | a device's model, flattened |
//! | `schema/` | types of data: what fits, and values that do and do not |
//! | `read/` | from JSON to a model |
//! | `source.rs` | where interfaces come from |
//! | `repository.rs` | a folder of them: the one file here that does I/O |
//! | `error.rs` | what can be wrong with a model |

mod dtmi;
mod error;
mod model;
mod read;
mod repository;
mod schema;
mod source;

pub use dtmi::{Dtmi, NotDtmi};
pub use error::{Fault, ModelError};
pub use model::{Command, Component, Contents, Label, Model, Payload, Property, Telemetry};
pub use repository::Repository;
pub use schema::{EnumValue, EnumValues, Field, Geometry, Mismatch, Primitive, Schema};
pub use source::{Bundle, Document, Source};
