//! What the service says, or said.

use super::answer::Said;
use super::{CallFailure, Quotas};

/// What the service says, or said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The first of the descriptors that is over its limit, as an index; 0 if the service does not say which.
    pub over_limit: Option<usize>,
    /// All that are, if the service says which: a bit for each, the lowest for the first, of the first 64.
    pub all_over_limit: u64,
    /// The service could not be asked.
    pub failure: Option<CallFailure>,
    /// Where each descriptor stands, as far as the service says: empty if it says nothing.
    pub quotas: Quotas,
    /// To add for the upstream, of a request that goes on. Of an answer to this very request only.
    pub request_headers: Vec<(String, Vec<u8>)>,
    /// To add to the response: of an answer to this very request, or of a refusal that is remembered.
    pub response_headers: Vec<(String, Vec<u8>)>,
    /// The body of the refusal; empty: the filter's own.
    pub raw_body: Vec<u8>,
    /// It was known without a call.
    pub remembered: bool,
}

impl Verdict {
    /// Whether the descriptor of this index is over its limit.
    pub fn is_over_limit(&self, index: usize) -> bool {
        self.over_limit == Some(index) || self.all_over_limit & bit(index) != 0
    }

    /// It could not be asked.
    pub(super) fn failed(failure: CallFailure, remembered: bool) -> Self {
        Self { failure: Some(failure), remembered, ..Self::default() }
    }

    /// There was room, as an answer said that is remembered; `left` hits are still leased.
    pub(super) fn leased(said: Option<&Said>, left: u64, now: u64) -> Self {
        let quotas = said.map(|said| said.quotas(now, left)).unwrap_or_default();
        Self { quotas, remembered: true, ..Self::default() }
    }

    /// There was no room for the descriptor of this index, as an answer said that is remembered, if it said anything.
    pub(super) fn refused(said: Option<&Said>, index: usize, now: u64) -> Self {
        let Some(said) = said else {
            return Self { over_limit: Some(index), remembered: true, ..Self::default() };
        };
        Self {
            over_limit: Some(index),
            quotas: said.quotas(now, 0),
            response_headers: said.response_headers.clone(),
            raw_body: said.raw_body.clone(),
            remembered: true,
            ..Self::default()
        }
    }
}

/// In [`Verdict::all_over_limit`].
pub(super) fn bit(index: usize) -> u64 {
    u32::try_from(index).ok().and_then(|index| 1u64.checked_shl(index)).unwrap_or(0)
}
