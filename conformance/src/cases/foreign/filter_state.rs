//! `set_envoy_filter_state`.

use super::case;
use crate::Case;
use crate::cases::properties::declared::{field, varint};
use crate::script::calls::{foreign, get_property, set_context, set_property, set_tick};
use crate::script::{Arg, Step};

/// A key, a value, and what becomes of it.
const VALUES: [(&str, &str, &str); 44] = [
    ("envoy.string", "text", "is taken"),
    ("envoy.string", "", "is taken"),
    ("envoy.hashable_string", "text", "is taken"),
    ("envoy.bool", "true", "is taken"),
    ("envoy.bool", "no", "is taken"),
    ("envoy.bool", "1", "is taken"),
    ("envoy.bool", "2", "is BadArgument"),
    ("envoy.bool", "", "is BadArgument"),
    ("envoy.uint64", "1", "is NotFound: there is no such key"),
    ("envoy.network.application_protocols", "h2,http/1.1", "is taken"),
    ("envoy.network.ip", "1.2.3.4", "is taken"),
    ("envoy.network.ip", "::1", "is taken"),
    ("envoy.network.ip", "1.2.3.4:80", "is BadArgument"),
    ("envoy.network.ip", "host", "is BadArgument"),
    ("envoy.network.network_namespace", "/run/netns/a", "is taken"),
    ("envoy.network.transport_socket.original_dst_address", "1.2.3.4:80", "is taken"),
    ("envoy.network.transport_socket.original_dst_address", "[::1]:80", "is taken"),
    ("envoy.network.transport_socket.original_dst_address", "1.2.3.4", "is BadArgument"),
    ("envoy.network.upstream_server_name", "sni.test", "is taken"),
    ("envoy.network.upstream_subject_alt_names", "a.test,b.test", "is taken"),
    ("envoy.filters.listener.original_dst.local_ip", "1.2.3.4:80", "is taken"),
    ("envoy.filters.listener.original_dst.local_ip", "x", "is BadArgument"),
    ("envoy.filters.listener.original_dst.remote_ip", "1.2.3.4:80", "is taken"),
    ("envoy.ratelimit.hits_addend", "3", "is taken"),
    ("envoy.ratelimit.hits_addend", " 3 ", "is taken"),
    ("envoy.ratelimit.hits_addend", "-1", "is BadArgument"),
    ("envoy.ratelimit.hits_addend", "1.5", "is BadArgument"),
    ("envoy.ratelimit.hits_addend", "x", "is BadArgument"),
    ("envoy.ratelimit.hits_addend", "", "is BadArgument"),
    ("envoy.ratelimit.hits_addend", "18446744073709551615", "is taken"),
    ("envoy.ratelimit.hits_addend", "18446744073709551616", "is BadArgument"),
    ("envoy.ratelimit.hits_addend", "+3", "is taken"),
    ("envoy.router.debug_config", "x", "is taken"),
    ("envoy.tcp_proxy.cluster", "other", "is taken"),
    ("envoy.tcp_proxy.disable_tunneling", "true", "is taken"),
    ("envoy.tcp_proxy.per_connection_idle_timeout_ms", "100", "is taken"),
    ("envoy.tcp_proxy.per_connection_idle_timeout_ms", "x", "is BadArgument"),
    ("envoy.upstream.dynamic_host", "h.test", "is taken"),
    ("envoy.upstream.dynamic_port", "80", "is taken"),
    ("envoy.upstream.dynamic_port", "99999", "is taken"),
    ("envoy.upstream.dynamic_port", "x", "is BadArgument"),
    ("nosuch", "x", "is NotFound: there is no such key"),
    ("wasm.mine", "x", "is NotFound: there is no such key"),
    ("", "x", "is NotFound: there is no such key"),
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
            case(&format!("filter-state/value-{:02}", at + 1), &format!("`{key}` set to `{value}` {comes}"))
                .on("request_headers", [set(key, value, 0), state(key)])
        })
        .collect();
    for (name, span) in [("filter-chain", 0), ("request", 1), ("connection", 2), ("number-9", 9)] {
        let says = format!("an object of the span {name} is there for the other filters and in the log");
        cases.push(
            case(&format!("filter-state/span-{name}"), &says)
                .on("request_headers", [set("envoy.string", name, span), state("envoy.string")])
                .on_filter(1, "request_headers", [state("envoy.string")])
                .on("log", [state("envoy.string")]),
        );
    }
    cases.extend([
        case("filter-state/again", "an object that is set again is replaced").on(
            "request_headers",
            [set("envoy.string", "1", 0), set("envoy.string", "2", 0), state("envoy.string")],
        ),
        case("filter-state/other-span", "an object that is set again with another span stays as it was").on(
            "request_headers",
            [set("envoy.string", "1", 0), set("envoy.string", "2", 2), state("envoy.string")],
        ),
        case("filter-state/no-property", "it is no property of its own name").on(
            "request_headers",
            [
                set("envoy.string", "1", 0),
                get_property("envoy.string"),
                set_property("envoy.string", "2"),
                get_property("envoy.string"),
                state("envoy.string"),
            ],
        ),
        case("filter-state/fields", "an address has fields")
            .on("request_headers", [
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
            ]),
        case("filter-state/hits-limit", "the most hits there can be")
            .on("request_headers", ["1000000000", "1000000001", "4294967295", "4294967296", "9223372036854775807", "9223372036854775808"].map(|n| set("envoy.ratelimit.hits_addend", n, 0))),
        case("filter-state/deep", "what follows the key is a field of the object")
            .on("request_headers", [set("envoy.string", "1", 0), state("envoy.string\0x")]),
        case("filter-state/phases", "it can be set in every phase")
            .on("response_headers", [set("envoy.string", "1", 0), state("envoy.string")])
            .on("log", [set("envoy.string", "2", 0), state("envoy.string")]),
        case("filter-state/garbage", "what is no message is BadArgument").on(
            "request_headers",
            [
                foreign("set_envoy_filter_state", b"\xff"),
                foreign("set_envoy_filter_state", b"\x0a\x05abc"),
                foreign("set_envoy_filter_state", field(1, b"\xff")),
            ],
        ),
        case("filter-state/nothing", "an empty message names no key")
            .on("request_headers", [foreign("set_envoy_filter_state", "")]),
        case("filter-state/unknown-field", "fields that the message has not are skipped").on(
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
            "with the root context in effect there is no stream to set it for; keys and values are looked at first",
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
        case("filter-state/tick", "a tick sets it for the stream that it puts into effect")
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
