//! Tokens and subjects that are not accepted any more.

use super::{HttpUri, OnError};
use serde::Deserialize;
use tollgate_policy::Duration;

/// What is revoked, by the configuration and by a list that is fetched.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Revocation {
    /// Tokens.
    pub tokens: Vec<RevokedToken>,
    /// Subjects.
    pub subjects: Vec<RevokedSubject>,
    /// A list that is fetched: a JSON object with `tokens` and `subjects` as here.
    pub remote: Option<RemoteRevocation>,
}

/// A token, by who issued it and by its `jti`: not by its text, which can be written in more ways than one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RevokedToken {
    /// `iss`.
    pub iss: String,
    /// `jti`.
    pub jti: String,
}

/// All tokens of a subject that were issued before some time.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RevokedSubject {
    /// `iss`.
    pub iss: String,
    /// `sub`.
    pub sub: String,
    /// Seconds since 1970. A token without `iat`, or with one that is less, is refused.
    pub issued_before: u64,
}

/// A list that is fetched, by one worker for all.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RemoteRevocation {
    /// Where it is.
    pub http_uri: HttpUri,
    /// How often it is fetched. Default: `1m`.
    #[serde(default)]
    pub poll_interval: Option<Duration>,
    /// For how long a list is still used when it cannot be fetched. Default: `1h`.
    #[serde(default)]
    pub stale_if_error: Option<Duration>,
    /// What becomes of requests with a token while there is no list. Default: that of the filter.
    #[serde(default)]
    pub on_error: Option<OnError>,
    /// The largest list. Default: 1048576 bytes.
    #[serde(default)]
    pub max_bytes: Option<usize>,
}
