//! What is known of a token that was verified.
//!
//! All that depends on the token and its provider alone was found out once: it holds as long as the keys do. The rest is
//! checked each time the token comes: the time, what the rule asks for, what is revoked, who brings it.

use crate::Reason;
use crate::claims::{Binding, Scopes, Validity, audience_allowed};
use crate::plan::{Plan, Required};
use crate::results::Rendered;
use std::cell::Cell;
use tollgate_policy::UnixNanos;

/// A token that was verified. Its claims are what its provider requires, but for what is checked below.
pub(super) struct Verified {
    pub(super) validity: Validity,
    /// As the provider requires.
    pub(super) audience_allowed: bool,
    /// Empty unless some rule asks for audiences of its own; likewise scopes.
    pub(super) audiences: Box<[Box<str>]>,
    pub(super) scopes: Scopes,
    pub(super) issuer: Box<str>,
    pub(super) subject: Option<Box<str>>,
    pub(super) token_id: Option<Box<str>>,
    pub(super) issued_at: Option<u64>,
    pub(super) binding: Binding,
    pub(super) key_generation: u32,
    /// Of the revocations by which it was found not to be revoked.
    pub(super) not_revoked: Cell<Option<u32>>,
    pub(super) rendered: Rendered,
}

/// What of tokens must be kept for the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Needed {
    pub(super) audiences: bool,
    pub(super) scopes: bool,
    /// Tokens of some providers go upstream and those of others do not.
    pub(super) tokens: bool,
    /// Tokens of some providers do not go upstream.
    pub(super) strips: bool,
}

impl Needed {
    pub(super) fn by(plan: &Plan) -> Self {
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
    /// The checks that need no key, for a token whose signature was checked before. They are those of a token that comes
    /// first, in their order.
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

    /// What it has allocated.
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
