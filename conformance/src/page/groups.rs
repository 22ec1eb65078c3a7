//! Summaries of groups of cases that follow one pattern. The page shows them instead of the single cases.

use crate::Case;
use crate::cases::headers::inline;

/// A group of cases and its summary.
#[derive(Clone, Debug)]
pub struct Group {
    /// Pattern of the names, as the page shows it.
    pub label: &'static str,
    /// Prefixes of the names.
    pub prefixes: &'static [&'static str],
    /// Call under which the page lists the group. By default the first call that all its cases make.
    pub call: Option<&'static str>,
    /// A sentence. More lines are items of a nested list (`- `) or rows of a table (`|`).
    pub text: String,
}

impl Group {
    fn new(label: &'static str, prefixes: &'static [&'static str], text: impl Into<String>) -> Self {
        Self { label, prefixes, call: None, text: text.into() }
    }

    fn under(self, call: &'static str) -> Self {
        Self { call: Some(call), ..self }
    }

    /// Whether a case belongs to the group.
    pub fn contains(&self, case: &Case) -> bool {
        self.prefixes.iter().any(|prefix| case.name.starts_with(prefix))
    }
}

/// Returns the groups. The first one that contains a case applies.
pub fn groups() -> Vec<Group> {
    [headers(), buffers(), properties(), foreign(), flow(), replies(), contexts()].concat()
}

fn headers() -> Vec<Group> {
    let names = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    vec![
        Group::new(
            "headers/reach/*",
            &["headers/reach/"],
            "each call on each map in each callback. Map numbers above 7 return BadArgument. A root context can access no \
             map, and no map is accessible before the headers arrive.\n\
             | callback | readable | writable |\n\
             |---|---|---|\n\
             | on_request_headers | request headers | request headers |\n\
             | on_request_trailers | request trailers | request trailers |\n\
             | on_response_headers | response headers | response headers |\n\
             | on_response_trailers | response trailers | response trailers |\n\
             | on_log | request headers, response headers, response trailers | none |\n\
             | on_request_body, on_response_body, on_done, on_delete | none | none |\n\
             - For an inaccessible map, `get_value` returns BadArgument (NotFound in on_log), `get_pairs` returns Ok and no \
             pairs, and the other calls return BadArgument. `get_size` works only on writable maps.",
        ),
        Group::new(
            "headers/inline/*",
            &["headers/inline/"],
            format!(
                "`add` joins two values of an inline header with a comma, and keeps the values of other names apart. Each \
                 kind of map has its own list of inline headers.\n\
                 - In request and response headers: {}.\n\
                 - In request headers only: {}.\n\
                 - In response headers only: {}.\n\
                 - In response trailers: `grpc-message`, `grpc-status`. In request trailers: none.\n\
                 - Tested and never inline: {}.",
                names(&inline::BOTH),
                names(&inline::REQUESTS),
                names(&inline::RESPONSES),
                names(&inline::NOWHERE),
            ),
        )
        .under("proxy_add_header_map_value"),
        Group::new(
            "headers/bytes/*",
            &["headers/bytes/"],
            "`add` and `replace` check neither names nor values. The proxy checks a request when it forwards it.\n\
             - A request with CR, LF, NUL, DEL or another control character except tab in a value is rejected with 503. Bytes \
             from 0x80 and tabs are forwarded. The receiver trims spaces around a value.\n\
             - A request is also rejected with 503 if a name contains a byte that is not allowed, such as a space, a colon, a \
             slash or a byte from 0x80. `a_b` is allowed.\n\
             - `add` and `replace` also accept an empty name, and `replace` accepts spaces, LF, `#` and characters that are not \
             ASCII in `:path`.\n\
             - A response is sent to the client unchanged. CR LF in a value splits the response into two headers.",
        ),
        Group::new(
            "headers/get-repeated/*",
            &["headers/get-repeated/"],
            "the values of a client's header that is sent twice are joined: `accept`, `accept-encoding`, `authorization`, \
             `cache-control`, `connection`, `content-type`, `expect`, `referer`, `user-agent`, `via`, `x-forwarded-for`, \
             `x-request-id`. `cookie` is kept apart. `te` becomes a single `trailers`.",
        ),
        Group::new(
            "headers/set-pairs-broken/*",
            &["headers/set-pairs-broken/"],
            "`set_pairs` empties the map and returns Ok for a malformed block: no bytes, a count of 0 (with or without bytes \
             after it), a count of three bytes, a count without lengths, a truncated value, a byte after the last pair, a key \
             or a value without its NUL, a key longer than the block, a length of 4 GiB, a count of 4 billion, more than 1024 \
             pairs, more than 1 MiB.",
        ),
    ]
}

fn buffers() -> Vec<Group> {
    vec![
        Group::new(
            "buffers/reach/*",
            &["buffers/reach/"],
            "each call on each buffer in each callback.\n\
             - The request body is accessible in on_request_body, the response body in on_response_body. A buffered body is \
             also accessible in the trailers callback. A root context can access no body.\n\
             - For an inaccessible body, `get_buffer_status` returns length 0, `get_buffer_bytes` Ok and no bytes, and \
             `set_buffer_bytes` BadArgument.\n\
             - The VM configuration is always readable. The buffers of callouts and the plugin configuration return NotFound \
             outside their callbacks.\n\
             - Buffer 8 is the buffer that was accessed last, with the same access rights. Numbers above 8 return \
             BadArgument.",
        ),
        Group::new(
            "buffers/{request,response}/get-*",
            &["buffers/request/get-", "buffers/response/get-"],
            "reads ranges of a 5-byte body. The length is clamped to the end of the body. A length of 0, or a start at the end, \
             returns Ok and no bytes, with a null pointer. A start after the end also returns Ok and no bytes.",
        ),
        Group::new(
            "buffers/{request,response}/set-*",
            &["buffers/request/set-", "buffers/response/set-"],
            "replaces ranges of a 5-byte body.\n\
             - With start 0, the bytes replace as many bytes as `length` says: 0 prepends, the maximum replaces the whole \
             body, and an empty replacement removes bytes.\n\
             - With a start at or after the end, the bytes are appended, whatever `length` says.\n\
             - Any other start returns BadArgument: the middle cannot be written.",
        ),
    ]
}

fn properties() -> Vec<Group> {
    vec![Group::new(
        "properties/odd/*",
        &[
            "properties/odd/empty",
            "properties/odd/nul",
            "properties/odd/two-nuls",
            "properties/odd/trailing-nul",
            "properties/odd/leading-nul",
            "properties/odd/doubled-nul",
            "properties/odd/group-nul",
            "properties/odd/dots",
            "properties/odd/upper",
            "properties/odd/padded",
            "properties/odd/non-utf8",
            "properties/odd/nosuch",
            "properties/odd/wasm",
            "properties/odd/slash",
            "properties/odd/xds-empty",
        ],
        "an odd path gives the same result in a stream and in on_log: an empty path, empty segments (first, last, in the \
         middle), dots or a slash as separators, upper case, a leading space, bytes that are not UTF-8, unknown names, and the \
         prefix `wasm.` alone.",
    )]
}

fn foreign() -> Vec<Group> {
    vec![
        Group::new(
            "foreign/expr/*",
            &["foreign/expr/"],
            "evaluates CEL expressions about attributes, lists, logic, maps, numbers, strings, times and types \
             ([source](../conformance/src/cases/foreign/expressions)).\n\
             - Strings and bytes are returned unchanged, numbers as 8 bytes, booleans as one byte, times and durations in \
             nanoseconds, and lists and maps as pairs.\n\
             - `expr_create` rejects syntax errors, unknown functions and unknown macros.\n\
             - An evaluation error, such as a missing key, an overflow or operands of different types, returns \
             InternalFailure. `&&` and `||` ignore an error in one operand if the other one decides.\n\
             - A value without an encoding, such as a type, `null` or an attribute group, returns SerializationFailure.",
        ),
        Group::new(
            "foreign/unknown/*",
            &["foreign/unknown/"],
            "an unknown function returns NotFound and writes no result: an empty name, `COMPRESS`, `compress` with a space or \
             a NUL after it, bytes that are not UTF-8, `get_envoy_filter_state`, `set_dynamic_metadata`, \
             `set_upstream_override_host`, `envoy_resolve_dns`, `sha256`, `regex`, `proxy_log`.",
        ),
    ]
}

fn flow() -> Vec<Group> {
    vec![
        Group::new(
            "flow/{request,response}-{headers,body,trailers}/*",
            &[
                "flow/request-headers/",
                "flow/request-body/",
                "flow/request-trailers/",
                "flow/response-headers/",
                "flow/response-body/",
                "flow/response-trailers/",
            ],
            "each return value of each callback, for messages without a body, with a body in one piece, in two pieces, and with \
             trailers.\n\
             | callback | returns | effect |\n\
             |---|---|---|\n\
             | headers | 0 or 2 | continues |\n\
             | headers | 1 | pauses everything, in a buffer that stops the sender when it is full |\n\
             | headers, with `allow_on_headers_stop_iteration` | 1 | pauses the headers; the body still reaches the filter |\n\
             | headers | 3 | pauses everything, in a buffer with a limit |\n\
             | headers | 4 or more | pauses everything, in a buffer that stops the sender when it is full |\n\
             | body | 0 | continues |\n\
             | body | 1 | buffers the body |\n\
             | body | 2 | buffers the body, and stops the sender when the buffer is full |\n\
             | body | 3 or more | pauses what follows and drops this piece |\n\
             | trailers | 0 | continues |\n\
             | trailers | 1 or more | pauses the trailers and so the end of the message |\n\
             - Trailers also release a body that its own callback has paused. With `allow_on_headers_stop_iteration`, a body \
             also releases headers.",
        ),
        Group::new(
            "flow/resume/inside/*",
            &["flow/resume/inside/"],
            "a headers, body or trailers callback calls `continue_stream` for its own stream and then returns 0, 1, 3 or 4. For \
             the combinations that crash Envoy see [below](#behaviour-that-only-the-emulator-shows).",
        ),
        Group::new(
            "flow/shape/*",
            &["flow/shape/"],
            "requests and responses as filters and the other side see them. Requests: methods, queries, many or large headers, \
             cookies, `te`, hop-by-hop headers, `x-forwarded-*`, repeated names, spaces, bytes that are not ASCII, bodies \
             and gRPC. Responses to GET and HEAD: status codes without a body, redirects, errors, cookies, `server`, \
             `date`, trailers and repeated names.",
        ),
        Group::new(
            "failure/*",
            &["failure/"],
            "a trap in each callback, with each failure policy.\n\
             - A trap in a callback of a stream ends the stream and the VM.\n\
             - A trap in on_tick, on_http_call_response, on_queue_ready or on_grpc_receive leaves a paused stream paused.\n\
             - A trap in on_context_create of a stream also fails its request.\n\
             - Afterwards, `FAIL_CLOSED` rejects requests with 503, and `FAIL_OPEN` lets them pass without the filter.",
        ),
    ]
}

fn replies() -> Vec<Group> {
    vec![
        Group::new(
            "replies/in/*",
            &["replies/in/"],
            "a local reply in each callback of a request and a response. The value that the callback returns does not matter.\n\
             - Before there is a response, the reply passes through the response callbacks of the filters.\n\
             - While the filters process the response headers, the reply replaces the response and skips their callbacks.\n\
             - After the response headers were sent, the stream is reset.",
        ),
        Group::new(
            "replies/status/*",
            &["replies/status/"],
            "a local reply accepts any status without a check: 0, 99, 200, 204, 205, 299, 304, 404, 431, 503, 599, 600, 999, \
             9999, 65535 and 4294967295. Only the low 16 bits count. 204 and 304 are tested with and without a body.",
        ),
        Group::new(
            "replies/grpc/*",
            &["replies/grpc/"],
            "local replies to gRPC requests (`application/grpc` and `application/grpc+proto`) and to other requests.\n\
             - A reply to a gRPC request has the HTTP status 200, the content type `application/grpc`, the body as \
             percent-encoded `grpc-message`, and `grpc_status` as `grpc-status`.\n\
             - Without a `grpc_status` from 0 to 16, the HTTP status is mapped: 400 to 13, 401 to 16, 403 to 7, 404 to 12, 429, \
             502, 503 and 504 to 14, others to 2.\n\
             - For other requests, `grpc_status` is ignored.",
        ),
    ]
}

fn contexts() -> Vec<Group> {
    vec![
        Group::new(
            "chains/apart/*",
            &["chains/apart/"],
            "the cases of `chains/two/*` with a VM for each filter. Envoy does the same.",
        ),
        Group::new(
            "lifecycle/refused/*",
            &["lifecycle/refused/"],
            "a filter that fails to start, with both failure policies.\n\
             - Returning false from on_vm_start or on_configure, or a trap in one of them, rejects the configuration.\n\
             - A trap in on_context_create of the root context fails the VM and so all requests. The configuration is \
             accepted.",
        ),
        Group::new(
            "lifecycle/shared/*",
            &["lifecycle/shared/"],
            "resources that two filters share.\n\
             | two filters with | share a VM | share a root context | share data and queues |\n\
             |---|---|---|---|\n\
             | equal configurations | yes | yes | yes |\n\
             | different names only | yes | no | yes |\n\
             | different plugin configurations | yes | no | yes |\n\
             | different `root_id`s or failure policies | yes | no | yes |\n\
             | different `vm_id`s | no | no | no |\n\
             | different VM configurations | no | no | yes |\n\
             | different environments | no | no | yes |",
        ),
    ]
}
