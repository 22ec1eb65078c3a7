//! Header maps as Envoy keeps them: lower-case names, one entry for each well-known name, pseudo-headers
//! first.

use crate::Headers;
use std::borrow::Cow;

/// The kind of a header map. It decides which names have a single entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Request headers.
    #[default]
    Request,
    /// Response headers.
    Response,
    /// Request trailers.
    RequestTrailers,
    /// Response trailers.
    ResponseTrailers,
}

/// Names with a single entry in request and response headers: adding a value appends to the entry (Envoy,
/// `envoy/http/header_map.h`, `INLINE_REQ_RESP_...`, and the names that extensions register in
/// `custom_inline_headers`).
const SINGLE_IN_BOTH: &[&str] = &[
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "keep-alive",
    "proxy-connection",
    "proxy-status",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-envoy-attempt-count",
    "x-envoy-decorator-operation",
    "x-request-id",
];

/// Names with a single entry in request headers only.
const SINGLE_IN_REQUESTS: &[&str] = &[
    ":authority",
    ":method",
    ":path",
    ":protocol",
    ":scheme",
    "accept",
    "accept-encoding",
    "access-control-request-headers",
    "access-control-request-method",
    "access-control-request-private-network",
    "authorization",
    "cdn-loop",
    "expect",
    "grpc-accept-encoding",
    "grpc-timeout",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "origin",
    "pragma",
    "referer",
    "te",
    "user-agent",
    "x-client-trace-id",
    "x-envoy-downstream-service-cluster",
    "x-envoy-downstream-service-node",
    "x-envoy-expected-rq-timeout-ms",
    "x-envoy-external-address",
    "x-envoy-force-trace",
    "x-envoy-hedge-on-per-try-timeout",
    "x-envoy-internal",
    "x-envoy-ip-tags",
    "x-envoy-max-retries",
    "x-envoy-original-host",
    "x-envoy-original-path",
    "x-envoy-retriable-header-names",
    "x-envoy-retriable-status-codes",
    "x-envoy-retry-grpc-on",
    "x-envoy-retry-on",
    "x-envoy-upstream-alt-stat-name",
    "x-envoy-upstream-rq-per-try-timeout-ms",
    "x-envoy-upstream-rq-timeout-alt-response",
    "x-envoy-upstream-rq-timeout-ms",
    "x-forwarded-client-cert",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
];

/// Names with a single entry in response headers only.
const SINGLE_IN_RESPONSES: &[&str] = &[
    ":status",
    "access-control-allow-credentials",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
    "access-control-allow-private-network",
    "access-control-expose-headers",
    "access-control-max-age",
    "age",
    "date",
    "etag",
    "expires",
    "grpc-message",
    "grpc-status",
    "last-modified",
    "location",
    "server",
    "vary",
    "x-envoy-degraded",
    "x-envoy-immediate-health-check-fail",
    "x-envoy-ratelimited",
    "x-envoy-upstream-canary",
    "x-envoy-upstream-healthchecked-cluster",
    "x-envoy-upstream-service-time",
];

/// Names with a single entry in response trailers.
const SINGLE_IN_RESPONSE_TRAILERS: &[&str] = &["grpc-message", "grpc-status"];

/// Capacity of a new map.
const INITIAL_CAPACITY: usize = 16;

/// A map of request or response headers or trailers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderMap {
    kind: Kind,
    entries: Vec<(Vec<u8>, Vec<u8>)>,
}

impl HeaderMap {
    /// Creates an empty map.
    pub fn new(kind: Kind) -> Self {
        Self { kind, entries: Vec::with_capacity(INITIAL_CAPACITY) }
    }

    /// Creates a map and adds the fields of a message one by one.
    pub fn from_fields(kind: Kind, fields: &Headers) -> Self {
        let mut map = Self { kind, entries: Vec::with_capacity(fields.0.len()) };
        for (name, value) in &fields.0 {
            map.add(name, value);
        }
        map
    }

