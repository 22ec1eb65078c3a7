//! Cache entries of verified tokens.
//!
//! Results that depend only on the token and its provider are determined once, and stay valid as long as the
//! keys do. The rest is checked in each request: the time, the rule's requirement, revocations, and the
//! client's certificate.

use crate::Reason;
use crate::claims::{Binding, Scopes, Validity, audience_allowed};
use crate::plan::{Plan, Required};
use crate::results::Rendered;
use std::cell::Cell;
use tollgate_policy::UnixNanos;

/// A verified token. It meets all requirements of its provider, except those that are checked in each
/// request.
pub(super) struct Verified {
    pub(super) validity: Validity,
    /// Whether `aud` contains one of the provider's audiences.
    pub(super) audience_allowed: bool,
    /// Audiences; empty unless a requirement has its own audiences.
    pub(super) audiences: Box<[Box<str>]>,
    /// Scopes; empty unless a rule requires scopes.
    /// Scopes; empty unless a rule requires scopes.
    pub(super) scopes: Scopes,
    pub(super) issuer: Box<str>,
    pub(super) subject: Option<Box<str>>,
    pub(super) token_id: Option<Box<str>>,
    pub(super) issued_at: Option<u64>,
    pub(super) binding: Binding,
    pub(super) key_generation: u32,
    /// Generation of the revocations that were last checked without a match.
    pub(super) not_revoked: Cell<Option<u32>>,
    pub(super) rendered: Rendered,
}

/// Values of tokens that the rules need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Needed {
    pub(super) audiences: bool,
    pub(super) scopes: bool,
    /// Whether some providers forward their tokens and others do not.
    pub(super) tokens: bool,
    /// Whether some providers do not forward their tokens.
    pub(super) strips: bool,
}

impl Needed {
    pub(super) fn for_plan(plan: &Plan) -> Self {
        let of_values =
            plan.by_filter_state.iter().flat_map(|(_, requires)| requires).map(|(_, required)| required);
        let mut required = plan.rules.iter().map(|rule| &rule.required).chain(of_values);
        let forwards = |wanted| plan.providers.iter().any(|provider| provider.config.forward == wanted);
        Self {
            audiences: required.any(names_audiences),
            scopes: plan.rules.iter().any(|rule| !rule.scopes.is_empty()),
            tokens: forwards(true) && forwards(false),
            strips: forwards(false),
        }
    }
}

fn names_audiences(required: &Required) -> bool {
    match required {
        Required::Provider(_, audiences) => audiences.is_some(),
        Required::Any(list) | Required::All(list) => list.iter().any(names_audiences),
        _ => false,
    }
}

impl Verified {
    /// Runs the checks that need no key, for a token from the cache. They are the same as for a new token, in
    /// the same order.
    pub(super) fn check(&self, audiences: Option<&[String]>, now: UnixNanos) -> Result<(), Reason> {
        self.validity.check(now)?;
        let allowed = match audiences {
            Some(allowed) => audience_allowed(allowed, &self.audiences),
            None => self.audience_allowed,
        };
        if !allowed {
            return Err(Reason::AudienceNotAllowed);
        }
        self.validity.check_lifetime(now)
    }

    /// Bytes that the entry has allocated.
    pub(super) fn bytes(&self) -> usize {
        let text = |text: &Option<Box<str>>| text.as_deref().map_or(0, str::len);
        let audiences: usize = self.audiences.iter().map(|one| one.len() + size_of::<Box<str>>()).sum();
        size_of::<Self>()
            + audiences
            + self.scopes.bytes()
            + self.issuer.len()
            + text(&self.subject)
            + text(&self.token_id)
            + self.rendered.bytes()
    }
}
