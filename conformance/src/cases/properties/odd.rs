//! Paths that name nothing.

use crate::Case;
use crate::script::Arg;
use crate::script::calls::{get_property, set_context, set_property};

/// A path, and what it is.
const PATHS: [(&str, &[u8], &str); 18] = [
    ("empty", b"", "no path at all"),
    ("nul", b"\0", "an empty segment"),
    ("two-nuls", b"\0\0", "two empty segments"),
    ("trailing-nul", b"request\0path\0", "a path with an empty segment behind it"),
    ("leading-nul", b"\0request\0path", "a path with an empty segment before it"),
    ("doubled-nul", b"request\0\0path", "a path with an empty segment within"),
    ("group-nul", b"request\0", "a group with an empty segment behind it"),
    ("dots", b"request.path", "a path with a dot"),
    ("upper", b"REQUEST\0PATH", "a path in upper case"),
    ("padded", b" request\0path", "a path with a space before it"),
    ("non-utf8", b"\xff\xfe", "a path that is no UTF-8"),
    ("non-utf8-header", b"request\0headers\0\xff", "a header that is no UTF-8"),
    ("nosuch", b"nosuch", "a name that is not there"),
    ("nosuch-deep", b"nosuch\0deep\0er", "a path that is not there"),
    ("wasm", b"wasm", "the prefix of filter state"),
    ("wasm-dot", b"wasm.", "the prefix of filter state with its dot"),
    ("slash", b"request/path", "a path with a slash"),
    ("xds-empty", b"xds\0", "xds with an empty segment"),
];

pub fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = PATHS
        .into_iter()
        .map(|(name, path, what)| {
            Case::new(
                format!("properties/odd/{name}"),
                format!("{what} is answered the same in a stream and in the log"),
            )
            .on("request_headers", [get_property(path), set_context(Arg::Root), get_property(path)])
            .on("log", [get_property(path)])
        })
        .collect();
    cases.push(
        Case::new("properties/odd/long", "a path of 10 kB is not found")
            .on("request_headers", [get_property("x".repeat(10_000)), get_property("x\0".repeat(5_000))]),
    );
    cases.push(
        Case::new("properties/odd/after-delete", "when the stream is deleted, only the plugin is there").on(
            "delete",
            ["plugin_name", "request\0path", "request\0time", "connection\0id", "response\0code", "x"]
                .map(get_property),
        ),
    );
    cases.push(
        Case::new("properties/odd/set-in-the-log", "a property can still be set in the log, and read")
            .on("log", [set_property("logged", "1"), get_property("logged")])
            .on("delete", [get_property("logged"), set_property("deleted", "1")]),
    );
    cases
}
