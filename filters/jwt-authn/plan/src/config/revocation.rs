//! Tokens and subjects that are revoked.

use super::{HttpUri, OnError};
use tollgate_policy::{Duration, Read, read_object};

/// Tokens and subjects that are revoked, by the configuration and by a list that the filter fetches.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
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
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct RevokedToken {
    /// `iss` of the token.
    pub iss: String,
    /// `jti` of the token.
    pub jti: String,
}

/// All tokens of a subject that were issued before a given time.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct RevokedSubject {
    /// `iss` of the tokens.
    pub iss: String,
    /// `sub` of the tokens.
    pub sub: String,
    /// Time in seconds since 1970. A token with an `iat` before it, or without `iat`, is rejected.
    pub issued_before: u64,
}

/// A list that one worker fetches for all.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct RemoteRevocation {
    /// Location of the list.
    pub http_uri: HttpUri,
    /// Time between two fetches. Default: `1m`.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub poll_interval: Option<Duration>,
    /// Time for which an old list is still used when a fetch fails. Default: `1h`.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub stale_if_error: Option<Duration>,
    /// Reject or allow requests with a token while no list is available. Default: `on_error` of the filter.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub on_error: Option<OnError>,
    /// Maximum size of the list. Default: 1048576 bytes.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub max_bytes: Option<usize>,
}

read_object!(Revocation = Self::default(); tokens, subjects, remote);
read_object!(
    RevokedToken = Self { iss: String::new(), jti: String::new() };
    iss (required), jti (required)
);
read_object!(
    RevokedSubject = Self { iss: String::new(), sub: String::new(), issued_before: 0 };
    iss (required), sub (required), issued_before (required)
);
read_object!(
    RemoteRevocation = Self {
        http_uri: Read::blank(),
        poll_interval: None,
        stale_if_error: None,
        on_error: None,
        max_bytes: None,
    };
    http_uri (required), poll_interval, stale_if_error, on_error, max_bytes
);
