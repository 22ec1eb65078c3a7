//! Checks of each provider, and of all providers together.

use super::source::{Origin, Source, Sources};
use super::{Environment, PlannedProvider, check};
use crate::config::{ClaimMatcher, ClaimPath, ClaimToHeader, FromHeader, Provider};
use tollgate_jose::{Algorithm, Algorithms, Family, KeySet};
use tollgate_policy::{ConfigError, FieldPath, HeaderName, Places, header_name, is_valid_value};

/// Providers that were added so far.
#[derive(Default)]
pub(super) struct Providers {
    pub(super) list: Vec<PlannedProvider>,
    pub(super) sources: Sources,
    pub(super) by_issuer: Places,
    places: Vec<FieldPath>,
    origins: Vec<Origin>,
    outputs: Vec<(HeaderName, FieldPath)>,
}

/// Uses of headers. Both lists are sorted.
pub(super) struct HeadersInUse {
    /// Headers that tokens are read from.
    tokens: Vec<HeaderName>,
    /// Headers that the filter writes.
    pub(super) written: Vec<HeaderName>,
}

/// Inserts a name into a sorted list. Returns whether it is new.
#[inline(never)]
fn insert(names: &mut Vec<HeaderName>, name: &HeaderName) -> bool {
    let place = names.binary_search(name);
    if let Err(place) = place {
        names.insert(place, name.clone());
    }
    place.is_err()
}

impl HeadersInUse {
    /// Adds a header that the filter writes. Tokens cannot be read from the same header, because the filter
    /// removes what the client sent in it.
    pub(super) fn write(&mut self, name: &HeaderName, place: &FieldPath) -> Result<(), ConfigError> {
        check::writable(name, place)?;
        if self.tokens.binary_search(name).is_ok() {
            return Err(
                place.error(format_args!("`{name}` is a token location and cannot also be an output header"))
            );
        }
        insert(&mut self.written, name);
        Ok(())
    }
}

impl Providers {
    /// Checks a provider and appends it.
    pub(super) fn add(
        &mut self,
        name: String,
        mut config: Provider,
        place: &FieldPath,
        environment: Environment<'_>,
    ) -> Result<usize, ConfigError> {
        values(&config, place)?;
        locations(&mut config, place)?;
        self.outputs.extend(outputs(&mut config, place)?);
        let allowed = algorithms(&config.allowed_algorithms, &place.field("allowed_algorithms"))?;
        let (source, origin) = self.sources.of(&mut config, place, environment)?;
        let allowed = match self.sources.get(source) {
            Some(Source::Local(keys)) => of_local(&allowed, keys, place)?,
            _ => of_remote(&allowed),
        };
        let index = self.list.len();
        self.by_issuer.add(config.issuer.as_bytes(), index);
        self.list.push(PlannedProvider { name, config, source, allowed });
        self.places.push(place.clone());
        self.origins.push(origin);
        Ok(index)
    }

    /// Returns the headers of all providers.
    pub(super) fn headers(&self) -> Result<HeadersInUse, ConfigError> {
        let mut headers = HeadersInUse { tokens: Vec::new(), written: Vec::new() };
        for provider in &self.list {
            for header in &provider.config.from_headers {
                insert(&mut headers.tokens, &header.name);
            }
            if !provider.config.from_cookies.is_empty() {
                insert(&mut headers.tokens, &header_name!("cookie"));
            }
        }
        for (name, place) in &self.outputs {
            headers.write(name, place)?;
        }
        Ok(headers)
    }

    /// Checks that providers with the same issuer have the same keys (RFC 8725 section 3.8). Where the `iss`
    /// of a token selects the provider, the owner of one provider's keys would otherwise be trusted as the
    /// other.
    pub(super) fn check_issuers(&self) -> Result<(), ConfigError> {
        for (issuer, indices) in self.by_issuer.iter() {
            let Some((first, others)) = indices.split_first() else { continue };
            let first_origin = self.origins.get(*first);
            let other = others.iter().find(|index| self.origins.get(**index) != first_origin);
            let names = (self.list.get(*first), other.and_then(|index| self.places.get(*index)));
            if let (false, (Some(first), Some(place))) = (issuer.is_empty(), names) {
                return Err(place.field("issuer").error(format_args!(
                    "`{}` is also the issuer of provider `{}`, which has other keys",
                    String::from_utf8_lossy(issuer).escape_debug(),
                    first.name
                )));
            }
        }
        Ok(())
    }
}

