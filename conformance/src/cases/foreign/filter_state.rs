//! `set_envoy_filter_state`.

use super::case;
use crate::Case;
use crate::cases::properties::declared::{field, varint};
use crate::script::calls::{foreign, get_property, set_context, set_property, set_tick};
use crate::script::{Arg, Step};

/// A key, a value, and the outcome.
const VALUES: [(&str, &str, &str); 44] = [
    ("envoy.string", "text", "succeeds"),
    ("envoy.string", "", "succeeds"),
    ("envoy.hashable_string", "text", "succeeds"),
    ("envoy.bool", "true", "succeeds"),
    ("envoy.bool", "no", "succeeds"),
    ("envoy.bool", "1", "succeeds"),
    ("envoy.bool", "2", "returns BadArgument"),
    ("envoy.bool", "", "returns BadArgument"),
    ("envoy.uint64", "1", "returns NotFound: unknown key"),
    ("envoy.network.application_protocols", "h2,http/1.1", "succeeds"),
    ("envoy.network.ip", "1.2.3.4", "succeeds"),
    ("envoy.network.ip", "::1", "succeeds"),
    ("envoy.network.ip", "1.2.3.4:80", "returns BadArgument"),
    ("envoy.network.ip", "host", "returns BadArgument"),
    ("envoy.network.network_namespace", "/run/netns/a", "succeeds"),
    ("envoy.network.transport_socket.original_dst_address", "1.2.3.4:80", "succeeds"),
    ("envoy.network.transport_socket.original_dst_address", "[::1]:80", "succeeds"),
    ("envoy.network.transport_socket.original_dst_address", "1.2.3.4", "returns BadArgument"),
    ("envoy.network.upstream_server_name", "sni.test", "succeeds"),
    ("envoy.network.upstream_subject_alt_names", "a.test,b.test", "succeeds"),
    ("envoy.filters.listener.original_dst.local_ip", "1.2.3.4:80", "succeeds"),
    ("envoy.filters.listener.original_dst.local_ip", "x", "returns BadArgument"),
    ("envoy.filters.listener.original_dst.remote_ip", "1.2.3.4:80", "succeeds"),
    ("envoy.ratelimit.hits_addend", "3", "succeeds"),
    ("envoy.ratelimit.hits_addend", " 3 ", "succeeds"),
    ("envoy.ratelimit.hits_addend", "-1", "returns BadArgument"),
    ("envoy.ratelimit.hits_addend", "1.5", "returns BadArgument"),
    ("envoy.ratelimit.hits_addend", "x", "returns BadArgument"),
    ("envoy.ratelimit.hits_addend", "", "returns BadArgument"),
    ("envoy.ratelimit.hits_addend", "18446744073709551615", "succeeds"),
    ("envoy.ratelimit.hits_addend", "18446744073709551616", "returns BadArgument"),
    ("envoy.ratelimit.hits_addend", "+3", "succeeds"),
    ("envoy.router.debug_config", "x", "succeeds"),
    ("envoy.tcp_proxy.cluster", "other", "succeeds"),
    ("envoy.tcp_proxy.disable_tunneling", "true", "succeeds"),
    ("envoy.tcp_proxy.per_connection_idle_timeout_ms", "100", "succeeds"),
    ("envoy.tcp_proxy.per_connection_idle_timeout_ms", "x", "returns BadArgument"),
    ("envoy.upstream.dynamic_host", "h.test", "succeeds"),
    ("envoy.upstream.dynamic_port", "80", "succeeds"),
    ("envoy.upstream.dynamic_port", "99999", "succeeds"),
    ("envoy.upstream.dynamic_port", "x", "returns BadArgument"),
    ("nosuch", "x", "returns NotFound: unknown key"),
    ("wasm.mine", "x", "returns NotFound: unknown key"),
    ("", "x", "returns NotFound: unknown key"),
];

fn set(key: &str, value: &str, span: u8) -> Step {
    foreign("set_envoy_filter_state", [field(1, key), field(2, value), varint(3, span)].concat())
}

fn state(key: &str) -> Step {
    get_property(format!("filter_state\0{key}"))
}

