//! Lists of rules.

use crate::rule::Rule;
use std::rc::Rc;
use tollgate_policy::{Index, RequestFacts, UnixNanos, Wanted};

/// Up to this number of rules, evaluating all rules is faster than a search.
const FEW: usize = 16;

/// An ordered list of rules. The first rule that matches decides.
#[derive(Clone, Debug, Default)]
pub(crate) struct RuleSet {
    list: Vec<Rc<Rule>>,
    index: Option<Index>,
}

impl RuleSet {
    pub fn new(list: Vec<Rule>) -> Self {
        let mut wanted = Vec::new();
        if list.len() > FEW {
            for rule in &list {
                wanted.push(vec![Wanted::for_match(&rule.condition.request)]);
            }
        }
        let index = (!wanted.is_empty()).then(|| Index::new(&wanted));
        Self { list: list.into_iter().map(Rc::new).collect(), index }
    }

    /// Returns the first rule that matches a request whose path is read as `path`.
    pub fn first(
        &self,
        request: &RequestFacts<'_>,
        path: &[u8],
        mut matches: impl FnMut(&Rule) -> bool,
    ) -> Option<&Rc<Rule>> {
        let Some(index) = &self.index else { return self.list.iter().find(|rule| matches(rule)) };
        let place = index
            .first(request.host(), path, |place| self.list.get(place).is_some_and(|rule| matches(rule)))?;
        self.list.get(place)
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

/// An experiment.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// Name.
    pub name: Box<str>,
    pub(crate) from: Option<UnixNanos>,
    pub(crate) until: Option<UnixNanos>,
    /// Rules. In the document of a control endpoint, an experiment without rules is one of the configuration.
    pub(crate) rules: RuleSet,
}

impl Experiment {
    /// Returns whether it is the time of the experiment.
    pub fn is_on(&self, now: UnixNanos) -> bool {
        self.from.is_none_or(|from| from <= now) && self.until.is_none_or(|until| now < until)
    }
}
