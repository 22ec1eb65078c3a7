//! The configuration, checked and resolved. It contains no errors, and no names to look up.

mod breaker;
mod resolve;
mod response;

pub use breaker::Breaker;
pub(crate) use response::{Body, Response};

use crate::config::Admin;
use crate::record::WAYS;
use std::rc::Rc;
use tollgate_policy::{Conditional, Enforcement, HeaderName, Many, PathNormalization, RequestMatch, Rules};

/// A resolved configuration.
#[derive(Debug)]
pub struct Plan {
    /// Name of this set of breakers in shared memory.
    pub domain: String,
    /// Breakers, in the order of their names.
    pub breakers: Vec<Breaker>,
    pub(crate) rules: Rules<Rule>,
    pub(crate) path_normalization: PathNormalization,
    /// Breakers for requests that no rule matches, as indices of `breakers`.
    pub(crate) otherwise: Rc<[usize]>,
    pub(crate) response: Response,
    pub(crate) admin: Option<Admin>,
    /// Request headers that select fallback clusters.
    pub(crate) fallback_headers: Vec<HeaderName>,
    /// Number of pages in shared memory.
    pub pages: u32,
    /// Size of a record in bytes: that of the breaker with the largest one.
    pub record_bytes: usize,
    /// Shadow mode, failures and statistics.
    pub enforcement: Enforcement,
    /// Whether a rule, a key, the admin path or a fallback uses request headers.
    pub needs_headers: bool,
    /// Whether requests in flight are counted.
    pub counts_in_flight: bool,
}

impl Plan {
    /// Returns the name of the table in shared memory. Tables with records of other sizes have other names.
    pub fn table(&self) -> String {
        format!("{}/{}", self.domain, self.record_bytes)
    }

    /// Returns the size of a page of the table in bytes.
    pub fn page_bytes(&self) -> usize {
        self.record_bytes * WAYS
    }
}

/// Selects the breakers for some requests.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) condition: RequestMatch,
    /// Indices of [`Plan::breakers`].
    pub(crate) breakers: Rc<[usize]>,
}

impl Conditional for Rule {
    fn condition(&self) -> &RequestMatch {
        &self.condition
    }

    fn many(&self) -> Many {
        if self.breakers.is_empty() { Many::All } else { Many::Any }
    }
}
