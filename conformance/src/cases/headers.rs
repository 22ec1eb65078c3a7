//! Header maps: which are in reach when, and what each call answers.

use crate::script::Step;
use crate::script::calls::map::{REQUEST_HEADERS, RESPONSE_HEADERS};
use crate::script::calls::{add, get_pairs, get_size, get_value, pairs, remove, replace, set_pairs};
use crate::{Case, Sheet};
use tollgate_host_test::{Answer, Request, Response};

/// The sheets.
pub fn sheets() -> Vec<Sheet> {
    vec![Sheet::new("header values", values()), Sheet::new("header maps in each phase", reach())]
}

fn get() -> Request {
    Request::get("/")
}

fn case(name: &str, says: &str, steps: Vec<Step>) -> Case {
    Case::new(format!("headers/{name}"), says).on("request_headers", steps)
}

fn values() -> Vec<Case> {
    let first = get_value(REQUEST_HEADERS, "x");
    vec![
        case("get-first-of-many", "the first of several values is given", vec![first.clone()])
            .request(get().header("x", "1").header("x", "2")),
        case("get-missing", "a header that is not there is NotFound", vec![first]),
        case("replace-adds", "replace adds what is not there", vec![replace(0, "x", "1"), get_pairs(0)]),
        case("add-appends", "add appends a value", vec![add(0, "x", "1"), add(0, "X", "2"), get_pairs(0)]),
        case("remove-all", "remove takes all values", vec![remove(0, "x"), get_value(0, "x")])
            .request(get().header("x", "1").header("x", "2")),
        case(
            "set-pairs",
            "the whole map is replaced",
            vec![
                set_pairs(0, pairs(&[(":method", "GET"), (":path", "/"), (":scheme", "http")])),
                get_pairs(0),
            ],
        ),
    ]
}

const PHASES: [&str; 8] = [
    "context_create",
    "request_headers",
    "request_body",
    "request_trailers",
    "response_headers",
    "response_body",
    "response_trailers",
    "log",
];

/// Each call on each map in each phase.
fn reach() -> Vec<Case> {
    type Call = fn(u32) -> Step;
    let calls: [(&str, Call); 7] = [
        ("get-value", |map| get_value(map, "x")),
        ("get-pairs", |map| get_pairs(map)),
        ("get-size", |map| get_size(map)),
        ("add", |map| add(map, "added", "1")),
        ("replace", |map| replace(map, "x", "2")),
        ("remove", |map| remove(map, "x")),
        ("set-pairs", |map| set_pairs(map, pairs(&[("set", "1")]))),
    ];
    let request = Request::post("/", "a").chunk("b").header("x", "1").trailer("x", "t");
    let response = Response::new(200).header("x", "1").chunk("a").chunk("b").trailer("x", "t");
    let mut cases = Vec::new();
    for phase in PHASES {
        for (name, call) in calls {
            // To wipe the maps that the stream goes on with would hide what later phases answer.
            let maps = (0..9)
                .filter(|map| name != "set-pairs" || ![REQUEST_HEADERS, RESPONSE_HEADERS].contains(map));
            let says = format!("which maps {name} reaches in on_{phase}");
            let answer = Answer::Reply { response: response.clone(), after: std::time::Duration::ZERO };
            cases.push(
                Case::new(format!("headers/reach/{phase}/{name}").replace('_', "-"), says)
                    .on(phase, maps.map(call))
                    .request(request.clone())
                    .answer("upstream", [answer]),
            );
        }
    }
    cases
}
