//! Header maps as Envoy keeps them: names in lower case, the well-known ones once, the pseudo-headers first.

use crate::Headers;

/// Of which a map holds one entry: adding to it appends to the value (Envoy, `envoy/http/header_map.h`,
/// INLINE_..._HEADERS).
const INLINE: &[&str] = &[
    ":authority",
    ":method",
    ":path",
    ":protocol",
    ":scheme",
    ":status",
    "connection",
    "content-length",
    "content-type",
    "date",
    "expect",
    "grpc-message",
    "grpc-status",
    "grpc-timeout",
    "keep-alive",
    "location",
    "proxy-connection",
    "server",
    "te",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-client-trace-id",
    "x-envoy-attempt-count",
    "x-envoy-decorator-operation",
    "x-envoy-degraded",
    "x-envoy-downstream-service-cluster",
    "x-envoy-downstream-service-node",
    "x-envoy-expected-rq-timeout-ms",
    "x-envoy-external-address",
    "x-envoy-force-trace",
    "x-envoy-hedge-on-per-try-timeout",
    "x-envoy-immediate-health-check-fail",
    "x-envoy-internal",
    "x-envoy-ip-tags",
    "x-envoy-max-retries",
    "x-envoy-ratelimited",
    "x-envoy-retriable-header-names",
    "x-envoy-retriable-status-codes",
    "x-envoy-retry-grpc-on",
    "x-envoy-retry-on",
    "x-envoy-upstream-alt-stat-name",
    "x-envoy-upstream-canary",
    "x-envoy-upstream-rq-per-try-timeout-ms",
    "x-envoy-upstream-rq-timeout-alt-response",
    "x-envoy-upstream-rq-timeout-ms",
    "x-envoy-upstream-service-time",
    "x-forwarded-client-cert",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-request-id",
];

/// A map of request or response headers or trailers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderMap(Vec<(Vec<u8>, Vec<u8>)>);

/// The name under which a map keeps a field.
fn key(name: &[u8]) -> Vec<u8> {
    let name = name.to_ascii_lowercase();
    if name == b"host" { b":authority".to_vec() } else { name }
}

impl HeaderMap {
    /// The fields of a message, added one by one.
    pub fn of(fields: &Headers) -> Self {
        let mut map = Self::default();
        for (name, value) in &fields.0 {
            map.add(name, value);
        }
        map
    }

    /// All entries.
    pub fn pairs(&self) -> &[(Vec<u8>, Vec<u8>)] {
        &self.0
    }

    /// Entries, also repeated ones and pseudo-headers.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Bytes of names and values.
    pub fn byte_size(&self) -> u32 {
        self.0.iter().map(|(k, v)| k.len() + v.len()).sum::<usize>() as u32
    }

    /// The first value of a name.
    pub fn first(&self, name: &[u8]) -> Option<&[u8]> {
        let key = key(name);
        self.0.iter().find(|(k, _)| *k == key).map(|(_, v)| v.as_slice())
    }

    /// The first value, as text.
    pub fn text(&self, name: &str) -> Option<String> {
        self.first(name.as_bytes()).map(|v| String::from_utf8_lossy(v).into_owned())
    }

    /// All values of a name, joined by commas as the property `request.headers` has them.
    pub fn joined(&self, name: &[u8]) -> Option<Vec<u8>> {
        let key = key(name);
        let values: Vec<&[u8]> =
            self.0.iter().filter(|(k, _)| *k == key).map(|(_, v)| v.as_slice()).collect();
        (!values.is_empty()).then(|| values.join(&b","[..]))
    }

    /// Adds an entry, or adds to the one there can be.
    pub fn add(&mut self, name: &[u8], value: &[u8]) {
        let key = key(name);
        let inline = std::str::from_utf8(&key).is_ok_and(|key| INLINE.contains(&key));
        if inline && let Some((_, old)) = self.0.iter_mut().find(|(k, _)| *k == key) {
            if !old.is_empty() {
                old.push(b',');
            }
            old.extend_from_slice(value);
            return;
        }
        self.insert(key, value);
    }

    fn insert(&mut self, key: Vec<u8>, value: &[u8]) {
        let at = if key.starts_with(b":") {
            self.0.iter().take_while(|(k, _)| k.starts_with(b":")).count()
        } else {
            self.0.len()
        };
        self.0.insert(at, (key, value.to_vec()));
    }

    /// What filters do: the old ones go, and the new one comes last (Envoy, `header_map_impl.cc`, setCopy).
    pub fn replace(&mut self, name: &[u8], value: &[u8]) {
        self.remove(name);
        self.insert(key(name), value);
    }

    /// What Envoy does with fields that it knows: the one value of a name, in the place of the first one there was.
    pub fn set(&mut self, name: &[u8], value: &[u8]) {
        let key = key(name);
        match self.0.iter().position(|(k, _)| *k == key) {
            Some(first) => {
                self.0[first].1 = value.to_vec();
                let mut at = 0;
                self.0.retain(|(k, _)| {
                    at += 1;
                    at - 1 <= first || *k != key
                });
            }
            None => self.insert(key, value),
        }
    }

    /// Removes every value of a name.
    pub fn remove(&mut self, name: &[u8]) {
        let key = key(name);
        self.0.retain(|(k, _)| *k != key);
    }

    /// Removes all entries.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The fields that are no pseudo-headers.
    pub fn fields(&self) -> Headers {
        Headers(self.0.iter().filter(|(k, _)| !k.starts_with(b":")).cloned().collect())
    }

    /// The first entry whose value no codec may write: Envoy, `HeaderUtility::checkRequiredRequestHeaders`.
    pub fn invalid_value(&self) -> Option<String> {
        let bad = |v: &[u8]| v.iter().any(|b| matches!(b, b'\r' | b'\n' | 0));
        self.0.iter().find(|(_, v)| bad(v)).map(|(k, _)| String::from_utf8_lossy(k).into_owned())
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
    fn well_known_names_have_one_entry_and_others_as_many_as_were_added() {
        let mut map = HeaderMap::default();
        for name in ["X-A", "x-a", "Content-Type", "content-type"] {
            map.add(name.as_bytes(), b"v");
        }
        assert_eq!(shown(&map), "x-a=v x-a=v content-type=v,v");
    }

    #[test]
    fn setting_keeps_the_place_of_the_first_and_drops_the_rest() {
        let mut map = HeaderMap::default();
        for (name, value) in [("a", "1"), ("b", "2"), ("a", "3")] {
            map.add(name.as_bytes(), value.as_bytes());
        }
        map.set(b"A", b"9");
        assert_eq!(shown(&map), "a=9 b=2");
    }

    #[test]
    fn host_is_the_authority_and_pseudo_headers_come_first() {
        let mut map = HeaderMap::default();
        map.add(b"x", b"1");
        map.add(b"Host", b"h");
        assert_eq!(shown(&map), ":authority=h x=1");
        assert_eq!(map.first(b"host"), Some(b"h".as_slice()));
        assert_eq!(map.fields().0.len(), 1);
    }
}
