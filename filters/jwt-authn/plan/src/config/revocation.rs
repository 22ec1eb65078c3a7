//! Tokens and subjects that are not accepted any more.

use super::{HttpUri, OnError};
use tollgate_policy::{Duration, Read, read_object};

/// What is revoked, by the configuration and by a list that is fetched.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
pub struct Revocation {
    /// Tokens.
    pub tokens: Vec<RevokedToken>,
    /// Subjects.
    pub subjects: Vec<RevokedSubject>,
    /// A list that is fetched: a JSON object with `tokens` and `subjects` as here.
    pub remote: Option<RemoteRevocation>,
}

/// A token, by who issued it and by its `jti`: not by its text, which can be written in more ways than one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct RevokedToken {
    /// `iss`.
    pub iss: String,
    /// `jti`.
    pub jti: String,
}

/// All tokens of a subject that were issued before some time.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct RevokedSubject {
    /// `iss`.
    pub iss: String,
    /// `sub`.
    pub sub: String,
    /// Seconds since 1970. A token without `iat`, or with one that is less, is refused.
    pub issued_before: u64,
}

/// A list that is fetched, by one worker for all.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct RemoteRevocation {
    /// Where it is.
    pub http_uri: HttpUri,
    /// How often it is fetched. Default: `1m`.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub poll_interval: Option<Duration>,
    /// For how long a list is still used when it cannot be fetched. Default: `1h`.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub stale_if_error: Option<Duration>,
    /// What becomes of requests with a token while there is no list. Default: that of the filter.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub on_error: Option<OnError>,
    /// The largest list. Default: 1048576 bytes.
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
