//! Verification of one token for one provider.

use super::requirement::{Evaluation, Outcome, Stop};
use super::verified::Verified;
use crate::claims::{Binding, Registered, Scopes, Validity, audience_allowed, matches, type_allowed};
use crate::plan::PlannedProvider;
use crate::results::{self, Rendered};
use crate::{Keys, Reason, RevocationList};
use std::cell::Cell;
use std::rc::Rc;
use tollgate_jose::{Algorithm, Header, Json, Jws, KeySet, TokenError};
use tollgate_policy::UnixNanos;

/// Generation of keys in the configuration, which never change.
const LOCAL: u32 = 0;

/// A parsed token.
struct Read<'t> {
    jws: Jws<'t>,
    claims: Json,
    registered: Registered,
}

impl<'t> Read<'t> {
    fn new(token: &'t [u8]) -> Result<Self, Reason> {
        let jws = Jws::parse(token).map_err(Reason::from)?;
        let claims = jws.claims().map_err(Reason::from)?;
        let registered = Registered::read(&claims)?;
        Ok(Self { jws, claims, registered })
    }

    fn issuer(&self) -> &str {
        self.registered.issuer.as_deref().unwrap_or_default()
    }
}

impl Evaluation<'_, '_> {
    /// Verifies a token for a provider. `audiences` replace the provider's own.
    pub(super) fn verify(
        &mut self,
        provider: usize,
        token: &[u8],
        audiences: Option<&[String]>,
    ) -> Outcome<Rc<Verified>> {
        let verified = match self.known(provider, token) {
            Some(verified) => {
                verified.check(audiences, self.now)?;
                verified
            }
            None => self.verify_new(provider, token, audiences)?,
        };
        self.check_again(provider, &verified)?;
        Ok(verified)
    }

    #[cold]
    fn verify_new(
        &mut self,
        provider: usize,
        token: &[u8],
        audiences: Option<&[String]>,
    ) -> Outcome<Rc<Verified>> {
        let read = self.read(token)?;
        self.verify_read(provider, token, &read, audiences)
    }

    /// Verifies and accepts a token for the provider in `providers` that its `iss` selects.
    pub(super) fn verify_by_issuer(&mut self, token: &[u8], providers: &[usize]) -> Outcome {
        for provider in providers {
            // A provider without an `issuer` may have cached a token whose issuer belongs to another
            // provider.
            if let Some(verified) = self.known(*provider, token)
                && self.provider_of(&verified.issuer, providers) == Some(*provider)
            {
                verified.check(None, self.now)?;
                self.check_again(*provider, &verified)?;
                self.accept(*provider, token, verified);
                return Ok(());
            }
        }
        let read = self.read(token)?;
        let provider = self.provider_of(read.issuer(), providers).ok_or(Reason::UnknownIssuer)?;
        let verified = self.verify_read(provider, token, &read, None)?;
        self.check_again(provider, &verified)?;
        self.accept(provider, token, verified);
        Ok(())
    }

    /// Reads a token without verifying it. Returns the provider that its `iss` selects, and the values to
    /// pass on.
    pub(super) fn read_unverified(&self, token: &[u8], providers: &[usize]) -> Option<(usize, Rendered)> {
        let jws = Jws::parse(token).ok()?;
        let claims = jws.claims().ok()?;
        let issuer = claims.get("iss").and_then(Json::as_str).unwrap_or_default();
        let index = self.provider_of(issuer, providers)?;
        let provider = self.plan.providers.get(index)?;
        Some((index, results::render(&provider.config, &claims, &jws.payload)))
    }

    /// Returns the provider of an issuer: the first with this `issuer`, or else the first without one, as in
    /// Envoy's `findByIssuer`. Considers only providers that read the token's location.
    fn provider_of(&self, issuer: &str, providers: &[usize]) -> Option<usize> {
        let with = |wanted: &str| {
            let is = |index: &&usize| {
                self.plan.providers.get(**index).is_some_and(|provider| provider.config.issuer == wanted)
            };
            providers.iter().find(is).copied()
        };
        with(issuer).or_else(|| with(""))
    }

