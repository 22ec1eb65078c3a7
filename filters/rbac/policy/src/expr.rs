//! Expressions: tests of attributes, combined.

use crate::{Attribute, Condition, Typed};
use std::net::IpAddr;
use tollgate_policy::{Cidr, Many, PathMatcher, StringMatcher, Value as Json, uri};

/// An expression.
#[derive(Clone, Debug)]
pub enum Expr {
    /// True if all parts are; an empty list is true.
    All(Vec<Expr>),
    /// True if one of the parts is; an empty list is false.
    Any(Vec<Expr>),
    /// True if the part is false.
    Not(Box<Expr>),
    /// A test.
    Test(Test),
    /// A condition in CEL.
    Condition(Box<Condition>),
}

/// A test of the values of an attribute.
#[derive(Clone, Debug)]
pub struct Test {
    /// The attribute.
    pub attribute: Attribute,
    /// The condition on a value.
    pub predicate: Predicate,
    /// Number of values that must match, if a client can add values. For all other attributes one is enough,
    /// and an attribute without a value never matches. `None` stands for [`Many::All`] if the test helps to
    /// allow a request, and for [`Many::Any`] if it helps to deny one: so no added value changes the result
    /// in favour of the client. [`crate::Engine`] replaces `None`.
    pub many: Option<Many>,
}

/// A condition on a value.
#[derive(Clone, Debug)]
pub enum Predicate {
    /// The attribute has a value.
    Present,
    /// The value equals one of these texts. They are sorted.
    OneOf(Box<[Box<[u8]>]>),
    /// The value matches one of these matchers.
    Text(Box<[StringMatcher]>),
    /// The value, a path, matches one of these matchers.
    Path(Box<[PathMatcher]>),
    /// The value, an address or the text of one, is in one of these networks.
    Network(Box<[Cidr]>),
    /// The value, a whole number or the text of one, is in this range.
    Number {
        /// The smallest number.
        from: i64,
        /// The largest number.
        to: i64,
    },
    /// The value equals a value of another attribute.
    SameAs(Attribute),
    /// The value, with its type, passes this test. Only for metadata. A list is one value.
    Typed(Box<Typed>),
}

impl Expr {
    /// The expression that is always true.
    pub const TRUE: Self = Self::All(Vec::new());
    /// The expression that is always false.
    pub const FALSE: Self = Self::Any(Vec::new());

    /// Returns a test in which no added value changes the result in favour of the client.
    pub fn test(attribute: Attribute, predicate: Predicate) -> Self {
        Self::Test(Test { attribute, predicate, many: None })
    }

    /// Returns a test that an attribute has a value.
    pub fn present(attribute: Attribute) -> Self {
        Self::test(attribute, Predicate::Present)
    }

    /// Returns a test that an attribute equals one of some texts.
    pub fn one_of(attribute: Attribute, texts: impl IntoIterator<Item = impl Into<Vec<u8>>>) -> Self {
        let mut list = Vec::new();
        for text in texts {
            list.push(text.into().into_boxed_slice());
        }
        list.sort_unstable();
        list.dedup();
        Self::test(attribute, Predicate::OneOf(list.into()))
    }

    /// Negates the expression.
    #[expect(
        clippy::should_implement_trait,
        reason = "an operator would hide that this builds an expression"
    )]
    pub fn not(self) -> Self {
        match self {
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }

    /// Returns the conjunction of two expressions.
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::All(mut left), Self::All(right)) => {
                left.extend(right);
                Self::All(left)
            }
            (Self::All(mut left), right) => {
                left.push(right);
                Self::All(left)
            }
            (left, Self::All(mut right)) => {
                right.insert(0, left);
                Self::All(right)
            }
            (left, right) => Self::All(vec![left, right]),
        }
    }

    /// Completes the number of values in all tests: `favours` is whether a true expression helps the client.
    pub(crate) fn resolve_many(&mut self, favours: bool) {
        match self {
            Self::All(parts) | Self::Any(parts) => {
                parts.iter_mut().for_each(|part| part.resolve_many(favours));
            }
            Self::Not(part) => part.resolve_many(!favours),
            Self::Test(test) => {
                test.many.get_or_insert(if favours { Many::All } else { Many::Any });
            }
            Self::Condition(_) => {}
        }
    }
}

/// A value of an attribute.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'v> {
    /// A text.
    Text(&'v [u8]),
    /// An address.
    Address(IpAddr),
    /// A whole number.
    Number(i64),
    /// A value of metadata, with its type, for [`Predicate::Typed`].
    Json(&'v Json),
}

impl Value<'_> {
    /// Returns the value as an address: a text may have a port, as in `192.0.2.1:80` and `[2001:db8::1]:80`.
    pub fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Address(address) => Some(*address),
            Self::Text(text) => {
                let text = core::str::from_utf8(text).ok()?;
                text.parse().ok().or_else(|| uri::socket_ip(text))
            }
            Self::Number(_) | Self::Json(_) => None,
        }
    }

    /// Returns the value as a whole number: a text may have a sign before its decimal digits.
    pub fn number(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => core::str::from_utf8(text).ok()?.parse().ok(),
            Self::Address(_) | Self::Json(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_texts_as_addresses_and_numbers() {
        for (text, address) in [
            ("192.0.2.1", Some("192.0.2.1")),
            ("192.0.2.1:80", Some("192.0.2.1")),
            ("[2001:db8::1]:80", Some("2001:db8::1")),
            ("2001:db8::1", Some("2001:db8::1")),
            ("192.0.2.1/32", None),
            ("", None),
        ] {
            let read = Value::Text(text.as_bytes()).address().map(|address| address.to_string());
            assert_eq!(read.as_deref(), address, "{text}");
        }
        for (text, number) in [("7", Some(7)), ("-7", Some(-7)), ("+7", Some(7)), ("", None), ("7.0", None)] {
            assert_eq!(Value::Text(text.as_bytes()).number(), number, "{text}");
        }
        assert_eq!((Value::Number(7).number(), Value::Number(7).address()), (Some(7), None));
    }
}
