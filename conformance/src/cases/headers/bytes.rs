//! Bytes that a header must not contain.

use super::{request, response};
use crate::Case;
use crate::script::calls::map::{REQUEST_HEADERS as REQUEST, RESPONSE_HEADERS as RESPONSE};
use crate::script::calls::{add, get_value, replace};

/// A case name, the value, and the outcome in a request and in a response.
const VALUES: [(&str, &[u8], &str, &str); 9] = [
    ("cr", b"a\rb", "is rejected with 503", "is sent to the client unchanged"),
    ("lf", b"a\nb", "is rejected with 503", "is sent to the client unchanged"),
    ("crlf", b"a\r\nx-split: 1", "is rejected with 503", "splits the response into two headers"),
    ("nul", b"a\0b", "is rejected with 503", "is sent to the client unchanged"),
    ("tab", b"a\tb", "continues", "reaches the client"),
    ("del", b"a\x7fb", "is rejected with 503", "reaches the client"),
    ("control", b"a\x01b", "is rejected with 503", "reaches the client"),
    ("high", b"\x80\xff", "continues", "reaches the client"),
    ("spaces", b"  a  ", "continues; the receiver trims the value", "reaches the client, which trims it"),
];

/// Names that a header must not have.
const NAMES: [(&str, &[u8]); 10] = [
    ("space", b"a b"),
    ("colon", b"a:b"),
    ("high", b"x\xff"),
    ("underscore", b"a_b"),
    ("parentheses", b"a(b)"),
    ("tab", b"a\tb"),
    ("at", b"@"),
    ("slash", b"a/b"),
    ("control", b"a\x01b"),
    ("quote", b"a\"b"),
];

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, value, up, down) in VALUES {
        let shown = value.escape_ascii();
        let title = format!("`add` accepts the value `{shown}`; the request {up}");
        cases.push(request(
            &format!("bytes/request-value/{name}"),
            &title,
            [add(REQUEST, "x", value), get_value(REQUEST, "x")],
        ));
        let title = format!("`add` accepts the value `{shown}`, which {down}");
        cases.push(response(
            &format!("bytes/response-value/{name}"),
            &title,
            [add(RESPONSE, "x", value), get_value(RESPONSE, "x")],
        ));
    }
    for (name, key) in NAMES {
        let shown = key.escape_ascii();
        let comes = if name == "underscore" { "continues" } else { "is rejected with 503" };
        let title = format!("`add` accepts the name `{shown}`, and the request {comes}");
        cases.push(request(
            &format!("bytes/request-name/{name}"),
            &title,
            [add(REQUEST, key, "1"), get_value(REQUEST, key)],
        ));
        let title = format!("`add` accepts the name `{shown}`, which is sent to the client unchanged");
        cases.push(response(
            &format!("bytes/response-name/{name}"),
            &title,
            [add(RESPONSE, key, "1"), get_value(RESPONSE, key)],
        ));
    }
    cases.push(request(
        "bytes/request-no-name",
        "`add` and `replace` accept an empty name",
        [add(REQUEST, "", "1"), get_value(REQUEST, ""), replace(REQUEST, "", "2"), get_value(REQUEST, "")],
    ));
    cases.push(response(
        "bytes/response-no-name",
        "`add` accepts an empty name in a response",
        [add(RESPONSE, "", "1"), get_value(RESPONSE, "")],
    ));
    for (name, value) in
        [("path", "/a b"), ("path-lf", "/a\nb"), ("path-fragment", "/a#b"), ("path-high", "/\u{e9}")]
    {
        let title = format!("`replace` accepts {value:?} for `:path`");
        cases.push(request(&format!("bytes/{name}"), &title, [replace(REQUEST, ":path", value)]));
    }
    cases
}
