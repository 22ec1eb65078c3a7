//! Each buffer in each callback.

use super::case;
use crate::Case;
use crate::script::calls::buffer::{PLUGIN_CONFIGURATION, VM_CONFIGURATION};
use crate::script::calls::{buffer_status, get_buffer, set_buffer, set_context};
use crate::script::{Arg, Step};
use std::time::Duration;
use tollgate_host_test::{Answer, Request, Response};

/// The callbacks, and the body that each can access.
const PHASES: [(&str, &str); 9] = [
    ("request_headers", "no body"),
    ("request_body", "the request body"),
    ("request_trailers", "no body"),
    ("response_headers", "no body"),
    ("response_body", "the response body"),
    ("response_trailers", "no body"),
    ("log", "no body"),
    ("done", "no body"),
    ("delete", "no body"),
];

const ALL: u32 = u32::MAX;

type Call = fn(u32) -> Step;
const CALLS: [(&str, &str, Call); 3] = [
    ("status", "an inaccessible body has length 0", |buffer| buffer_status(buffer)),
    ("get", "an inaccessible body returns Ok and no bytes", |buffer| get_buffer(buffer, 0, 8)),
    ("set", "an inaccessible body returns BadArgument", |buffer| set_buffer(buffer, 0, 0, "new ")),
];

pub fn cases() -> Vec<Case> {
    let request = || Request::post("/", "a").chunk("b").trailer("x", "t");
    let answer = || {
        let response = Response::new(200).chunk("a").chunk("b").trailer("x", "t");
        [Answer::Reply { response, after: Duration::ZERO }]
    };
    let mut cases = Vec::new();
    for (phase, reached) in PHASES {
        for (name, otherwise, call) in CALLS {
            let title =
                format!("`{name}` in on_{phase} can access {reached} and the VM configuration; {otherwise}");
            cases.push(
                case(&format!("reach/{phase}/{name}"), title)
                    .on(phase, (0..10).chain([ALL]).map(call))
                    .request(request())
                    .answer("upstream", answer()),
            );
        }
    }
    for (way, buffer) in [("request", 0), ("response", 1)] {
        let (body, trailers) = match way {
            "request" => ("request_body", "request_trailers"),
            _ => ("response_body", "response_trailers"),
        };
        let title = format!("a buffered {way} body is accessible in on_{trailers}");
        cases.push(
            case(&format!("reach/{trailers}/held"), title)
                .on(body, [Step::Return(1)])
                .on(
                    trailers,
                    [
                        buffer_status(buffer),
                        get_buffer(buffer, 0, ALL),
                        set_buffer(buffer, 0, 1, "new"),
                        get_buffer(buffer, 0, ALL),
                    ],
                )
                .request(request())
                .answer("upstream", answer()),
        );
    }
    cases.push(
        case("reach/last", "buffer 8 is the buffer that was accessed last, and has its access rights")
            .on(
                "request_body",
                [
                    Step::OnlyIf(1, 0),
                    get_buffer(8, 0, ALL),
                    get_buffer(0, 0, ALL),
                    get_buffer(8, 0, ALL),
                    set_buffer(8, 0, 0, "8"),
                    get_buffer(0, 0, ALL),
                    get_buffer(6, 0, 4),
                    set_buffer(8, 0, 0, "8"),
                    buffer_status(8),
                ],
            )
            .request(request()),
    );
    cases.push(
        case("reach/root", "a root context cannot access a body").on(
            "request_headers",
            [set_context(Arg::Root)]
                .into_iter()
                .chain((0..10).flat_map(|buffer| CALLS.map(|(.., call)| call(buffer)))),
        ),
    );
    cases
}

/// Several root contexts would run these scripts, so this is a sheet with one request.
pub fn configurations() -> Vec<Case> {
    vec![
        case(
            "configuration/while-configuring",
            "the VM and plugin configurations are readable and not writable in on_configure",
        )
        .on(
            "configure",
            [
                get_buffer(PLUGIN_CONFIGURATION, 4, 6),
                get_buffer(PLUGIN_CONFIGURATION, ALL, 6),
                get_buffer(VM_CONFIGURATION, 0, ALL),
                get_buffer(VM_CONFIGURATION, 14, 99),
                buffer_status(VM_CONFIGURATION),
                buffer_status(PLUGIN_CONFIGURATION),
                set_buffer(VM_CONFIGURATION, 0, 0, "x"),
                set_buffer(PLUGIN_CONFIGURATION, 0, 0, "x"),
                get_buffer(0, 0, 1),
                get_buffer(4, 0, 1),
                get_buffer(8, 0, 1),
            ],
        )
        .alone(),
        case(
            "configuration/later",
            "the plugin configuration is not accessible after on_configure; the VM configuration is",
        )
        .on(
            "request_headers",
            [
                set_context(Arg::Root),
                buffer_status(PLUGIN_CONFIGURATION),
                get_buffer(PLUGIN_CONFIGURATION, 0, 4),
                get_buffer(VM_CONFIGURATION, 0, ALL),
            ],
        ),
    ]
}
