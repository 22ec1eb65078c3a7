//! Evaluation of requirements.

use super::Memory;
use super::verified::Verified;
use crate::config::ExtractOnly;
use crate::plan::{Plan, Required};
use crate::results::Rendered;
use crate::{Environment, Reason};
use std::rc::Rc;
use tollgate_jwt_authn_token::extract::{self, Tokens};
use tollgate_policy::{HeaderName, RequestFacts, UnixNanos};

/// Evaluation of one request.
pub(super) struct Evaluation<'e, 'r> {
    pub(super) plan: &'e Plan,
    pub(super) memory: &'e mut Memory,
    pub(super) environment: &'e mut dyn Environment,
    pub(super) request: &'e RequestFacts<'r>,
    /// Scopes that the rule requires in addition.
    pub(super) scopes: &'e [String],
    pub(super) now: UnixNanos,
    pub(super) may_wait: bool,
    /// Accepted tokens, in the order of the requirement. A failed requirement leaves none.
    pub(super) accepted: Vec<Accepted>,
    /// Provider of the last token that lacked a scope.
    pub(super) lacks_scope: Option<usize>,
}

/// A token that was accepted.
pub(super) struct Accepted {
    pub(super) provider: usize,
    pub(super) outputs: Outputs,
    /// Text of a token that is forwarded, if other tokens are removed.
    pub(super) kept: Option<Box<[u8]>>,
}

/// Values of a token that are passed on.
pub(super) enum Outputs {
    /// Values of a verified token.
    Verified(Rc<Verified>),
    /// Values of an unverified token, with the header that marks it.
    Unverified(Box<Rendered>, Option<HeaderName>),
}

impl Outputs {
    pub(super) fn rendered(&self) -> &Rendered {
        match self {
            Self::Verified(verified) => &verified.rendered,
            Self::Unverified(rendered, _) => rendered,
        }
    }

    pub(super) fn mark(&self) -> Option<&HeaderName> {
        match self {
            Self::Verified(_) => None,
            Self::Unverified(_, mark) => mark.as_ref(),
        }
    }
}

/// A token, and the providers that read its location.
type LocatedToken = (Box<[u8]>, Vec<usize>);

/// Why a requirement is not met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The requirement failed.
    Failed(Reason),
    /// The result cannot be determined.
    Undecided(Reason),
    /// The result can be determined later.
    Wait,
}

pub(super) type Outcome<T = ()> = Result<T, Stop>;

impl From<Reason> for Stop {
    fn from(reason: Reason) -> Self {
        Self::Failed(reason)
    }
}

/// Combines the results of parts that must all be met. A failure decides first, then a wait, then an
/// undecided part. The first failure is reported, as in Envoy. But a missing token is reported only if no
/// token is bad. Otherwise an `allow_missing` around them would accept a bad token that follows a missing
/// one.
#[derive(Default)]
struct All {
    missing: bool,
    open: Option<Stop>,
}

impl All {
    /// Adds a result. Returns `Err` as soon as the outcome is final.
    fn add(&mut self, outcome: Outcome) -> Outcome {
        match (outcome, self.open) {
            (Ok(()), _) | (Err(Stop::Undecided(_)), Some(_)) => {}
            (Err(Stop::Failed(Reason::Missing)), _) => self.missing = true,
            (Err(stop @ Stop::Failed(_)), _) => return Err(stop),
            (Err(stop), _) => self.open = Some(stop),
        }
        Ok(())
    }

    fn outcome(self) -> Outcome {
        match self.open {
            _ if self.missing => Err(Reason::Missing.into()),
            Some(stop) => Err(stop),
            None => Ok(()),
        }
    }
}

