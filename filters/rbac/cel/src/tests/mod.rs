//! Tests of programs.

mod cost;
mod errors;
mod expr;
mod language;
mod properties;

use crate::{Attributes, Error, EvaluationError, Program, Unavailable, Value};
use core::cell::Cell;

/// Attributes from a JSON tree. `raw` is a text that is not UTF-8, and `broken` fails.
struct Tree {
    json: serde_json::Value,
    reads: Cell<usize>,
}

impl Tree {
    fn new(json: serde_json::Value) -> Self {
        Self { json, reads: Cell::new(0) }
    }
}

impl Attributes for Tree {
    fn get(&self, path: &[&str]) -> Result<Option<Value>, Unavailable> {
        self.reads.set(self.reads.get() + 1);
        match path {
            ["request", "raw"] => return Ok(Some(Value::from_bytes(b"a\xffb"))),
            ["request", "broken"] => return Err(Unavailable),
            _ => {}
        }
        Ok(path.iter().try_fold(&self.json, |json, name| json.get(*name)).map(Value::from))
    }
}

fn tree() -> Tree {
    Tree::new(serde_json::json!({
        "request": {
            "method": "GET",
            "path": "/orders/7",
            "headers": {"x-team": "red", "x-n": "5"},
            "auth": {"claims": {
                "sub": "ann",
                "level": 3,
                "roles": ["admin", "editor"],
                "realm": {"name": "r", "https://x/y": [1]},
                "nothing": null,
            }},
        },
        "roles": ["a", "b"],
    }))
}

fn known(path: &[&str]) -> bool {
    !path.is_empty()
        && !path.contains(&"typo")
        && matches!(path[0], "request" | "roles")
        && path != ["request"]
}

fn parse(text: &str) -> Result<Program, Error> {
    Program::parse(text, &known)
}

/// Evaluates a text with a budget that is enough.
#[track_caller]
fn evaluate(text: &str) -> Result<bool, EvaluationError> {
    let program = parse(text).unwrap_or_else(|error| panic!("`{text}`: {error}"));
    program.evaluate(&tree(), 1_000_000)
}

/// Returns the error of a text that must not compile.
#[track_caller]
fn rejected(text: &str) -> String {
    parse(text).expect_err(text).to_string()
}

/// Returns the reason of the failure of a text.
#[track_caller]
fn failure(text: &str) -> &'static str {
    match evaluate(text) {
        Err(EvaluationError::Failed { reason, .. }) => reason,
        other => panic!("`{text}`: {other:?}"),
    }
}
