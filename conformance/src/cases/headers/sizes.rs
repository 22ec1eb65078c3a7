//! The size of a map.

use super::{get, request, response};
use crate::Case;
use crate::script::calls::map::{REQUEST_HEADERS as REQUEST, RESPONSE_HEADERS as RESPONSE};
use crate::script::calls::{add, get_size, remove, replace, set_pairs};

pub fn cases() -> Vec<Case> {
    vec![
        request(
            "size",
            "returns the bytes of names and values, without counts, lengths and NULs",
            [get_size(REQUEST)],
        ),
        request("size-counts-empty", "counts the name of a header without a value", [get_size(REQUEST)])
            .request(get().header("x-empty", "")),
        request(
            "size-follows",
            "follows each change of the map",
            [
                get_size(REQUEST),
                add(REQUEST, "size-x", "12345"),
                get_size(REQUEST),
                add(REQUEST, "size-x", "67890"),
                get_size(REQUEST),
                replace(REQUEST, "size-x", "1"),
                get_size(REQUEST),
                remove(REQUEST, "size-x"),
                get_size(REQUEST),
            ],
        ),
        request(
            "size-of-inline",
            "counts the comma that `add` writes into an inline header",
            [add(REQUEST, "via", "a"), get_size(REQUEST), add(REQUEST, "via", "b"), get_size(REQUEST)],
        ),
        response(
            "size-of-nothing",
            "returns 0 for an emptied map",
            [
                set_pairs(RESPONSE, ""),
                get_size(RESPONSE),
                add(RESPONSE, ":status", "200"),
                get_size(RESPONSE),
            ],
        ),
    ]
}
