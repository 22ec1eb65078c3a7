//! All pairs at once.

use super::{get, request, response};
use crate::Case;
use crate::script::calls::map::{REQUEST_HEADERS as REQUEST, RESPONSE_HEADERS as RESPONSE};
use crate::script::calls::{add, get_pairs, get_size, pairs, set_pairs};

/// Headers that a request needs to be routed.
const NEEDED: [(&str, &str); 5] = [
    (":method", "GET"),
    (":path", "/"),
    (":authority", "a.test"),
    (":scheme", "http"),
    ("x-forwarded-proto", "http"),
];

/// Malformed header blocks, and what is wrong with each.
fn broken() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let word = |n: u32| n.to_le_bytes().to_vec();
    let one = pairs(&[("k", "v")]);
    let with = |at: usize, byte: u8| {
        let mut bytes = one.clone();
        bytes[at] = byte;
        bytes
    };
    let many = |n: usize| pairs(&vec![("k", "v"); n]);
    vec![
        ("empty", "an empty block", Vec::new()),
        ("zero-count", "a count of 0", word(0)),
        ("zero-count-and-more", "a count of 0 and bytes after it", [word(0), word(0)].concat()),
        ("short-count", "a count of three bytes", vec![1, 0, 0]),
        ("no-lengths", "a count without lengths", word(1)),
        ("cut-value", "a truncated value", one[..one.len() - 1].to_vec()),
        ("trailing", "a byte after the last pair", [one.clone(), vec![0]].concat()),
        ("no-nul-after-key", "a key without its NUL", with(13, b'x')),
        ("no-nul-after-value", "a value without its NUL", with(15, b'x')),
        ("long-key", "a key that is longer than the block", with(4, 200)),
        ("wild-length", "a length of 4 GiB", [word(1), word(u32::MAX), word(u32::MAX)].concat()),
        ("wild-count", "a count of 4 billion", word(u32::MAX)),
        ("too-many", "a block of 1025 pairs", many(1025)),
        ("too-long", "a block of more than 1 MiB", pairs(&[("k", &"v".repeat(1 << 20))])),
    ]
}

pub fn cases() -> Vec<Case> {
    let get_all = || get_pairs(REQUEST);
    let replaced = |more: &[(&str, &str)]| set_pairs(REQUEST, pairs(&[&NEEDED, more].concat()));
    let mut cases = vec![
        request(
            "pairs-get",
            "returns pairs in order, pseudo-headers first, with repeated names apart",
            [get_all()],
        )
        .request(get().header("X-B", "1").header("x-a", "").header("x-b", b"\xff")),
        request(
            "set-pairs",
            "a request without `x-forwarded-proto` matches no route: 404",
            [
                set_pairs(REQUEST, pairs(&[(":method", "GET"), (":path", "/"), (":scheme", "http")])),
                get_all(),
            ],
        ),
        request(
            "set-pairs-whole",
            "`set_pairs` replaces the whole map",
            [replaced(&[("x", "1")]), get_all()],
        )
        .request(get().header("gone", "1")),
        request(
            "set-pairs-order",
            "`set_pairs` keeps the order of the pairs, pseudo-headers first",
            [
                set_pairs(REQUEST, pairs(&[&[("z", "1"), ("a", "2")], &NEEDED[..], &[("z", "3")]].concat())),
                get_all(),
            ],
        ),
        request(
            "set-pairs-lowers",
            "`set_pairs` converts names to lower case",
            [replaced(&[("X-Mixed", "V")]), get_all()],
        ),
        request(
            "set-pairs-joins",
            "`set_pairs` joins the values of inline headers and keeps other names apart",
            [replaced(&[("via", "1"), ("via", "2"), ("x", "1"), ("x", "2")]), get_all()],
        ),
        request(
            "set-pairs-host",
            "`set_pairs` appends `host` to `:authority`",
            [replaced(&[("host", "b.test")]), get_all()],
        ),
        request(
            "set-pairs-empty-pair",
            "`set_pairs` accepts an empty pair, as a header without a name",
            [set_pairs(RESPONSE, pairs(&[("", "")])), replaced(&[]), get_all()],
        ),
        request(
            "set-pairs-nul-within",
            "`set_pairs` accepts a NUL within a value",
            [replaced(&[("x", "a\0b")]), get_all()],
        ),
        request(
            "set-pairs-1024",
            "`set_pairs` accepts 1024 pairs",
            [set_pairs(REQUEST, pairs(&[&NEEDED[..], &vec![("k", "v"); 1019]].concat())), get_size(REQUEST)],
        ),
        request(
            "set-pairs-then-add",
            "`add` works after `set_pairs`",
            [replaced(&[]), add(REQUEST, "x", "1"), get_all()],
        ),
        response(
            "set-pairs-response",
            "a response keeps only its new pairs",
            [set_pairs(RESPONSE, pairs(&[(":status", "201"), ("x", "1")])), get_pairs(RESPONSE)],
        ),
        response(
            "set-pairs-no-status",
            "a response without `:status` becomes a 502",
            [set_pairs(RESPONSE, pairs(&[("x", "1")])), get_pairs(RESPONSE)],
        ),
    ];
    for (name, what, bytes) in broken() {
        let title = format!("`set_pairs` with {what} empties the map and returns Ok");
        cases.push(request(
            &format!("set-pairs-broken/{name}"),
            &title,
            [set_pairs(REQUEST, bytes), get_size(REQUEST), get_pairs(REQUEST), replaced(&[])],
        ));
    }
    cases
}
