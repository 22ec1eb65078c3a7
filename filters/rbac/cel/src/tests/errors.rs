//! Programs that do not compile, and errors of evaluation.

use super::{evaluate, parse, rejected, tree};
use crate::{EvaluationError, MAX_DEPTH, MAX_LENGTH, Position};

#[test]
fn rejects_invalid_syntax() {
    for (text, error) in [
        ("", "column 1: unexpected the end of the text, expected an expression"),
        ("true &&", "column 8: unexpected the end of the text, expected an expression"),
        ("true false", "column 6: unexpected `false`, expected an operator or the end of the text"),
        ("(true", "column 6: unexpected the end of the text, expected `)`"),
        ("true\n  & true", "line 2, column 3: unexpected character `&`"),
        ("ä == 1", "column 1: unexpected character `ä`"),
        ("'ä' == $", "column 8: unexpected character `$`"),
        ("'a", "column 1: the string does not end"),
        ("'a\n'", "column 1: the string does not end before the end of the line"),
        ("'''a''", "column 1: the string does not end"),
        (r"'\q' == ''", "column 2: invalid escape sequence"),
        (r"'\x4' == ''", "column 2: invalid escape sequence"),
        (r"'\u+041' == ''", "column 2: invalid escape sequence"),
        (r"'\ud800' == ''", "column 2: invalid escape sequence"),
        (r"'\400' == ''", "column 2: invalid escape sequence"),
        (r"b'\u0041' == b''", "column 3: invalid escape sequence"),
        ("9223372036854775808 == 1", "column 1: number `9223372036854775808` is out of range of `int`"),
        ("18446744073709551616u == 1", "column 1: number `18446744073709551616` is out of range"),
        ("-9223372036854775809 == 1", "column 2: number `9223372036854775809` is out of range of `int`"),
        ("1e999 > 1.0", "column 1: number `1e999` is out of range"),
        ("0x == 1", "column 1: `0x` without hexadecimal digits"),
        ("[1, 2", "column 6: unexpected the end of the text, expected `,` or `]`"),
        ("size('a',) == 1", "column 10: unexpected `)`, expected an expression"),
        ("[,] == []", "column 2: unexpected `,`, expected an expression"),
        ("{'a'} == {}", "column 5: unexpected `}`, expected `:`"),
        ("{'a': 1 'b': 2} == {}", "column 9: unexpected a string, expected `,` or `}`"),
        ("true ? true", "column 12: unexpected the end of the text, expected `:`"),
        ("true ? true ? true : true : true", "column 13: unexpected `?`, expected `:`"),
        ("for == 1", "column 1: unexpected `for`, expected a name that is not reserved"),
        ("request.in", "column 9: unexpected `in`, expected the name of a field"),
        ("request.1", "column 8: unexpected a number, expected an operator or the end of the text"),
        ("request.`a\n`", "column 9: invalid name in backticks"),
        ("!-true", "column 2: unexpected `-`, expected an expression"),
        ("request.A{a: 1} == 1", "column 10: messages are not supported, expected an operator"),
        ("has(1)", "column 1: invalid argument of `has`, expected a field such as `has(a.b)`"),
        ("has(roles['a'])", "column 1: invalid argument of `has`, expected a field such as `has(a.b)`"),
        (
            "has(request.method, 1)",
            "column 1: invalid argument of `has`, expected a field such as `has(a.b)`",
        ),
        ("[1].all(x.y, true)", "column 10: expected the name of a variable"),
        ("[1].all(.x, true)", "column 9: expected the name of a variable"),
    ] {
        assert_eq!(rejected(text), error, "{text}");
    }
}

#[test]
fn rejects_unknown_names() {
    for (text, error) in [
        ("request.typo == 1", "column 8: unknown attribute `request.typo`"),
        ("req.method == 'GET'", "column 4: unknown attribute `req.method`"),
        ("request == 1", "column 1: unknown attribute `request`"),
        ("request[roles[0]] == 1", "column 1: unknown attribute `request`"),
        ("has(request.typo)", "column 1: unknown attribute `request.typo`"),
        ("[1].all(x, y == 1)", "column 12: unknown attribute `y`"),
        ("[1].all(x, .x == 1)", "column 12: unknown attribute `x`"),
        ("[1].all(x, true) && x == 1", "column 21: unknown attribute `x`"),
        ("frob(1)", "column 1: unknown function `frob`"),
        ("'a'.frob()", "column 4: unknown function `frob`"),
        ("startsWith('a', 'b')", "column 1: unknown function `startsWith`"),
        ("[1].all(x)", "column 4: unknown function `all`"),
        ("has", "column 1: unknown attribute `has`"),
    ] {
        assert_eq!(rejected(text), error, "{text}");
    }
    let long = ["request", &".a".repeat(16), " == 1"].concat();
    assert!(rejected(&long).ends_with("an attribute has at most 16 names"));
}

