//! CEL expressions of a root context.

/// The expressions that a root context has created, by token.
#[derive(Debug, Default)]
pub struct Expressions {}
