//! Projects as a user makes and builds them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use setpoint::template::{Language, Project};
use setpoint_tests::kept;

/// The same in every language, so that the models are.
const NAME: &str = "my-device";

/// A project that has been built.
pub(crate) struct Made {
    language: Language,
    project: Project,
    folder: PathBuf,
}

impl Made {
    /// Makes one and builds it with its own command. It is kept until what it is made of changes: a Python guest takes
    /// the better part of a minute to compile, and is another one each time it is built.
    pub(crate) fn of(language: Language) -> Self {
        let project = Project::new(language, NAME).unwrap();
        let mut of = Vec::new();
        for (path, content) in project.files() {
            of.extend(path.as_bytes());
            of.extend(content);
        }
        let made = kept::made_once(
            &place(language),
            &of,
            |made| made.join(NAME).join(project.guest()).is_file(),
            |made| {
                let folder = made.join(NAME);
                project.write(&folder).unwrap();
                let outliving = kept::folder().join(format!("{}-tools", place(language)));
                fs::create_dir_all(&outliving).unwrap();
                symlink(outliving, folder.join(tools(language))).unwrap();
                run(&project.commands().build, &folder);
            },
        );
        Self {
            language,
            project,
            folder: made.join(NAME),
        }
    }

    /// The component, or the core module.
    pub(crate) fn guest(&self) -> Vec<u8> {
        fs::read(self.folder.join(self.project.guest())).unwrap()
    }

    /// Where its models are.
    pub(crate) fn models(&self) -> PathBuf {
        self.folder.join("models")
    }

    /// Runs its tests.
    pub(crate) fn test(&self) {
        let _alone = kept::lock(&place(self.language));
        run(&self.project.commands().test, &self.folder);
    }
}

/// Where a language's project is kept.
fn place(language: Language) -> String {
    format!("new-{}", language.id())
}

/// The folder within a project that takes long to fill; here it outlives the project.
fn tools(language: Language) -> &'static str {
    match language {
        Language::Rust => "target",
        Language::Python | Language::JavaScript | Language::C => ".tools",
    }
}

fn run(command: &str, folder: &Path) {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(folder);
    for (name, _) in std::env::vars_os() {
        if !name.to_str().is_some_and(is_of_a_user) {
            shell.env_remove(name);
        }
    }
    kept::run(&mut shell, "what the README of each project names");
}

/// Whether a variable would be there in a user's shell: what cargo and rustup set for these tests is not.
fn is_of_a_user(name: &str) -> bool {
    let of_cargo = name.starts_with("CARGO") && name != "CARGO_HOME" && !name.starts_with("CARGO_NET_");
    let of_this_build = name.starts_with("RUSTC") || name == "RUSTFLAGS" || name == "RUSTDOCFLAGS";
    let others = [
        "RUSTUP_TOOLCHAIN",
        "RUST_RECURSION_COUNT",
        "CLIPPY_ARGS",
        "LD_LIBRARY_PATH",
        "SETPOINT_TOOLS",
    ];
    !of_cargo && !of_this_build && !others.contains(&name)
}
