//! Verdicts of the service.

use super::answer::Said;
use super::entry::Refusal;
use super::key::Key;
use super::{CallFailure, Quotas};

/// Verdict of the service, new or cached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Indices of the descriptors that are over their limits; only 0 if the service does not report which.
    pub over_limit: Vec<usize>,
    /// Time until each of them has room, in nanoseconds, if the service reports it.
    pub waits: Vec<Option<u64>>,
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
    pub(crate) fn failed(failure: CallFailure, from_cache: bool) -> Self {
        Self { failure: Some(failure), from_cache, ..Self::default() }
    }

    /// Returns a verdict with room from a lease, of which `left` hits remain.
    pub(super) fn leased(said: Option<&Said>, left: u64, now: u64) -> Self {
        let quotas = said.map(|said| said.quotas(now, left)).unwrap_or_default();
        Self { quotas, from_cache: true, ..Self::default() }
    }

    /// Returns a rejection because a quota is used up, of which the first descriptor is assumed to be the
    /// one.
    pub(super) fn exhausted(said: Option<&Said>, until: u64, now: u64) -> Self {
        Self {
            over_limit: vec![0],
            waits: vec![Some(until.saturating_sub(now))],
            quotas: said.map(|said| said.quotas(now, 0)).unwrap_or_default(),
            from_cache: true,
            ..Self::default()
        }
    }

    /// Returns a rejection from cached answers: `refused` are the rejected descriptors of a request, by
    /// index.
    ///
    /// If an answer is for the same list of descriptors, the rejection is the same as that of the service. An
    /// answer for another list also contains data of other descriptors, so only the quota of the rejected
    /// descriptor is used.
    pub(super) fn refused(refused: &[(usize, Refusal)], list: Key, descriptors: usize, now: u64) -> Self {
        let wait = |(_, refusal): &(usize, Refusal)| refusal.reset_at.map(|at| at.saturating_sub(now));
        let mut verdict = Self {
            over_limit: refused.iter().map(|(index, _)| *index).collect(),
            waits: refused.iter().map(wait).collect(),
            from_cache: true,
            ..Self::default()
        };
        let same = refused.iter().find(|(_, refusal)| refusal.list == list);
        if let Some(said) = same.and_then(|(_, refusal)| refusal.said.as_deref()) {
            // Other limits may have been reset since.
            let current = |at| said.quota(at, now, 0).filter(|quota| quota.reset > 0);
            verdict.quotas = (0..said.quotas(now, 0).len()).map(current).collect();
            verdict.response_headers.clone_from(&said.response_headers);
            verdict.raw_body.clone_from(&said.raw_body);
            return verdict;
        }
        let quota = |at: usize| {
            let (_, refusal) = refused.iter().find(|(index, _)| *index == at)?;
            refusal.said.as_ref()?.quota(refusal.index, now, 0)
        };
        let quotas: Vec<_> = (0..descriptors).map(quota).collect();
        if quotas.iter().any(Option::is_some) {
            verdict.quotas = quotas.into_iter().collect();
        }
        verdict
    }
}
