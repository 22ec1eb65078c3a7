//! The Common Expression Language (CEL) for conditions of policies.
//!
//! A [`Program`] is compiled when the configuration is loaded, and evaluated for each request with a budget.
//! The result is a boolean. Nothing else has an effect: no state, no clock, no host calls except those of
//! [`Attributes`].
//!
//! # Why not the crate `cel`
//! A module that compiles and evaluates a text is packed to 637 KB with `cel` 0.15, without its optional
//! features and so without regular expressions, and to 172 KB with this crate and regular expressions: 60 KB
//! more than JSON and regular expressions alone. Parsed expressions take another 40 KB. `cel` has no bound on
//! the cost of an evaluation, and a client chooses the data.
//!
//! # Language
//! The whole syntax of CEL, its macros `has`, `all`, `exists`, `exists_one`, `map` and `filter`, its standard
//! functions, and the functions of strings that Envoy's `cel_config` enables: `lowerAscii`, `upperAscii`,
//! `replace`, `split`, `join`, `substring`, `trim`, `indexOf`, `lastIndexOf`, `charAt`.
//!
//! Differences from the specification, each on the safe side:
//!
//! | part | here |
//! |---|---|
//! | messages | rejected when the configuration is loaded |
//! | `matches` | the pattern must be constant, to be compiled at load; there are no Unicode classes |
//! | time zones | `UTC` and fixed offsets such as `+02:00`; a constant name of a zone is rejected at load |
//! | types | a comparison that is never true, and a result that is never a boolean, are rejected at load |
//! | durations | at most 292 years, as in Go |
//! | nesting | at most [`MAX_DEPTH`] levels; `&&` and `\|\|` of any number of operands are one level |
//!
//! # Attributes
//! A chain of constant names that begins with an identifier is one attribute: `request.headers["x-team"]` is
//! the path `request`, `headers`, `x-team`. It is read when it is first needed, with one call of
//! [`Attributes::get`], and at most once in an evaluation. `has(a.b.c)` is true if the attribute has a value.
//! In other places, a missing attribute is the error "no such key".
//!
//! # Strings that are not UTF-8
//! A client controls the bytes of a header. A string keeps them unchanged: [`Value::String`] is a sequence of
//! bytes. Functions that are exact on bytes work on all strings: comparisons, `+`, `in`, `contains`,
//! `startsWith`, `endsWith`, `lowerAscii`, `upperAscii`, `replace`, `split`, `join`, `bytes`. Functions that
//! need characters fail on a string that is not UTF-8: `matches`, `size`, `substring`, `charAt`, `indexOf`,
//! `lastIndexOf`, `trim`, `string`, and `replace` or `split` at an empty string. So an invalid byte can cause
//! an error, and never replaces an error by a result. In a policy, an error does not match a rule that
//! allows, and matches a rule that denies.
//!
//! # Cost
//! Each visited node costs 1, each element that is visited or created at least 1, and each [`BYTES_PER_UNIT`]
//! bytes that are compared, searched or copied cost 1. Reading an attribute costs 20. A regular expression
//! costs in proportion to the length of the text times the size of the expression. So the budget bounds the
//! time, 10 to 25 ns in Wasm for a unit, and the memory that an evaluation allocates besides the values of
//! attributes, at most about 100 bytes for a unit. Evaluation stops with [`EvaluationError::Cost`], which
//! `&&`, `||`, `all` and `exists` do not absorb.

mod arithmetic;
mod compile;
mod constant;
mod error;
mod evaluate;
mod functions;
mod lexer;
mod literal;
mod meter;
mod parser;
mod pattern;
mod print;
mod program;
mod proto;
mod recognise;
mod strings;
mod syntax;
#[cfg(test)]
mod tests;
mod time;
mod types;
mod value;

pub use error::{Error, EvaluationError, Place, Position};
pub use meter::BYTES_PER_UNIT;
pub use program::{Attributes, MAX_LENGTH, Program, Unavailable};
pub use syntax::MAX_DEPTH;
pub use time::Timestamp;
pub use types::Type;
pub use value::Value;
