//! Finds the first of many rules that matches a request.
//!
//! [`RequestMatch::first`] evaluates one rule after another, which is best for a few rules. In a list of ten
//! thousand, nearly all rules are for other hosts and other paths. [`Rules`] therefore indexes each rule by
//! the beginning or end of its hosts and paths. A request evaluates only the rules that the index returns for
//! its own host and path. The index only excludes rules: candidates are still evaluated in full, and the
//! first one in order that matches decides.
//!
//! The index covers exact hosts and `suffix` matchers of hosts; exact paths, `prefix` matchers of paths, and
//! the literal segments of templates. Rules with only other matchers (`regex`, `contains`, headers,
//! `ignore_case` of a path) are always evaluated. A request costs one search in each list and allocates
//! nothing.

mod index;
mod keys;
#[cfg(test)]
mod tests;
mod texts;

use crate::{InvalidPath, Many, PathNormalization, RequestFacts, RequestMatch};
use core::ops::Deref;
use core::ptr;
pub use index::{Index, Wanted};

/// Up to this number of rules, evaluating all rules is faster than a search.
const FEW: usize = 16;

/// A rule with a condition on requests.
pub trait Conditional {
    /// Returns the condition.
    fn condition(&self) -> &RequestMatch;

    /// Returns how many values of a header must match: all if the rule loosens what is required, else any.
    fn many(&self) -> Many {
        Many::Any
    }
}

impl Conditional for RequestMatch {
    fn condition(&self) -> &RequestMatch {
        self
    }
}

/// An ordered list of rules. The first rule that matches decides.
#[derive(Clone, Debug)]
pub struct Rules<R> {
    list: Vec<R>,
    index: Option<Index>,
    reads_paths: bool,
}

/// The rules that the readings of a request select.
#[derive(Debug)]
pub struct Selected<'r, R> {
    /// The first rule that matches the canonical reading.
    pub first: Option<&'r R>,
    /// Different selections of other readings; nearly always empty. The upstream may use any of the readings,
    /// so that the request must meet what each of these rules requires.
    pub others: Vec<Option<&'r R>>,
}

impl<R: Conditional> Rules<R> {
    /// Builds the list and its index.
    pub fn new(list: Vec<R>) -> Self {
        let mut wanted = Vec::new();
        if list.len() > FEW {
            for rule in &list {
                wanted.push(vec![Wanted::for_match(rule.condition())]);
            }
        }
        let index = (!wanted.is_empty()).then(|| Index::new(&wanted));
        let reads_paths = list.iter().any(|rule| !rule.condition().paths.is_empty());
        Self { list, index, reads_paths }
    }

    /// Returns the rules that apply to a request, for each reading of its path. If no rule has `paths`, the
    /// path is not read, and so not checked.
    #[inline]
    pub fn select(
        &self,
        facts: &RequestFacts<'_>,
        normalization: &PathNormalization,
    ) -> Result<Selected<'_, R>, InvalidPath> {
        if !self.reads_paths {
            return Ok(Selected { first: self.first(facts, facts.path_only()), others: Vec::new() });
        }
        let readings = normalization.readings_of(facts)?;
        let first = self.first(facts, readings.first());
        let mut others = Vec::new();
        for path in readings.others() {
            let rule = self.first(facts, path);
            let is_rule = |known: &Option<&R>| known.map(ptr::from_ref) == rule.map(ptr::from_ref);
            if !is_rule(&first) && !others.iter().any(is_rule) {
                others.push(rule);
            }
        }
        Ok(Selected { first, others })
    }

    /// Returns the first rule that matches a request, if its path is read as `path`: the same as
    /// [`RequestMatch::first`], but faster.
    pub fn first(&self, facts: &RequestFacts<'_>, path: &[u8]) -> Option<&R> {
        let Some(index) = &self.index else {
            return RequestMatch::first(&self.list, facts, path);
        };
        let matches = |place: usize| {
            self.list.get(place).is_some_and(|rule| rule.condition().matches(facts, path, rule.many()))
        };
        self.list.get(index.first(facts.host(), path, matches)?)
    }
}

impl<R> Deref for Rules<R> {
    type Target = [R];

    fn deref(&self) -> &[R] {
        &self.list
    }
}
