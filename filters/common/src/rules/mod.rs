//! The first of many rules that is about a request.
//!
//! [`RequestMatch::first`] asks one rule after the other, which is best for a few. Of ten thousand nearly all are about
//! other hosts and other paths, and can be known to be without being asked: each rule is kept under what its hosts and
//! paths have to begin or end with, and a request asks only those that are kept under what it has. Rules are still asked
//! in full, and the first in their order wins: the index leaves out, it does not decide.
//!
//! What it can tell apart are exact hosts and those with a `suffix`; exact paths, those with a `prefix`, and the literal
//! segments of templates. Rules that only have other matchers (`regex`, `contains`, headers, `ignore_case` of a path) are
//! all asked. A request costs one search in each list, whatever is in it, and allocates nothing.

mod index;
mod keys;
#[cfg(test)]
mod tests;
mod texts;

use crate::{RequestFacts, RequestMatch};
use core::ops::Deref;
use index::{Index, Wanted};

/// Rules are asked one after the other up to this number: a search costs more.
const FEW: usize = 16;

/// Something that is about some requests.
pub trait Conditional {
    /// Which requests.
    fn condition(&self) -> &RequestMatch;
}

impl Conditional for RequestMatch {
    fn condition(&self) -> &RequestMatch {
        self
    }
}

/// Rules in their order, the first of which that matches decides.
#[derive(Clone, Debug)]
pub struct Rules<R> {
    list: Vec<R>,
    index: Option<Index>,
}

impl<R: Conditional> Rules<R> {
    /// Takes the rules in their order.
    pub fn new(list: Vec<R>) -> Self {
        let mut wanted = Vec::new();
        if list.len() > FEW {
            for rule in &list {
                wanted.push(Wanted::of(rule.condition()));
            }
        }
        let index = (!wanted.is_empty()).then(|| Index::new(&wanted));
        Self { list, index }
    }

    /// The first that is about the request: what [`RequestMatch::first`] says, sooner.
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
