//! Inline headers: a map holds one entry per name, and adding appends to the value. Each kind of map has its
//! own list.

use crate::Case;
use crate::script::Step;
use crate::script::calls::{add, get_value, remove};
use tollgate_host_test::{Answer, Request, Response};

/// Inline in the headers of requests and responses.
pub const BOTH: [&str; 14] = [
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

/// Inline in request headers only.
pub const REQUESTS: [&str; 45] = [
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

/// Inline in response headers only.
pub const RESPONSES: [&str; 23] = [
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

/// Inline in no map.
pub const NOWHERE: [&str; 21] = [
    "accept-language",
    "allow",
    "cache-status",
    "content-disposition",
    "content-language",
    "content-range",
    "cookie",
    "forwarded",
    "grpc-encoding",
    "grpc-status-details-bin",
    "proxy-authenticate",
    "proxy-authorization",
    "range",
    "set-cookie",
    "trailer",
    "warning",
    "www-authenticate",
    "x-content-type-options",
    "x-envoy-original-method",
    "x-envoy-overloaded",
    "x-real-ip",
];

/// Inline headers of each map, one list per case.
const MAPS: [(&str, u32, &str, &[&[&str]]); 4] = [
    ("request-headers", 0, "request_headers", &[&BOTH, &REQUESTS]),
    ("request-trailers", 1, "request_trailers", &[]),
    ("response-headers", 2, "response_headers", &[&BOTH, &RESPONSES]),
    ("response-trailers", 3, "response_trailers", &[&["grpc-message", "grpc-status"]]),
];

/// Adds each name twice, reads it and removes it.
fn steps(map: u32, names: &[&str]) -> Vec<Step> {
    let of = |name: &&str| {
        [
            remove(map, *name),
            add(map, *name, "1"),
            add(map, *name, "2"),
            get_value(map, *name),
            remove(map, *name),
        ]
    };
    names.iter().flat_map(of).collect()
}

/// Returns the cases.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, map, callback, joined) in MAPS {
        let lists =
            [("both", &BOTH[..]), ("requests", &REQUESTS), ("responses", &RESPONSES), ("nowhere", &NOWHERE)];
        for (part, names) in lists {
            let is_joined = |name: &&&str| joined.iter().any(|list| list.contains(*name));
            let (together, apart): (Vec<&str>, Vec<&str>) = names.iter().partition(|name| is_joined(name));
            for (how, names) in [("joined", together), ("apart", apart)] {
                if names.is_empty() {
                    continue;
                }
                let map_name = name.replace('-', " ");
                let title = match how {
                    "joined" => format!("`add` joins two values in {map_name}: {}", names.join(", ")),
                    _ => format!("`add` keeps two values apart in {map_name}: {}", names.join(", ")),
                };
                let response = Response::new(200).chunk("a").trailer("t", "1");
                cases.push(
                    Case::new(format!("headers/inline/{name}/{part}-{how}"), title)
                        .on(callback, steps(map, &names))
                        .request(Request::post("/", "a").trailer("t", "1"))
                        .answer("upstream", [Answer::Reply { response, after: std::time::Duration::ZERO }]),
                );
            }
        }
    }
    cases
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The filters split the lines of the headers that Envoy joins in requests.
    #[test]
    fn policies_split_the_headers_of_this_table() {
        let is_split = |name: &str| tollgate_policy::elements(name.as_bytes(), b"a,b").count() == 2;
        for name in BOTH.iter().chain(&REQUESTS) {
            assert!(is_split(name), "{name}");
        }
        for name in RESPONSES.iter().chain(&["x-team", "accept-language"]) {
            assert!(!is_split(name), "{name}");
        }
    }
}
