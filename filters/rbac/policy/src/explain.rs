//! Explanations of decisions, for `tollgate explain`.

use crate::expr::{Predicate, Test};
use crate::{Attribute, Decision, Environment, Expr, Facts, Policy, Rule, Truth, Typed};
use core::fmt;
use tollgate_policy::{Many, RequestFacts};

/// Why a request is allowed or rejected.
#[derive(Debug, Default)]
pub struct Explanation<'p> {
    /// The decision, as [`Policy::decide`] returns it. It has no line for the audit log.
    pub decision: Decision<'p>,
    /// Names of the roles that are bound to the subject, if the configuration has roles.
    pub roles: Vec<String>,
    /// The selected rules, in the order of evaluation.
    pub rules: Vec<RuleExplanation<'p>>,
    /// Number of all rules that were evaluated for the explanation. It is 0 for a request that cannot be
    /// decided by rules, for example because its path is invalid.
    pub evaluated: usize,
}

/// Rules that an explanation includes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    /// Rules that decided, match, or nearly match.
    Relevant,
    /// All rules.
    All,
}

/// Why a rule matches or does not match.
#[derive(Clone, Debug)]
pub struct RuleExplanation<'p> {
    /// The rule.
    pub rule: &'p Rule,
    /// Whether the rule matches. An unknown condition matches in a rule that denies.
    pub matches: bool,
    /// Whether the rule matches as far as host and path are concerned.
    pub nearly_matches: bool,
    /// The condition, part by part.
    pub condition: Part,
}

/// A part of a condition, with its result.
#[derive(Clone, Debug)]
pub struct Part {
    /// Kind.
    pub kind: PartKind,
    /// Text of the part, such as `request.method is "GET"`.
    pub text: String,
    /// Values of the attributes that a test compares.
    pub values: Vec<AttributeValues>,
    /// Result.
    pub truth: Truth,
    /// Parts of a conjunction, a disjunction or a negation.
    pub parts: Vec<Part>,
}

/// Kind of a part of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartKind {
    /// True if all parts are.
    All,
    /// True if one of the parts is.
    Any,
    /// True if its part is false.
    Not,
    /// A test of an attribute.
    Test,
    /// A condition in CEL.
    Condition,
}

/// The values of an attribute of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributeValues {
    /// Name of the attribute.
    pub attribute: String,
    /// Values; `None` if the host failed to provide them.
    pub values: Option<Vec<String>>,
}

impl Policy {
    /// Decides about a request as [`Self::decide`] does, and explains the decision. Writes no audit log.
    pub fn explain(
        &self,
        request: &RequestFacts<'_>,
        environment: &dyn Environment,
        selection: Selection,
    ) -> Explanation<'_> {
        let mut explanation = Explanation::default();
        let decision = self.decide_and(request, environment, |facts, decision| {
            let by = [decision.rule, decision.logged, decision.shadow.and_then(|shadow| shadow.rule)];
            for rule in self.plan().engine.rules() {
                explanation.evaluated = explanation.evaluated.saturating_add(1);
                let decided = by.iter().flatten().any(|by| core::ptr::eq(*by, rule));
                let matches = rule.matches(facts);
                let nearly_matches = matches || possible(&rule.when, facts) != Truth::False;
                if decided || nearly_matches || selection == Selection::All {
                    let condition = part(&rule.when, facts);
                    explanation.rules.push(RuleExplanation { rule, matches, nearly_matches, condition });
                }
            }
            if !self.plan().sources().bindings.names.is_empty() {
                explanation.roles = values(&Attribute::Role, facts).values.unwrap_or_default();
            }
        });
        explanation.decision = decision;
        explanation
    }
}

/// Returns the result of an expression as far as it depends on host and path.
fn possible(expr: &Expr, facts: &Facts<'_>) -> Truth {
    match expr {
        Expr::All(parts) => Truth::all(parts.iter().map(|part| possible(part, facts))),
        Expr::Any(parts) => Truth::any(parts.iter().map(|part| possible(part, facts))),
        Expr::Not(part) => !possible(part, facts),
        Expr::Test(Test {
            attribute: Attribute::Host | Attribute::Path | Attribute::PathAndQuery, ..
        }) => facts.evaluate(expr),
        Expr::Test(_) | Expr::Condition(_) => Truth::Unknown,
    }
}

fn part(expr: &Expr, facts: &Facts<'_>) -> Part {
    let mut list = Vec::new();
    let (kind, text, inner): (_, _, &[Expr]) = match expr {
        Expr::All(parts) => (PartKind::All, if parts.is_empty() { "always" } else { "all of" }.into(), parts),
        Expr::Any(parts) => (PartKind::Any, if parts.is_empty() { "never" } else { "any of" }.into(), parts),
        Expr::Not(part) => (PartKind::Not, "not".into(), core::slice::from_ref(part)),
        Expr::Condition(condition) => (PartKind::Condition, condition.text().into(), &[]),
        Expr::Test(test) => {
            list.push(values(&test.attribute, facts));
            if let Predicate::SameAs(other) = &test.predicate {
                list.push(values(other, facts));
            }
            (PartKind::Test, test.to_string(), &[])
        }
    };
    let parts = inner.iter().map(|each| part(each, facts)).collect();
    Part { kind, text, values: list, truth: facts.evaluate(expr), parts }
}

fn values(attribute: &Attribute, facts: &Facts<'_>) -> AttributeValues {
    let text = |value: &Vec<u8>| String::from_utf8_lossy(value).into_owned();
    let values = facts.list(attribute).ok().map(|list| list.iter().map(text).collect());
    AttributeValues { attribute: attribute.to_string(), values }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let every = if self.many == Some(Many::All)
            && self.attribute.is_repeatable()
            && !matches!(self.predicate, Predicate::Present)
        {
            "every "
        } else {
            ""
        };
        write!(f, "{every}{} {}", self.attribute, self.predicate)
    }
}

impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Present => f.write_str("is present"),
            Self::OneOf(texts) => {
                let quoted: Vec<_> =
                    texts.iter().map(|text| format!("{:?}", String::from_utf8_lossy(text))).collect();
                f.write_str("is ").and_then(|()| alternatives(f, &quoted))
            }
            Self::Text(matchers) => alternatives(f, matchers),
            Self::Path(matchers) => alternatives(f, matchers),
            Self::Network(networks) => f.write_str("is in ").and_then(|()| alternatives(f, networks)),
            Self::Number { from, to } if from == to => write!(f, "is {from}"),
            Self::Number { from, to } => write!(f, "is between {from} and {to}"),
            Self::Typed(typed) => typed.fmt(f),
            Self::SameAs(other) => write!(f, "is the same as {other}"),
        }
    }
}

impl fmt::Display for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("is null"),
            Self::Bool(expected) => write!(f, "is the boolean {expected}"),
            Self::Number(expected) => write!(f, "is the number {expected}"),
            Self::Range { from, to } => write!(f, "is a number from {from} to less than {to}"),
            Self::Text(matcher) => matcher.fmt(f),
            Self::List(element) => write!(f, "is a list with an element that {element}"),
            Self::Any(tests) => alternatives(f, tests),
            Self::Present => f.write_str("is present"),
        }
    }
}

fn alternatives(f: &mut fmt::Formatter<'_>, list: &[impl fmt::Display]) -> fmt::Result {
    for (index, each) in list.iter().enumerate() {
        if index > 0 {
            f.write_str(" or ")?;
        }
        each.fmt(f)?;
    }
    Ok(())
}
