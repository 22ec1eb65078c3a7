//! Revoked tokens and subjects.
//!
//! They come from the configuration and from a fetched list. A token is revoked if either contains it. The
//! list is
//!
//! ```json
//! {"tokens": [{"iss": "https://id.example", "jti": "1f0c", "exp": 1750000000}],
//!  "subjects": [{"iss": "https://id.example", "sub": "mallory", "issued_before": 1749990000}]}
//! ```
//!
//! - `iss` and `jti` identify a token and are compared exactly. Its text does not identify it, because one
//!   token can be written in several ways. A token without `jti` is accepted unless its subject is revoked.
//!   To revoke tokens by `jti`, also require the claim (`required_claims`).
//! - A subject revokes all tokens that were issued before a time, and all tokens without `iat`, which may
//!   have been issued before it.
//! - `exp` is the expiration of the token itself. An entry is dropped after `exp` plus the largest clock skew
//!   of a provider.
//! - One of `tokens` and `subjects` must be present: a response such as `{}` or `{"error": ".."}` is not a
//!   list, and especially not an empty one. If any entry is malformed, the whole list is rejected and the
//!   previous one is kept. Unknown members are ignored (`reason`, `revoked_at`). They could only revoke less,
//!   so ignoring them is safe, and a publisher can add them before its readers support them.
//!
//! A list is always replaced as a whole. [`Revocations::generation`] changes only if the new list differs, so
//! a token that was checked once needs no other check until then.
//!
//! This module does not decide about requests while no list is available. Before the first list arrives, and
//! after fetches have failed for `stale_if_error`, `on_error` decides about requests with a token.

mod index;
mod list;
#[cfg(test)]
mod tests;

pub use list::InvalidList;

use crate::config::Revocation;
use list::Revoked;
use tollgate_policy::UnixNanos;

/// Revoked tokens and subjects.
#[derive(Debug)]
pub struct Revocations {
    configured: Revoked,
    fetched: Option<Revoked>,
    generation: u32,
    skew_seconds: u64,
    seed: [u8; 16],
}

impl Revocations {
    /// Returns the revocations of the configuration. `skew_seconds` is the largest clock skew of a provider.
    /// `seed` is random and different for each VM.
    pub fn from_config(config: &Revocation, skew_seconds: u64, seed: [u8; 16]) -> Self {
        let configured = Revoked::of_config(config, seed);
        Self { configured, fetched: None, generation: 0, skew_seconds, seed }
    }

    /// Replaces the fetched list. If the new list is invalid, the previous one is kept.
    pub fn set_list(&mut self, text: &[u8], now: UnixNanos) -> Result<(), InvalidList> {
        let seconds = now.0 / 1_000_000_000;
        let list = Revoked::of_list(text, seconds.saturating_sub(self.skew_seconds), self.seed)?;
        if self.fetched.as_ref() != Some(&list) {
            self.fetched = Some(list);
            self.generation = self.generation.wrapping_add(1);
        }
        Ok(())
    }

    /// Changes whenever the revocations change.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// Number of revoked tokens and subjects.
    pub fn len(&self) -> usize {
        self.configured.len() + self.fetched.as_ref().map_or(0, Revoked::len)
    }

    /// Whether nothing is revoked.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the token with these claims is revoked. An absent claim is `None`; an absent `iss` is `""`.
    /// `iat` is in whole seconds, rounded down.
    pub fn is_revoked(&self, iss: &str, jti: Option<&str>, sub: Option<&str>, iat: Option<u64>) -> bool {
        [Some(&self.configured), self.fetched.as_ref()]
            .into_iter()
            .flatten()
            .any(|revoked| revoked.holds(iss, jti, sub, iat))
    }
}
