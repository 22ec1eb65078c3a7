//! The call itself, and the functions with little effect.

use super::case;
use crate::Case;
use crate::script::Arg;
use crate::script::calls::map::REQUEST_HEADERS;
use crate::script::calls::{call, foreign, get_property, replace, set_context};

/// Names of functions that other hosts have, or that resemble a known name.
const UNKNOWN: [(&str, &[u8]); 12] = [
    ("empty", b""),
    ("upper", b"COMPRESS"),
    ("padded", b"compress "),
    ("nul", b"compress\0"),
    ("non-utf8", b"\xff"),
    ("get-envoy-filter-state", b"get_envoy_filter_state"),
    ("set-dynamic-metadata", b"set_dynamic_metadata"),
    ("set-upstream-override-host", b"set_upstream_override_host"),
    ("resolve-dns", b"envoy_resolve_dns"),
    ("hash", b"sha256"),
    ("regex", b"regex"),
    ("callee", b"proxy_log"),
];

/// A call with any address for the result.
fn placed(name: &str, args: &str, pointer: u64, length: u64) -> crate::script::Step {
    call("proxy_call_foreign_function", [name.into(), args.into(), Arg::Number(pointer), Arg::Number(length)])
}

pub fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = UNKNOWN
        .into_iter()
        .map(|(name, function)| {
            let title = format!(
                "the unknown function `{}` returns NotFound and writes no result",
                function.escape_ascii()
            );
            case(&format!("unknown/{name}"), &title).on("request_headers", [foreign(function, "x")])
        })
        .collect();
    cases.extend([
        case("no-result-wanted", "a null pointer omits the result").on(
            "request_headers",
            [
                placed("compress", "x", 0, 0),
                placed("clear_route_cache", "", 0, 0),
                placed("nosuch", "", 0, 0),
            ],
        ),
        case("half-a-result-wanted", "a null pointer for the data returns only the length of the result").on(
            "request_headers",
            [call(
                "proxy_call_foreign_function",
                ["compress".into(), "hello".into(), Arg::Number(0), Arg::Out32(None)],
            )],
        ),
        case("clear-route-cache", "clear_route_cache accepts any argument in a stream").on(
            "request_headers",
            [foreign("clear_route_cache", ""), foreign("clear_route_cache", b"\xff\0")],
        ),
        case("clear-route-cache/root", "clear_route_cache succeeds in a root context, which has no route")
            .on("request_headers", [set_context(Arg::Root), foreign("clear_route_cache", "")]),
        case("clear-route-cache/phases", "clear_route_cache works in every callback")
            .on("response_headers", [foreign("clear_route_cache", "")])
            .on("log", [foreign("clear_route_cache", "")])
            .on("delete", [foreign("clear_route_cache", "")]),
        case("clear-route-cache/route", "clear_route_cache selects the route again by the current headers")
            .on(
                "request_headers",
                [
                    get_property("xds\0cluster_name"),
                    replace(REQUEST_HEADERS, "x-forwarded-proto", ""),
                    foreign("clear_route_cache", ""),
                    get_property("xds\0cluster_name"),
                    replace(REQUEST_HEADERS, "x-forwarded-proto", "http"),
                    foreign("clear_route_cache", ""),
                    get_property("xds\0cluster_name"),
                ],
            ),
    ]);
    cases
}
