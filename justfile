# Every task of the project. `./justw TASK` does the same as `just TASK` and fetches `just` (1.54 or newer) when it is missing.

set positional-arguments

wasm := "wasm32-unknown-unknown"
wasi := "wasm32-wasip2"
guests := "--package thermostat --package temperature-controller --package counter --package rogue --package wrong"
wasi_guests := "--package nosy --package caller"

# Lists the tasks
[default]
tasks:
    @just --list --unsorted --justfile '{{ justfile() }}'

# Builds and runs a device against the embedded emulator: `just run`, `just run GUEST --config interval=1`
[continue("SIGINT", "SIGHUP")]
[no-exit-message]
run *ARGS: toolchain
    @exec cargo run --package setpoint --bin setpoint -- run "$@"

# Runs the local Azure IoT alone: `just emulator --listen 127.0.0.1:8883`
[continue("SIGINT", "SIGHUP")]
[no-exit-message]
emulator *ARGS: toolchain page-if-possible
    @exec cargo run --package setpoint --bin setpoint -- emulator "$@"

# Builds the page, which the next build of the emulator holds inside; needs Node with npm, which nothing else of a build does
page:
    @page/install
    @node page/build.mjs

# Checks everything: format, lints, dependencies, tests, documentation; fuzzes for a moment
test: lint deny page page-check && (fuzz "3")
    #!/bin/sh
    set -eu
    mkdir -p "${CARGO_TARGET_DIR:-target}"
    # What tests log lands there, and is searched for every key they have used.
    SETPOINT_TEST_LOGS="$(cd "${CARGO_TARGET_DIR:-target}" && pwd)/test-logs"
    export SETPOINT_TEST_LOGS
    rm -rf "$SETPOINT_TEST_LOGS"
    mkdir "$SETPOINT_TEST_LOGS"
    cargo test --workspace
    cargo run --quiet --package setpoint-test-logs
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# Checks format and lints, also of what only guests compile
lint: toolchain
    cargo fmt --all --check
    cargo fmt --manifest-path fuzz/Cargo.toml --check
    cargo clippy --workspace --all-targets -- -D warnings
    cargo clippy --package setpoint-guest {{ guests }} --lib --target {{ wasm }} --profile guest -- -D warnings
    cargo clippy {{ wasi_guests }} --lib --target {{ wasi }} --profile guest -- -D warnings

