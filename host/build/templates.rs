//! Lists the files of new projects, as Rust source that holds them.
//!
//! In templates/ the folder `all` is for every language, the others for the one they are called after. A file whose name
//! ends in `.template` loses that ending: as what it will be, it would mean something to tools that work on this
//! checkout. Beside the templates, projects get files of this checkout as they are.

use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use super::manifest;

const ENDING: &str = ".template";

/// What a language's projects are made of.
struct Contents {
    /// Of the constant that holds them, and of the folder in templates/ in lower case.
    name: &'static str,
    /// Beside those in the folder.
    templates: Files,
    as_is: Files,
}

/// Path in the project, and what goes there.
type Files = Vec<(String, PathBuf)>;

/// Writes templates.rs into the folder for what is generated.
pub(crate) fn gather() -> Result<(), Box<dyn Error>> {
    let host = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);
    let generated = PathBuf::from(std::env::var("OUT_DIR")?);
    let root = host.parent().ok_or("this package lies in a workspace")?;
    let templates = host.join("templates");
    changed_with(&templates);
    let mut source = String::new();
    for contents in [rust(root, &generated)?, python(root)?, js(root, &generated)?, c(root)?] {
        let mut files = files(&templates.join("all"))?;
        files.extend(self::files(&templates.join(contents.name.to_lowercase()))?);
        files.extend(contents.templates);
        writeln!(
            source,
            "pub(super) const {}: Contents = Contents {{ templates: &[",
            contents.name
        )?;
        for (name, path) in files {
            let name = name.strip_suffix(ENDING).unwrap_or(&name);
            writeln!(source, "({name:?}, include_str!({path:?})),")?;
        }
        writeln!(source, "], as_is: &[")?;
        for (name, path) in contents.as_is {
            // What is written here is always newer than the build that writes it, and would have it run every time.
            if !path.starts_with(&generated) {
                changed_with(&path);
            }
            writeln!(source, "({name:?}, include_bytes!({path:?})),")?;
        }
        writeln!(source, "] }};")?;
    }
    fs::write(generated.join("templates.rs"), source)?;
    Ok(())
}

/// The SDK, as long as it is not on crates.io, and the toolchain that builds it.
fn rust(root: &Path, generated: &Path) -> Result<Contents, Box<dyn Error>> {
    let sdk = root.join("guest/sdk");
    let manifest = sdk.join("Cargo.toml");
    let workspace = root.join("Cargo.toml");
    changed_with(&manifest);
    changed_with(&workspace);
    let standalone = manifest::standalone(&fs::read_to_string(manifest)?, &fs::read_to_string(workspace)?)?;
    let written = generated.join("setpoint-guest.toml");
    fs::write(
        &written,
        format!("# From Setpoint's own sources, with all that it inherits there written out.\n\n{standalone}"),
    )?;
    let mut as_is = vec![
        ("rust-toolchain.toml".to_owned(), root.join("rust-toolchain.toml")),
        ("setpoint-guest/Cargo.toml".to_owned(), written),
        ("setpoint-guest/LICENSE".to_owned(), root.join("LICENSE")),
    ];
    for folder in ["src", "wit"] {
        as_is.extend(whole(&sdk.join(folder), &format!("setpoint-guest/{folder}"))?);
    }
    Ok(Contents {
        name: "RUST",
        templates: Vec::new(),
        as_is,
    })
}

/// The contract, and what fetches the tools: the same as the Python thermostat is built with.
fn python(root: &Path) -> Result<Contents, Box<dyn Error>> {
    let mut as_is = contract(root)?;
    as_is.extend(from_pypi(root, "thermostat-py"));
    Ok(Contents {
        name: "PYTHON",
        templates: Vec::new(),
        as_is,
    })
}

/// The contract, and what fetches the tools: the same as the JavaScript thermostat is built with, in packages of other names.
fn js(root: &Path, generated: &Path) -> Result<Contents, Box<dyn Error>> {
    let thermostat = root.join("guest/thermostat-js");
    let names = [
        ("\"thermostat-js\"", "\"{{name}}\""),
        (
            "The thermostat in JavaScript: model dtmi:com:example:Thermostat;1",
            "A device that counts: model {{model}}",
        ),
    ];
    let mut templates = Vec::new();
    for (file, names) in [("package.json", &names[..]), ("package-lock.json", &names[..1])] {
        let from = thermostat.join(file);
        changed_with(&from);
        let mut text = fs::read_to_string(&from)?;
        for (theirs, placeholder) in names {
            if !text.contains(theirs) {
                return Err(format!("{}: there is no {theirs}", from.display()).into());
            }
            text = text.replace(theirs, placeholder);
        }
        let written = generated.join(file);
        fs::write(&written, text)?;
        templates.push((file.to_owned(), written));
    }
    let mut as_is = contract(root)?;
    as_is.push(("environment".to_owned(), thermostat.join("environment")));
    Ok(Contents {
        name: "JS",
        templates,
        as_is,
    })
}

/// The contract, what fetches the compiler, and the sources of the thermostat in C that know nothing of thermostats.
fn c(root: &Path) -> Result<Contents, Box<dyn Error>> {
    let thermostat = root.join("guest/thermostat-c");
    let mut as_is = contract(root)?;
    as_is.extend(from_pypi(root, "thermostat-c"));
    as_is.extend(whole(&thermostat.join("bindings"), "bindings")?);
    for source in [
        "binary64",
        "host",
        "json",
        "memory",
        "natural",
        "read_number",
        "text",
        "utf8",
    ] {
        as_is.extend(source_and_header(&thermostat, "src", source));
    }
    as_is.extend(source_and_header(&thermostat, "tests", "check"));
    Ok(Contents {
        name: "C",
        templates: Vec::new(),
        as_is,
    })
}

fn source_and_header(guest: &Path, folder: &str, name: &str) -> Files {
    let file = |ending| {
        let path = format!("{folder}/{name}.{ending}");
        (path.clone(), guest.join(path))
    };
    vec![file("c"), file("h")]
}

fn contract(root: &Path) -> Result<Files, Box<dyn Error>> {
    let mut files = whole(&root.join("wit"), "wit")?;
    files.push(("wit/LICENSE".to_owned(), root.join("LICENSE")));
    Ok(files)
}

/// What a guest of this checkout needs from PyPI, and the script that installs it.
fn from_pypi(root: &Path, guest: &str) -> Files {
    let guests = root.join("guest");
    let requirements = guests.join(guest).join("requirements.txt");
    vec![
        ("from-pypi".to_owned(), guests.join("from-pypi")),
        ("requirements.txt".to_owned(), requirements),
    ]
}

/// All that is in a folder, to go into the folder `to` of the project.
fn whole(folder: &Path, to: &str) -> Result<Files, Box<dyn Error>> {
    // Of a folder that is there by a link, the real one is watched.
    let real = fs::canonicalize(folder)?;
    changed_with(&real);
    let files = files(&real)?.into_iter();
    Ok(files.map(|(name, path)| (format!("{to}/{name}"), path)).collect())
}

/// The files in a folder and below: their paths from there, in order, and where they are.
fn files(folder: &Path) -> Result<Files, Box<dyn Error>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry
            .file_name()
            .into_string()
            .map_err(|name| format!("{name:?} is no text"))?;
        if entry.file_type()?.is_dir() {
            let below = files(&entry.path())?.into_iter();
            found.extend(below.map(|(path, file)| (format!("{name}/{path}"), file)));
        } else {
            found.push((name, entry.path()));
        }
    }
    found.sort();
    Ok(found)
}

fn changed_with(path: &Path) {
    println!("cargo::rerun-if-changed={}", path.display());
}
