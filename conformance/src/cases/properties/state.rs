//! Properties that filters set.

use super::declared::declare;
use crate::Case;
use crate::script::Arg;
use crate::script::calls::{get_property, set_context, set_property};

fn case(name: &str, says: &str) -> Case {
    Case::new(format!("properties/state/{name}"), says)
}

pub fn cases() -> Vec<Case> {
    let set_get = |path: &'static [u8], value: &'static [u8]| [set_property(path, value), get_property(path)];
    vec![
        case("set-and-get", "what is set is read back, in later phases too")
            .on("request_headers", set_get(b"mine", b"value"))
            .on("response_headers", [get_property("mine")])
            .on("log", [get_property("mine")]),
        case("of-the-stream", "it is the stream's: the next one has not got it")
            .on("request_headers", [get_property("mine")]),
        case("prefix", "it is filter state by the name with `wasm.` before it").on(
            "request_headers",
            [
                set_property("mine", "value"),
                get_property("filter_state\0wasm.mine"),
                get_property("wasm.mine"),
                get_property("filter_state\0mine"),
            ],
        ),
        case("set-twice", "what is set again is changed").on(
            "request_headers",
            [set_property("mine", "1"), set_property("mine", "2"), get_property("mine")],
        ),
        case("empty-value", "an empty value is there, and empty")
            .on("request_headers", set_get(b"mine", b"")),
        case("binary-value", "a value may be any bytes")
            .on("request_headers", set_get(b"mine", b"\0\xff\x80")),
        case("empty-name", "an empty name can be set, and not be read").on("request_headers", {
            let [set, get] = set_get(b"", b"value");
            [set, get, get_property("filter_state\0wasm.")]
        }),
        case("binary-name", "a name may be any bytes").on("request_headers", set_get(b"\xff\x80", b"value")),
        case("two-segments", "a path of two segments can be set, and not be read").on("request_headers", {
            let [set, get] = set_get(b"a\0b", b"value");
            [set, get, get_property("a"), get_property("filter_state\0wasm.a\0b")]
        }),
        case("trailing-nul", "a name with a NUL behind it").on("request_headers", {
            let [set, get] = set_get(b"a\0", b"value");
            [set, get, get_property("a")]
        }),
        case("shadow-request", "a group of attributes cannot be shadowed").on("request_headers", {
            let [set, get] = set_get(b"request", b"value");
            [set, get, get_property("filter_state\0wasm.request")]
        }),
        case("shadow-path", "an attribute is read-only: what is set is another thing")
            .on("request_headers", set_get(b"request\0path", b"/set")),
        case("shadow-plugin", "the plugin's name cannot be shadowed")
            .on("request_headers", set_get(b"plugin_name", b"x")),
        case("shadow-legacy", "a legacy name can be taken")
            .on("request_headers", set_get(b"route_name", b"x")),
        case("beneath", "what follows the name of a property is not looked at")
            .on("request_headers", [set_property("mine", "value"), get_property("mine\0x")]),
        case("large", "a value of 100 kB is kept").on(
            "request_headers",
            [set_property("large", "v".repeat(100_000)), crate::script::calls::get_property_length("large")],
        ),
        case("root-context", "a root context cannot set one, nor has it any").on(
            "request_headers",
            [
                set_property("mine", "value"),
                set_context(Arg::Root),
                set_property("mine", "other"),
                get_property("mine"),
            ],
        ),
        case("other-filter", "the filters of a stream share what they set")
            .on("request_headers", [set_property("mine", "of the first")])
            .on_filter(1, "request_headers", [get_property("mine"), set_property("mine", "of the second")])
            .on("response_headers", [get_property("mine")]),
        case("in-every-phase", "it can be set in every phase, the log included")
            .on("request_body", set_get(b"body", b"1"))
            .on("response_headers", set_get(b"response", b"2"))
            .on("response_body", set_get(b"later", b"3"))
            .on("log", set_get(b"log", b"4"))
            .request(tollgate_host_test::Request::post("/", "body")),
        case("declared-in-a-stream", "a declaration in a stream is Ok, and of no effect").on(
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
