//! Tokens and subjects that are not accepted any more.
//!
//! They come from the configuration and from a list that is fetched; a token is revoked if either says so. The list is
//!
//! ```json
//! {"tokens": [{"iss": "https://id.example", "jti": "1f0c", "exp": 1750000000}],
//!  "subjects": [{"iss": "https://id.example", "sub": "mallory", "issued_before": 1749990000}]}
//! ```
//!
//! - A token is named by `iss` and `jti`, compared exactly: not by its text, which can be written in more ways than one.
//!   A token without `jti` cannot be named, and passes unless its subject is revoked: whoever revokes tokens by `jti`
//!   requires the claim (`required_claims`).
//! - Of a subject all tokens are revoked that were issued before a time; a token without `iat` may be one of them, and
//!   counts as one.
//! - `exp` is when the token itself expires. An entry past it, and past the clock skew of all providers, is left out.
//! - One of `tokens` and `subjects` must be there: an answer such as `{}` or `{"error": ".."}` is no list, least of all
//!   an empty one. What is there must be as above, or the whole list is refused and the one before is kept. Members that
//!   are not known are read past (`reason`, `revoked_at`): they could only narrow what is revoked, so to ignore them
//!   errs on the safe side, and a publisher may add them before its readers know them.
//!
//! A list is replaced as a whole. [`Revocations::generation`] changes only when what is revoked does: what was found out
//! about a token holds as long as it stays the same.
//!
//! What becomes of requests while there is no list is not decided here: until the first one is here, and once it could
//! not be fetched for `stale_if_error`, `on_error` decides about requests with a token.

mod index;
mod list;
#[cfg(test)]
mod tests;

pub use list::InvalidList;

use crate::config::Revocation;
use list::Revoked;
use tollgate_policy::UnixNanos;

/// What is revoked.
#[derive(Debug)]
pub struct Revocations {
    configured: Revoked,
    fetched: Option<Revoked>,
    generation: u32,
    skew_seconds: u64,
    seed: [u8; 16],
}

impl Revocations {
    /// What the configuration revokes. `skew_seconds` is the largest clock skew of a provider; `seed` is random, and
    /// different for each VM.
    pub fn from_config(config: &Revocation, skew_seconds: u64, seed: [u8; 16]) -> Self {
        let configured = Revoked::of_config(config, seed);
        Self { configured, fetched: None, generation: 0, skew_seconds, seed }
    }

    /// Takes a list in place of the one before, which is kept if this one is not valid.
    pub fn set_list(&mut self, text: &[u8], now: UnixNanos) -> Result<(), InvalidList> {
        let seconds = now.0 / 1_000_000_000;
        let list = Revoked::of_list(text, seconds.saturating_sub(self.skew_seconds), self.seed)?;
        if self.fetched.as_ref() != Some(&list) {
            self.fetched = Some(list);
            self.generation = self.generation.wrapping_add(1);
        }
        Ok(())
    }

    /// Changes whenever what is revoked does.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// How many tokens and subjects are revoked.
    pub fn len(&self) -> usize {
        self.configured.len() + self.fetched.as_ref().map_or(0, Revoked::len)
    }

    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the token of these claims is revoked. Claims that it has not got are `None`, but for `iss`: `""`. `iat`
    /// is in whole seconds, rounded down.
    pub fn is_revoked(&self, iss: &str, jti: Option<&str>, sub: Option<&str>, iat: Option<u64>) -> bool {
        [Some(&self.configured), self.fetched.as_ref()]
            .into_iter()
            .flatten()
            .any(|revoked| revoked.holds(iss, jti, sub, iat))
    }
}
