//! Istio's `jwtRules`, translated as Istio's control plane translates them for Envoy's filter
//! (`pilot/pkg/security/authn`).
//!
//! Each rule becomes a provider. A request is allowed if one provider finds a valid token, or if each
//! provider finds a valid token or none. So a request needs no token, but a token must be valid.
//! `requires_any` combines the two cases, because a token in a header that two issuers share can never
//! satisfy both.
//!
//! If a rule has `presence: REQUIRED`, its provider must find a valid token, and each other provider a valid
//! token or none. Then the valid token of one provider is not enough.

use super::provider::Providers;
use super::{Environment, PlannedRule, Required};
use crate::config::{
    ArrayFormat, ClaimPath, ClaimToHeader, FromHeader, HttpUri, JwtRule, LocalJwks, NormalizePayload,
    OidcDiscovery, Presence, Provider, RemoteJwks, Url, istio_cluster,
};
use tollgate_policy::{
    ConfigError, Duration, FieldPath, HeaderMatcher, Method, Named, Places, RequestMatch, header_name,
};

/// Lifetime of keys that the proxy fetches, as in Istio.
const CACHE_DURATION: Duration = Duration::from_nanos(300_000_000_000);

/// Index of a provider, and whether its tokens are required.
type OfRule = (usize, Presence);

/// Adds a provider for each rule. Returns them in the order in which they are tried, which is sorted by
/// issuer, as in Istio.
pub(super) fn providers(
    rules: Vec<JwtRule>,
    clusters: &Named<String>,
    providers: &mut Providers,
    environment: Environment<'_>,
) -> Result<Vec<OfRule>, ConfigError> {
    let mut by_issuer = Places::default();
    let mut added = Vec::new();
    for (index, rule) in rules.into_iter().enumerate() {
        let place = FieldPath::renamed(format!("jwtRules[{index}]"), istio_name);
        let (issuer, presence) = (rule.issuer.clone(), rule.presence);
        let provider = provider(rule, clusters, &place)?;
        by_issuer.add(issuer.as_bytes(), index);
        added.push((providers.add(format!("jwtRules[{index}]"), provider, &place, environment)?, presence));
    }
    let mut sorted = Vec::new();
    for (_, indices) in by_issuer.iter() {
        sorted.extend(indices.iter().filter_map(|index| added.get(*index)));
    }
    Ok(sorted)
}

/// Returns the rules for `jwtRules`, which come after all others.
pub(super) fn rules(providers: &[OfRule]) -> Vec<PlannedRule> {
    let valid = || providers.iter().map(|(index, _)| Required::Provider(*index, None));
    let mut each = Vec::new();
    for (provider, (_, presence)) in valid().zip(providers) {
        each.push(match presence {
            Presence::Optional => Required::Any(vec![provider, Required::AllowMissing]),
            Presence::Required => provider,
        });
    }
    let is_required = providers.iter().any(|(_, presence)| *presence == Presence::Required);
    let required = match each.len() {
        0 => return Vec::new(),
        1 => each.remove(0),
        _ if is_required => Required::All(each),
        _ => Required::Any(valid().chain([Required::All(each)]).collect()),
    };
    let preflight = RequestMatch {
        methods: vec![Method::OPTIONS],
        headers: vec![
            HeaderMatcher::present(header_name!("origin")),
            HeaderMatcher::present(header_name!("access-control-request-method")),
        ],
        ..RequestMatch::default()
    };
    let rule = |condition, required| PlannedRule::new(condition, required, Vec::new());
    vec![rule(preflight, Required::Nothing), rule(RequestMatch::default(), required)]
}

