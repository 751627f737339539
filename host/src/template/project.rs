//! A project that is yet to be written.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::name::Name;
use super::{Commands, Language, NameError};

/// A project: a name in a language.
#[derive(Debug, Clone)]
pub struct Project {
    language: Language,
    name: Name,
}

/// Why a project was not written, or not in whole.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// Nothing was written.
    #[error("{} is there already and is not an empty folder; give another name, or remove it", .0.display())]
    Occupied(PathBuf),
    /// The system refused.
    #[error("{}: {reason}", path.display())]
    Io {
        /// What was to be written.
        path: PathBuf,
        /// The system's words.
        reason: io::Error,
    },
}

impl Project {
    /// A project of this name.
    ///
    /// # Errors
    /// [`NameError`], which says what names are made of in this language.
    pub fn new(language: Language, name: &str) -> Result<Self, NameError> {
        let name = Name::parse(name, language)?;
        Ok(Self { language, name })
    }

    /// Its device's model.
    pub fn model_id(&self) -> String {
        self.name.model_id()
    }

    /// What to do in its folder.
    pub fn commands(&self) -> Commands {
        self.language.commands(&self.name)
    }

    /// Where its guest is once it has been built, as a path from its folder.
    pub fn guest(&self) -> PathBuf {
        self.language.guest(&self.name).into()
    }

    /// Writes it into a folder that is empty or not there yet.
    ///
    /// # Errors
    /// [`ProjectError`]
    pub fn write(&self, folder: &Path) -> Result<(), ProjectError> {
        if !is_free(folder)? {
            return Err(ProjectError::Occupied(folder.to_owned()));
        }
        for (path, content) in self.files() {
            write(&folder.join(path), &content)?;
        }
        Ok(())
    }

    /// What is written: paths from its folder, and contents. Always in the same order.
    pub fn files(&self) -> impl Iterator<Item = (String, Vec<u8>)> {
        let contents = self.language.contents();
        let as_is = contents.as_is.iter();
        let as_is = as_is.map(|(path, content)| ((*path).to_owned(), content.to_vec()));
        let templates = contents.templates.iter();
        let templates = templates.map(|(path, text)| (self.fill_in(path), self.fill_in(text).into_bytes()));
        as_is.chain(templates)
    }

    fn fill_in(&self, text: &str) -> String {
        let Commands { build, run, test } = self.commands();
        let placeholders = [
            ("{{name}}", self.name.as_str()),
            ("{{module}}", &self.name.module()),
            ("{{lower}}", &self.name.type_name().to_ascii_lowercase()),
            ("{{model}}", &self.model_id()),
            ("{{guest}}", &self.language.guest(&self.name)),
            ("{{build}}", &build),
            ("{{run}}", &run),
            ("{{test}}", &test),
        ];
        let mut filled = text.to_owned();
        for (placeholder, value) in placeholders {
            filled = filled.replace(placeholder, value);
        }
        filled
    }
}

fn is_free(folder: &Path) -> Result<bool, ProjectError> {
    match fs::read_dir(folder) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(false),
        Err(reason) => Err(ProjectError::Io {
            path: folder.to_owned(),
            reason,
        }),
    }
}

/// Scripts, which begin by saying what runs them, can be run.
fn write(path: &Path, content: &[u8]) -> Result<(), ProjectError> {
    let written = || {
        fs::create_dir_all(path.parent().unwrap_or(path))?;
        fs::write(path, content)?;
        if content.starts_with(b"#!") {
            fs::set_permissions(path, PermissionsExt::from_mode(0o755))?;
        }
        Ok(())
    };
    written().map_err(|reason| ProjectError::Io {
        path: path.to_owned(),
        reason,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_placeholder_is_left() {
        for language in Language::ALL {
            for (path, content) in Project::new(language, "my-device").unwrap().files() {
                let text = String::from_utf8_lossy(&content);
                let left = text.split("{{").skip(1).find(|rest| {
                    let word = rest.split("}}").next().unwrap_or_default();
                    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase())
                });
                assert!(left.is_none() && !path.contains("{{"), "{path}: {left:?}");
            }
        }
    }

    #[test]
    fn the_model_lies_where_a_repository_has_it() {
        for language in Language::ALL {
            let project = Project::new(language, "my-device").unwrap();
            let (_, model) = project
                .files()
                .find(|(path, _)| path == "models/dtmi/com/example/mydevice-1.json")
                .unwrap();
            let model: serde_json::Value = serde_json::from_slice(&model).unwrap();
            assert_eq!(model["@id"], project.model_id());
        }
    }

    #[test]
    fn nothing_that_is_there_is_touched() {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::new(Language::Rust, "my-device").unwrap();
        let there = folder.path().join("there");
        fs::write(&there, "before").unwrap();
        for occupied in [folder.path(), &there] {
            let refusal = project.write(occupied).unwrap_err();
            assert!(matches!(refusal, ProjectError::Occupied(_)), "{refusal}");
        }
        assert_eq!(fs::read_to_string(there).unwrap(), "before");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_empty_folder_is_filled() {
        let folder = tempfile::tempdir().unwrap();
        Project::new(Language::Rust, "my-device")
            .unwrap()
            .write(folder.path())
            .unwrap();
        let manifest = fs::read_to_string(folder.path().join("Cargo.toml")).unwrap();
        assert!(manifest.contains("name = \"my-device\""), "{manifest}");
    }
}
