//! Elements of headers whose lines Envoy joins.

/// Headers of requests whose repeated lines Envoy joins with commas, sorted: its inline headers. A test
/// compares the list with the table that conformance measures (`headers/inline`).
const JOINED: [&str; 59] = [
    "accept",
    "accept-encoding",
    "access-control-request-headers",
    "access-control-request-method",
    "access-control-request-private-network",
    "authorization",
    "cache-control",
    "cdn-loop",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "grpc-accept-encoding",
    "grpc-timeout",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "keep-alive",
    "origin",
    "pragma",
    "proxy-connection",
    "proxy-status",
    "referer",
    "te",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-client-trace-id",
    "x-envoy-attempt-count",
    "x-envoy-decorator-operation",
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
    "x-request-id",
];

/// Returns the elements of a line of a request header. Envoy joins repeated lines of some headers before a
/// filter sees them, and an HTTP/2 client sends each cookie separately. So the elements of such a line may be
/// lines of the client. A line of another header is one element.
///
/// Does not interpret quotes, because the joined lines need not contain pairs of them.
pub fn elements<'v>(name: &[u8], value: &'v [u8]) -> impl Iterator<Item = &'v [u8]> {
    split(value, separator(name))
}

/// Returns the byte between the elements of a header whose name is in lower case.
pub(crate) fn separator(name: &[u8]) -> Option<u8> {
    match name {
        b"cookie" => Some(b';'),
        _ => JOINED.binary_search_by(|joined| joined.as_bytes().cmp(name)).is_ok().then_some(b','),
    }
}

/// Splits a line at a separator.
pub(crate) fn split(value: &[u8], separator: Option<u8>) -> impl Iterator<Item = &[u8]> {
    value.split(move |byte| Some(*byte) == separator).map(<[u8]>::trim_ascii)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_only_headers_that_envoy_joins() {
        for (name, value, expected) in [
            ("accept", "a,b", vec!["a", "b"]),
            ("x-forwarded-for", "10.0.0.1, ::1 ,", vec!["10.0.0.1", "::1", ""]),
            ("user-agent", "curl", vec!["curl"]),
            ("cookie", "a=1; b=2,3", vec!["a=1", "b=2,3"]),
            ("accept-language", "de, en", vec!["de, en"]),
            ("x-team", "a,b", vec!["a,b"]),
            ("via", "", vec![""]),
        ] {
            let found = elements(name.as_bytes(), value.as_bytes()).collect::<Vec<_>>();
            assert_eq!(found, expected.iter().map(|text| text.as_bytes()).collect::<Vec<_>>(), "{name}");
        }
    }

    #[test]
    fn the_list_is_sorted() {
        assert!(JOINED.is_sorted());
    }
}
