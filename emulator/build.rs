//! Puts the page inside the program, if it was built: the files in `page/dist`, which `./justw page` makes.

use std::error::Error;
use std::fmt::Write;
use std::path::Path;
use std::{env, fs, process::ExitCode};

fn main() -> ExitCode {
    match gather() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("cargo::error={error}");
            ExitCode::FAILURE
        }
    }
}

/// Writes `page.rs`: a list of names and contents.
fn gather() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let dist = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../page/dist");
    let mut list = String::from("&[\n");
    // The folder is in the checkout even when it is empty, so that cargo notices the page when it comes; of a folder that is not
    // there, cargo would think that it has changed, each time.
    if dist.is_dir() {
        println!("cargo::rerun-if-changed={}", dist.display());
        let mut files: Vec<_> = fs::read_dir(&dist)?.collect::<Result<_, _>>()?;
        files.sort_by_key(fs::DirEntry::file_name);
        for file in files {
            let name = file
                .file_name()
                .into_string()
                .map_err(|_| "a file of the page has no name in UTF-8")?;
            if !name.starts_with('.') {
                writeln!(list, "({name:?}, include_bytes!({:?})),", file.path())?;
            }
        }
    }
    list.push(']');
    fs::write(Path::new(&env::var("OUT_DIR")?).join("page.rs"), list)?;
    Ok(())
}
