//! Ranges that are read, and ranges that are written.

use super::case;
use crate::Case;
use crate::script::Step;
use crate::script::calls::{buffer_status, get_buffer, remove, set_buffer};
use tollgate_host_test::{Answer, Request, Response};

const ALL: u32 = u32::MAX;

/// A range of the body `hello`, and what is there.
const RANGES: [(u32, u32, &str); 13] = [
    (0, 5, "all"),
    (0, 2, "the beginning"),
    (2, 2, "the middle"),
    (4, 1, "the end"),
    (0, ALL, "all: the length is cut"),
    (2, ALL, "the rest: the length is cut"),
    (4, 9, "the rest: the length is cut"),
    (0, 0, "nothing, with a null pointer"),
    (2, 0, "nothing, with a null pointer"),
    (5, 1, "nothing, with a null pointer"),
    (6, 1, "nothing, and Ok"),
    (ALL, 1, "nothing, and Ok"),
    (ALL, ALL, "nothing, and Ok"),
];

/// A range that is set to something, and what becomes of `hello`.
const EDITS: [(u32, u32, &str, &str); 19] = [
    (0, 0, "X", "puts it before"),
    (0, 0, "", "changes nothing"),
    (0, 1, "X", "replaces the first byte"),
    (0, 3, "XY", "replaces the first bytes"),
    (0, 5, "XYZ", "replaces all"),
    (0, 6, "XYZ", "replaces all"),
    (0, ALL, "longer than it was", "replaces all"),
    (0, 2, "", "drops the first bytes"),
    (0, 5, "", "drops all"),
    (0, ALL, "", "drops all"),
    (5, 0, "X", "puts it behind"),
    (5, 9, "X", "puts it behind"),
    (6, 0, "X", "puts it behind"),
    (ALL, ALL, "X", "puts it behind"),
    (5, 0, "", "changes nothing"),
    (1, 0, "X", "is BadArgument: the middle cannot be written"),
    (1, 4, "X", "is BadArgument: the middle cannot be written"),
    (4, 1, "", "is BadArgument: the middle cannot be written"),
    (3, ALL, "X", "is BadArgument: the middle cannot be written"),
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
        let of = |name: String, says: String, steps: Vec<Step>| {
            case(&format!("{way}/{name}"), says)
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
            let says = format!(
                "of a {way} body of 5 bytes, {} from {} on are {there}",
                number(length),
                number(start)
            );
            cases.push(of(name, says, vec![get_buffer(buffer, start, length)]));
        }
        for (at, (start, length, text, comes)) in EDITS.into_iter().enumerate() {
            let name = format!("set-{at}-{}-{}", number(start), number(length));
            let says = format!(
                "to set {} bytes from {} on of a {way} body of 5 bytes to `{text}` {comes}",
                number(length),
                number(start)
            );
            let steps = vec![
                set_buffer(buffer, start, length, text),
                buffer_status(buffer),
                get_buffer(buffer, 0, ALL),
            ];
            cases.push(of(name, says, steps));
        }
    }
    cases
}
