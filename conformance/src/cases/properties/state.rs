//! Properties that filters set.

use super::declared::declare;
use crate::Case;
use crate::script::Arg;
use crate::script::calls::{get_property, set_context, set_property};

fn case(name: &str, title: &str) -> Case {
    Case::new(format!("properties/state/{name}"), title)
}

pub fn cases() -> Vec<Case> {
    let set_get = |path: &'static [u8], value: &'static [u8]| [set_property(path, value), get_property(path)];
    vec![
        case("set-and-get", "a property that is set can be read in the same and in later callbacks")
            .on("request_headers", set_get(b"mine", b"value"))
            .on("response_headers", [get_property("mine")])
            .on("log", [get_property("mine")]),
        case("of-the-stream", "a property belongs to its stream, and the next stream does not see it")
            .on("request_headers", [get_property("mine")]),
        case("prefix", "a property is also filter state, under its name with the prefix `wasm.`").on(
            "request_headers",
            [
                set_property("mine", "value"),
                get_property("filter_state\0wasm.mine"),
                get_property("wasm.mine"),
                get_property("filter_state\0mine"),
            ],
        ),
        case("set-twice", "setting a property again changes it").on(
            "request_headers",
            [set_property("mine", "1"), set_property("mine", "2"), get_property("mine")],
        ),
        case("empty-value", "an empty value is stored").on("request_headers", set_get(b"mine", b"")),
        case("binary-value", "a value may contain any bytes")
            .on("request_headers", set_get(b"mine", b"\0\xff\x80")),
        case("empty-name", "an empty name can be set but not read").on("request_headers", {
            let [set, get] = set_get(b"", b"value");
            [set, get, get_property("filter_state\0wasm.")]
        }),
        case("binary-name", "a name may contain any bytes")
            .on("request_headers", set_get(b"\xff\x80", b"value")),
        case("two-segments", "a path of two segments can be set but not read").on("request_headers", {
            let [set, get] = set_get(b"a\0b", b"value");
            [set, get, get_property("a"), get_property("filter_state\0wasm.a\0b")]
        }),
        case("trailing-nul", "a name with a trailing NUL can be set").on("request_headers", {
            let [set, get] = set_get(b"a\0", b"value");
            [set, get, get_property("a")]
        }),
        case("shadow-request", "an attribute group cannot be overridden").on("request_headers", {
            let [set, get] = set_get(b"request", b"value");
            [set, get, get_property("filter_state\0wasm.request")]
        }),
        case("shadow-path", "an attribute cannot be overridden: setting it creates a separate property")
            .on("request_headers", set_get(b"request\0path", b"/set")),
        case("shadow-plugin", "the name of the plugin cannot be overridden")
            .on("request_headers", set_get(b"plugin_name", b"x")),
        case("shadow-legacy", "a legacy name can be used for a property")
            .on("request_headers", set_get(b"route_name", b"x")),
        case("beneath", "segments after the name of a property are ignored")
            .on("request_headers", [set_property("mine", "value"), get_property("mine\0x")]),
        case("large", "a value of 100 kB is stored").on(
            "request_headers",
            [set_property("large", "v".repeat(100_000)), crate::script::calls::get_property_length("large")],
        ),
        case("root-context", "a root context can neither set nor read stream properties").on(
            "request_headers",
            [
                set_property("mine", "value"),
                set_context(Arg::Root),
                set_property("mine", "other"),
                get_property("mine"),
            ],
        ),
        case("other-filter", "the filters of a stream share their properties")
            .on("request_headers", [set_property("mine", "of the first")])
            .on_filter(1, "request_headers", [get_property("mine"), set_property("mine", "of the second")])
            .on("response_headers", [get_property("mine")]),
        case("in-every-phase", "set_property works in every callback, including on_log")
            .on("request_body", set_get(b"body", b"1"))
            .on("response_headers", set_get(b"response", b"2"))
            .on("response_body", set_get(b"later", b"3"))
            .on("log", set_get(b"log", b"4"))
            .request(tollgate_host_test::Request::post("/", "body")),
        case("declared-in-a-stream", "declare_property in a stream returns Ok and has no effect").on(
            "request_headers",
            [
                declare("in-stream", 1, 1, 0),
                set_property("in-stream", "1"),
                set_property("in-stream", "2"),
                get_property("in-stream"),
            ],
        ),
    ]
}
