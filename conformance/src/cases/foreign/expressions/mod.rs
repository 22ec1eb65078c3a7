//! CEL expressions: `expr_create`, `expr_evaluate` and `expr_delete`.

mod attributes;
mod lists;
mod logic;
mod maps;
mod numbers;
mod refused;
mod strings;
mod times;
mod tokens;
mod types;

use crate::case::Loaded;
use crate::script::calls::{foreign, set_property};
use crate::script::{Arg, Step};
use crate::{Case, Sheet};
use std::time::Duration;
use tollgate_host_test::{Answer, Request, Response};

/// Known differences.
const DIFFERING: [(&str, &str); 2] = [
    ("google.protobuf.Int64Value{value: 1}", "the interpreter has no protobuf messages"),
    ("xds.node", "the message names the build of Envoy"),
];

/// Returns the sheets.
pub fn sheets() -> Vec<Sheet> {
    let tables: [(&str, &[(&str, &str)]); 9] = [
        ("attributes", &attributes::TABLE),
        ("lists", &lists::TABLE),
        ("logic", &logic::TABLE),
        ("maps", &maps::TABLE),
        ("numbers", &numbers::TABLE),
        ("strings", &strings::TABLE),
        ("times", &times::TABLE),
        ("types", &types::TABLE),
        ("refused", &refused::TABLE),
    ];
    let mut cases: Vec<Case> = Vec::new();
    for (group, table) in tables {
        let case = |(at, (source, is)): (usize, &(&str, &str))| {
            let case = Case::new(
                format!("foreign/expr/{group}/{:02}", at + 1),
                if source.contains('`') {
                    format!("`` {source} `` {is}")
                } else {
                    format!("`{source}` {is}")
                },
            )
            .on("request_headers", [set_property("p", "set")].into_iter().chain(evaluated(*source)))
            .request(Request::get("/?q=1").header("x", "1").header("x", "2").header("user-agent", "agent"))
            .answer("upstream", [Answer::Reply { response: Response::new(200), after: Duration::ZERO }]);
            match DIFFERING.iter().find(|(differing, _)| differing == source) {
                Some((_, reason)) => case.differs(reason, &[]),
                None => case,
            }
        };
        cases.extend(table.iter().enumerate().map(case));
    }
    vec![
        Sheet::new("expressions", cases),
        Sheet::new("tokens of expressions", tokens::cases())
            .filters(vec![Loaded::new("first"), Loaded::new("second")]),
    ]
}

/// Creates an expression, evaluates it and deletes it.
fn evaluated(source: impl Into<Arg>) -> [Step; 3] {
    [create(source), evaluate(), delete()]
}

/// Creates an expression and keeps its token.
fn create(source: impl Into<Arg>) -> Step {
    foreign("expr_create", source)
}

fn evaluate() -> Step {
    foreign("expr_evaluate", Arg::KeptBytes(0))
}

fn delete() -> Step {
    foreign("expr_delete", Arg::KeptBytes(0))
}
