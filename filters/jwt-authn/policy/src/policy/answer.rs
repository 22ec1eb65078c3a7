//! What is changed of a request that goes on.

use super::Policy;
use super::requirement::{Accepted, Outputs, looks_at};
use crate::config::{OnError, Provider};
use crate::plan::{PlannedProvider, Required};
use crate::results::{self, Rendered};
use crate::{Decision, Pass, Reason};
use std::borrow::Cow;
use tollgate_jwt_authn_extract::{Stripped, strip};
use tollgate_policy::{HeaderEdit, HeaderName, RequestFacts};

impl Policy {
    /// The request goes on with what its tokens give it. What a client forged is removed in any case, and so are tokens in
    /// the places that the requirement looks at: also one that failed, where that was allowed, for the upstream must not
    /// take it for one that was verified.
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
        // What is set comes behind what is removed: a header that held a token may take what was in it.
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
            in_spite_of: None,
        })
    }

    /// What of the request does not go upstream.
    #[inline(never)]
    fn stripped(&self, request: &RequestFacts<'_>, required: &Required) -> Stripped<'_> {
        let kept = |token: &[u8]| self.accepted.iter().any(|one| one.kept.as_deref() == Some(token));
        strip(&self.plan.providers, &|index| looks_at(required, index), &kept, request)
    }

    /// The request goes on as if it had brought no token; what it brought is left in it.
    pub(super) fn passes_in_spite_of(&self, request: &RequestFacts<'_>, reason: Reason) -> Decision<'_> {
        let nothing = core::iter::empty::<(&Provider, &Rendered)>();
        let told = self.plan.config.filter_state.failure;
        let failure = told.then(|| (results::FAILURE, Cow::Borrowed(reason.name().as_bytes())));
        Decision::Pass(Pass {
            edits: results::edits(&self.plan.sanitized, request, nothing),
            filter_state: failure.into_iter().collect(),
            in_spite_of: Some(reason),
            ..Pass::default()
        })
    }

    /// Whether a request passes that cannot be decided.
    pub(super) fn allows_on_error(&self, reason: Reason) -> bool {
        let config = &self.plan.config;
        let of_list = config.revocation.remote.as_ref().and_then(|remote| remote.on_error);
        let of_list = of_list.filter(|_| reason == Reason::RevocationUnavailable);
        of_list.unwrap_or(config.on_error) == OnError::Allow
    }

    fn provider(&self, accepted: &Accepted) -> Option<&PlannedProvider> {
        self.plan.providers.get(accepted.provider)
    }

    /// A header that is set is among those that are sanitized.
    fn name_of(&self, mark: Option<&HeaderName>) -> Option<&HeaderName> {
        self.plan.sanitized.iter().find(|name| Some(*name) == mark)
    }
}
