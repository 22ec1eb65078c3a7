//! Selects the rules of an explanation that are shown, and the parts that decided.

use super::show;
use tollgate_rbac_policy::explain::{Explanation, Part, PartKind, RuleExplanation};
use tollgate_rbac_policy::{Effect, Rule, Truth};

/// How many rules that match, and how many that nearly match, are shown besides those that decided.
const MOST: usize = 5;
/// How many parts the reason for a rule has.
const MOST_REASONS: usize = 4;

/// The rules of an explanation that are shown.
#[derive(Debug)]
pub struct Shown<'e> {
    /// Rules, in order.
    pub rules: Vec<&'e RuleExplanation<'e>>,
    /// Number of all rules that match.
    pub matching: usize,
    /// Number of all rules that nearly match.
    pub nearly_matching: usize,
}

/// Selects rules: all in order, or first those that decided, then others that match, then those that nearly
/// match, nearest first.
pub fn select<'e>(explanation: &'e Explanation<'e>, all: bool) -> Shown<'e> {
    let rules = || explanation.rules.iter();
    let near = |each: &&RuleExplanation<'_>| each.nearly_matches && !each.matches;
    let (matching, nearly_matching) =
        (rules().filter(|each| each.matches).count(), rules().filter(near).count());
    if all {
        return Shown { rules: rules().collect(), matching, nearly_matching };
    }
    let (mut shown, others): (Vec<_>, Vec<_>) = rules().partition(|each| has_decided(explanation, each.rule));
    shown.extend(others.iter().copied().filter(|each| each.matches).take(MOST));
    shown.extend(nearest(others.into_iter()).take(MOST));
    Shown { rules: shown, matching, nearly_matching }
}

/// Returns whether a rule decided, recorded the request, or decided the shadow verdict.
pub fn has_decided(explanation: &Explanation<'_>, rule: &Rule) -> bool {
    let decision = &explanation.decision;
    let by = [decision.rule, decision.logged, decision.shadow.and_then(|shadow| shadow.rule)];
    by.into_iter().flatten().any(|by| std::ptr::eq(by, rule))
}

/// Returns the rules that nearly match, nearest first.
fn nearest<'e>(
    rules: impl Iterator<Item = &'e RuleExplanation<'e>>,
) -> impl Iterator<Item = &'e RuleExplanation<'e>> {
    let mut near: Vec<_> = rules.filter(|each| each.nearly_matches && !each.matches).collect();
    near.sort_by_key(|each| distance(&each.condition));
    near.into_iter()
}

/// Returns the number of tests that would have to change for a part to be true.
fn distance(part: &Part) -> usize {
    let parts = || part.parts.iter().map(distance);
    match part.kind {
        PartKind::All => parts().sum(),
        PartKind::Any => parts().min().unwrap_or(usize::from(u16::MAX)),
        PartKind::Not | PartKind::Test | PartKind::Condition => usize::from(part.truth != Truth::True),
    }
}

/// Returns the parts that made the rule that decided match, on one line. If no rule decided, returns the
/// nearest rule that would have allowed the request, with the parts that did not match.
pub fn reason(explanation: &Explanation<'_>) -> Option<String> {
    let decision = &explanation.decision;
    if let Some(by) = decision.rule {
        let each = explanation.rules.iter().find(|each| std::ptr::eq(each.rule, by))?;
        return Some(reasons(&each.condition, true));
    }
    let denied = decision.refusal.is_some();
    let allows = |each: &&RuleExplanation<'_>| (each.rule.effect == Effect::Allow) == denied;
    let each = nearest(explanation.rules.iter().filter(allows)).next()?;
    let name = show::name(each.rule);
    Some(format!("nearest is {name}, but {}", reasons(&each.condition, false)))
}

fn reasons(part: &Part, matches: bool) -> String {
    let mut list = Vec::new();
    collect(part, matches, &mut list);
    let more = list.len().saturating_sub(MOST_REASONS);
    list.truncate(MOST_REASONS);
    if more > 0 {
        list.push(format!("{more} more"));
    }
    list.join("; ")
}

/// Collects the tests that made a part match or not match. An unknown part can do both.
fn collect(part: &Part, matches: bool, list: &mut Vec<String>) {
    let possible = |part: &&Part| part.truth != Truth::from(!matches);
    let certain = |part: &&Part| part.truth == Truth::from(matches);
    match part.kind {
        PartKind::All if part.parts.is_empty() => list.push("the rule has no condition".into()),
        PartKind::All => {
            part.parts.iter().filter(possible).for_each(|part| collect(part, matches, list));
        }
        // One part is enough.
        PartKind::Any if matches => {
            let first = part.parts.iter().find(certain).or_else(|| part.parts.iter().find(possible));
            first.into_iter().for_each(|part| collect(part, matches, list));
        }
        PartKind::Any if !part.parts.is_empty() => {
            part.parts.iter().for_each(|part| collect(part, matches, list));
        }
        PartKind::Not => part.parts.iter().for_each(|part| collect(part, !matches, list)),
        PartKind::Any | PartKind::Test | PartKind::Condition => {
            let (text, values) = (show::shortened(&part.text), show::values(part));
            list.push(format!("`{text}` is {}{values}", show::truth(part.truth)));
        }
    }
}
