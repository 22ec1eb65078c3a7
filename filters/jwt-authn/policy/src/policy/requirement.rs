//! Requirements, evaluated.

use super::Memory;
use super::verified::Verified;
use crate::config::ExtractOnly;
use crate::plan::{Plan, Required};
use crate::results::Rendered;
use crate::{Environment, Reason};
use std::rc::Rc;
use tollgate_jwt_authn_extract::{self as extract, Tokens};
use tollgate_policy::{HeaderName, RequestFacts, UnixNanos};

/// One request, being decided.
pub(super) struct Evaluation<'e, 'r> {
    pub(super) plan: &'e Plan,
    pub(super) memory: &'e mut Memory,
    pub(super) environment: &'e mut dyn Environment,
    pub(super) request: &'e RequestFacts<'r>,
    /// Scopes that the rule requires.
    pub(super) scopes: &'e [String],
    pub(super) now: UnixNanos,
    pub(super) may_wait: bool,
    /// In the order of the requirement. What failed leaves nothing here.
    pub(super) accepted: Vec<Accepted>,
    /// The provider of the last token that lacked a scope.
    pub(super) lacks_scope: Option<usize>,
}

/// A token that was accepted.
pub(super) struct Accepted {
    pub(super) provider: usize,
    pub(super) outputs: Outputs,
    /// Its text, if it must be told from tokens that do not go upstream.
    pub(super) kept: Option<Box<[u8]>>,
}

/// What is passed on of a token.
pub(super) enum Outputs {
    /// It was verified.
    Verified(Rc<Verified>),
    /// It was only read; the header that says so.
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

/// A token, and the providers in whose places it is.
type Placed = (Box<[u8]>, Vec<usize>);

/// Why a requirement is not met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// It is not.
    Failed(Reason),
    /// Whether it is cannot be found out.
    Undecided(Reason),
    /// Whether it is can be found out later.
    Wait,
}

pub(super) type Outcome<T = ()> = Result<T, Stop>;

impl From<Reason> for Stop {
    fn from(reason: Reason) -> Self {
        Self::Failed(reason)
    }
}

/// What all of some parts come to: one that failed is enough, then one that must be waited for, then one that cannot be
/// decided. Of failures the first is told, as in Envoy, but a token that is missing only if no other is bad: or
/// `allow_missing` around would let a bad one pass, if only it is not asked for first.
#[derive(Default)]
struct All {
    missing: bool,
    open: Option<Stop>,
}

impl All {
    /// `Err` once nothing can change the outcome.
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
    /// Whether a requirement is met. What it accepted is kept only then.
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
            Required::AllowMissingOrFailed => self.whatever_verifies(),
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

    /// One that is met is enough. `allow_missing` and `allow_missing_or_failed` beside others say what becomes of a
    /// request that meets none of these, and not that any provider's token will do; by themselves they say that. What
    /// only extracts comes last, since it is always met.
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

    /// A provider's tokens: at least one, and all of them must verify. Were one enough, the upstream might use the other.
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

    /// Tokens of whichever providers: at least one, and all of them must verify. Envoy lets a request pass of whose
    /// tokens one verifies, if it is the one that it looks at last.
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

    /// Each token by itself. Only what can be waited for keeps the request.
    #[inline(never)]
    fn whatever_verifies(&mut self) -> Outcome {
        // Too many, or one that is too long: none of them is looked at.
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
            None => Ok(Tokens::default()),
        }
    }

    /// Each token of the request.
    fn tokens_of_all(&self) -> Result<Vec<Placed>, Reason> {
        let mut all: Vec<Placed> = Vec::new();
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

/// Whether it asks for tokens of a provider. `allow_missing` and its like do by themselves, and beside others leave it to
/// these.
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

/// Whether, beside others, it only says what becomes of a request that does not meet these.
fn is_fallback(required: &Required) -> bool {
    matches!(required, Required::AllowMissing | Required::AllowMissingOrFailed | Required::ExtractOnly(_))
}

/// Which of two failures is told, as Envoy's `AnyVerifierImpl` chooses: that there was no token says less than that
/// there was none of the issuer, and that less than anything else, of which the last is told.
fn more_telling(before: Reason, reason: Reason) -> Reason {
    let tells = |reason| !matches!(reason, Reason::Missing | Reason::UnknownIssuer);
    if tells(reason) || before == Reason::Missing { reason } else { before }
}
