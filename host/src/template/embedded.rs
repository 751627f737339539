//! The files of new projects, as the build script found them.

/// What a language's projects are made of. Files are named by their paths in the project.
pub(super) struct Contents {
    /// Names and texts with placeholders.
    pub(super) templates: &'static [(&'static str, &'static str)],
    /// What is the same in every project.
    pub(super) as_is: &'static [(&'static str, &'static [u8])],
}

include!(concat!(env!("OUT_DIR"), "/templates.rs"));
