//! Where models come from: a folder, or the program itself.

use std::path::PathBuf;

use clap::Args;
use setpoint_dtdl::{Bundle, Dtmi, Model, ModelError, Repository, Source};

macro_rules! shipped {
    ($path:literal) => {
        ($path, include_str!(concat!("../../../models/", $path)))
    };
}

/// Looked in when no folder is named.
const FOLDER: &str = "models";

/// The models of the project's own guests, by their place in a repository.
const SHIPPED: [(&str, &str); 4] = [
    shipped!("dtmi/azure/devicemanagement/deviceinformation-1.json"),
    shipped!("dtmi/com/example/temperaturecontroller-2.json"),
    shipped!("dtmi/com/example/thermostat-1.json"),
    shipped!("dtmi/com/example/thermostat-2.json"),
];

/// Where models are looked for.
#[derive(Args)]
pub(crate) struct Models {
    /// Looks for models in this folder, laid out as dtmi/com/example/thermostat-1.json; without it in ./models, and then
    /// among those of the project's own guests
    #[arg(long, value_name = "DIR")]
    models: Option<PathBuf>,
}

impl Models {
    /// Reads a model.
    pub(crate) fn read(&self, id: &Dtmi) -> Result<Model, ModelError> {
        match &self.models {
            Some(folder) => Model::read(id, &Repository::new(folder)),
            None => {
                let (here, shipped) = (Repository::new(FOLDER), Bundle::new(SHIPPED));
                let sources: [&dyn Source; 2] = [&here, &shipped];
                Model::read(id, sources.as_slice())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// The files in a folder and below, as paths from it.
    fn files(folder: &Path, below: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder.join(below))
            .unwrap()
            .map(|entry| entry.unwrap());
        let inside = entries.flat_map(|entry| {
            let path = below.join(entry.file_name());
            match entry.file_type().unwrap().is_dir() {
                true => files(folder, &path),
                false => vec![path.to_string_lossy().into_owned()],
            }
        });
        inside.collect()
    }

    #[test]
    fn every_model_of_the_project_is_in_the_program() {
        let mut shipped = SHIPPED.map(|(path, _)| path.to_owned()).to_vec();
        let mut models = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../models"), Path::new(""));
        shipped.sort();
        models.sort();
        assert_eq!(shipped, models);
    }
}