fn algorithms(names: &[String], place: &FieldPath) -> Result<Vec<Algorithm>, ConfigError> {
    let mut algorithms: Vec<Algorithm> = Vec::new();
    for (index, name) in names.iter().enumerate() {
        algorithms.push(name.parse().map_err(|error| place.at(index).error(error))?);
    }
    Ok(algorithms)
}

fn of_local(allowed: &[Algorithm], keys: &KeySet, place: &FieldPath) -> Result<Algorithms, ConfigError> {
    if !allowed.is_empty() && !allowed.iter().any(|a| keys.candidates(None, *a).next().is_some()) {
        let message = "no key of `local_jwks` supports any of these algorithms";
        return Err(place.field("allowed_algorithms").error(message));
    }
    Ok(allowed.iter().copied().collect())
}

/// HMAC must be configured explicitly: anyone who can fetch a shared secret can sign with it, and most key
/// sets are public.
fn of_remote(allowed: &[Algorithm]) -> Algorithms {
    match allowed {
        [] => Algorithm::ALL.iter().copied().filter(|a| a.family() != Family::Hmac).collect(),
        _ => allowed.iter().copied().collect(),
    }
}

fn values(provider: &Provider, place: &FieldPath) -> Result<(), ConfigError> {
    check::not_empty(&provider.audiences, &place.field("audiences"))?;
    place.field("clock_skew_seconds").range(provider.clock_skew_seconds.0.into(), 0..=86_400)?;
    if let Some(lifetime) = provider.max_lifetime
        && lifetime.as_nanos() < 1_000_000_000
    {
        return Err(place.field("max_lifetime").error("must be at least `1s`"));
    }
    check::not_empty(&provider.allowed_types, &place.field("allowed_types"))?;
    check::scopes(&provider.required_scopes, &place.field("required_scopes"))?;
    for (index, matcher) in provider.required_claims.iter().enumerate() {
        claim_matcher(matcher, &place.field("required_claims").at(index))?;
    }
    let split = &provider.normalize_payload.space_delimited_claims;
    let place = place.field("normalize_payload").field("space_delimited_claims");
    if split.len() > 64 {
        return Err(place.error(format_args!("`{}` claims, expected at most 64", split.len())));
    }
    check::not_empty(split, &place)
}

fn claim_matcher(matcher: &ClaimMatcher, place: &FieldPath) -> Result<(), ConfigError> {
    claim_path(&matcher.claim, &place.field("claim"))?;
    let ClaimMatcher { string_match, number, boolean, present, .. } = matcher;
    let given = [string_match.is_some(), number.is_some(), boolean.is_some(), present.is_some()];
    // JSON numbers of a configuration are floats beyond 64 bits, and tokens are compared exactly.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if let Some(number) = number.as_ref().filter(|number| number.is_f64())
        && number.as_f64().is_none_or(|float| float.abs() >= EXACT)
    {
        // The text of the number: the library's formatting code for floats would add 15 KB.
        let number = number.to_string();
        let message = format_args!("`{number}` cannot be compared exactly, expected an integer of 64 bits");
        return Err(place.field("number").error(message));
    }
    match given.iter().filter(|given| **given).count() {
        1 => Ok(()),
        count => Err(place.error(format_args!(
            "`{count}` tests, expected exactly one of `string_match`, `number`, `boolean`, `present`"
        ))),
    }
}

#[inline(never)]
fn claim_path(path: &ClaimPath, place: &FieldPath) -> Result<(), ConfigError> {
    // The parser of tokens accepts no deeper nesting.
    const MAX_DEPTH: u64 = 32;
    let depth = match path {
        ClaimPath::Dotted(path) => path.split('.').count(),
        ClaimPath::Names(names) => names.len(),
    };
    let empty = match path {
        ClaimPath::Dotted(path) => path.is_empty(),
        ClaimPath::Names(names) => names.is_empty() || names.iter().any(String::is_empty),
    };
    if empty {
        return Err(place.error("the name of a claim must not be empty"));
    }
    place.range(depth as u64, 1..=MAX_DEPTH)
}

