//! Evaluation of stages.

use crate::expr::{Predicate, Test};
use crate::{Attribute, Effect, Expr, Facts, Rule, Stage, Truth};
use tollgate_policy::{Index, PathMatcher, Wanted, uri};

/// Up to this number of rules, evaluating all rules is faster than a search.
const FEW: usize = 16;

/// Maximum number of alternatives under which a rule is indexed. With more, fewer conditions are used.
const MOST_ALTERNATIVES: usize = 64;

/// Compiled stages.
#[derive(Clone, Debug, Default)]
pub struct Engine(Vec<Compiled>);

#[derive(Clone, Debug)]
struct Compiled {
    rules: Vec<Rule>,
    otherwise: Effect,
    index: Option<Index>,
    /// Whether the stage counts for the enforced verdict.
    enforced: bool,
    /// Whether the stage has rules that record requests.
    logs: bool,
}

/// The result of an evaluation.
#[derive(Clone, Copy, Debug)]
pub struct Verdict<'e> {
    /// `Allow` or `Deny`.
    pub effect: Effect,
    /// The rule that decided; `None` if the default of a stage decided.
    pub by: Option<&'e Rule>,
    /// The first rule that only records the request and matched it.
    pub logged: Option<&'e Rule>,
}

impl Engine {
    /// Compiles stages.
    pub fn new(stages: Vec<Stage>) -> Self {
        let mut compiled = Vec::new();
        for Stage { mut rules, otherwise, shadow } in stages {
            for rule in &mut rules {
                rule.when.resolve_many(rule.effect == Effect::Allow);
            }
            let index = (rules.len() > FEW).then(|| {
                let mut wanted = Vec::new();
                rules.iter().for_each(|rule| wanted.push(alternatives(&rule.when)));
                Index::new(&wanted)
            });
            let logs = rules.iter().any(|rule| rule.effect == Effect::Log);
            compiled.push(Compiled { rules, otherwise, index, enforced: !shadow, logs });
        }
        Self(compiled)
    }

    /// Returns all rules.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.0.iter().flat_map(|stage| &stage.rules)
    }

    /// Returns whether the shadow verdict may differ from the enforced one.
    pub fn has_shadow(&self) -> bool {
        self.0.iter().any(|stage| !stage.enforced || stage.rules.iter().any(|rule| rule.shadow))
    }

    /// Evaluates the stages. With `shadow`, rules and stages of the shadow verdict count as well.
    pub fn verdict(&self, facts: &Facts<'_>, shadow: bool) -> Verdict<'_> {
        let mut verdict = Verdict { effect: Effect::Allow, by: None, logged: None };
        for stage in self.0.iter().filter(|stage| shadow || stage.enforced) {
            let place = stage.first(facts, shadow, false);
            if stage.logs {
                // A rule that records a request does not end the stage, but one that decides before it does.
                let logged = stage.first(facts, shadow, true);
                let logged = logged.filter(|logged| place.is_none_or(|place| *logged < place));
                let rule = logged.and_then(|logged| stage.rules.get(logged));
                verdict.logged = verdict.logged.or(rule);
            }
            let found = place.and_then(|place| stage.rules.get(place));
            verdict.effect = found.map_or(stage.otherwise, |rule| rule.effect);
            // A stage that allows by default says nothing about the rule that allowed the request.
            verdict.by = if verdict.effect == Effect::Deny { found } else { found.or(verdict.by) };
            if verdict.effect == Effect::Deny {
                return verdict;
            }
        }
        verdict
    }
}

impl Compiled {
    /// Returns the place of the first rule that matches: of those that record requests, or of those that
    /// decide.
    fn first(&self, facts: &Facts<'_>, shadow: bool, log: bool) -> Option<usize> {
        let counts = |rule: &Rule| {
            (shadow || !rule.shadow) && (rule.effect == Effect::Log) == log && rule.matches(facts)
        };
        let Some(index) = &self.index else {
            return self.rules.iter().position(counts);
        };
        let authority = facts.authority();
        let mut first = None;
        let hosts = [Some(uri::host(authority)), Some(authority)];
        let different = if uri::host(authority).len() == authority.len() { 1 } else { 2 };
        for reading in facts.readings() {
            for host in hosts.iter().take(different).flatten() {
                let found = index.first(host, reading, |place| {
                    first.is_none_or(|first| place < first) && self.rules.get(place).is_some_and(counts)
                });
                first = found.or(first);
            }
        }
        first
    }
}

impl Rule {
    /// Returns whether the rule matches a request. A condition that is unknown never helps the client.
    pub(crate) fn matches(&self, facts: &Facts<'_>) -> bool {
        match facts.evaluate(&self.when) {
            Truth::True => true,
            Truth::Unknown => self.effect != Effect::Allow,
            Truth::False => false,
        }
    }
}

/// Returns alternatives for the index, one of which is necessary for the expression to be true or unknown.
fn alternatives(expr: &Expr) -> Vec<Wanted> {
    let anything = || vec![Wanted::default()];
    match expr {
        Expr::All(parts) => {
            let mut all = anything();
            for part in parts {
                all = both(all, alternatives(part));
            }
            all
        }
        Expr::Any(parts) => {
            let mut any = Vec::new();
            for part in parts {
                any.extend(alternatives(part));
                if any.iter().any(Wanted::is_anything) {
                    return anything();
                }
            }
            any
        }
        Expr::Test(Test { attribute: Attribute::Host, predicate, .. }) => match predicate {
            Predicate::OneOf(texts) => vec![Wanted::for_host_texts(texts)],
            Predicate::Text(matchers) => vec![Wanted::for_hosts(matchers.iter())],
            _ => anything(),
        },
        Expr::Test(Test { attribute: Attribute::Path, predicate, .. }) => match predicate {
            Predicate::OneOf(texts) => vec![Wanted::for_path_texts(texts)],
            Predicate::Path(matchers) => vec![Wanted::for_paths(matchers)],
            Predicate::Text(matchers) => {
                let mut paths = Vec::new();
                matchers.iter().for_each(|matcher| paths.push(PathMatcher::from(matcher.clone())));
                vec![Wanted::for_paths(&paths)]
            }
            _ => anything(),
        },
        Expr::Not(_) | Expr::Test(_) | Expr::Condition(_) => anything(),
    }
}

/// Returns the alternatives of a conjunction: all pairs, or only one of the lists if there are too many.
fn both(left: Vec<Wanted>, right: Vec<Wanted>) -> Vec<Wanted> {
    if right.iter().any(Wanted::is_anything) {
        return left;
    }
    if left.iter().any(Wanted::is_anything) {
        return right;
    }
    if left.len().saturating_mul(right.len()) > MOST_ALTERNATIVES {
        return if left.len() < right.len() { left } else { right };
    }
    let mut pairs = Vec::new();
    for one in &left {
        for other in &right {
            pairs.push(one.clone().and(other.clone()));
        }
    }
    pairs
}
