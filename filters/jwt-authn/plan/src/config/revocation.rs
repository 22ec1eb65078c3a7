//! Tokens and subjects that are revoked.

use super::{FetchHeader, OnError};
use tollgate_policy::{Config, Duration, HttpUri};

/// Tokens and subjects that are revoked, by the configuration and by a list that the filter fetches.
#[derive(Clone, Debug, Default, Config)]
#[config(default)]
pub struct Revocation {
    /// Revoked tokens.
    pub tokens: Vec<RevokedToken>,
    /// Revoked subjects.
    pub subjects: Vec<RevokedSubject>,
    /// List that the filter fetches: a JSON object with `tokens` and `subjects` as here.
    pub remote: Option<RemoteRevocation>,
}

/// A token, by its issuer and `jti`. (The text of a token does not identify it: one token can be written in
/// several ways.)
#[derive(Clone, Debug, PartialEq, Eq, Hash, Config)]
pub struct RevokedToken {
    /// `iss` of the token.
    pub iss: String,
    /// `jti` of the token.
    pub jti: String,
}

/// All tokens of a subject that were issued before a given time.
#[derive(Clone, Debug, PartialEq, Eq, Config)]
pub struct RevokedSubject {
    /// `iss` of the tokens.
    pub iss: String,
    /// `sub` of the tokens.
    pub sub: String,
    /// Time in seconds since 1970. A token with an `iat` before it, or without `iat`, is rejected.
    pub issued_before: u64,
}

/// A list that one worker fetches for all.
#[derive(Clone, Debug, Config)]
pub struct RemoteRevocation {
    /// Location of the list.
    pub http_uri: HttpUri,
    /// Time between two fetches. Default: `1m`.
    pub poll_interval: Option<Duration>,
    /// Time for which an old list is still used when a fetch fails. Default: `1h`.
    pub stale_if_error: Option<Duration>,
    /// Reject or allow requests with a token while no list is available. Default: `on_error` of the filter.
    pub on_error: Option<OnError>,
    /// Headers of the requests. Default: `user-agent` `tollgate/<version>`.
    #[config(default)]
    pub headers: Vec<FetchHeader>,
    /// Maximum size of the list. Default: 1048576 bytes.
    pub max_bytes: Option<usize>,
}