/// Checks the token locations, and fills in Envoy's defaults if none is configured.
fn locations(provider: &mut Provider, place: &FieldPath) -> Result<(), ConfigError> {
    let Provider { from_headers, from_params, from_cookies, .. } = provider;
    if from_headers.is_empty() && from_params.is_empty() && from_cookies.is_empty() {
        let bearer = FromHeader { name: header_name!("authorization"), value_prefix: "Bearer ".into() };
        from_headers.push(bearer);
        from_params.push("access_token".into());
        return Ok(());
    }
    for (index, header) in from_headers.iter().enumerate() {
        let place = place.field("from_headers").at(index);
        check::writable(&header.name, &place.field("name"))?;
        if !is_valid_value(header.value_prefix.as_bytes()) {
            let message = format_args!(
                "invalid prefix `{}`, expected a text without control characters",
                header.value_prefix.escape_debug()
            );
            return Err(place.field("value_prefix").error(message));
        }
    }
    let invalid = |name: &str| name.is_empty() || name.chars().any(char::is_control);
    if let Some((index, name)) = from_params.iter().enumerate().find(|(_, name)| invalid(name)) {
        let message = format_args!(
            "invalid parameter name `{}`, expected a text without control characters",
            name.escape_debug()
        );
        return Err(place.field("from_params").at(index).error(message));
    }
    // More than the tokens of RFC 6265 section 4.1.1: browsers send other names too.
    let valid = |byte: u8| byte.is_ascii_graphic() && !b"=;,\"".contains(&byte);
    let invalid = |name: &str| name.is_empty() || !name.bytes().all(valid);
    if let Some((index, name)) = from_cookies.iter().enumerate().find(|(_, name)| invalid(name)) {
        let message = format_args!(
            "invalid cookie name `{}`, expected printable ASCII without spaces and `=;,\"`",
            name.escape_debug()
        );
        return Err(place.field("from_cookies").at(index).error(message));
    }
    Ok(())
}

/// Returns the headers that a provider writes, and the paths of the fields that name them.
fn outputs(provider: &mut Provider, place: &FieldPath) -> Result<Vec<(HeaderName, FieldPath)>, ConfigError> {
    let mut outputs = Vec::new();
    let mut names = Vec::new();
    for (index, claim) in provider.claim_to_headers.iter_mut().enumerate() {
        let place = place.field("claim_to_headers").at(index);
        claim_to_header(claim, &place)?;
        let place = place.field("header_name");
        if !insert(&mut names, &claim.header_name) {
            let message =
                format_args!("`{}` is already the output header of another claim", claim.header_name);
            return Err(place.error(message));
        }
        outputs.push((claim.header_name.clone(), place));
    }
    if let Some(name) = &provider.forward_payload_header {
        let place = place.field("forward_payload_header");
        if !insert(&mut names, name) {
            return Err(place.error(format_args!("`{name}` is already the output header of a claim")));
        }
        outputs.push((name.clone(), place));
    }
    Ok(outputs)
}

/// Checks a claim that is copied to a header. Its path becomes `claim_name`.
fn claim_to_header(claim: &mut ClaimToHeader, place: &FieldPath) -> Result<(), ConfigError> {
    let segments = core::mem::take(&mut claim.claim_path);
    let field = match (&claim.claim_name, segments.is_empty()) {
        (Some(_), true) => "claim_name",
        (None, false) => {
            let names = segments.into_iter().map(|segment| segment.key);
            claim.claim_name = Some(ClaimPath::Names(names.collect()));
            "claim_path"
        }
        _ => return Err(place.error("exactly one of `claim_name` and `claim_path` must be set")),
    };
    claim.claim_name.as_ref().map_or(Ok(()), |path| claim_path(path, &place.field(field)))?;
    if let Some(separator) = &claim.separator
        && (separator.is_empty() || !is_valid_value(separator.as_bytes()))
    {
        let message = format_args!(
            "invalid separator `{}`, expected a text without control characters",
            separator.escape_debug()
        );
        return Err(place.field("separator").error(message));
    }
    Ok(())
}
