//! Removes tokens from a request before it is forwarded.

use super::{in_header, query};
use std::borrow::Cow;
use tollgate_jwt_authn_plan::config::FromHeader;
use tollgate_jwt_authn_plan::plan::PlannedProvider;
use tollgate_policy::{HeaderEdit, HeaderName, RequestFacts, cookies};

static COOKIE: HeaderName = HeaderName::from_static("cookie");

/// Changes to a request that remove its tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stripped<'p> {
    /// Header edits, in order.
    pub edits: Vec<HeaderEdit<'p>>,
    /// New path, without the token parameters; `None` if it does not change.
    pub path: Option<Vec<u8>>,
}

/// Removes tokens from the locations of all `providers` that the requirement uses (`looked_at`, by index) and
/// that do not forward their tokens. Keeps the tokens for which `keep` returns true: those that another
/// provider verified and forwards.
///
/// Everything else stays unchanged: other values of the header, other parameters byte for byte, other
/// cookies. Envoy leaves tokens in cookies and rewrites the query; here a token is removed from all three.
pub fn strip<'p>(
    providers: &'p [PlannedProvider],
    looked_at: &dyn Fn(usize) -> bool,
    keep: &dyn Fn(&[u8]) -> bool,
    request: &RequestFacts<'_>,
) -> Stripped<'p> {
    let all = providers.iter().enumerate();
    let looked_at = all.filter(|(index, provider)| !provider.config.forward && looked_at(*index));
    let providers = looked_at.map(|(_, provider)| &provider.config);
    let mut edits = Vec::new();
    let places = providers.clone().flat_map(|provider| &provider.from_headers);
    for place in places.clone() {
        if !edits.iter().any(|edit: &HeaderEdit<'_>| *edit.name() == place.name) {
            let same_header = places.clone().filter(|other| other.name == place.name);
            strip_header(&place.name, same_header, keep, request, &mut edits);
        }
    }
    let params = providers.clone().flat_map(|provider| &provider.from_params);
    let path = if params.clone().next().is_some() { strip_query(params, keep, request) } else { None };
    let names = providers.flat_map(|provider| &provider.from_cookies);
    if names.clone().next().is_some() && !edits.iter().any(|edit| *edit.name() == COOKIE) {
        edits.extend(strip_cookies(names, keep, request));
    }
    Stripped { edits, path }
}

/// Returns the path without the token parameters of all `providers`; `None` if there is nothing to remove.
pub fn query_without_tokens(providers: &[PlannedProvider], request: &RequestFacts<'_>) -> Option<Vec<u8>> {
    let parameters = providers.iter().flat_map(|provider| &provider.config.from_params);
    strip_query(parameters, &|_| false, request)
}

fn strip_header<'p>(
    name: &'p HeaderName,
    places: impl Iterator<Item = &'p FromHeader> + Clone,
    keep: &dyn Fn(&[u8]) -> bool,
    request: &RequestFacts<'_>,
    edits: &mut Vec<HeaderEdit<'p>>,
) {
    let goes =
        |value: &[u8]| places.clone().filter_map(|place| in_header(place, value)).any(|token| !keep(token));
    // A single pass, because checking a token again costs as much as finding it.
    let before = edits.len();
    edits.push(HeaderEdit::Remove(name));
    let mut any_goes = false;
    for value in request.headers.all(name.as_ref()) {
        if goes(value) {
            any_goes = true;
        } else {
            edits.push(HeaderEdit::Add(name, Cow::Owned(value.to_vec())));
        }
    }
    if !any_goes {
        edits.truncate(before);
    }
}

fn strip_query<'p>(
    names: impl Iterator<Item = &'p String> + Clone,
    keep: &dyn Fn(&[u8]) -> bool,
    request: &RequestFacts<'_>,
) -> Option<Vec<u8>> {
    let goes = |parameter: &query::Parameter<'_>| {
        names.clone().any(|name| parameter.is(name)) && !keep(&query::decoded(parameter.value))
    };
    let query = request.query();
    if query.is_empty() || !query::parameters(query).any(|parameter| goes(&parameter)) {
        return None;
    }
    let mut path = request.path_only().to_vec();
    let stays = query::parameters(query).filter(|parameter| !goes(parameter));
    for (index, parameter) in stays.enumerate() {
        path.push(if index == 0 { b'?' } else { b'&' });
        path.extend_from_slice(parameter.raw);
    }
    Some(path)
}

/// Returns the remaining cookies as one header. A request has only one `Cookie` header (RFC 6265 section
/// 5.4); several of HTTP/2 are equal to one that joins them with `; ` (RFC 9113 section 8.2.3).
fn strip_cookies<'p>(
    names: impl Iterator<Item = &'p String> + Clone,
    keep: &dyn Fn(&[u8]) -> bool,
    request: &RequestFacts<'_>,
) -> Option<HeaderEdit<'p>> {
    let goes = |cookie: &tollgate_policy::Cookie<'_>| {
        names.clone().any(|name| cookie.name == name.as_bytes()) && !keep(cookie.value)
    };
    let cookies = || request.headers.all(b"cookie").flat_map(cookies);
    if !cookies().any(|cookie| goes(&cookie)) {
        return None;
    }
    let mut left = Vec::new();
    for cookie in cookies().filter(|cookie| !goes(cookie)) {
        let raw = cookie.raw.trim_ascii();
        if !raw.is_empty() {
            if !left.is_empty() {
                left.extend_from_slice(b"; ");
            }
            left.extend_from_slice(raw);
        }
    }
    Some(if left.is_empty() { HeaderEdit::Remove(&COOKIE) } else { HeaderEdit::Set(&COOKIE, left.into()) })
}
