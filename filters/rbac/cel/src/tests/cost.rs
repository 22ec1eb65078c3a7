//! The budget of an evaluation.

use super::{Tree, known, parse};
use crate::{Attributes, EvaluationError, Program, Unavailable, Value};
use proptest::prelude::*;
use std::rc::Rc;

/// A value that all attributes have.
struct Constant(Value);

impl Attributes for Constant {
    fn get(&self, _: &[&str]) -> Result<Option<Value>, Unavailable> {
        Ok(Some(self.0.clone()))
    }
}

fn numbers(count: i64) -> Constant {
    Constant(Value::from_list((0..count).map(Value::Int).collect()))
}

#[track_caller]
fn exceeds(text: &str, attributes: &dyn Attributes, budget: u32) {
    let result = parse(text).unwrap().evaluate(attributes, budget);
    assert_eq!(result, Err(EvaluationError::Cost), "{text}");
}

/// Returns the smallest budget that is enough.
fn cost(program: &Program, attributes: &dyn Attributes) -> u32 {
    let enough = |budget: &u32| program.evaluate(attributes, *budget) != Err(EvaluationError::Cost);
    let (mut low, mut high) = (0, 1 << 24);
    while low < high {
        let middle = (low + high) / 2;
        if enough(&middle) { high = middle } else { low = middle + 1 }
    }
    low
}

#[test]
fn nested_loops_over_long_lists_stop() {
    let list = numbers(1000);
    exceeds("roles.all(a, roles.all(b, roles.all(c, a + b + c >= 0)))", &list, 100_000);
    exceeds("roles.map(a, roles.map(b, a)) == []", &list, 100_000);
    exceeds("roles.all(a, roles + roles != [])", &list, 100_000);
    exceeds("roles.all(a, (-1) in roles || true)", &list, 100_000);
    exceeds("roles.all(a, roles == roles)", &list, 100_000);
    assert_eq!(parse("roles.all(a, a >= 0)").unwrap().evaluate(&list, 10_000), Ok(true));
}

#[test]
fn an_exceeded_budget_is_not_absorbed() {
    let list = numbers(10_000);
    exceeds("roles.all(a, a >= 0) || true", &list, 1000);
    exceeds("false && roles.all(a, true) || [1].exists(x, roles.all(a, a >= 0) || true)", &list, 1000);
    exceeds("true", &list, 0);
}

#[test]
fn work_on_bytes_costs() {
    let text = Constant(Value::String(Rc::from([b'a'; 80_000])));
    for program in [
        "request.a == request.b",
        "request.a < request.b",
        "request.a.contains('b')",
        "request.a.contains('aaaaaaaaaaaaaaaab')",
        "request.a.indexOf('b') < 0",
        "request.a.lastIndexOf('b') < 0",
        "request.a.size() > 0",
        "request.a.matches('b')",
        "request.a.startsWith(request.b)",
        "request.a.endsWith(request.b)",
        "request.a.upperAscii() != ''",
        "request.a.trim() != ''",
        "request.a.substring(1) != ''",
        "request.a.charAt(70000) != ''",
        "request.a.replace('b', 'c') != ''",
        "request.a.replace('a', 'bb') != ''",
        "request.a.replace('', 'bb') != ''",
        "request.a.split('a') != []",
        "request.a.split('') != []",
        "[request.a, request.b].join() != ''",
        "request.a + request.b != ''",
        "{request.a: 1} != {}",
        "request.a in {'b': 1}",
        "has({'b': 1}.b) && {'b': 1}[request.a] == 1",
        "int(request.a) == 1",
        "string(bytes(request.a)) == ''",
    ] {
        exceeds(program, &text, 5000);
    }
}

#[test]
fn repeated_growth_stops() {
    // Each level doubles the text: 2^40 bytes.
    let mut text = String::from("['aaaaaaaa']");
    for _ in 0..40 {
        text += ".map(x, x + x)";
    }
    exceeds(&(text + " != []"), &numbers(0), 1_000_000);
    // The elements are shared, so that only a visit of all of them costs.
    let shared = ["[1]", &".map(x, [x, x])".repeat(60)].concat();
    exceeds(&[&shared, " == ", &shared].concat(), &numbers(0), 1_000_000);
    exceeds(
        "'a'.replace('', request.a).replace('a', request.a) != ''",
        &Constant("a".repeat(20_000).as_str().into()),
        20_000,
    );
}

#[test]
fn a_pattern_costs_in_proportion_to_its_size() {
    let text = Constant(Value::from("a".repeat(100).as_str()));
    let cost_of = |pattern: &str| {
        let program = Program::parse(&format!("request.a.matches('{pattern}') || true"), &known).unwrap();
        cost(&program, &text)
    };
    let (small, large) = (cost_of("^a*$"), cost_of("^(a|b|ab|ba){100}$"));
    assert!(small < 1000 && large > 50 * small, "{small} {large}");
}

#[test]
fn a_repeated_attribute_costs_once_to_read() {
    let program = |text| parse(text).unwrap();
    let once = cost(&program("has(request.a)"), &numbers(1));
    let twice = cost(&program("has(request.a) && has(request.a)"), &numbers(1));
    assert!((20..25).contains(&once) && twice < 30, "{once} {twice}");
}

proptest! {
    #[test]
    fn the_result_does_not_depend_on_a_budget_that_is_enough(
        list in prop::collection::vec(0i64..5, 0..8),
        program in prop::sample::select(vec![
            "roles.all(x, roles.exists(y, x / y == 1))",
            "roles.map(x, roles.filter(y, y < x).size()).exists_one(x, x == 2)",
            "'abcabc'.split('b').map(x, x + 'a') == ['aa', 'caa', 'ca'] && roles[2] == 3",
        ]),
    ) {
        let tree = Tree::new(serde_json::json!({ "roles": list }));
        let program = parse(program).unwrap();
        let cost = cost(&program, &tree);
        let result = program.evaluate(&tree, u32::MAX);
        prop_assert_eq!(program.evaluate(&tree, cost), result);
        prop_assert_eq!(program.evaluate(&tree, cost - 1), Err(EvaluationError::Cost));
    }
}
