//! The values that each callback of a stream can return, for messages of each shape. A paused stream
//! continues when a callout answers. The whole message has arrived by then.

use crate::case::Loaded;
use crate::cases::parts::{
    IMPATIENT, SOON, call_other, late, ok, reply, request_body, response_body, resume,
};
use crate::script::Step;
use crate::{Case, Sheet};
use tollgate_host_test::{Request, Response};

/// A direction through the filters, its callbacks, and the `continue_stream` type.
struct Way {
    name: &'static str,
    kind: u32,
    callbacks: [&'static str; 3],
}

const WAYS: [Way; 2] = [
    Way { name: "request", kind: 0, callbacks: ["request_headers", "request_body", "request_trailers"] },
    Way { name: "response", kind: 1, callbacks: ["response_headers", "response_body", "response_trailers"] },
];

/// Shapes of a message, from the smallest to the largest.
const SHAPES: [&str; 4] = ["bare", "whole", "pieces", "trailers"];

pub(super) fn sheets() -> Vec<Sheet> {
    let mut sheets = Vec::new();
    for way in &WAYS {
        let name = |rest: &str| -> &'static str { format!("{} {rest}", way.name).leak() };
        for really in [false, true] {
            let cases = SHAPES.iter().flat_map(|shape| values(way, 0, shape, really)).collect();
            let loaded = Loaded { allow_on_headers_stop_iteration: really, ..Loaded::new("probe") };
            let rest = if really { "headers, headers stopped" } else { "headers" };
            sheets.push(Sheet::new(name(rest), cases).filters(vec![loaded]));
        }
        let body = SHAPES[1..].iter().flat_map(|shape| values(way, 1, shape, false)).collect();
        sheets.push(Sheet::new(name("body"), body).settings(|settings| settings.client_patience = IMPATIENT));
        sheets.push(Sheet::new(name("trailers"), values(way, 2, "trailers", false)));
    }
    sheets
}

fn values(way: &Way, callback: usize, shape: &str, really: bool) -> Vec<Case> {
    (0..6).map(|value| case(way, callback, value, shape, really)).collect()
}

fn case(way: &Way, callback: usize, value: u32, shape: &str, really: bool) -> Case {
    let own = way.callbacks[callback];
    let flag = if really { "/really" } else { "" };
    let name = format!("flow/{own}/{shape}/{value}{flag}").replace('_', "-");
    // Trailers also release a body that its own callback has paused.
    let passes = value == 0 || (callback == 0 && value == 2) || (callback == 1 && shape == "trailers");
    // A body also releases headers if `allow_on_headers_stop_iteration` is set.
    let held = !(passes || really && value == 1 && shape != "bare");
    let mut case = Case::new(&name, title(own, callback, value, shape, really));
    case = match way.kind {
        0 => case.request(request(shape)),
        _ => case.answer("upstream", [reply(response(shape))]),
    };
    for (i, name) in way.callbacks.into_iter().enumerate() {
        let mut steps = Vec::new();
        if i == 0 && held {
            steps.push(call_other(&case.name));
        }
        if i == 1 {
            steps.push(if way.kind == 0 { request_body() } else { response_body() });
        }
        if i == callback {
            steps.push(Step::Return(value));
        }
        case = case.on(name, steps);
    }
    if held {
        case = case.on("http_call_response", resume(way.kind)).answer("other", [late(ok(), SOON)]);
    }
    case
}

fn request(shape: &str) -> Request {
    match shape {
        "bare" => Request::get("/"),
        "whole" => Request::post("/", "abc"),
        "pieces" => Request::post("/", "ab").chunk("c"),
        _ => Request::post("/", "ab").chunk("c").trailer("t", "1"),
    }
}

fn response(shape: &str) -> Response {
    match shape {
        "bare" => Response::new(200),
        "whole" => Response::new(200).chunk("abc"),
        "pieces" => Response::new(200).chunk("ab").chunk("c"),
        _ => Response::new(200).chunk("ab").chunk("c").trailer("t", "1"),
    }
}

fn title(name: &str, callback: usize, value: u32, shape: &str, really: bool) -> String {
    let message = match shape {
        "bare" => "a message without a body",
        "whole" => "a body in one piece",
        "pieces" => "a body in two pieces",
        _ => "a body in two pieces and trailers",
    };
    let what = match (callback, value) {
        (0, 0 | 2) => "continues",
        (0, 1) if really => "pauses the headers; the body still reaches the filter",
        (0, 3) => "pauses everything, in a buffer with a limit",
        (0, _) => "pauses everything, in a buffer that stops the sender when it is full",
        (1 | 2, 0) => "continues",
        (1, 1) => "buffers the body",
        (1, 2) => "buffers the body, and stops the sender when the buffer is full",
        (1, _) => "pauses what follows and drops this piece",
        _ => "pauses the trailers and so the end of the message",
    };
    format!("returning {value} from on_{name} {what}: {message}")
}