    /// Returns whether the name means `:authority`: `host` in a request.
    fn is_authority(&self, name: &[u8]) -> bool {
        self.kind == Kind::Request && name.eq_ignore_ascii_case(b"host")
    }

    /// Returns the name under which a field is stored.
    fn key<'a>(&self, name: &'a [u8]) -> Cow<'a, [u8]> {
        if self.is_authority(name) {
            return Cow::Borrowed(b":authority");
        }
        if name.iter().any(u8::is_ascii_uppercase) {
            return Cow::Owned(name.to_ascii_lowercase());
        }
        Cow::Borrowed(name)
    }

    fn is_single(&self, key: &[u8]) -> bool {
        let groups = match self.kind {
            Kind::Request => [SINGLE_IN_BOTH, SINGLE_IN_REQUESTS],
            Kind::Response => [SINGLE_IN_BOTH, SINGLE_IN_RESPONSES],
            Kind::RequestTrailers => return false,
            Kind::ResponseTrailers => [SINGLE_IN_RESPONSE_TRAILERS, &[]],
        };
        std::str::from_utf8(key).is_ok_and(|key| groups.iter().any(|group| group.binary_search(&key).is_ok()))
    }

    /// Returns all entries.
    pub fn pairs(&self) -> &[(Vec<u8>, Vec<u8>)] {
        &self.entries
    }

    /// Returns the number of entries, including repeated names and pseudo-headers.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns whether the map has no entries.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns the total size of names and values in bytes.
    pub fn byte_size(&self) -> u32 {
        self.entries.iter().map(|(k, v)| k.len() + v.len()).sum::<usize>() as u32
    }

    /// Returns the first value of a name.
    pub fn first(&self, name: &[u8]) -> Option<&[u8]> {
        let name = if self.is_authority(name) { b":authority" } else { name };
        // Stored names are in lower case; most names differ in length.
        self.entries.iter().find(|(k, _)| k.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_slice())
    }

    /// Returns the first value of a name as text.
    pub fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.first(name.as_bytes()).map(String::from_utf8_lossy)
    }

    /// Returns all values of a name joined by commas, as the property `request.headers` has them.
    pub fn joined(&self, name: &[u8]) -> Option<Vec<u8>> {
        let key = self.key(name);
        let values: Vec<&[u8]> =
            self.entries.iter().filter(|(k, _)| **k == *key).map(|(_, v)| v.as_slice()).collect();
        (!values.is_empty()).then(|| values.join(&b","[..]))
    }

    /// Adds an entry, or appends to the existing entry if the name can have only one.
    pub fn add(&mut self, name: &[u8], value: &[u8]) {
        let key = self.key(name);
        // Most names are new, so look for an existing entry first.
        if let Some(at) = self.entries.iter().position(|(k, _)| **k == *key)
            && self.is_single(&key)
        {
            let old = &mut self.entries[at].1;
            if !old.is_empty() && !value.is_empty() {
                old.push(b',');
            }
            old.extend_from_slice(value);
            return;
        }
        self.insert(key, value);
    }

    fn insert(&mut self, key: Cow<'_, [u8]>, value: &[u8]) {
        let at = if key.starts_with(b":") {
            self.entries.iter().take_while(|(k, _)| k.starts_with(b":")).count()
        } else {
            self.entries.len()
        };
        self.entries.insert(at, (key.into_owned(), value.to_vec()));
    }

    /// Removes all values of a name, and inserts this value after all other entries: Envoy,
    /// `HeaderMapImpl::setCopy`.
    pub fn replace(&mut self, name: &[u8], value: &[u8]) {
        self.remove(name);
        self.insert(self.key(name), value);
    }

    /// Appends an entry without merging it with an existing entry of the same name.
    pub fn push(&mut self, name: &[u8], value: &[u8]) {
        self.entries.push((name.to_vec(), value.to_vec()));
    }

    /// Sets the only value of a name, at the position of the first existing entry, as the proxy itself does.
    pub fn set(&mut self, name: &[u8], value: &[u8]) {
        let key = self.key(name);
        match self.entries.iter().position(|(k, _)| **k == *key) {
            Some(first) => {
                self.entries[first].1 = value.to_vec();
                let mut at = 0;
                self.entries.retain(|(k, _)| {
                    at += 1;
                    at - 1 <= first || **k != *key
                });
            }
            None => self.insert(key, value),
        }
    }

    /// Removes all values of a name.
    pub fn remove(&mut self, name: &[u8]) {
        let key = self.key(name);
        self.entries.retain(|(k, _)| **k != *key);
    }

    /// Removes all values of these names, which must be in lower case.
    pub fn remove_all(&mut self, names: &[&str]) {
        self.entries.retain(|(k, _)| !names.iter().any(|name| name.as_bytes() == k.as_slice()));
    }

    /// Removes the line ends from all values, as the codec does.
    pub fn unfold(&mut self) {
        self.entries.iter_mut().for_each(|(_, value)| value.retain(|byte| !matches!(byte, b'\r' | b'\n')));
    }

    /// Removes all entries.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    /// Returns the entries that are not pseudo-headers.
    pub fn fields(&self) -> impl Iterator<Item = &(Vec<u8>, Vec<u8>)> {
        self.entries.iter().filter(|(k, _)| !k.starts_with(b":"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(map: &HeaderMap) -> String {
        let pair = |(k, v): &(Vec<u8>, Vec<u8>)| format!("{}={}", k.escape_ascii(), v.escape_ascii());
        map.pairs().iter().map(pair).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn only_well_known_names_have_a_single_entry() {
        let mut map = HeaderMap::default();
        for name in ["X-A", "x-a", "Content-Type", "content-type"] {
            map.add(name.as_bytes(), b"v");
        }
        assert_eq!(shown(&map), "x-a=v x-a=v content-type=v,v");
    }

    #[test]
    fn well_known_names_are_found_by_their_order() {
        for group in [SINGLE_IN_BOTH, SINGLE_IN_REQUESTS, SINGLE_IN_RESPONSES, SINGLE_IN_RESPONSE_TRAILERS] {
            assert!(group.is_sorted(), "{group:?}");
        }
    }

    #[test]
    fn setting_keeps_the_place_of_the_first_and_drops_the_rest() {
        let mut map = HeaderMap::default();
        for (name, value) in [("a", "1"), ("b", "2"), ("a", "3")] {
            map.add(name.as_bytes(), value.as_bytes());
        }
        map.set(b"A", b"9");
        assert_eq!(shown(&map), "a=9 b=2");
        map.replace(b"A", b"8");
        assert_eq!(shown(&map), "b=2 a=8", "a filter that replaces moves it");
    }

    #[test]
    fn each_kind_has_its_own_well_known_names() {
        let twice = |kind, name: &str| {
            let mut map = HeaderMap::new(kind);
            map.add(name.as_bytes(), b"1");
            map.add(name.as_bytes(), b"2");
            map.len()
        };
        let kinds = [Kind::Request, Kind::Response, Kind::RequestTrailers, Kind::ResponseTrailers];
        assert_eq!(kinds.map(|kind| twice(kind, "via")), [1, 1, 2, 2]);
        assert_eq!(kinds.map(|kind| twice(kind, "etag")), [2, 1, 2, 2]);
        assert_eq!(kinds.map(|kind| twice(kind, "grpc-status")), [2, 1, 2, 1]);
        let mut response = HeaderMap::new(Kind::Response);
        response.add(b"Host", b"h");
        assert_eq!(shown(&response), "host=h");
    }

    #[test]
    fn host_is_the_authority_and_pseudo_headers_come_first() {
        let mut map = HeaderMap::default();
        map.add(b"x", b"1");
        map.add(b"Host", b"h");
        assert_eq!(shown(&map), ":authority=h x=1");
        assert_eq!(map.first(b"host"), Some(b"h".as_slice()));
        assert_eq!(map.fields().count(), 1);
    }
}
