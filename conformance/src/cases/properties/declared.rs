//! Properties that a root context has declared.

use crate::Case;
use crate::script::calls::{foreign, get_property, set_context, set_property};
use crate::script::{Arg, Step};

/// A field of a protobuf message with bytes.
pub fn field(number: u8, text: impl AsRef<[u8]>) -> Vec<u8> {
    let text = text.as_ref();
    let length = u8::try_from(text.len()).expect("a short field");
    [&[number << 3 | 2, length][..], text].concat()
}

/// A field of a protobuf message with a small number.
pub fn varint(number: u8, value: u8) -> Vec<u8> {
    vec![number << 3, value]
}

/// Declares a property: its name, whether it can be set only once, its type and its span.
pub fn declare(name: &str, readonly: u8, kind: u8, span: u8) -> crate::script::Step {
    let message =
        [field(1, name), varint(2, readonly), varint(3, kind), field(4, ""), varint(5, span)].concat();
    foreign("declare_property", message)
}

/// A type, and how its values read back.
const KINDS: [(&str, u8, &str); 5] = [
    ("bytes", 0, "unchanged"),
    ("string", 1, "unchanged if it is UTF-8"),
    ("flatbuffers", 2, "as a value that its schema does not describe"),
    ("protobuf", 3, "as a value that its schema does not describe"),
    ("number-9", 9, "as bytes"),
];

const SPANS: [(&str, u8); 4] = [("filter-chain", 0), ("request", 1), ("connection", 2), ("number-9", 9)];

fn case(name: &str, title: &str) -> Case {
    Case::new(format!("properties/declared/{name}"), title)
}

/// Returns the cases.
pub fn cases() -> Vec<Case> {
    let mut declarations = vec![
        declare("once", 1, 1, 0),
        declare("once", 0, 1, 0),
        foreign("declare_property", ""),
        foreign("declare_property", ""),
        foreign("declare_property", b"\xff"),
        foreign("declare_property", field(1, b"\xff")),
    ];
    let mut cases = Vec::new();
    for (kind, number, reads) in KINDS {
        let name = format!("kind-{kind}");
        declarations.push(declare(&name, 0, number, 0));
        let steps: Vec<Step> = [&b"value"[..], b"\xff\x80", b""]
            .into_iter()
            .flat_map(|value| [set_property(name.as_str(), value), get_property(name.as_str())])
            .collect();
        cases.push(
            case(&name, &format!("a property declared as {kind} reads back {reads}"))
                .on("request_headers", steps)
                .on("log", [get_property(name.as_str())]),
        );
    }
    for (span, number) in SPANS {
        let name = format!("span-{span}");
        declarations.push(declare(&name, 0, 1, number));
        cases.push(
            case(&name, &format!("a property with the span {span} is visible to all filters of the stream"))
                .on("request_headers", [set_property(name.as_str(), "value"), get_property(name.as_str())])
                .on_filter(1, "response_headers", [get_property(name.as_str())]),
        );
    }
    cases.extend([
        case("readonly", "a property declared read-only can be set only once").on(
            "request_headers",
            [set_property("once", "1"), set_property("once", "2"), get_property("once")],
        ),
        case("of-another-filter", "a declaration applies to the filter whose root context made it")
            .on_filter(
                1,
                "request_headers",
                [set_property("once", "1"), set_property("once", "2"), get_property("once")],
            ),
        case(
            "with-the-root-in-effect",
            "declare_property in a stream has no effect, even with the root context in effect",
        )
        .on(
            "request_headers",
            [
                set_context(Arg::Root),
                declare("late", 1, 1, 0),
                declare("late", 1, 1, 0),
                set_context(Arg::Stream),
                set_property("late", "1"),
                set_property("late", "2"),
                get_property("late"),
            ],
        ),
    ]);
    let title = "a root context can declare each name once; a malformed message returns BadArgument";
    cases.push(case("while-configuring", title).on("configure", declarations).alone());
    cases
}
