//! Bytes that no header may have.

use super::{request, response};
use crate::Case;
use crate::script::calls::map::{REQUEST_HEADERS as REQUEST, RESPONSE_HEADERS as RESPONSE};
use crate::script::calls::{add, get_value, replace};

/// What is in a value, and its name in a case's.
const VALUES: [(&str, &[u8], &str, &str); 9] = [
    ("cr", b"a\rb", "is answered with 503", "reaches the wire of the client"),
    ("lf", b"a\nb", "is answered with 503", "reaches the wire of the client"),
    ("crlf", b"a\r\nx-split: 1", "is answered with 503", "splits the response"),
    ("nul", b"a\0b", "is answered with 503", "reaches the wire of the client"),
    ("tab", b"a\tb", "goes on", "reaches the client"),
    ("del", b"a\x7fb", "is answered with 503", "reaches the client"),
    ("control", b"a\x01b", "is answered with 503", "reaches the client"),
    ("high", b"\x80\xff", "goes on", "reaches the client"),
    ("spaces", b"  a  ", "goes on; a reader trims it", "reaches the client, who trims it"),
];

/// Names that no header may have.
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
        let says = format!("add takes the value `{shown}`; the request {up}");
        cases.push(request(
            &format!("bytes/request-value/{name}"),
            &says,
            [add(REQUEST, "x", value), get_value(REQUEST, "x")],
        ));
        let says = format!("add takes the value `{shown}`, and it {down}");
        cases.push(response(
            &format!("bytes/response-value/{name}"),
            &says,
            [add(RESPONSE, "x", value), get_value(RESPONSE, "x")],
        ));
    }
    for (name, key) in NAMES {
        let shown = key.escape_ascii();
        let comes = if name == "underscore" { "goes on" } else { "the request is answered with 503" };
        let says = format!("the name `{shown}` is taken, and {comes}");
        cases.push(request(
            &format!("bytes/request-name/{name}"),
            &says,
            [add(REQUEST, key, "1"), get_value(REQUEST, key)],
        ));
        let says = format!("the name `{shown}` is taken, and goes to the client as it is");
        cases.push(response(
            &format!("bytes/response-name/{name}"),
            &says,
            [add(RESPONSE, key, "1"), get_value(RESPONSE, key)],
        ));
    }
    cases.push(request(
        "bytes/request-no-name",
        "an empty name is taken",
        [add(REQUEST, "", "1"), get_value(REQUEST, ""), replace(REQUEST, "", "2"), get_value(REQUEST, "")],
    ));
    cases.push(response(
        "bytes/response-no-name",
        "an empty name is taken in a response too",
        [add(RESPONSE, "", "1"), get_value(RESPONSE, "")],
    ));
    for (name, value) in
        [("path", "/a b"), ("path-lf", "/a\nb"), ("path-fragment", "/a#b"), ("path-high", "/\u{e9}")]
    {
        let says = format!("`:path` takes {value:?}");
        cases.push(request(&format!("bytes/{name}"), &says, [replace(REQUEST, ":path", value)]));
    }
    cases
}
