//! WASI 0.2, for a guest to which the operator allows it: clocks, randomness and output, from what the instance was given
//! anyway. The standard library of a language may call the rest of what is here, and gets nothing by it: no file, no
//! variable, no argument, no input. Sockets are not here at all.
//!
//! This is not the crate `wasmtime-wasi`, because nothing here may wait. In that one a guest may wait within a call of the
//! host, where no epoch can stop it, and its calls need an asynchronous host, for which every tick of every guest would pay.
//!
//! | file | holds |
//! | --- | --- |
//! | `wit/` | the interfaces, as WASI publishes them |
//! | `handles.rs` | what a guest may hold handles of, and how many |
//! | `clocks.rs` | `wasi:clocks` |
//! | `random.rs` | `wasi:random` |
//! | `poll.rs` | `wasi:io/poll`: what is ready; what is not, is not waited for |
//! | `streams.rs` | `wasi:io/streams`: lines for the log, and an input that is at its end |
//! | `nothing.rs` | `wasi:cli` and `wasi:filesystem`: standard output, and what is empty |

mod clocks;
mod handles;
mod nothing;
mod poll;
mod random;
mod streams;

use wasmtime::component::{HasSelf, Linker};

use super::imports::State;
pub(super) use handles::Context;

#[allow(missing_docs, unreachable_pub, clippy::all, reason = "generated")]
mod generated {
    wasmtime::component::bindgen!({
        path: "src/sandbox/wasi/wit",
        world: "setpoint:wasi/given",
        imports: { default: trappable },
        with: {
            "wasi:io/error.error": crate::sandbox::wasi::handles::Never,
            "wasi:io/poll.pollable": crate::sandbox::wasi::handles::Pollable,
            "wasi:io/streams.input-stream": crate::sandbox::wasi::handles::Input,
            "wasi:io/streams.output-stream": crate::sandbox::wasi::handles::Output,
            "wasi:cli/terminal-input.terminal-input": crate::sandbox::wasi::handles::Never,
            "wasi:cli/terminal-output.terminal-output": crate::sandbox::wasi::handles::Never,
        },
    });
}

/// The version given; others of 0.2 are compatible.
pub(super) const VERSION: &str = "0.2.12";

/// Every interface that is given, with what it lets the guest do.
pub(super) const INTERFACES: [(&str, &str); 20] = [
    ("wasi:clocks/wall-clock", "read the time"),
    ("wasi:clocks/monotonic-clock", "read the time since its start"),
    ("wasi:random/random", "draw random numbers"),
    ("wasi:random/insecure", "draw random numbers"),
    ("wasi:random/insecure-seed", "draw random numbers"),
    ("wasi:io/error", "names and types only"),
    ("wasi:io/poll", "ask what is ready, without waiting"),
    ("wasi:io/streams", "write lines to the host's log"),
    ("wasi:cli/stdout", "write lines to the host's log"),
    ("wasi:cli/stderr", "write lines to the host's log, as warnings"),
    ("wasi:cli/stdin", "nothing: the input is at its end"),
    ("wasi:cli/environment", "nothing: no variable, no argument"),
    ("wasi:cli/exit", "fail"),
    ("wasi:cli/terminal-input", "nothing: there is no terminal"),
    ("wasi:cli/terminal-output", "nothing: there is no terminal"),
    ("wasi:cli/terminal-stdin", "nothing: there is no terminal"),
    ("wasi:cli/terminal-stdout", "nothing: there is no terminal"),
    ("wasi:cli/terminal-stderr", "nothing: there is no terminal"),
    ("wasi:filesystem/types", "nothing: there is no file"),
    ("wasi:filesystem/preopens", "nothing: there is no file"),
];

/// Gives guests all of it.
pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    generated::Given::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    nothing::link_filesystem(linker)
}
