//! Reading and writing ranges of a body.

use super::case;
use crate::Case;
use crate::script::Step;
use crate::script::calls::{buffer_status, get_buffer, remove, set_buffer};
use tollgate_host_test::{Answer, Request, Response};

const ALL: u32 = u32::MAX;

/// A range of the body `hello`, and the bytes that a read returns.
const RANGES: [(u32, u32, &str); 13] = [
    (0, 5, "the whole body"),
    (0, 2, "the first bytes"),
    (2, 2, "the middle bytes"),
    (4, 1, "the last byte"),
    (0, ALL, "the whole body: the length is clamped"),
    (2, ALL, "the rest of the body: the length is clamped"),
    (4, 9, "the rest of the body: the length is clamped"),
    (0, 0, "Ok and no bytes, with a null pointer"),
    (2, 0, "Ok and no bytes, with a null pointer"),
    (5, 1, "Ok and no bytes, with a null pointer"),
    (6, 1, "Ok and no bytes"),
    (ALL, 1, "Ok and no bytes"),
    (ALL, ALL, "Ok and no bytes"),
];

/// A range, the bytes that replace it, and the effect on `hello`.
const EDITS: [(u32, u32, &str, &str); 19] = [
    (0, 0, "X", "prepends it"),
    (0, 0, "", "changes nothing"),
    (0, 1, "X", "replaces the first byte"),
    (0, 3, "XY", "replaces the first bytes"),
    (0, 5, "XYZ", "replaces the whole body"),
    (0, 6, "XYZ", "replaces the whole body"),
    (0, ALL, "longer than it was", "replaces the whole body"),
    (0, 2, "", "removes the first bytes"),
    (0, 5, "", "removes the whole body"),
    (0, ALL, "", "removes the whole body"),
    (5, 0, "X", "appends it"),
    (5, 9, "X", "appends it"),
    (6, 0, "X", "appends it"),
    (ALL, ALL, "X", "appends it"),
    (5, 0, "", "changes nothing"),
    (1, 0, "X", "returns BadArgument: the middle cannot be written"),
    (1, 4, "X", "returns BadArgument: the middle cannot be written"),
    (4, 1, "", "returns BadArgument: the middle cannot be written"),
    (3, ALL, "X", "returns BadArgument: the middle cannot be written"),
];

fn number(n: u32) -> String {
    if n == ALL { "max".to_owned() } else { n.to_string() }
}

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let ways = [
        ("request", 0, "request_headers", "request_body"),
        ("response", 1, "response_headers", "response_body"),
    ];
    for (way, buffer, headers, body) in ways {
        let of = |name: String, title: String, steps: Vec<Step>| {
            case(&format!("{way}/{name}"), title)
                .on(headers, [remove(buffer * 2, "content-length")])
                .on(body, [Step::OnlyIf(1, 0)].into_iter().chain(steps))
                .request(Request::post("/", "hello"))
                .answer(
                    "upstream",
                    [Answer::Reply {
                        response: Response::new(200).chunk("hello"),
                        after: std::time::Duration::ZERO,
                    }],
                )
        };
        for (start, length, there) in RANGES {
            let name = format!("get-{}-{}", number(start), number(length));
            let title = format!(
                "reading {} bytes at {} of a 5-byte {way} body returns {there}",
                number(length),
                number(start)
            );
            cases.push(of(name, title, vec![get_buffer(buffer, start, length)]));
        }
        for (at, (start, length, text, comes)) in EDITS.into_iter().enumerate() {
            let name = format!("set-{at}-{}-{}", number(start), number(length));
            let title = format!(
                "replacing {} bytes at {} of a 5-byte {way} body with `{text}` {comes}",
                number(length),
                number(start)
            );
            let steps = vec![
                set_buffer(buffer, start, length, text),
                buffer_status(buffer),
                get_buffer(buffer, 0, ALL),
            ];
            cases.push(of(name, title, steps));
        }
    }
    cases
}
