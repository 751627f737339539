//! Nothing: Cargo wants a library in the package that names the SDK.
