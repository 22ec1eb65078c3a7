//! Tests of values that have a type.

use tollgate_policy::{StringMatcher, Value};

/// A test of a value of metadata. A value of another type never passes.
#[derive(Clone, Debug)]
pub enum Typed {
    /// The value is null.
    Null,
    /// The value is this boolean.
    Bool(bool),
    /// The value is this number.
    Number(f64),
    /// The value is a number in this range.
    Range {
        /// The smallest number.
        from: f64,
        /// The first number after the range.
        to: f64,
    },
    /// The value is a text that matches.
    Text(StringMatcher),
    /// The value is a list, and one of its elements passes.
    List(Box<Typed>),
    /// The value passes one of these tests.
    Any(Box<[Typed]>),
    /// The value exists.
    Present,
}

impl Typed {
    /// Returns whether a value passes the test.
    pub fn matches(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Null, Value::Null) | (Self::Present, _) => true,
            (Self::Bool(expected), Value::Bool(found)) => expected == found,
            (Self::Number(expected), Value::Number(found)) => found.as_f64() == Some(*expected),
            (Self::Range { from, to }, Value::Number(found)) => {
                found.as_f64().is_some_and(|found| *from <= found && found < *to)
            }
            (Self::Text(matcher), Value::String(text)) => matcher.matches(text.as_bytes()),
            (Self::List(element), Value::Array(elements)) => {
                elements.iter().any(|value| element.matches(value))
            }
            (Self::Any(tests), value) => tests.iter().any(|test| test.matches(value)),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_a_value_of_the_type_passes() {
        let text = tollgate_policy::config::parse(r#"{"prefix": "a"}"#).unwrap();
        let range = Typed::Range { from: 1.0, to: 2.5 };
        for (test, yes, no) in [
            (Typed::Null, vec![json!(null)], vec![json!(0), json!(""), json!([]), json!({})]),
            (
                Typed::Bool(true),
                vec![json!(true)],
                vec![json!(false), json!("true"), json!(1), json!([true])],
            ),
            (Typed::Number(1.0), vec![json!(1), json!(1.0)], vec![json!("1"), json!(1.5), json!([1])]),
            (range.clone(), vec![json!(1), json!(2.4)], vec![json!(0.9), json!(2.5), json!("2")]),
            (Typed::Text(text), vec![json!("ab")], vec![json!("b"), json!(["ab"]), json!(null)]),
            (Typed::List(Box::new(range)), vec![json!([0, 2])], vec![json!(2), json!([]), json!([[2]])]),
            (
                Typed::Any([Typed::Null, Typed::Bool(false)].into()),
                vec![json!(null), json!(false)],
                vec![json!(0)],
            ),
            (Typed::Present, vec![json!(null), json!({}), json!([0]), json!("")], vec![]),
        ] {
            assert!(yes.iter().all(|value| test.matches(value)), "{test:?}");
            assert!(!no.iter().any(|value| test.matches(value)), "{test:?}");
        }
    }
}
