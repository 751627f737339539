//! The IoT Hub query language, as far as questions about device and module twins go.
//!
//! [`parse`] reads a query into a [`Query`], which `Display` writes back; [`Query::matches`] asks its WHERE about one twin, and
//! [`Query::rows`] makes of twins what SELECT and GROUP BY say.
//!
//! Source: Microsoft, "IoT Hub query language for device and module twins, jobs, and message routing". Where the articles are
//! silent it is as in the document database below: values of two types compare to nothing, which is not true.

mod condition;
mod evaluate;
mod lexer;
mod parser;
mod rows;
mod syntax;

#[cfg(test)]
mod tests;

pub use parser::parse;
pub use syntax::{Aggregate, Binary, Expression, Function, Item, Literal, Path, Query, Select, Selected, Source};

/// Why a text is no query, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the query is wrong at line {line}, column {column}: {what}")]
pub struct QueryError {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong, and what would be right.
    pub what: String,
}