pub fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = VALUES
        .into_iter()
        .enumerate()
        .map(|(at, (key, value, comes))| {
            let key_text = if key.is_empty() { "an empty key".to_owned() } else { format!("`{key}`") };
            let value_text =
                if value.is_empty() { "an empty value".to_owned() } else { format!("`{value}`") };
            case(
                &format!("filter-state/value-{:02}", at + 1),
                &format!("setting {key_text} to {value_text} {comes}"),
            )
            .on("request_headers", [set(key, value, 0), state(key)])
        })
        .collect();
    for (name, span) in [("filter-chain", 0), ("request", 1), ("connection", 2), ("number-9", 9)] {
        let title = format!("an object with the span {name} is visible to the other filters and in on_log");
        cases.push(
            case(&format!("filter-state/span-{name}"), &title)
                .on("request_headers", [set("envoy.string", name, span), state("envoy.string")])
                .on_filter(1, "request_headers", [state("envoy.string")])
                .on("log", [state("envoy.string")]),
        );
    }
    cases.extend([
        case("filter-state/again", "setting an object again replaces it").on(
            "request_headers",
            [set("envoy.string", "1", 0), set("envoy.string", "2", 0), state("envoy.string")],
        ),
        case("filter-state/other-span", "setting an object again with another span does not change it").on(
            "request_headers",
            [set("envoy.string", "1", 0), set("envoy.string", "2", 2), state("envoy.string")],
        ),
        case("filter-state/no-property", "an object is not a property of its own name").on(
            "request_headers",
            [
                set("envoy.string", "1", 0),
                get_property("envoy.string"),
                set_property("envoy.string", "2"),
                get_property("envoy.string"),
                state("envoy.string"),
            ],
        ),
        case("filter-state/fields", "an address object has fields").on(
            "request_headers",
            [
                set("envoy.network.transport_socket.original_dst_address", "1.2.3.4:80", 0),
                state("envoy.network.transport_socket.original_dst_address"),
                state("envoy.network.transport_socket.original_dst_address\0ip"),
                state("envoy.network.transport_socket.original_dst_address\0port"),
                state("envoy.network.transport_socket.original_dst_address\0x"),
                set("envoy.filters.listener.original_dst.local_ip", "[::1]:81", 0),
                state("envoy.filters.listener.original_dst.local_ip\0ip"),
                state("envoy.filters.listener.original_dst.local_ip\0port"),
                set("envoy.network.ip", "1.2.3.4", 0),
                state("envoy.network.ip\0ip"),
            ],
        ),
        case("filter-state/hits-limit", "`envoy.ratelimit.hits_addend` has a maximum").on(
            "request_headers",
            [
                "1000000000",
                "1000000001",
                "4294967295",
                "4294967296",
                "9223372036854775807",
                "9223372036854775808",
            ]
            .map(|n| set("envoy.ratelimit.hits_addend", n, 0)),
        ),
        case("filter-state/deep", "the path after the key selects a field of the object")
            .on("request_headers", [set("envoy.string", "1", 0), state("envoy.string\0x")]),
        case("filter-state/phases", "set_envoy_filter_state works in every callback")
            .on("response_headers", [set("envoy.string", "1", 0), state("envoy.string")])
            .on("log", [set("envoy.string", "2", 0), state("envoy.string")]),
        case("filter-state/garbage", "a malformed message returns BadArgument").on(
            "request_headers",
            [
                foreign("set_envoy_filter_state", b"\xff"),
                foreign("set_envoy_filter_state", b"\x0a\x05abc"),
                foreign("set_envoy_filter_state", field(1, b"\xff")),
            ],
        ),
        case("filter-state/nothing", "an empty message has no key")
            .on("request_headers", [foreign("set_envoy_filter_state", "")]),
        case("filter-state/unknown-field", "unknown fields of the message are ignored").on(
            "request_headers",
            [
                foreign(
                    "set_envoy_filter_state",
                    [field(1, "envoy.string"), field(2, "v"), field(9, "x")].concat(),
                ),
                state("envoy.string"),
            ],
        ),
        case(
            "filter-state/root-in-effect",
            "set_envoy_filter_state needs a stream in effect, and checks the key and the value first",
        )
        .on(
            "request_headers",
            [
                set_context(Arg::Root),
                set("envoy.string", "1", 0),
                set("nosuch", "1", 0),
                set("envoy.bool", "x", 0),
                set_context(Arg::Stream),
                state("envoy.string"),
            ],
        ),
        case("filter-state/tick", "on_tick can set an object for the stream that it makes effective")
            .on("request_headers", [set_tick(20), Step::Return(1)])
            .on(
                "tick",
                [
                    set_tick(0),
                    set("envoy.string", "1", 0),
                    set_context(Arg::Stream),
                    set("envoy.string", "2", 0),
                    state("envoy.string"),
                    crate::script::calls::continue_stream(0),
                ],
            ),
    ]);
    cases
}
