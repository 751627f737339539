//! `wasi:cli` and `wasi:filesystem`: beside standard output they are empty, so that guests whose language expects them run
//! and get nothing.

use wasmtime::component::{Linker, Resource, ResourceType, Val};

use super::VERSION;
use super::generated::wasi::cli::{
    environment, exit, stderr, stdin, stdout, terminal_input, terminal_output, terminal_stderr, terminal_stdin,
    terminal_stdout,
};
use super::handles::{Input, Never, Output};
use crate::sandbox::imports::State;

impl environment::Host for State {
    fn get_environment(&mut self) -> wasmtime::Result<Vec<(String, String)>> {
        Ok(Vec::new())
    }

    fn get_arguments(&mut self) -> wasmtime::Result<Vec<String>> {
        Ok(Vec::new())
    }

    fn initial_cwd(&mut self) -> wasmtime::Result<Option<String>> {
        Ok(None)
    }
}

fn exits() -> wasmtime::Error {
    wasmtime::Error::msg("it exits; a device runs until its host stops it")
}

impl exit::Host for State {
    fn exit(&mut self, _: Result<(), ()>) -> wasmtime::Result<()> {
        Err(exits())
    }

    fn exit_with_code(&mut self, _: u8) -> wasmtime::Result<()> {
        Err(exits())
    }
}

impl stdin::Host for State {
    fn get_stdin(&mut self) -> wasmtime::Result<Resource<Input>> {
        self.hold(Input)
    }
}

impl stdout::Host for State {
    fn get_stdout(&mut self) -> wasmtime::Result<Resource<Output>> {
        self.hold(Output::Stdout)
    }
}

impl stderr::Host for State {
    fn get_stderr(&mut self) -> wasmtime::Result<Resource<Output>> {
        self.hold(Output::Stderr)
    }
}

impl terminal_input::Host for State {}

impl terminal_input::HostTerminalInput for State {
    fn drop(&mut self, terminal: Resource<Never>) -> wasmtime::Result<()> {
        self.let_go(terminal)
    }
}

impl terminal_output::Host for State {}

impl terminal_output::HostTerminalOutput for State {
    fn drop(&mut self, terminal: Resource<Never>) -> wasmtime::Result<()> {
        self.let_go(terminal)
    }
}

impl terminal_stdin::Host for State {
    fn get_terminal_stdin(&mut self) -> wasmtime::Result<Option<Resource<Never>>> {
        Ok(None)
    }
}

impl terminal_stdout::Host for State {
    fn get_terminal_stdout(&mut self) -> wasmtime::Result<Option<Resource<Never>>> {
        Ok(None)
    }
}

impl terminal_stderr::Host for State {
    fn get_terminal_stderr(&mut self) -> wasmtime::Result<Option<Resource<Never>>> {
        Ok(None)
    }
}

/// What `wasi:filesystem/types` could do with a file or a folder, had a guest one.
const OF_DESCRIPTORS: [&str; 27] = [
    "read-via-stream",
    "write-via-stream",
    "append-via-stream",
    "advise",
    "sync-data",
    "get-flags",
    "get-type",
    "set-size",
    "set-times",
    "read",
    "write",
    "read-directory",
    "sync",
    "create-directory-at",
    "stat",
    "stat-at",
    "set-times-at",
    "link-at",
    "open-at",
    "readlink-at",
    "remove-directory-at",
    "rename-at",
    "symlink-at",
    "unlink-file-at",
    "is-same-object",
    "metadata-hash",
    "metadata-hash-at",
];

/// The folders a guest begins with are none, and from a folder alone comes a file: so the functions of files are names.
/// They are not worth the bindings.
pub(super) fn link_filesystem(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut types = linker.instance(&format!("wasi:filesystem/types@{VERSION}"))?;
    for resource in ["descriptor", "directory-entry-stream"] {
        types.resource(resource, ResourceType::host::<Never>(), |_, _| Ok(()))?;
    }
    let methods = OF_DESCRIPTORS.map(|method| format!("[method]descriptor.{method}"));
    let others = [
        "[method]directory-entry-stream.read-directory-entry",
        "filesystem-error-code",
    ];
    for function in methods.iter().map(String::as_str).chain(others) {
        types.func_new(function, |_, _, _, _| {
            Err(wasmtime::Error::msg("it uses a file that it cannot have"))
        })?;
    }
    let mut preopens = linker.instance(&format!("wasi:filesystem/preopens@{VERSION}"))?;
    preopens.func_new("get-directories", |_, _, _, directories| {
        if let Some(directories) = directories.first_mut() {
            *directories = Val::List(Vec::new());
        }
        Ok(())
    })
}