    fn read<'t>(&mut self, token: &'t [u8]) -> Result<Read<'t>, Reason> {
        self.memory.lookups.misses += 1;
        Read::new(token)
    }

    /// Looks up a token that was verified before with the current keys.
    fn known(&mut self, provider: usize, token: &[u8]) -> Option<Rc<Verified>> {
        let index = u32::try_from(provider).ok()?;
        let found = self.memory.verified.get(index, token, self.now).cloned();
        let source = self.plan.providers.get(provider)?.source;
        let found = found.filter(|verified| self.key_generation(source) == Some(verified.key_generation));
        self.memory.lookups.hits += u32::from(found.is_some());
        found
    }

    /// Returns the generation of the current keys, if they are available.
    fn key_generation(&self, source: usize) -> Option<u32> {
        if let Some(Some(_)) = self.memory.local.get(source) {
            return Some(LOCAL);
        }
        match self.environment.keys(source) {
            Keys::Ready(_, generation) => Some(generation),
            Keys::Pending | Keys::Unavailable => None,
        }
    }

    fn keys(&self, source: usize) -> Keys {
        match self.memory.local.get(source) {
            Some(Some(keys)) => Keys::Ready(Rc::clone(keys), LOCAL),
            _ => self.environment.keys(source),
        }
    }

    /// Verifies a token that is not in the cache. The order of the checks is that of Envoy's
    /// `AuthenticatorImpl::startVerify`.
    fn verify_read(
        &mut self,
        index: usize,
        token: &[u8],
        read: &Read<'_>,
        audiences: Option<&[String]>,
    ) -> Outcome<Rc<Verified>> {
        let Some(provider) = self.plan.providers.get(index) else {
            return Err(Reason::UnknownRequirement.into());
        };
        let validity = check_without_key(provider, read, audiences, self.now)?;
        let header = &read.jws.header;
        let (keys, key_generation) = self.keys_for(provider.source, header)?;
        let Jws { signing_input, signature, .. } = &read.jws;
        let mut candidates = keys.candidates(header.key_id.as_deref(), header.algorithm);
        if !candidates.any(|key| self.environment.verify(key, header.algorithm, signing_input, signature)) {
            return Err(Reason::SignatureInvalid.into());
        }
        let verified = self.signed(provider, read, validity, key_generation);
        if verified.as_ref().is_err_and(|reason| *reason == Reason::InsufficientScope) {
            self.lacks_scope = Some(index);
        }
        let verified = Rc::new(verified?);
        let seconds = verified.validity.expired_from();
        let expires = seconds.and_then(|seconds| seconds.checked_mul(1_000_000_000)).map(UnixNanos);
        if let Ok(index) = u32::try_from(index) {
            let value = Rc::clone(&verified);
            let bytes = verified.bytes();
            self.memory.verified.insert(index, token, value, bytes, expires, self.now);
        }
        Ok(verified)
    }

    /// Returns the keys for a token that has passed all checks without a key. Only this makes a request wait
    /// or fetches keys.
    fn keys_for(&mut self, source: usize, header: &Header) -> Outcome<(Rc<KeySet>, u32)> {
        let (keys, generation) = match self.keys(source) {
            Keys::Ready(keys, generation) => (keys, generation),
            Keys::Pending if self.may_wait => return Err(Stop::Wait),
            Keys::Pending | Keys::Unavailable => return Err(Stop::Undecided(Reason::KeysUnavailable)),
        };
        let key_id = header.key_id.as_deref();
        if keys.candidates(key_id, header.algorithm).next().is_some() {
            return Ok((keys, generation));
        }
        let has =
            |id| Algorithm::ALL.iter().any(|a| keys.candidates(Some(id), *a).any(|key| key.id() == Some(id)));
        let is_local = matches!(self.memory.local.get(source), Some(Some(_)));
        let unknown = !is_local && key_id.is_some_and(|id| !has(id));
        if unknown && self.environment.refetch_for_unknown_kid(source) && self.may_wait {
            return Err(Stop::Wait);
        }
        Err(Reason::UnknownKey.into())
    }

    /// Checks the claims of a token with a valid signature. Returns the cache entry for it.
    fn signed(
        &self,
        provider: &PlannedProvider,
        read: &Read<'_>,
        validity: Validity,
        key_generation: u32,
    ) -> Result<Verified, Reason> {
        let Read { jws, claims, registered } = read;
        let PlannedProvider { config, .. } = provider;
        let binding = Binding::read(claims, config.certificate_binding)?;
        if !config.required_claims.iter().all(|one| matches(one, claims, &config.normalize_payload)) {
            return Err(Reason::ClaimNotAllowed);
        }
        let scopes = Scopes::read(claims);
        if !scopes.hold(&config.required_scopes) {
            return Err(Reason::InsufficientScope);
        }
        let needed = self.memory.needed;
        Ok(Verified {
            validity,
            audience_allowed: audience_allowed(&config.audiences, &registered.audiences),
            audiences: if needed.audiences { registered.audiences.clone() } else { Box::default() },
            scopes: if needed.scopes { scopes } else { Scopes::default() },
            issuer: read.issuer().into(),
            subject: registered.subject.clone(),
            token_id: registered.token_id.clone(),
            issued_at: registered.issued_at,
            binding,
            key_generation,
            not_revoked: Cell::new(None),
            rendered: results::render(config, claims, &jws.payload),
        })
    }

    /// Repeats the checks of a verified token whose result may change from one request to the next.
    fn check_again(&mut self, provider: usize, verified: &Verified) -> Outcome {
        let revocations = &self.memory.revocations;
        let generation = revocations.generation();
        if verified.not_revoked.get() != Some(generation) {
            let Verified { issuer, token_id, subject, issued_at, .. } = verified;
            if revocations.is_revoked(issuer, token_id.as_deref(), subject.as_deref(), *issued_at) {
                return Err(Reason::Revoked.into());
            }
            verified.not_revoked.set(Some(generation));
        }
        let certificate = || self.environment.client_certificate_sha256();
        verified.binding.check(certificate)?;
        if !verified.scopes.hold(self.scopes) {
            self.lacks_scope = Some(provider);
            return Err(Reason::InsufficientScope.into());
        }
        if self.plan.revocation.is_none() {
            return Ok(());
        }
        match self.environment.revocation_list() {
            RevocationList::Ready => Ok(()),
            RevocationList::Pending if self.may_wait => Err(Stop::Wait),
            RevocationList::Pending | RevocationList::Unavailable => {
                Err(Stop::Undecided(Reason::RevocationUnavailable))
            }
        }
    }
}

