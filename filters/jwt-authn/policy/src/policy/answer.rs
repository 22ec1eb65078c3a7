//! Changes to requests that are allowed.

use super::Policy;
use super::requirement::{Accepted, Outputs, looks_at};
use crate::config::{OnError, Provider};
use crate::plan::{PlannedProvider, Required};
use crate::results::{self, Rendered};
use crate::{Decision, Pass, Reason};
use std::borrow::Cow;
use tollgate_jwt_authn_token::extract::{Stripped, strip};
use tollgate_policy::{AllowedBy, HeaderEdit, HeaderName, RequestFacts};

impl Policy {
    /// Allows the request and passes on the claims of its tokens. Forged headers are always removed, and so
    /// are tokens in the locations that the requirement uses. That includes tokens that failed but were
    /// allowed, because the upstream must not take them for verified tokens.
    pub(super) fn passes(
        &self,
        request: &RequestFacts<'_>,
        required: &Required,
        preflight: bool,
    ) -> Decision<'_> {
        let accepted = || self.accepted.iter().filter_map(|one| Some((one, self.provider(one)?)));
        let outputs = accepted().map(|(one, provider)| (&provider.config, one.outputs.rendered()));
        let stripped =
            if self.memory.needed.strips { self.stripped(request, required) } else { Stripped::default() };
        // Set headers after removing others: a header that contained a token may also be an output header.
        let mut edits = stripped.edits;
        let output = results::edits(&self.plan.sanitized, request, outputs);
        let outcome_shows = output.iter().any(|edit| edit.value().is_some());
        edits.extend(output);
        let mark = self.accepted.iter().find_map(|one| one.outputs.mark());
        edits.extend(self.name_of(mark).map(|name| HeaderEdit::Set(name, Cow::Borrowed(b"false"))));

        let verified = accepted()
            .filter(|(one, _)| matches!(one.outputs, Outputs::Verified(_)))
            .map(|(one, provider)| (provider, one.outputs.rendered()));
        let clears = |(_, provider): (&Accepted, &PlannedProvider)| provider.config.clear_route_cache;
        Decision::Pass(Pass {
            edits,
            path: stripped.path,
            filter_state: results::filter_state(&self.plan.config.filter_state, verified),
            clear_route_cache: outcome_shows && accepted().any(clears),
            preflight,
            allowed_by: None,
        })
    }

    /// Returns the edits that remove tokens from the request.
    #[inline(never)]
    fn stripped(&self, request: &RequestFacts<'_>, required: &Required) -> Stripped<'_> {
        let kept = |token: &[u8]| self.accepted.iter().any(|one| one.kept.as_deref() == Some(token));
        strip(&self.plan.providers, &|index| looks_at(required, index), &kept, request)
    }

    /// Allows the request as if it had no token. Its tokens stay in the request.
    pub(super) fn allows_anyway(
        &self,
        request: &RequestFacts<'_>,
        allowed_by: AllowedBy<Reason>,
    ) -> Decision<'_> {
        let (AllowedBy::Shadow(reason) | AllowedBy::FailureMode(reason)) = allowed_by;
        let nothing = core::iter::empty::<(&Provider, &Rendered)>();
        let told = self.plan.config.filter_state.failure;
        let failure = told.then(|| (results::FAILURE, Cow::Borrowed(reason.name().as_bytes())));
        Decision::Pass(Pass {
            edits: results::edits(&self.plan.sanitized, request, nothing),
            filter_state: failure.into_iter().collect(),
            allowed_by: Some(allowed_by),
            ..Pass::default()
        })
    }

    /// Whether an undecided request is allowed.
    pub(super) fn allows_on_error(&self, reason: Reason) -> bool {
        let config = &self.plan.config;
        let of_list = config.revocation.remote.as_ref().and_then(|remote| remote.on_error);
        let of_list = of_list.filter(|_| reason == Reason::RevocationUnavailable);
        of_list.unwrap_or(config.enforcement.on_error) == OnError::Allow
    }

    fn provider(&self, accepted: &Accepted) -> Option<&PlannedProvider> {
        self.plan.providers.get(accepted.provider)
    }

    /// Returns the name from `sanitized`, which contains all headers that the filter sets.
    fn name_of(&self, mark: Option<&HeaderName>) -> Option<&HeaderName> {
        self.plan.sanitized.iter().find(|name| Some(*name) == mark)
    }
}
