//! Properties of all programs.

use super::{known, parse, tree};
use crate::syntax::{BINARY, Expr, Kind, Macro, NEGATE, NOT};
use crate::{EvaluationError, Position, Program, Value, parser, print};
use proptest::prelude::*;

fn expr(kind: Kind) -> Expr {
    Expr::new(Position::START, kind).unwrap()
}

/// A copy, because expressions are not `Clone`.
fn copy(text: &str) -> Expr {
    parser::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn literal() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        (-3i64..3).prop_map(Value::Int),
        any::<u64>().prop_map(Value::Uint),
        (-3i32..3).prop_map(|value| Value::Double(f64::from(value))),
        (-1e9..1e9).prop_map(|value: f64| Value::Double((value * 8.0).trunc() / 8.0)),
        ".{0,6}".prop_map(|text| Value::from(text.as_str())),
        "[\"'\\\\\n\r`/]{0,4}".prop_map(|text| Value::from(text.as_str())),
        prop::collection::vec(any::<u8>(), 0..6).prop_map(|bytes| Value::Bytes(bytes.into())),
    ]
}

/// Texts of expressions, printed from trees. A tree is built from the texts of its parts.
fn program() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        literal().prop_map(|value| print::print(&expr(Kind::Literal(value)))),
        prop::sample::select(vec!["request.method", "request.raw", "roles", "x", ".x", "request.broken"])
            .prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        let one = inner.clone();
        let two = (inner.clone(), inner.clone());
        let three = (inner.clone(), inner.clone(), inner.clone());
        let name = prop::sample::select(vec!["a", "x", "package", "in", "x-y", "size"]);
        prop_oneof![
            (one.clone(), name.clone()).prop_map(|(a, name)| Kind::Select(Box::new(copy(&a)), name.into())),
            (one.clone(), name).prop_map(|(a, name)| Kind::Has(Box::new(copy(&a)), name.into())),
            (one.clone(), any::<bool>()).prop_map(|(a, not)| Kind::Call {
                function: if not { NOT } else { NEGATE }.into(),
                method: false,
                arguments: vec![copy(&a)],
            }),
            (two.clone(), prop::sample::select(&BINARY[..])).prop_map(|((a, b), (_, function, _))| {
                Kind::Call {
                    function: (*function).into(),
                    method: false,
                    arguments: vec![copy(&a), copy(&b)],
                }
            }),
            (two.clone(), prop::sample::select(vec!["contains", "startsWith", "split", "frob"])).prop_map(
                |((a, b), function)| Kind::Call {
                    function: function.into(),
                    method: true,
                    arguments: vec![copy(&a), copy(&b)],
                }
            ),
            one.clone().prop_map(|a| Kind::Call {
                function: "size".into(),
                method: false,
                arguments: vec![copy(&a)]
            }),
            two.clone().prop_map(|(a, b)| Kind::Call {
                function: "_[_]".into(),
                method: false,
                arguments: vec![copy(&a), copy(&b)],
            }),
            (two.clone(), any::<bool>()).prop_map(|((a, b), all)| {
                Expr::logical(all, Position::START, copy(&a), copy(&b)).unwrap().kind
            }),
            three.clone().prop_map(|(a, b, c)| Kind::If(Box::new([copy(&a), copy(&b), copy(&c)]))),
            two.clone().prop_map(|(a, b)| Kind::List(vec![copy(&a), copy(&b)])),
            two.clone().prop_map(|(a, b)| Kind::Map(vec![(copy(&a), copy(&b))])),
            (
                three,
                prop::sample::select(vec![
                    Macro::All,
                    Macro::Exists,
                    Macro::ExistsOne,
                    Macro::Map,
                    Macro::Filter
                ]),
                any::<bool>()
            )
                .prop_map(|((a, b, c), kind, both)| Kind::Macro {
                    kind,
                    variable: "x".into(),
                    operands: if both && kind == Macro::Map {
                        vec![copy(&a), copy(&b), copy(&c)]
                    } else {
                        vec![copy(&a), copy(&b)]
                    },
                }),
        ]
        .prop_map(|kind| {
            let tree = expr(kind);
            let text = print::print(&tree);
            // The text of each part is read as the part that was printed.
            assert_eq!(copy(&text), tree, "{text}");
            text
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_printed_expression_is_read_again(text in program()) {
        prop_assert_eq!(print::print(&copy(&text)), text);
    }

    #[test]
    fn evaluation_ends_within_its_budget(text in program(), budget in 0u32..300) {
        let known = |path: &[&str]| known(path) || path.first() == Some(&"x");
        for text in [text.clone(), format!("roles.map(x, {text}) == []"), format!("({text}) == 1")] {
            let Ok(program) = Program::parse(&text, &known) else { continue };
            let result = program.evaluate(&tree(), budget);
            let unbounded = program.evaluate(&tree(), 10_000_000);
            prop_assert!(result == unbounded || result == Err(EvaluationError::Cost), "{}: {:?} {:?}", text, result, unbounded);
            prop_assert_eq!(parse(&program.to_string()).map(|again| again.to_string()).ok(), parse(&text).ok().map(|_| text));
        }
    }

    #[test]
    fn the_parser_accepts_any_text(text in ".{0,40}") {
        let _ = parse(&text);
    }

    #[test]
    fn the_parser_accepts_any_tokens(tokens in prop::collection::vec(prop::sample::select(vec![
        "(", ")", "[", "]", "{", "}", ".", ",", ":", "?", "!", "-", "+", "&&", "||", "==", "in", "1", "1.5", "0x",
        "'a'", "b'", "r'\\'", "'''", "x", "has", "all", "x.all(x,", "request.method", "\\", "\n", "//", "`a`", "é",
    ]), 0..24)) {
        let text = tokens.concat();
        if let Ok(tree) = parser::parse(&text) {
            let printed = print::print(&tree);
            prop_assert_eq!(parser::parse(&printed), Ok(tree), "{}", printed);
        }
        let spaced = tokens.join(" ");
        let _ = parse(&spaced);
    }
}
