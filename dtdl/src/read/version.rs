//! The two versions of DTDL, and where they differ.

use serde_json::Value;

use super::node::Node;
use crate::error::{Fault, ModelError};

/// A version of DTDL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    V2,
    V3,
}

impl Version {
    /// By the document's context, or `inherited`: of several interfaces in one file only the first needs one.
    pub(super) fn of(interface: &Node<'_>, inherited: Option<Self>) -> Result<Self, ModelError> {
        let Some(context) = interface.optional("@context") else {
            return inherited.ok_or_else(|| interface.fault(Fault::Missing("@context")));
        };
        let contexts = context.elements();
        let mut texts = contexts.iter().filter_map(|context| context.value.as_str());
        // Extensions have contexts of their own, before or after it.
        match texts.find_map(|text| text.strip_prefix("dtmi:dtdl:context;")) {
            Some("2") => Ok(Self::V2),
            Some("3") => Ok(Self::V3),
            _ => Err(context.fault(Fault::Version(shown(context.value)))),
        }
    }

    /// The longest name, in characters.
    pub(super) fn longest_name(self) -> usize {
        match self {
            Self::V2 => 64,
            Self::V3 => 512,
        }
    }
}

fn shown(context: &Value) -> String {
    context.to_string().chars().take(80).collect()
}
