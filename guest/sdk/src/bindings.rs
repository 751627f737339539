//! Generated from wit/device.wit; for `crate::sandbox` and what `export!` expands to. Not an interface of this crate.

#![allow(unsafe_code, missing_docs, unreachable_pub, clippy::all, reason = "generated")]

wit_bindgen::generate!({
    path: "wit",
    world: "device-guest",
    pub_export_macro: true,
    export_macro_name: "export_bindings",
    default_bindings_module: "$crate::bindings",
    generate_all,
});