/// Runs the checks that need no key.
fn check_without_key(
    provider: &PlannedProvider,
    read: &Read<'_>,
    audiences: Option<&[String]>,
    now: UnixNanos,
) -> Result<Validity, Reason> {
    let PlannedProvider { config, allowed, .. } = provider;
    let Read { jws, registered, .. } = read;
    if !config.issuer.is_empty() && config.issuer != read.issuer() {
        return Err(Reason::UnknownIssuer);
    }
    let validity = Validity::new(registered, config);
    validity.check(now)?;
    if !audience_allowed(audiences.unwrap_or(&config.audiences), &registered.audiences) {
        return Err(Reason::AudienceNotAllowed);
    }
    let subject = registered.subject.as_deref();
    let is =
        |matcher: &tollgate_policy::StringMatcher| subject.is_some_and(|sub| matcher.matches(sub.as_bytes()));
    if !config.subjects.as_ref().is_none_or(is) {
        return Err(Reason::SubjectNotAllowed);
    }
    validity.check_lifetime(now)?;
    if !type_allowed(&config.allowed_types, jws.header.typ.as_deref()) {
        return Err(Reason::TypeNotAllowed);
    }
    if !allowed.is_empty() && !allowed.contains(jws.header.algorithm) {
        return Err(Reason::AlgorithmNotAllowed);
    }
    Ok(validity)
}

impl From<TokenError> for Reason {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::NotThreeParts => Self::BadFormat,
            TokenError::HeaderNotBase64 => Self::HeaderNotBase64,
            TokenError::HeaderNotJson => Self::HeaderNotJson,
            TokenError::HeaderWithoutAlgorithm => Self::NoAlgorithm,
            TokenError::UnknownAlgorithm => Self::UnknownAlgorithm,
            TokenError::BadKeyId => Self::BadKeyId,
            TokenError::BadType => Self::TypeNotAllowed,
            TokenError::CriticalExtension => Self::CriticalExtension,
            TokenError::PayloadNotBase64 => Self::PayloadNotBase64,
            TokenError::PayloadNotJson => Self::PayloadNotJson,
            TokenError::SignatureNotBase64 => Self::SignatureNotBase64,
            // The enum is non-exhaustive. A token that cannot be parsed is rejected.
            _ => Self::BadFormat,
        }
    }
}