fn provider(rule: JwtRule, clusters: &Named<String>, place: &FieldPath) -> Result<Provider, ConfigError> {
    // In a protobuf message, an empty field is absent.
    let [jwks, jwks_uri] = [rule.jwks, rule.jwks_uri].map(|text| text.filter(|text| !text.is_empty()));
    if rule.issuer.is_empty() && jwks_uri.is_none() {
        return Err(place.field("issuer").error("must not be empty without `jwksUri`"));
    }
    let (local_jwks, remote_jwks) = match (jwks, jwks_uri) {
        (Some(_), Some(_)) => {
            return Err(place.error("`jwks` and `jwksUri` cannot both be set"));
        }
        (Some(text), None) => (Some(LocalJwks { inline_string: Some(text), ..LocalJwks::default() }), None),
        (None, Some(uri)) => (None, Some(at(uri, rule.timeout, clusters, place)?)),
        (None, None) => (None, Some(discovered(&rule.issuer, rule.timeout, clusters, place)?)),
    };
    let from_headers = rule.from_headers.into_iter();
    let claims = rule.output_claim_to_headers.into_iter();
    // Istio always splits these two, in addition to the configured claims.
    let split = ["scope", "permission"].map(String::from).into_iter();
    Ok(Provider {
        issuer: rule.issuer,
        audiences: rule.audiences,
        local_jwks,
        remote_jwks,
        forward: rule.forward_original_token,
        from_headers: from_headers
            .map(|header| FromHeader { name: header.name, value_prefix: header.prefix })
            .collect(),
        from_params: rule.from_params,
        from_cookies: rule.from_cookies,
        forward_payload_header: rule.output_payload_to_header.0,
        claim_to_headers: claims
            .map(|claim| ClaimToHeader {
                header_name: claim.header,
                claim_name: Some(ClaimPath::Dotted(claim.claim)),
                claim_path: Vec::new(),
                // Istio leaves this to Envoy, which does this.
                array_format: ArrayFormat::Base64,
                separator: None,
            })
            .collect(),
        normalize_payload: NormalizePayload {
            space_delimited_claims: split.chain(rule.space_delimited_claims).collect(),
        },
        ..Provider::default()
    })
}

fn at(
    uri: String,
    timeout: Option<Duration>,
    clusters: &Named<String>,
    place: &FieldPath,
) -> Result<RemoteJwks, ConfigError> {
    let place = place.field("jwksUri");
    let cluster = match Url::parse(&uri) {
        Ok(url) => istio_cluster(clusters, &url).into_owned(),
        Err(what) => return Err(place.error(format_args!("`{}` {what}", uri.escape_debug()))),
    };
    let http_uri = Some(HttpUri { uri, cluster, timeout });
    Ok(RemoteJwks { http_uri, cache_duration: Some(CACHE_DURATION), ..RemoteJwks::default() })
}

/// Without `jwks` and `jwksUri`, Istio's control plane reads the URL of the keys from the issuer's discovery
/// document.
fn discovered(
    issuer: &str,
    timeout: Option<Duration>,
    clusters: &Named<String>,
    place: &FieldPath,
) -> Result<RemoteJwks, ConfigError> {
    let url = Url::parse(issuer).map_err(|what| {
        place.error(format_args!(
            "neither `jwks` nor `jwksUri` is set, so `issuer` must be a URL for discovery; `{}` {what}",
            issuer.escape_debug()
        ))
    })?;
    let oidc_discovery = Some(OidcDiscovery {
        cluster: istio_cluster(clusters, &url).into_owned(),
        jwks_cluster: None,
        timeout,
        clusters: Some(clusters.clone()),
    });
    Ok(RemoteJwks { oidc_discovery, cache_duration: Some(CACHE_DURATION), ..RemoteJwks::default() })
}

/// Istio's name for a field of a provider; empty for a section that Istio's rules do not have.
fn istio_name(name: &str) -> &str {
    match name {
        "from_headers" => "fromHeaders",
        "from_params" => "fromParams",
        "from_cookies" => "fromCookies",
        "value_prefix" => "prefix",
        "forward_payload_header" => "outputPayloadToHeader",
        "claim_to_headers" => "outputClaimToHeaders",
        "header_name" => "header",
        "claim_name" => "claim",
        "space_delimited_claims" => "spaceDelimitedClaims",
        "inline_string" => "jwks",
        "local_jwks" | "remote_jwks" | "http_uri" | "oidc_discovery" | "normalize_payload" => "",
        _ => name,
    }
}
