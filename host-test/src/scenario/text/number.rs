//! Expected numbers: metrics, counts, statuses and costs.

use super::values::{schema, shown};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow;
use std::fmt;

/// Matches a number: an integer that must be equal, or an object with some of `at_least`, `at_most`, `not`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
pub struct NumberMatch {
    at_least: Option<u64>,
    at_most: Option<u64>,
    not: Option<u64>,
}

schema!(NumberMatch: {
    "description": "Matches a number: an integer that must be equal, or an object with some of `at_least`, `at_most`, `not`.",
    "anyOf": [
        { "type": "integer", "minimum": 0 },
        {
            "type": "object",
            "properties": {
                "at_least": { "type": "integer", "minimum": 0, "description": "The smallest expected number." },
                "at_most": { "type": "integer", "minimum": 0, "description": "The largest expected number." },
                "not": { "type": "integer", "minimum": 0, "description": "The number must not equal this." }
            },
            "minProperties": 1,
            "additionalProperties": false
        }
    ]
});

impl TryFrom<Value> for NumberMatch {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        if let Some(number) = value.as_u64() {
            return Ok(Self::exactly(number));
        }
        let wrong = || {
            let expected = "expected an integer or some of `at_least`, `at_most`, `not`";
            format!("invalid number {}, {expected}", shown(&value))
        };
        let object = value.as_object().filter(|object| !object.is_empty()).ok_or_else(wrong)?;
        let mut number = Self::default();
        for (name, bound) in object {
            let bound = Some(bound.as_u64().ok_or_else(wrong)?);
            match name.as_str() {
                "at_least" => number.at_least = bound,
                "at_most" => number.at_most = bound,
                "not" => number.not = bound,
                _ => return Err(wrong()),
            }
        }
        if let (Some(least), Some(most)) = (number.at_least, number.at_most)
            && least > most
        {
            return Err(format!("`at_least` `{least}` exceeds `at_most` `{most}`"));
        }
        Ok(number)
    }
}

impl NumberMatch {
    /// Matches one number.
    pub fn exactly(number: u64) -> Self {
        Self { at_least: Some(number), at_most: Some(number), not: None }
    }

    /// Matches a number and all larger ones.
    pub fn at_least(number: u64) -> Self {
        Self { at_least: Some(number), ..Self::default() }
    }

    /// Whether the number matches.
    pub fn holds(&self, number: u64) -> bool {
        self.at_least.is_none_or(|least| least <= number)
            && self.at_most.is_none_or(|most| number <= most)
            && self.not != Some(number)
    }

    /// Whether some number from `lower` to below `upper` matches, or `lower` if both are equal.
    pub fn holds_in(&self, lower: f64, upper: f64) -> bool {
        let exact = lower == upper;
        self.at_least.is_none_or(|least| if exact { lower >= least as f64 } else { upper > least as f64 })
            && self.at_most.is_none_or(|most| lower <= most as f64)
            && !self.not.is_some_and(|not| exact && lower == not as f64)
    }

    /// The only number that matches, if there is one.
    pub fn only(&self) -> Option<u64> {
        self.at_least.filter(|least| self.at_most == Some(*least) && self.not.is_none())
    }
}

impl fmt::Display for NumberMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(number) = self.only() {
            return write!(f, "{number}");
        }
        let part = |name: &str, bound: Option<u64>| bound.map(|bound| format!("{name} {bound}"));
        let parts = [part("at least", self.at_least), part("at most", self.at_most), part("not", self.not)];
        f.write_str(&parts.into_iter().flatten().collect::<Vec<_>>().join(" and "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(value: Value) -> NumberMatch {
        NumberMatch::try_from(value).unwrap()
    }

    #[test]
    fn compares_with_each_bound() {
        let between = of(json!({"at_least": 2, "at_most": 4, "not": 3}));
        assert_eq!([1, 2, 3, 4, 5].map(|n| between.holds(n)), [false, true, false, true, false]);
        assert_eq!(between.to_string(), "at least 2 and at most 4 and not 3");
        assert_eq!((of(json!(7)).to_string(), of(json!(7)).only()), ("7".into(), Some(7)));
        assert!(of(json!({"not": 0})).holds(1) && !of(json!({"not": 0})).holds(0));
    }

    #[test]
    fn a_bucket_holds_if_one_of_its_numbers_does() {
        let seven = of(json!(125));
        assert!(seven.holds_in(120.0, 130.0) && seven.holds_in(125.0, 125.0));
        assert!(
            !seven.holds_in(130.0, 140.0) && !seven.holds_in(110.0, 120.0) && !seven.holds_in(126.0, 126.0)
        );
        assert!(!of(json!({"at_least": 130})).holds_in(120.0, 130.0));
        assert!(of(json!({"at_least": 130})).holds_in(130.0, 130.0));
        assert!(of(json!({"not": 5})).holds_in(5.0, 5.1) && !of(json!({"not": 5})).holds_in(5.0, 5.0));
    }

    #[test]
    fn rejects_other_values_with_the_expectation() {
        for value in [json!("7"), json!(-1), json!(1.5), json!({}), json!({"above": 1}), json!({"not": "1"})]
        {
            let why = NumberMatch::try_from(value).unwrap_err();
            assert!(why.contains("expected an integer or some of `at_least`, `at_most`, `not`"), "{why}");
        }
        let why = NumberMatch::try_from(json!({"at_least": 2, "at_most": 1})).unwrap_err();
        assert_eq!(why, "`at_least` `2` exceeds `at_most` `1`");
    }
}