#[test]
fn rejects_programs_with_wrong_types() {
    for (text, error) in [
        ("1", "column 1: the result is `int`, expected `bool`"),
        ("'a'", "column 1: the result is `string`, expected `bool`"),
        ("true ? 1 : 'a'", "column 6: the result is `int` or `string`, expected `bool`"),
        ("[true]", "column 1: the result is `list`, expected `bool`"),
        ("request.path + 'a'", "column 14: the result is `string`, expected `bool`"),
        ("1 && true", "column 1: found `int`, expected `bool`"),
        ("true || 'a'", "column 9: found `string`, expected `bool`"),
        ("1 ? true : false", "column 1: found `int`, expected `bool`"),
        ("!'a'", "column 1: `!_` does not accept `string`"),
        ("1 == 'a'", "column 3: `_==_` does not accept `int`, `string`"),
        ("null != 'a'", "column 6: `_!=_` does not accept `null_type`, `string`"),
        ("1 < 'a'", "column 3: `_<_` does not accept `int`, `string`"),
        ("1 + 1u == 2", "column 3: `_+_` does not accept `int`, `uint`"),
        ("'a' in 'abc'", "column 5: `@in` does not accept `string`, `string`"),
        ("'a'.startsWith(1)", "column 4: `startsWith` does not accept `string`, `int`"),
        ("request.path.startsWith(1)", "column 13: `startsWith` does not accept any type, `int`"),
        ("request.path.startsWith()", "column 13: `startsWith` does not accept any type"),
        ("size() == 1", "column 1: `size` does not accept no arguments"),
        ("'a'.all(x, true)", "column 1: the range is `string`, expected `list` or `map`"),
        ("[1].all(x, 1)", "column 12: found `int`, expected `bool`"),
        ("has('a'.b)", "column 5: found `string`, expected `map`"),
        ("{[]: 1} == {}", "column 2: a key of a map is `list`, expected `string`"),
        ("'a'[0] == 'a'", "column 4: `_[_]` does not accept `string`, `int`"),
        ("true.a == 1", "column 5: `_[_]` does not accept `bool`, `string`"),
    ] {
        assert_eq!(rejected(text), error, "{text}");
    }
}

#[test]
fn rejects_patterns_zones_and_times_at_load() {
    for (text, error) in [
        ("'a'.matches(request.path)", "column 20: the pattern is not constant, expected a string"),
        ("'a'.matches('(')", "column 13: pattern `(`: "),
        (r"'a'.matches('\\pL')", r"column 13: pattern `\pL`: "),
        ("'a'.matches('(a{1000}){1000}')", "column 13: pattern `(a{1000}){1000}`: "),
        (
            "timestamp(0).getHours('Europe/Berlin') == 1",
            "column 23: unsupported time zone `Europe/Berlin`, expected",
        ),
        ("timestamp('1970') == timestamp(0)", "column 1: the value cannot be converted"),
        ("duration('1 day') == duration('0')", "column 1: the value cannot be converted"),
    ] {
        let found = rejected(text);
        assert!(found.starts_with(error), "{found}");
    }
}

#[test]
fn bounds_length_and_depth() {
    let limit = usize::from(MAX_DEPTH);
    let nested = |before: &str, inner: &str, after: &str, count: usize| {
        [&before.repeat(count), inner, &after.repeat(count)].concat()
    };
    for (before, inner, after) in [
        ("(", "true", ")"),
        ("!", "true", ""),
        ("[", "1", "]"),
        ("true ? true : ", "true", ""),
        ("[1].all(x, ", "true", ")"),
        ("!(", "true", ")"),
        ("size([", "1", "])"),
        ("{1: ", "1", "}"),
        ("", "1", " + 1"),
        ("", "roles", "[0]"),
        ("", "roles[0]", ".a"),
        ("", "''", ".trim()"),
        ("- ", "1", ""),
    ] {
        for count in [limit * 3, MAX_LENGTH / 16] {
            let text = nested(before, inner, after, count);
            assert!(rejected(&text).contains("nested more than 100 levels deep"), "{text}");
        }
        // Nested deeply, but not too deeply. The result need not be a boolean.
        let text = nested(before, inner, after, limit / 2 - 2);
        assert!(!parse(&text).is_err_and(|error| error.message().contains("levels deep")), "{text}");
    }
    let wide = ["true", &" && true".repeat(1500), &" || false".repeat(200)].concat();
    assert_eq!(evaluate(&wide), Ok(true));
    let long = " ".repeat(MAX_LENGTH);
    assert_eq!(rejected(&(long + "true")), "column 1: the text has 16388 bytes, expected at most 16384");
}

#[test]
fn an_error_of_evaluation_has_a_position() {
    let failed = |text| evaluate(text).unwrap_err();
    let position = Position { line: 2, column: 9 };
    assert_eq!(failed("false ||\nroles[0]\n[0] == 1").to_string(), "line 3, column 1: no such overload");
    assert_eq!(
        failed("true &&\n request.headers['a'] == ''"),
        EvaluationError::Failed { position: Position { line: 2, column: 17 }, reason: "no such key" }
    );
    assert_eq!(
        failed("true &&\nrequest.broken"),
        EvaluationError::Unavailable(Position { line: 2, column: 8 })
    );
    assert_eq!(failed("true &&\n(1 + 1) / 0 == 1").to_string(), format!("{position}: division by zero"));
}

#[test]
fn an_unavailable_attribute_is_an_error() {
    assert_eq!(evaluate("request.broken == 1 || true"), Ok(true));
    assert!(matches!(evaluate("has(request.broken)"), Err(EvaluationError::Unavailable(_))));
    assert!(matches!(evaluate("request.broken == 1 || false"), Err(EvaluationError::Unavailable(_))));
}

#[test]
fn reads_attributes_lazily_and_once() {
    for (text, reads) in [
        ("true || request.method == 'GET'", 0),
        ("request.method == 'GET' && request.method != 'POST' && has(request.method)", 1),
        ("roles.all(x, request.headers['x-team'] != x && request.headers['x-n'] != x)", 3),
        ("roles.all(x, request.broken || request.broken || true)", 2),
    ] {
        let tree = tree();
        assert_eq!(parse(text).unwrap().evaluate(&tree, 10_000), Ok(true), "{text}");
        assert_eq!(tree.reads.get(), reads, "{text}");
    }
    let program = parse("request.headers['x-team'] == 'red' && has(request.auth.claims.a)").unwrap();
    let paths: Vec<_> = program.paths().iter().map(|path| path.join("/")).collect();
    assert_eq!(paths, ["request/headers/x-team", "request/auth/claims/a"]);
}
