//! Facts about a request. Each is read from the proxy at most once, regardless of the number of limits.

use crate::Environment;
use crate::model::{IfAbsent, Source, Value, masked, property};
use std::borrow::Cow;
use std::net::IpAddr;
use tollgate_counting::client_address;
use tollgate_policy::{PathNormalization, RequestFacts, uri};

/// Facts about a request.
#[derive(Debug)]
pub struct Facts<'r> {
    request: RequestFacts<'r>,
    path_normalization: PathNormalization,
    address: Option<Option<IpAddr>>,
    claims: Option<serde_json::Value>,
    failed: bool,
    invalid_path: bool,
}

/// The methods of RFC 9110 section 9.3 and RFC 5789.
const METHODS: [&[u8]; 9] =
    [b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"CONNECT", b"OPTIONS", b"TRACE", b"PATCH"];

impl<'r> Facts<'r> {
    /// Returns facts of which nothing has been read yet.
    pub fn new(request: &RequestFacts<'r>, path_normalization: PathNormalization) -> Self {
        let (request, address, claims) = (*request, None, None);
        Self { request, path_normalization, address, claims, failed: false, invalid_path: false }
    }

    /// Returns whether a value since the last call is absent because the path cannot be read with certainty.
    #[inline]
    pub fn take_invalid_path(&mut self) -> bool {
        core::mem::take(&mut self.invalid_path)
    }

