//! New projects: a device to begin with, in any of a few languages.
//!
//! The device is the same in all of them: it counts, in steps that the cloud may set, and begins anew when it is told to. Templates lie in `templates/` and are part of the program, together with what a project needs of this
//! checkout.
//!
//! | file | holds |
//! | --- | --- |
//! | `language.rs` | the languages, and the commands of their projects |
//! | `name.rs` | what a project may be called, and what else is called after it |
//! | `project.rs` | its files |
//! | `embedded.rs` | where they come from |

mod embedded;
mod language;
mod name;
mod project;

pub use language::{Commands, Language, UnknownLanguage};
pub use name::NameError;
pub use project::{Project, ProjectError};
