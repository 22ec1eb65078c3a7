//! Parsed expressions in JSON.

use super::{known, tree};
use crate::{Error, Program};
use serde_json::{Value as Json, json};

fn read(json: &Json) -> Result<Program, Error> {
    Program::from_expr(json, &known)
}

fn ident(name: &str) -> Json {
    json!({ "identExpr": { "name": name } })
}

fn constant(kind: &str, value: impl Into<Json>) -> Json {
    json!({ "constExpr": { kind: value.into() } })
}

fn call(function: &str, args: &[Json]) -> Json {
    json!({ "id": "7", "callExpr": { "function": function, "args": args } })
}

fn select(operand: Json, field: &str) -> Json {
    json!({ "selectExpr": { "operand": operand, "field": field } })
}

fn comprehension(range: Json, init: Json, condition: Json, step: Json, result: Json) -> Json {
    json!({ "comprehensionExpr": {
        "iterVar": "x", "iterRange": range, "accuVar": "__result__", "accuInit": init,
        "loopCondition": condition, "loopStep": step, "result": result,
    } })
}

fn list(elements: &[Json]) -> Json {
    json!({ "listExpr": { "elements": elements } })
}

#[track_caller]
fn reads_as(json: &Json, text: &str) {
    match read(json) {
        Ok(program) => assert_eq!(program.to_string(), text),
        Err(error) => panic!("{json}: {error}"),
    }
}

#[test]
fn reads_every_kind_of_expression() {
    let accu = || ident("request.method");
    for (json, text) in [
        (call("_==_", &[accu(), constant("stringValue", "GET")]), "request.method == \"GET\""),
        (
            json!({"call_expr": {"function": "startsWith", "target": select(ident("request"), "path"),
                "args": [constant("string_value", "/a")]}}),
            "request.path.startsWith(\"/a\")",
        ),
        (
            json!({"selectExpr": {"operand": ident("request"), "field": "path", "testOnly": true}}),
            "has(request.path)",
        ),
        (
            json!({"select_expr": {"operand": ident(".request"), "field": "path", "test_only": false}}),
            ".request.path",
        ),
        (
            call("_&&_", &[call("!_", &[ident("roles")]), call("_||_", &[ident("roles"), ident("roles")])]),
            "!roles && (roles || roles)",
        ),
        (
            call("_?_:_", &[ident("roles"), constant("boolValue", true), constant("boolValue", false)]),
            "roles ? true : false",
        ),
        (call("@in", &[constant("int64Value", "-5"), list(&[constant("int64Value", 1)])]), "-5 in [1]"),
        (call("_in_", &[constant("uint64Value", "5"), list(&[])]), "5u in []"),
        (call("_[_]", &[ident("roles"), call("-_", &[constant("int64Value", 1)])]), "roles[-(1)]"),
        (call("_!=_", &[constant("nullValue", Json::Null), ident("roles")]), "null != roles"),
        (
            call("_>_", &[constant("doubleValue", 1.0), constant("doubleValue", "Infinity")]),
            "1.0 > double(\"Infinity\")",
        ),
        (call("_==_", &[constant("bytesValue", "Yf8="), ident("roles")]), "b\"a\\xff\" == roles"),
        (
            call(
                "_<_",
                &[
                    constant("durationValue", "1.5s"),
                    call("_-_", &[ident("roles"), constant("timestampValue", "1970-01-01T00:00:00Z")]),
                ],
            ),
            "duration(\"1.5s\") < roles - timestamp(\"1970-01-01T00:00:00Z\")",
        ),
        (
            call(
                "_==_",
                &[
                    json!({"structExpr": {"entries": [{"id": 3, "mapKey": constant("stringValue", "a"), "value": list(&[])}]}}),
                    json!({"struct_expr": {}}),
                ],
            ),
            "{\"a\": []} == {}",
        ),
    ] {
        reads_as(&json, text);
    }
}

#[test]
fn recognises_the_standard_macros() {
    let accu = || ident("__result__");
    let x = || ident("x");
    let bool = |value: bool| constant("boolValue", value);
    let int = |value: i64| constant("int64Value", value.to_string());
    let positive = || call("_>_", &[x(), int(0)]);
    let added = |element: Json| call("_+_", &[accu(), list(&[element])]);
    let not_false = |argument: Json| call("@not_strictly_false", &[argument]);
    let both = || call("_&&_", &[positive(), positive()]);
    for (init, condition, step, result, text) in [
        (bool(true), not_false(accu()), call("_&&_", &[accu(), positive()]), accu(), "roles.all(x, x > 0)"),
        (
            bool(true),
            not_false(accu()),
            call("_&&_", &[accu(), both()]),
            accu(),
            "roles.all(x, x > 0 && x > 0)",
        ),
        (
            bool(false),
            call("__not_strictly_false__", &[call("!_", &[accu()])]),
            call("_||_", &[accu(), positive()]),
            accu(),
            "roles.exists(x, x > 0)",
        ),
        (
            int(0),
            bool(true),
            call("_?_:_", &[positive(), call("_+_", &[accu(), int(1)]), accu()]),
            call("_==_", &[accu(), int(1)]),
            "roles.exists_one(x, x > 0)",
        ),
        (
            int(0),
            call("_<=_", &[accu(), int(1)]),
            call("_?_:_", &[positive(), call("_+_", &[accu(), int(1)]), accu()]),
            call("_==_", &[accu(), int(1)]),
            "roles.exists_one(x, x > 0)",
        ),
    ] {
        reads_as(&comprehension(ident("roles"), init, condition, step, result), text);
    }
    for (step, text) in [
        (added(positive()), "roles.map(x, x > 0) == []"),
        (call("_?_:_", &[positive(), added(int(1)), accu()]), "roles.map(x, x > 0, 1) == []"),
        (call("_?_:_", &[positive(), added(x()), accu()]), "roles.filter(x, x > 0) == []"),
    ] {
        let list_of = comprehension(ident("roles"), list(&[]), bool(true), step, accu());
        reads_as(&call("_==_", &[list_of, list(&[])]), text);
    }
}

