//! The configuration, as it is written. Field names are those of Envoy's `JwtAuthentication`, `JwtProvider` and
//! `JwtRequirement` (`envoy/extensions/filters/http/jwt_authn/v3/config.proto`) where the meaning is the same.

mod istio;
mod keys;
mod output;
mod provider;
mod refusal;
mod requirement;
mod revocation;
mod url;

pub use istio::{HeaderOrNothing, IstioClaimToHeader, IstioHeader, JwtRule};
pub(crate) use keys::istio_cluster;
pub use keys::{AsyncFetch, BackOff, HttpUri, LocalJwks, OidcDiscovery, RemoteJwks, RetryPolicy};
pub use output::{ArrayFormat, ClaimToHeader, FilterState};
pub use provider::{
    CertificateBinding, ClaimMatcher, ClaimPath, ClockSkew, FromHeader, NormalizePayload, Provider,
};
pub use refusal::{BodyFormat, FailureResponse, Redirect};
pub use requirement::{
    AudiencesOfProvider, Empty, ExtractOnly, FilterStateRules, Requirement, Requirements, Rule,
};
pub use revocation::{RemoteRevocation, Revocation, RevokedSubject, RevokedToken};
pub use url::Url;

use serde::de::{Deserialize, Deserializer, Error};
use tollgate_policy::{Named, Value, read, read_names, read_object};

/// The whole configuration.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
pub struct Config {
    /// Who issues tokens, by a name of the operator's.
    pub providers: Named<Provider>,
    /// What is required of which requests: the first rule that matches decides. What no rule matches needs no token.
    pub rules: Vec<Rule>,
    /// Requirements that rules refer to by name.
    pub requirement_map: Named<Requirement>,
    /// A requirement chosen by a filter state of an earlier filter, for what no rule matches.
    pub filter_state_rules: Option<FilterStateRules>,
    /// Whether a CORS preflight request (`OPTIONS` with `Origin` and `Access-Control-Request-Method`) passes without a
    /// token. Default: `false`.
    pub bypass_cors_preflight: bool,
    /// Whether a refusal says nothing: no body, no `WWW-Authenticate`. Default: `false`.
    pub strip_failure_response: bool,
    /// How a refusal looks.
    pub failure_response: FailureResponse,
    /// The `jwtRules` of an Istio `RequestAuthentication`, as they are, for requests that no rule matches. Each becomes a
    /// provider; a request may come without a token, and one that brings a token must bring a valid one. A CORS preflight
    /// request passes, as in Istio.
    #[cfg_attr(feature = "schema", schemars(rename = "jwtRules"))]
    pub jwt_rules: Vec<JwtRule>,
    /// The cluster of each host that keys of `jwtRules` come from. Default: Istio's name for it,
    /// `outbound|<port>||<host>`.
    pub jwks_clusters: Named<String>,
    /// Tokens that were verified are remembered, so that a token that comes again costs no signature check.
    pub jwt_cache_config: CacheConfig,
    /// Tokens and subjects that are not accepted any more.
    pub revocation: Revocation,
    /// What is left for later filters and access logs.
    pub filter_state: FilterState,
    /// What becomes of a request that cannot be decided: keys cannot be had, the host fails. Default: `deny`.
    pub on_error: OnError,
    /// The status of a request that is denied because it cannot be decided. Default: 503.
    pub status_on_error: StatusOnError,
    /// Whether a refusal is only counted and logged, and the request goes on without what a token would have given it.
    /// Default: `false`.
    pub shadow: bool,
    /// Put before the names of the statistics: `jwt_authn.<stat_prefix>.allowed`. Default: none.
    pub stat_prefix: String,
    /// Longer tokens are refused before they are read. Default: 16384 bytes.
    pub max_token_bytes: MaxTokenBytes,
    /// How many requests of a worker may wait for keys at once; more are answered as if the keys could not be had.
    /// Default: 1024.
    pub max_waiting_requests: MaxWaiting,
}

read_object!(
    Config = Self::default();
    providers,
    rules,
    requirement_map,
    filter_state_rules,
    bypass_cors_preflight,
    strip_failure_response,
    failure_response,
    jwt_rules as "jwtRules",
    jwks_clusters,
    jwt_cache_config,
    revocation,
    filter_state,
    on_error,
    status_on_error,
    shadow,
    stat_prefix,
    max_token_bytes,
    max_waiting_requests,
);
read_names!(OnError { "deny" => Deny, "allow" => Allow });
read_object!(CacheConfig = Self::default(); jwt_cache_size, jwt_max_token_size);

/// Through a tree: see [`tollgate_policy::Read`]. An error begins with its place.
impl<'de> Deserialize<'de> for Config {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(&Value::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

macro_rules! number_with_default {
    ($($(#[$doc:meta])* $name:ident($type:ty) = $default:expr;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(transparent))]
        pub struct $name(pub $type);

        impl Default for $name {
            fn default() -> Self {
                Self($default)
            }
        }

        impl tollgate_policy::Read for $name {
            fn blank() -> Self {
                Self::default()
            }

            fn fill(&mut self, value: &tollgate_policy::Value) -> Result<(), tollgate_policy::ReadError> {
                self.0.fill(value)
            }
        }
    )* };
}
pub(crate) use number_with_default;

number_with_default! {
    /// Bytes of a token.
    MaxTokenBytes(usize) = 16_384;
    /// Requests that wait.
    MaxWaiting(usize) = 1024;
    /// An HTTP status.
    StatusOnError(u16) = 503;
}

/// What becomes of what cannot be decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "snake_case"))]
pub enum OnError {
    /// It is refused with `status_on_error`.
    #[default]
    Deny,
    /// It goes on as if it had brought no token: without claims, and without the headers that they would be in.
    Allow,
}

/// The cache of verified tokens, one for each worker.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
pub struct CacheConfig {
    /// How many tokens. 0 for no cache. Default: 1000.
    pub jwt_cache_size: usize,
    /// Longer tokens are not remembered. Default: 4096 bytes.
    pub jwt_max_token_size: usize,
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self { jwt_cache_size: 1000, jwt_max_token_size: 4096 }
    }
}
