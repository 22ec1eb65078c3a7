//! Checks of single values.

use crate::config::{Config, FailureResponse, Redirect, Rule, Url};
use tollgate_policy::{ConfigError, Duration, EditableName, FieldPath, HeaderName, is_valid_value};

const MS: u64 = 1_000_000;
const HOUR: u64 = 3_600_000 * MS;

/// Checks the top-level fields that depend on no other section.
pub(super) fn whole(config: &Config) -> Result<(), ConfigError> {
    FieldPath::new("max_token_bytes").range(config.max_token_bytes.0 as u64, 1..=1 << 20)?;
    FieldPath::new("max_waiting_requests").range(config.max_waiting_requests.0 as u64, 1..=100_000)?;
    cache(config)?;
    failure_response(&config.failure_response, &FieldPath::new("failure_response"))?;
    let clusters = FieldPath::new("jwks_clusters");
    for (host, cluster) in &config.jwks_clusters {
        clusters.named(host, "the host")?;
        // The host of a URL is compared with it as it is.
        if Url::parse(&["https://", host].concat()).map(|url| url.host) != Ok(host.as_str()) {
            let message = "expected a host as in the URLs, without scheme, port and path";
            return Err(clusters.field(host).error(message));
        }
        clusters.field(host).named(cluster, "the cluster")?;
    }
    let revocation = FieldPath::new("revocation");
    for (index, token) in config.revocation.tokens.iter().enumerate() {
        revocation.field("tokens").at(index).field("jti").named(&token.jti, "the `jti`")?;
    }
    for (index, subject) in config.revocation.subjects.iter().enumerate() {
        revocation.field("subjects").at(index).field("sub").named(&subject.sub, "the `sub`")?;
    }
    Ok(())
}

/// Checks that some request needs a token. Otherwise the filter would allow everyone, which no one configures
/// on purpose; and an empty configuration is often one that was lost on its way.
pub(super) fn requires_something(config: &Config) -> Result<(), ConfigError> {
    let requires = |rule: &Rule| rule.requires.is_some() || rule.requirement_name.is_some();
    let by_state = config.filter_state_rules.as_ref().is_some_and(|rules| rules.requires.iter().len() > 0);
    if config.rules.iter().any(requires) || !config.jwt_rules.is_empty() || by_state {
        return Ok(());
    }
    let message = "no request needs a token, expected a rule with `requires`, or `jwtRules`";
    Err(ConfigError::new("rules", &message))
}

/// Checks the size of the cache. An entry contains its token and, for headers and payload, up to twice that
/// again. Linear memory has at most 4 GiB, never shrinks, and exists once per worker.
fn cache(config: &Config) -> Result<(), ConfigError> {
    let place = FieldPath::new("jwt_cache_config");
    let cache = &config.jwt_cache_config;
    place.field("jwt_cache_size").range(cache.jwt_cache_size as u64, 0..=1_000_000)?;
    place.field("jwt_max_token_size").range(cache.jwt_max_token_size as u64, 1..=64 << 10)?;
    let bytes = cache.jwt_cache_size.saturating_mul(cache.jwt_max_token_size);
    if bytes > 1 << 30 {
        return Err(place.error(format_args!(
            "`jwt_cache_size` `{}` times `jwt_max_token_size` `{}` must be at most 1073741824 bytes",
            cache.jwt_cache_size, cache.jwt_max_token_size
        )));
    }
    Ok(())
}

fn failure_response(response: &FailureResponse, place: &FieldPath) -> Result<(), ConfigError> {
    if let Some(realm) = &response.realm {
        // The realm is written between quotes.
        if !is_valid_value(realm.as_bytes()) || !realm.is_ascii() || realm.contains(['"', '\\']) {
            let message = format_args!(
                "invalid realm `{}`, expected ASCII without control characters, quotes and backslashes",
                realm.escape_debug()
            );
            return Err(place.field("realm").error(message));
        }
    }
    response.redirect.as_ref().map_or(Ok(()), |redirect| self::redirect(redirect, &place.field("redirect")))
}

fn redirect(redirect: &Redirect, place: &FieldPath) -> Result<(), ConfigError> {
    if let Some(status) = redirect.status
        && !matches!(status, 302 | 303 | 307)
    {
        return Err(place
            .field("status")
            .error(format_args!("unsupported status `{status}`, expected one of `302`, `303`, `307`")));
    }
    let location = redirect.location.replace("{url}", "");
    let visible = location.bytes().all(|byte| byte.is_ascii_graphic());
    // A browser takes `//host` and `/\host` for another host.
    let path = location.starts_with('/') && !location.starts_with("//") && !location.starts_with("/\\");
    let absolute = || Url::parse(location.split(['?', '#']).next().unwrap_or_default()).is_ok();
    if !visible || location.contains(['{', '}']) || !(path || absolute()) {
        return Err(place.field("location").error(format_args!(
            "invalid location `{}`, expected an absolute URL or a path, with `{{url}}` for the requested URL",
            redirect.location.escape_debug()
        )));
    }
    Ok(())
}

/// Checks the time between two events: at least a millisecond, the resolution of timers, as in Envoy.
#[inline(never)]
pub(super) fn period(value: Duration, place: &FieldPath) -> Result<Duration, ConfigError> {
    if value.as_nanos() < MS {
        return Err(place.error("must be at least `1ms`"));
    }
    not_too_long(value, place)?;
    Ok(value)
}

/// Checks that a time is at most a year. A longer one is a mistake.
#[inline(never)]
pub(super) fn not_too_long(value: Duration, place: &FieldPath) -> Result<(), ConfigError> {
    if value.as_nanos() > 8760 * HOUR {
        return Err(place.error("must be at most a year, `8760h`"));
    }
    Ok(())
}

/// Checks that no text of a list is empty.
#[inline(never)]
pub(super) fn not_empty(list: &[String], place: &FieldPath) -> Result<(), ConfigError> {
    match list.iter().position(String::is_empty) {
        Some(index) => Err(place.at(index).error("must not be empty")),
        None => Ok(()),
    }
}

/// Checks scopes by RFC 6749 section 3.3, which is also the syntax of `scope` in `WWW-Authenticate`.
#[inline(never)]
pub(super) fn scopes(scopes: &[String], place: &FieldPath) -> Result<(), ConfigError> {
    let valid = |scope: &String| {
        let valid = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        !scope.is_empty() && scope.bytes().all(valid)
    };
    match scopes.iter().enumerate().find(|(_, scope)| !valid(scope)) {
        Some((index, scope)) => Err(place.at(index).error(format_args!(
            "invalid scope `{}`, expected printable ASCII without spaces, `\"` and `\\` (RFC 6749)",
            scope.escape_debug()
        ))),
        None => Ok(()),
    }
}

/// Checks that a filter may write and remove a header.
#[inline(never)]
pub(super) fn writable(name: &HeaderName, place: &FieldPath) -> Result<(), ConfigError> {
    EditableName::try_from(name.clone()).map(drop).map_err(|error| place.error(error))
}