#[test]
fn rejects_other_comprehensions() {
    let accu = || ident("__result__");
    let yes = || constant("boolValue", true);
    let all = call("_&&_", &[accu(), yes()]);
    for json in [
        // The result is negated.
        comprehension(ident("roles"), yes(), yes(), all.clone(), call("!_", &[accu()])),
        // The accumulator is not the first operand.
        comprehension(ident("roles"), yes(), yes(), call("_&&_", &[yes(), accu()]), accu()),
        // `exists` whose loop stops like that of `all`.
        comprehension(
            ident("roles"),
            constant("boolValue", false),
            call("@not_strictly_false", &[accu()]),
            call("_||_", &[accu(), yes()]),
            accu(),
        ),
        comprehension(
            ident("roles"),
            list(&[]),
            yes(),
            call("_+_", &[accu(), list(&[yes(), yes()])]),
            accu(),
        ),
    ] {
        let error = read(&json).unwrap_err().to_string();
        assert!(error.contains("unsupported comprehension"), "{error}");
    }
    // The accumulator is part of the condition.
    let step = call("_&&_", &[accu(), call("_==_", &[accu(), yes()])]);
    let json = comprehension(ident("roles"), yes(), yes(), step, accu());
    assert!(read(&json).unwrap_err().to_string().contains("cannot be written as a text"));
    let mut json = comprehension(ident("roles"), yes(), yes(), all, accu());
    json["comprehensionExpr"]["accuVar"] = "y".into();
    assert_eq!(
        read(&json).unwrap_err().to_string(),
        "comprehensionExpr.accuVar: unknown accumulator `y`, expected that of a standard macro"
    );
}

#[test]
fn rejects_invalid_expressions_with_their_path() {
    for (json, error) in [
        (json!({}), "missing field for the kind of the expression"),
        (json!([]), "invalid value `[]`, expected an object"),
        (json!({"constExpr": {}}), "constExpr: missing field for the value"),
        (
            json!({"constExpr": {"boolValue": true, "int64Value": 1}}),
            "constExpr.int64Value: a second field for the value",
        ),
        (constant("boolValue", "true"), "constExpr.boolValue: invalid value `\"true\"`, expected bool_value"),
        (constant("int64Value", 1.5), "constExpr.int64Value: invalid value `1.5`, expected int64"),
        (constant("uint64_value", -1), "constExpr.uint64_value: invalid value `-1`, expected uint64"),
        (constant("doubleValue", "x"), "constExpr.doubleValue: invalid value `\"x\"`, expected double"),
        (constant("bytesValue", "?"), "constExpr.bytesValue: invalid value `\"?\"`, expected base64"),
        (
            json!({"constExpr": {"boolValue": true}, "listExpr": {}}),
            "listExpr: a second field for the kind of the expression",
        ),
        (
            json!({"constExpr": {"boolValue": true, "bool_value": true}}),
            "constExpr.bool_value: duplicate field `bool_value`",
        ),
        (json!({"const": {}}), "const: unknown field `const`, expected one of `id`, `const_expr`"),
        (
            call("_&&_", &[constant("boolValue", true), json!({"identExpr": {"name": "x", "typo": 1}})]),
            "callExpr.args[1].identExpr.typo: unknown field `typo`, expected one of `name`",
        ),
        (
            call("_&&_", &[constant("boolValue", true)]),
            "callExpr.args: the operator has 1 arguments, expected 2",
        ),
        (call("!_", &[]), "callExpr.args: the operator has 0 arguments, expected 1"),
        (call("a) || (b", &[]), "callExpr.function: `a) || (b` is not an identifier"),
        (ident("a) || (b"), "identExpr.name: `a) || (b` is not an identifier"),
        (ident("a..b"), "identExpr.name: `` is not the name of a field"),
        (ident("while"), "identExpr.name: `while` is not an identifier"),
        (select(ident("request"), "a`b"), "selectExpr.field: `a`b` is not the name of a field"),
        (json!({"selectExpr": {"field": "a"}}), "selectExpr: missing field `operand`"),
        (
            json!({"structExpr": {"messageName": "a.B"}}),
            "structExpr.messageName: messages such as `a.B` are not supported, expected a map",
        ),
        (
            json!({"structExpr": {"entries": [{"fieldKey": "a", "value": {}}]}}),
            "structExpr.entries[0].fieldKey: unknown field `fieldKey`, expected one of `id`, `map_key`, `value`",
        ),
    ] {
        let found = read(&json).unwrap_err().to_string();
        assert!(found.starts_with(error), "{found}");
    }
    // Positions refer to the text.
    let json = call("_==_", &[ident("request.typo"), constant("int64Value", 1)]);
    assert_eq!(read(&json).unwrap_err().to_string(), "column 8: unknown attribute `request.typo`");
    let deep = (0..300).fold(constant("boolValue", true), |inner, _| call("!_", &[inner]));
    assert!(read(&deep).unwrap_err().to_string().contains("levels deep"));
}

#[test]
fn evaluates_a_parsed_expression() {
    let json = call("_==_", &[ident("request.method"), constant("stringValue", "GET")]);
    assert_eq!(read(&json).unwrap().evaluate(&tree(), 1000), Ok(true));
}
