//! Verdicts of the service.

use super::answer::Said;
use super::{CallFailure, Quotas};

/// Verdict of the service, new or cached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Indices of the descriptors that are over their limits; only 0 if the service does not report which.
    pub over_limit: Vec<usize>,
    /// Reason why the service is unavailable.
    pub failure: Option<CallFailure>,
    /// Quotas of the descriptors. Empty if the service reports none.
    pub quotas: Quotas,
    /// Headers to add for the upstream to an allowed request. Only from the answer to this request.
    pub request_headers: Vec<tollgate_policy::HeaderField>,
    /// Headers to add to the response: from the answer to this request, or from a cached rejection.
    pub response_headers: Vec<tollgate_policy::HeaderField>,
    /// Body of the rejection. If empty, the filter's own body is used.
    pub raw_body: Vec<u8>,
    /// Whether the verdict needed no call.
    pub from_cache: bool,
}

impl Verdict {
    /// Returns a verdict without an answer of the service.
    pub(super) fn failed(failure: CallFailure, from_cache: bool) -> Self {
        Self { failure: Some(failure), from_cache, ..Self::default() }
    }

    /// Returns a verdict with room from a lease, of which `left` hits remain.
    pub(super) fn leased(said: Option<&Said>, left: u64, now: u64) -> Self {
        let quotas = said.map(|said| said.quotas(now, left)).unwrap_or_default();
        Self { quotas, from_cache: true, ..Self::default() }
    }

    /// Returns a rejection of the descriptor with this index, from a cached answer.
    pub(super) fn refused(said: Option<&Said>, index: usize, now: u64) -> Self {
        let Some(said) = said else {
            return Self { over_limit: vec![index], from_cache: true, ..Self::default() };
        };
        Self {
            over_limit: vec![index],
            quotas: said.quotas(now, 0),
            response_headers: said.response_headers.clone(),
            raw_body: said.raw_body.clone(),
            from_cache: true,
            ..Self::default()
        }
    }
}