# Measures: start, instantiation, ticks, memory; and the emulator under load, beside mosquitto where that is installed
bench: toolchain && load
    #!/bin/sh
    set -eu
    target="${CARGO_TARGET_DIR:-target}"
    cargo build --release --package setpoint --package setpoint-bench
    mkdir -p "$target/guests"
    for build in guest/*/build; do
        "$build" "$target/guests/$(basename "$(dirname "$build")").wasm"
    done
    "$target/release/setpoint-bench" "$target"/guests/*.wasm

# Measures the emulator under load alone: `just load 1000` with so many connections, else 5,000
load *CONNECTIONS: toolchain
    cargo build --release --package setpoint-load
    @"${CARGO_TARGET_DIR:-target}/release/setpoint-load" "$@"

# Fuzzes every target in fuzz/ for some seconds: `just fuzz 60`; `just fuzz 60 0` in another way each time
fuzz SECONDS="10" SEED="1": (tool "cargo-fuzz" "0.13.2")
    #!/bin/sh
    set -eu
    output="${CARGO_TARGET_DIR:-target}/fuzz"
    # No sanitizer: no code here is unsafe, a guest would take ten seconds to compile instead of one, and only a nightly
    # toolchain has them.
    "${CARGO_TARGET_DIR:-target}/tools/bin/cargo-fuzz" build --sanitizer none --fuzz-dir fuzz --target-dir "$output"
    programs="$output/$(rustc -vV | sed -n 's/^host: //p')/release"
    for target in fuzz/targets/*.rs; do
        target="$(basename "$target" .rs)"
        mkdir -p "$output/corpus/$target" "$output/found/$target"
        echo "fuzzing $target for $1 s" >&2
        # What is new goes into the first folder. A log is for when something was found.
        if ! "$programs/$target" "$output/corpus/$target" "fuzz/corpus/$target" -seed="$2" -max_total_time="$1" \
            -max_len=4096 -rss_limit_mb=2048 -timeout=10 -artifact_prefix="$output/found/$target/" \
            >"$output/$target.log" 2>&1; then
            tail -n 60 "$output/$target.log" >&2
            echo "fuzzing found something in $target: the input is in $output/found/$target" >&2
            exit 1
        fi
    done

# Tests for minutes what `test` tests for seconds: faults by the thousand, kills by the hundred; `just soak --seed 7` repeats one
soak *ARGS: toolchain
    cargo build --workspace
    @"${CARGO_TARGET_DIR:-target}/debug/soak" "$@"

# Formats the code
fmt:
    cargo fmt --all
    cargo fmt --manifest-path fuzz/Cargo.toml

# Builds the documentation
doc: toolchain
    cargo doc --workspace --no-deps

# Builds everything, guests included
build: toolchain guests
    cargo build --workspace --all-targets

# Builds the Rust guests as core modules, which `setpoint run` takes as they are
guests: toolchain
    cargo build {{ guests }} --lib --target {{ wasm }} --profile guest

# Builds a guest in another language as a component: `just guest thermostat-py thermostat.wasm`
guest NAME OUT:
    @guest/"$1"/build "$2"

# Builds the Rust guests as components with cargo-component; nothing else needs it
component: toolchain
    #!/bin/sh
    set -eu
    tools="${CARGO_TARGET_DIR:-target}/tools"
    PATH="$PWD/$tools/bin:$tools/bin:$PATH"
    if ! cargo component --version >/dev/null 2>&1; then
        echo "installing cargo-component into $tools (once, about ten minutes)" >&2
        cargo install cargo-component --version 0.21.1 --locked --root "$tools"
    fi
    cargo component build {{ guests }} --lib --target {{ wasm }} --profile guest

# Removes what was built, the tools included
clean:
    cargo clean
    rm -rf page/node_modules page/dist-tests page/dist/*

# Checks the page: its types, its lints, its units
[private]
page-check:
    page/install --check
    cd page && npm run --silent check

# Builds the page if it has changed and Node is there; goes on without it otherwise
[private]
page-if-possible:
    #!/bin/sh
    set -eu
    if [ -z "$(find page/src page/index.html page/icon.svg page/build.mjs page/package-lock.json -newer page/dist/index.html 2>&1)" ]; then
        exit 0
    fi
    if ! command -v node >/dev/null 2>&1 || ! command -v npm >/dev/null 2>&1; then
        exit 0
    fi
    echo "building the page (once, some seconds)" >&2
    if page/install && node page/build.mjs; then
        # What did not change was not written; it is up to date now.
        touch -c page/dist/index.html
    else
        echo "the page could not be built; the emulator starts without it" >&2
    fi

# Checks what the tree depends on, as deny.toml says
[private]
deny: (tool "cargo-deny" "0.20.2")
    #!/usr/bin/env bash
    set -euo pipefail
    tools="${CARGO_TARGET_DIR:-target}/tools"
    set -- "$tools/bin/cargo-deny" --all-features --locked
    "$@" check --deny unmatched-skip licenses bans sources
    # What is known against a crate stands in a database on GitHub, which not every machine can reach, nor at once.
    # Each is a group of processes, as git does the work of the one. Bash has nothing to say of how they end.
    set -m
    "$@" fetch db >"$tools/advisories.log" 2>&1 &
    fetching=$!
    (sleep 20; kill -INT -- "-$fetching") >/dev/null 2>&1 &
    alarm=$!
    disown "$alarm"
    if wait "$fetching" 2>/dev/null; then reached=true; else reached=false; fi
    kill -INT -- "-$alarm" 2>/dev/null || true
    if $reached; then
        "$@" --offline check advisories
    else
        echo "advisories were NOT checked: their database cannot be reached; $tools/advisories.log says why" >&2
    fi

# Installs a tool written in Rust for this checkout when it is not there in this version
[private]
tool NAME VERSION: toolchain
    #!/bin/sh
    set -eu
    tools="${CARGO_TARGET_DIR:-target}/tools"
    if [ "$("$tools/bin/$1" --version 2>/dev/null)" != "$1 $2" ]; then
        echo "installing $1 $2 into $tools (once, a minute or two)" >&2
        # As justw does it: little of its time is worth optimising for.
        CARGO_PROFILE_DEV_DEBUG=0 cargo install "$1" --version "$2" --locked --debug --force --quiet --no-track \
            --root "$tools" --target-dir "$tools/build"
        rm -rf "$tools/build"
    fi

# Makes sure that the toolchain is there and can build guests
[private]
toolchain:
    #!/bin/sh
    set -eu
    # With RUSTUP_AUTO_INSTALL=0, cargo fetches nothing by itself.
    if command -v rustup >/dev/null 2>&1; then
        cargo --version >/dev/null 2>&1 || rustup toolchain install
        { cargo fmt --version && cargo clippy --version; } >/dev/null 2>&1 || rustup component add rustfmt clippy
    fi
    for target in {{ wasm }} {{ wasi }}; do
        if [ ! -d "$(rustc --print target-libdir --target "$target")" ]; then
            if ! command -v rustup >/dev/null 2>&1; then
                echo "this Rust toolchain has no $target target, and there is no rustup to add it" >&2
                exit 1
            fi
            rustup target add "$target"
        fi
    done
