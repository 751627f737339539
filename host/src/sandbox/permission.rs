//! What a guest may be given beside its contract.

/// What the operator may allow guests. Without it they are refused when they are loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// To import WASI 0.2, and get of it clocks, randomness and output: nothing the contract does not give as well, but in
    /// the form that a language's standard library calls.
    Wasi,
}

impl Permission {
    /// As the operator calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Wasi => "wasi",
        }
    }
}
