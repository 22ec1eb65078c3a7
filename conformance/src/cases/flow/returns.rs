//! What each callback of a stream may return, for messages of each shape. What is held back goes on when a callout
//! answers, and all of the message has come by then.

use crate::case::Loaded;
use crate::cases::parts::{
    IMPATIENT, SOON, call_other, late, ok, reply, request_body, response_body, resume,
};
use crate::script::Step;
use crate::{Case, Sheet};
use tollgate_host_test::{Request, Response};

/// A way through the filters, its callbacks, and the shapes that its messages have.
struct Way {
    name: &'static str,
    kind: u32,
    callbacks: [&'static str; 3],
}

const WAYS: [Way; 2] = [
    Way { name: "request", kind: 0, callbacks: ["request_headers", "request_body", "request_trailers"] },
    Way { name: "response", kind: 1, callbacks: ["response_headers", "response_body", "response_trailers"] },
];

/// From the least to the most that a message may have.
const SHAPES: [&str; 4] = ["bare", "whole", "pieces", "trailers"];

pub(super) fn sheets() -> Vec<Sheet> {
    let mut sheets = Vec::new();
    for way in &WAYS {
        let name = |rest: &str| -> &'static str { format!("{} {rest}", way.name).leak() };
        for really in [false, true] {
            let cases = SHAPES.iter().flat_map(|shape| values(way, 0, shape, really)).collect();
            let loaded = Loaded { allow_on_headers_stop_iteration: really, ..Loaded::new("probe") };
            let rest = if really { "headers, really stopped" } else { "headers" };
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
    // Trailers take a body with them that its own callback holds back.
    let passes = value == 0 || (callback == 0 && value == 2) || (callback == 1 && shape == "trailers");
    // And a body headers, where those are really stopped.
    let held = !(passes || really && value == 1 && shape != "bare");
    let mut case = Case::new(&name, says(own, callback, value, shape, really));
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

fn says(name: &str, callback: usize, value: u32, shape: &str, really: bool) -> String {
    let message = match shape {
        "bare" => "a message without a body",
        "whole" => "a body in one piece",
        "pieces" => "a body in two pieces",
        _ => "a body in two pieces and trailers",
    };
    let what = match (callback, value) {
        (0, 0 | 2) => "lets the message go on",
        (0, 1) if really => "holds back the headers, and the body still comes to the filter",
        (0, 3) => "holds back all, in a buffer that has a limit",
        (0, _) => "holds back all, in a buffer that stops the sender when it is full",
        (1 | 2, 0) => "lets it go on",
        (1, 1) => "holds back the body in a buffer",
        (1, 2) => "holds back the body in a buffer that stops the sender when it is full",
        (1, _) => "holds back what comes next, and drops this piece",
        _ => "holds back the trailers, and with them the end",
    };
    format!("on_{name} returning {value} {what}: {message}")
}