impl<'r> Evaluation<'_, 'r> {
    /// Evaluates a requirement. Tokens that it accepted are kept only if it is met.
    pub(super) fn require(&mut self, required: &Required) -> Outcome {
        let before = self.accepted.len();
        let outcome = match required {
            Required::Nothing => Ok(()),
            Required::Provider(provider, audiences) => self.of_provider(*provider, audiences.as_deref()),
            Required::Any(list) => self.any(list),
            Required::All(list) => self.all(list),
            Required::AllowMissing => match self.of_any_provider() {
                Err(Stop::Failed(Reason::Missing)) => Ok(()),
                outcome => outcome,
            },
            Required::AllowMissingOrFailed => self.accept_valid_tokens(),
            Required::ExtractOnly(extract) => {
                self.extract_only(extract);
                Ok(())
            }
        };
        if outcome.is_err() {
            self.accepted.truncate(before);
        }
        outcome
    }

    #[inline(never)]
    fn all(&mut self, list: &[Required]) -> Outcome {
        let mut all = All::default();
        for required in list {
            all.add(self.require(required))?;
        }
        all.outcome()
    }

    /// Evaluates `requires_any`: one requirement must be met. With other requirements in the list,
    /// `allow_missing` and `allow_missing_or_failed` decide about requests that meet none of those. Only in a
    /// list without others do they accept tokens of any provider. `extract_only_without_validation` comes
    /// last, because it is always met.
    #[inline(never)]
    fn any(&mut self, list: &[Required]) -> Outcome {
        let has = |wanted: fn(&Required) -> bool| list.iter().any(wanted);
        let missing = has(|one| matches!(one, Required::AllowMissing));
        let failed = has(|one| matches!(one, Required::AllowMissingOrFailed));
        let extract = list.iter().find(|one| matches!(one, Required::ExtractOnly(_)));
        let mut others = list.iter().filter(|one| !is_fallback(one)).peekable();
        if others.peek().is_none() && extract.is_none() {
            return self.require(if failed {
                &Required::AllowMissingOrFailed
            } else {
                &Required::AllowMissing
            });
        }
        let mut failure = Reason::Missing;
        let mut open = None;
        for required in others {
            match self.require(required) {
                Ok(()) => return Ok(()),
                Err(Stop::Failed(reason)) => failure = more_telling(failure, reason),
                Err(Stop::Undecided(_)) if open.is_some() => {}
                Err(stop) => open = Some(stop),
            }
        }
        match (open, extract) {
            (Some(Stop::Wait), _) => Err(Stop::Wait),
            (_, Some(extract)) => self.require(extract),
            _ if failed => Ok(()),
            (Some(stop), None) => Err(stop),
            (None, None) if missing && failure == Reason::Missing => Ok(()),
            (None, None) => Err(failure.into()),
        }
    }

    /// Evaluates the tokens of a provider. There must be at least one, and all must be valid: otherwise the
    /// upstream might use an invalid one.
    fn of_provider(&mut self, provider: usize, audiences: Option<&[String]>) -> Outcome {
        let tokens = self.tokens(provider)?;
        if tokens.is_empty() {
            return Err(Reason::Missing.into());
        }
        let mut all = All::default();
        for token in tokens.iter() {
            let outcome = self.verify(provider, token, audiences);
            all.add(outcome.map(|verified| self.accept(provider, token, verified)))?;
        }
        all.outcome()
    }

    /// Evaluates the tokens of all providers. There must be at least one, and all must be valid. Envoy allows
    /// a request with one valid token, if that is the last one that it checks.
    #[inline(never)]
    fn of_any_provider(&mut self) -> Outcome {
        let tokens = self.tokens_of_all()?;
        if tokens.is_empty() {
            return Err(Reason::Missing.into());
        }
        let mut all = All::default();
        for (token, providers) in &tokens {
            all.add(self.verify_by_issuer(token, providers))?;
        }
        all.outcome()
    }

    /// Accepts each token that is valid. Fails only to wait for keys.
    #[inline(never)]
    fn accept_valid_tokens(&mut self) -> Outcome {
        // With too many tokens, or one that is too long, all tokens are ignored.
        let tokens = self.tokens_of_all().unwrap_or_default();
        let mut waits = Ok(());
        for (token, providers) in &tokens {
            if let Err(Stop::Wait) = self.verify_by_issuer(token, providers) {
                waits = Err(Stop::Wait);
            }
        }
        waits
    }

    #[inline(never)]
    fn extract_only(&mut self, extract: &ExtractOnly) {
        for (token, providers) in self.tokens_of_all().unwrap_or_default() {
            if let Some((provider, rendered)) = self.read_unverified(&token, &providers) {
                let kept = self.kept(provider, &token);
                let outputs = Outputs::Unverified(Box::new(rendered), extract.header());
                self.accepted.push(Accepted { provider, outputs, kept });
            }
        }
    }

    pub(super) fn accept(&mut self, provider: usize, token: &[u8], verified: Rc<Verified>) {
        let kept = self.kept(provider, token);
        self.accepted.push(Accepted { provider, outputs: Outputs::Verified(verified), kept });
    }

    fn kept(&self, provider: usize, token: &[u8]) -> Option<Box<[u8]>> {
        let forwards = || self.plan.providers.get(provider).is_some_and(|provider| provider.config.forward);
        (self.memory.needed.tokens && forwards()).then(|| token.into())
    }

    fn tokens(&self, provider: usize) -> Result<Tokens<'r>, Reason> {
        let longest = self.plan.config.max_token_bytes.0;
        match self.plan.providers.get(provider) {
            Some(provider) => Ok(extract::tokens(&provider.config, self.request, longest)?),
            None => Err(Reason::UnknownRequirement),
        }
    }

    /// Returns each token of the request once.
    fn tokens_of_all(&self) -> Result<Vec<LocatedToken>, Reason> {
        let mut all: Vec<LocatedToken> = Vec::new();
        for provider in 0..self.plan.providers.len() {
            for token in self.tokens(provider)?.iter() {
                if let Some((_, providers)) = all.iter_mut().find(|(known, _)| **known == *token) {
                    providers.push(provider);
                } else if all.len() < extract::MAX_TOKENS {
                    all.push((token.into(), vec![provider]));
                } else {
                    return Err(Reason::TooManyTokens);
                }
            }
        }
        Ok(all)
    }
}

/// Whether a requirement uses tokens of a provider. `allow_missing` and similar requirements use tokens of
/// all providers, except beside other requirements in `requires_any`.
pub(super) fn looks_at(required: &Required, provider: usize) -> bool {
    match required {
        Required::Nothing => false,
        Required::Provider(one, _) => *one == provider,
        Required::All(list) => list.iter().any(|one| looks_at(one, provider)),
        Required::Any(list) => {
            let extracts = list.iter().any(|one| matches!(one, Required::ExtractOnly(_)));
            let named = list.iter().filter(|one| !is_fallback(one));
            extracts || named.clone().next().is_none() || named.clone().any(|one| looks_at(one, provider))
        }
        Required::AllowMissing | Required::AllowMissingOrFailed | Required::ExtractOnly(_) => true,
    }
}

/// Whether, beside other requirements in `requires_any`, this one only decides about requests that meet none
/// of them.
fn is_fallback(required: &Required) -> bool {
    matches!(required, Required::AllowMissing | Required::AllowMissingOrFailed | Required::ExtractOnly(_))
}

/// Selects which of two failures to report, as Envoy's `AnyVerifierImpl` does. `Missing` tells the least,
/// then `UnknownIssuer`; of other reasons, the last one is reported.
fn more_telling(before: Reason, reason: Reason) -> Reason {
    let tells = |reason| !matches!(reason, Reason::Missing | Reason::UnknownIssuer);
    if tells(reason) || before == Reason::Missing { reason } else { before }
}