    /// Returns the path to count by; `None` if the request has no path.
    #[inline(never)]
    fn path(&mut self) -> Option<Cow<'r, [u8]>> {
        let path = self.path_normalization.resolved_of(&self.request);
        self.invalid_path |= path.is_err();
        path.ok()
    }

    /// Returns the request.
    pub fn request(&self) -> &RequestFacts<'r> {
        &self.request
    }

    /// Returns the address of the client. IPv4-mapped IPv6 addresses, which dual-stack listeners see, become
    /// IPv4, as in Envoy.
    pub fn client_address(&mut self, env: &mut dyn Environment) -> Option<IpAddr> {
        if let Some(asked) = self.address {
            return asked;
        }
        let address = client_address(env.host());
        self.failed |= address.is_err();
        *self.address.insert(address.ok().flatten().map(|address| address.to_canonical()))
    }

    /// Returns whether a read from the proxy has failed since the last call. Then a value that seems absent
    /// may exist.
    #[inline]
    pub fn take_failed(&mut self) -> bool {
        core::mem::take(&mut self.failed)
    }

    #[inline(never)]
    fn property(&mut self, path: &str, env: &mut dyn Environment) -> Option<Vec<u8>> {
        let value = env.host().property(path);
        self.failed |= value.is_err();
        value.ok().flatten()
    }

    /// Returns the value of an action, or its default value.
    pub(super) fn value(
        &mut self,
        source: &'r Source,
        if_absent: &'r IfAbsent,
        env: &mut dyn Environment,
    ) -> Option<Value<'r>> {
        self.found(source, env).or_else(|| match (if_absent, source) {
            (IfAbsent::NoKey | IfAbsent::Skip, _) => None,
            (IfAbsent::Value(text), Source::RemoteAddress | Source::MaskedRemoteAddress { .. }) => {
                Some(Value::NoAddress(text))
            }
            (IfAbsent::Value(text), _) => Some(Value::bytes(text.as_bytes())),
        })
    }

    fn found(&mut self, source: &'r Source, env: &mut dyn Environment) -> Option<Value<'r>> {
        let request = self.request;
        let constant = |value: &'r String, applies: bool| applies.then(|| Value::bytes(value.as_bytes()));
        match source {
            Source::Constant(value) => constant(value, true),
            Source::RemoteAddress => self.client_address(env).map(Value::Address),
            Source::MaskedRemoteAddress { v4_prefix_len, v6_prefix_len } => {
                self.client_address(env).map(|address| masked(address, *v4_prefix_len, *v6_prefix_len))
            }
            Source::RemoteAddressMatch { networks, invert, value } => {
                let address = self.client_address(env)?;
                constant(value, networks.iter().any(|network| network.contains(address)) != *invert)
            }
            Source::RequestHeader { name } => header(&request, name).map(Value::bytes),
            Source::HeaderValueMatch { headers, expect_match, value } => {
                constant(value, headers.iter().all(|one| one.matches(request.headers)) == *expect_match)
            }
            Source::QueryParameter { name } => {
                uri::query_values(request.query(), name.as_bytes()).next().map(Value::bytes)
            }
            Source::QueryParameterValueMatch { parameters, expect_match, value } => {
                let query = request.query();
                constant(value, parameters.iter().all(|one| one.matches(query)) == *expect_match)
            }
            Source::Cookie { name } => {
                let mut cookies = request.cookies().filter(|cookie| cookie.name == name.as_bytes());
                cookies.next().map(|cookie| Value::bytes(cookie.value))
            }
            Source::Path => not_empty(self.path()?),
            Source::PathSegment { template, index } => {
                let path = self.path()?;
                if !template.matches(&path) {
                    return None;
                }
                // The first part is the empty one before the leading slash.
                let at = index.saturating_add(1);
                not_empty(match path {
                    Cow::Borrowed(path) => Cow::Borrowed(segment(path, at)?),
                    Cow::Owned(path) => Cow::Owned(segment(&path, at)?.to_vec()),
                })
            }
            Source::Host => not_empty(host(request.host())),
            Source::Method => not_empty(if METHODS.contains(&request.method) || request.method.is_empty() {
                Cow::Borrowed(request.method)
            } else {
                Cow::Borrowed(b"other")
            }),
            Source::Claim { whole, path } => self.claim(whole.as_deref(), path, env),
            Source::Property { path } => not_empty(Cow::Owned(self.property(path, env)?)),
            Source::SourceCluster => {
                Some(Value::bytes(self.property(property::SOURCE_CLUSTER, env).unwrap_or_default()))
            }
        }
    }

    fn claim(
        &mut self,
        whole: Option<&str>,
        path: &[String],
        env: &mut dyn Environment,
    ) -> Option<Value<'r>> {
        use serde_json::Value as Json;
        if self.claims.is_none() {
            let payload = self.property(property::PAYLOAD, env).unwrap_or_default();
            self.claims = Some(serde_json::from_slice(&payload).unwrap_or_default());
        }
        let claims = self.claims.as_ref()?;
        let nested = || path.iter().try_fold(claims, |outer, name| outer.get(name));
        match whole.and_then(|name| claims.get(name)).or_else(nested)? {
            Json::Null => None,
            Json::String(text) => Some(Value::bytes(text.clone().into_bytes())),
            other => Some(Value::bytes(other.to_string().into_bytes())),
        }
    }
}

fn not_empty(value: Cow<'_, [u8]>) -> Option<Value<'_>> {
    (!value.is_empty()).then_some(Value::Bytes(value))
}

/// Returns only the first line, as in Envoy (`RequestHeadersAction::populateDescriptor`, `header_value[0]`).
fn header<'r>(request: &RequestFacts<'r>, name: &str) -> Option<&'r [u8]> {
    let pseudo = |value: &'r [u8]| (!value.is_empty()).then_some(value);
    match name {
        ":path" => pseudo(request.path),
        ":method" => pseudo(request.method),
        ":authority" => pseudo(request.authority),
        _ => request.headers.first(name),
    }
}

/// Normalises a host: a trailing dot does not change a name (RFC 1034 section 3.1), and names are
/// case-insensitive.
fn host(host: &[u8]) -> Cow<'_, [u8]> {
    let host = host.strip_suffix(b".").unwrap_or(host);
    if host.iter().any(u8::is_ascii_uppercase) {
        Cow::Owned(host.to_ascii_lowercase())
    } else {
        Cow::Borrowed(host)
    }
}

fn segment(path: &[u8], index: usize) -> Option<&[u8]> {
    path.split(|byte| *byte == b'/').nth(index)
}
