//! The interfaces that have been fetched.

use std::collections::{HashMap, VecDeque};

use serde_json::Value;

use super::node::Node;
use super::version::Version;
use crate::dtmi::Dtmi;
use crate::error::{Fault, ModelError};
use crate::source::Source;

/// Levels of inheritance. Source: DTDL v2 and v3, "Interface", `extends`.
const DEEPEST: usize = 10;

/// Everything a model refers to.
pub(super) struct Library(HashMap<Dtmi, Interface>);

struct Interface {
    file: String,
    json: Value,
    version: Version,
    extends: Vec<Dtmi>,
}

/// Where one interface refers to another.
struct Reference<'a> {
    node: Node<'a>,
    id: Dtmi,
    inherited: bool,
}

impl Library {
    /// Fetches `id` and all that it inherits and includes.
    pub(super) fn fetch<S: Source + ?Sized>(id: &Dtmi, source: &S) -> Result<Self, ModelError> {
        let mut library = Self(HashMap::new());
        let mut spare = HashMap::new();
        let mut wanted = VecDeque::from([(id.clone(), None::<Dtmi>)]);
        while let Some((id, wanted_by)) = wanted.pop_front() {
            if library.0.contains_key(&id) {
                continue;
            }
            let (file, json, version) = match spare.remove(&id) {
                Some(found) => found,
                None => look_up(&id, wanted_by, source, &mut spare)?,
            };
            let mut extends = Vec::new();
            for Reference {
                node,
                id: other,
                inherited,
            } in references(&Node::root(&file, &json))?
            {
                // An interface may also stand where it is used.
                if node.value.is_object() {
                    let version = Version::of(&node, Some(version))?;
                    spare.insert(other.clone(), (file.clone(), node.value.clone(), version));
                }
                if inherited {
                    extends.push(other.clone());
                }
                wanted.push_back((other, Some(id.clone())));
            }
            let interface = Interface {
                file,
                json,
                version,
                extends,
            };
            library.0.insert(id, interface);
        }
        Ok(library)
    }

    /// An interface that was fetched.
    pub(super) fn node(&self, id: &Dtmi) -> Result<Node<'_>, ModelError> {
        self.interface(id)
            .map(|interface| Node::root(&interface.file, &interface.json))
    }

    /// Its version of DTDL.
    pub(super) fn version(&self, id: &Dtmi) -> Result<Version, ModelError> {
        self.interface(id).map(|interface| interface.version)
    }

    fn interface(&self, id: &Dtmi) -> Result<&Interface, ModelError> {
        self.0.get(id).ok_or_else(|| ModelError::NotFound {
            id: id.clone(),
            wanted_by: None,
            place: id.path(),
        })
    }

    /// The interface and all that it inherits from, each once, ancestors first.
    pub(super) fn lineage(&self, id: &Dtmi) -> Result<Vec<Dtmi>, ModelError> {
        let mut line = Vec::new();
        self.climb(id, &mut Vec::new(), &mut line)?;
        Ok(line)
    }

    fn climb(&self, id: &Dtmi, heirs: &mut Vec<Dtmi>, line: &mut Vec<Dtmi>) -> Result<(), ModelError> {
        let fault = |fault: Fault| self.node(id).map_or_else(|error| error, |node| node.fault(fault));
        if heirs.contains(id) {
            return Err(fault(Fault::Cycle(id.clone())));
        }
        if heirs.len() > DEEPEST {
            return Err(fault(Fault::ExtendsTooDeep));
        }
        if line.contains(id) {
            return Ok(());
        }
        heirs.push(id.clone());
        for parent in &self.interface(id)?.extends {
            self.climb(parent, heirs, line)?;
        }
        heirs.pop();
        line.push(id.clone());
        Ok(())
    }
}

type Found = (String, Value, Version);

/// Asks the source; further interfaces in the same document are kept for when they are wanted.
fn look_up<S: Source + ?Sized>(
    id: &Dtmi,
    wanted_by: Option<Dtmi>,
    source: &S,
    spare: &mut HashMap<Dtmi, Found>,
) -> Result<Found, ModelError> {
    let Some(document) = source.document(id)? else {
        return Err(ModelError::NotFound {
            id: id.clone(),
            wanted_by,
            place: source.place(id),
        });
    };
    let file = document.file;
    let interfaces = match document.json {
        Value::Array(interfaces) => interfaces,
        interface => vec![interface],
    };
    let (mut version, mut found, mut other) = (None, None, None);
    for json in interfaces {
        let node = Node::root(&file, &json);
        let this = node.member("@id")?.dtmi()?;
        if !node.is_a("Interface") {
            return Err(node.fault(Fault::Kind("of type Interface")));
        }
        let of_this = Version::of(&node, version)?;
        version = Some(of_this);
        if this == *id {
            found = Some((file.clone(), json, of_this));
        } else {
            other = Some(node.fault(Fault::Identity {
                found: this.to_string(),
                wanted: id.clone(),
            }));
            spare.insert(this, (file.clone(), json, of_this));
        }
    }
    let root = || Node::root(&file, &Value::Null).fault(Fault::Kind("an interface, nor interfaces in an array"));
    found.ok_or_else(|| other.unwrap_or_else(root))
}

/// All interfaces that this one names in `extends` and in its components.
fn references<'a>(interface: &Node<'a>) -> Result<Vec<Reference<'a>>, ModelError> {
    let id_of = |node: &Node<'_>| match node.value {
        Value::Object(_) => node.member("@id")?.dtmi(),
        _ => node.dtmi(),
    };
    let refer = |node: Node<'a>, inherited: bool| {
        let id = id_of(&node)?;
        Ok(Reference { node, id, inherited })
    };
    let extends = interface
        .elements_of("extends")
        .into_iter()
        .map(|node| refer(node, true));
    let components = interface.elements_of("contents").into_iter();
    let components = components.filter(|element| element.is_a("Component"));
    extends
        .chain(components.map(|component| refer(component.member("schema")?, false)))
        .collect()
}
