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

use crate::{RequestFacts, RequestMatch};
use core::ops::Deref;
use index::{Index, Wanted};

/// Up to this number of rules, evaluating all rules is faster than a search.
const FEW: usize = 16;

/// A rule with a condition on requests.
pub trait Conditional {
    /// Returns the condition.
    fn condition(&self) -> &RequestMatch;
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
}

impl<R: Conditional> Rules<R> {
    /// Builds the list and its index.
    pub fn new(list: Vec<R>) -> Self {
        let mut wanted = Vec::new();
        if list.len() > FEW {
            for rule in &list {
                wanted.push(Wanted::new(rule.condition()));
            }
        }
        let index = (!wanted.is_empty()).then(|| Index::new(&wanted));
        Self { list, index }
    }

    /// Returns the first rule that matches the request: the same as [`RequestMatch::first`], but faster.
    pub fn first(&self, facts: &RequestFacts<'_>) -> Option<&R> {
        let Some(index) = &self.index else {
            return RequestMatch::first(&self.list, R::condition, facts);
        };
        let matches = |place: usize| self.list.get(place).is_some_and(|rule| rule.condition().matches(facts));
        self.list.get(index.first(facts, matches)?)
    }
}

impl<R> Deref for Rules<R> {
    type Target = [R];

    fn deref(&self) -> &[R] {
        &self.list
    }
}
