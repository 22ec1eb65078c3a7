//! The configuration as it is written. Field names are those of Envoy's `JwtAuthentication`, `JwtProvider`
//! and `JwtRequirement` (`envoy/extensions/filters/http/jwt_authn/v3/config.proto`) where the meaning is the
//! same.

mod istio;
mod keys;
mod output;
mod provider;
mod refusal;
mod requirement;
mod revocation;

pub use istio::{HeaderOrNothing, IstioClaimToHeader, IstioHeader, JwtRule, Presence};
pub(crate) use keys::istio_cluster;
pub use keys::{AsyncFetch, BackOff, FetchHeader, LocalJwks, OidcDiscovery, RemoteJwks, RetryPolicy};
pub use output::{ArrayFormat, ClaimPathSegment, ClaimToHeader, FilterState};
pub use provider::{
    CertificateBinding, ClaimMatcher, ClaimPath, ClockSkew, FromHeader, NormalizePayload, Provider,
};
pub use refusal::{BodyFormat, FailureResponse, ProtectedResource, Redirect};
pub use requirement::{
    AudiencesOfProvider, Empty, ExtractOnly, FilterStateRules, Requirement, Requirements, Rule,
};
pub use revocation::{RemoteRevocation, Revocation, RevokedSubject, RevokedToken};

use tollgate_policy::Named;
pub use tollgate_policy::{Enforcement, HttpUri, OnError, PathNormalization, Url};

/// Configuration of JWT authentication.
#[derive(Clone, Debug, Default, tollgate_policy::Config)]
#[config(default)]
pub struct Config {
    /// Issuers of tokens, by a name that you choose.
    pub providers: Named<Provider>,
    /// Requirements of requests. The first rule that matches decides. A request that no rule matches needs no
    /// token.
    pub rules: Vec<Rule>,
    /// Readings of a path that servers can read in several ways, for `rules`. By default, all of them.
    pub path_normalization: PathNormalization,
    /// Requirements that rules refer to by name.
    pub requirement_map: Named<Requirement>,
    /// Requirements by the value of a filter state that an earlier filter sets, for requests that no rule
    /// matches.
    pub filter_state_rules: Option<FilterStateRules>,
    /// Allow CORS preflight requests (`OPTIONS` with `Origin` and `Access-Control-Request-Method`) without a
    /// token. Default: `false`.
    pub bypass_cors_preflight: bool,
    /// Omit the body and `WWW-Authenticate` when the filter rejects a request. Default: `false`.
    pub strip_failure_response: bool,
    /// Format of rejections.
    pub failure_response: FailureResponse,
    /// Protected resources, whose metadata (RFC 9728) the filter serves.
    pub protected_resources: Vec<ProtectedResource>,
    /// The `jwtRules` of an Istio `RequestAuthentication`, for requests that no rule matches. Each becomes a
    /// provider. A request without a token is allowed unless a rule has `presence: REQUIRED`; if it has a
    /// token, the token must be valid. CORS preflight requests are always allowed, as in Istio.
    #[config(rename = "jwtRules")]
    pub jwt_rules: Vec<JwtRule>,
    /// Cluster for each host that keys of `jwtRules` come from. Default: Istio's cluster name,
    /// `outbound|<port>||<host>`.
    pub jwks_clusters: Named<String>,
    /// Cache of verified tokens. A cached token needs no signature check.
    pub jwt_cache_config: CacheConfig,
    /// Tokens and subjects that are revoked.
    pub revocation: Revocation,
    /// Filter state that is set for later filters and access logs.
    pub filter_state: FilterState,
    /// Shadow mode, failures and statistics. The filter cannot decide a request while keys or the revocation
    /// list are unavailable.
    #[config(flatten)]
    pub enforcement: Enforcement,
    /// Maximum length of a token. The filter rejects longer tokens before it parses them. Default: 16384
    /// bytes.
    pub max_token_bytes: MaxTokenBytes,
    /// Maximum number of requests of a worker that wait for keys at the same time. Further requests are
    /// handled as if the keys were unavailable. Default: 1024.
    pub max_waiting_requests: MaxWaiting,
}

macro_rules! number_with_default {
    ($($(#[$doc:meta])* $name:ident($type:ty) = $default:expr;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, tollgate_policy::Config)]
        #[config(default)]
        pub struct $name(pub $type);

        impl Default for $name {
            fn default() -> Self {
                Self($default)
            }
        }
    )* };
}
pub(crate) use number_with_default;

number_with_default! {
    /// Length of a token in bytes.
    MaxTokenBytes(usize) = 16_384;
    /// Number of waiting requests.
    MaxWaiting(usize) = 1024;
}

/// Cache of verified tokens, one per worker.
#[derive(Clone, Debug, tollgate_policy::Config)]
#[config(default)]
pub struct CacheConfig {
    /// Maximum number of tokens; 0 for no cache. Default: 1000.
    pub jwt_cache_size: usize,
    /// Length of the longest token that is cached. Default: 4096 bytes.
    pub jwt_max_token_size: usize,
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self { jwt_cache_size: 1000, jwt_max_token_size: 4096 }
    }
}
