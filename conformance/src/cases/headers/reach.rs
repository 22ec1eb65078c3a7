//! Each call on each map in each callback.

use crate::Case;
use crate::script::calls::map::{REQUEST_HEADERS, REQUEST_TRAILERS, RESPONSE_HEADERS, RESPONSE_TRAILERS};
use crate::script::calls::{add, get_pairs, get_size, get_value, pairs, remove, replace, set_pairs};
use crate::script::{Arg, Step};
use tollgate_host_test::{Answer, Request, Response};

/// The callbacks, the maps that can be read in them, and the maps that can be written.
const PHASES: [(&str, &[u32], &[u32]); 9] = [
    ("request_headers", &[REQUEST_HEADERS], &[REQUEST_HEADERS]),
    ("request_body", &[], &[]),
    ("request_trailers", &[REQUEST_TRAILERS], &[REQUEST_TRAILERS]),
    ("response_headers", &[RESPONSE_HEADERS], &[RESPONSE_HEADERS]),
    ("response_body", &[], &[]),
    ("response_trailers", &[RESPONSE_TRAILERS], &[RESPONSE_TRAILERS]),
    ("log", &[REQUEST_HEADERS, RESPONSE_HEADERS, RESPONSE_TRAILERS], &[]),
    ("done", &[], &[]),
    ("delete", &[], &[]),
];

/// The calls, whether they write, and the status that they return for an inaccessible map.
type Call = fn(u32) -> Step;
const CALLS: [(&str, bool, &str, Call); 7] = [
    ("get-value", false, "BadArgument (NotFound in on_log)", |map| get_value(map, "x")),
    ("get-pairs", false, "Ok and no pairs", |map| get_pairs(map)),
    ("get-size", true, "BadArgument", |map| get_size(map)),
    ("add", true, "BadArgument", |map| add(map, "added", "1")),
    ("replace", true, "BadArgument", |map| replace(map, "x", "2")),
    ("remove", true, "BadArgument", |map| remove(map, "x")),
    ("set-pairs", true, "BadArgument", |map| set_pairs(map, pairs(&[("set", "1")]))),
];

fn title(phase: &str, call: &str, reached: &[u32], otherwise: &str) -> String {
    let names = ["request headers", "request trailers", "response headers", "response trailers"];
    let reached: Vec<_> = reached.iter().map(|map| names[*map as usize]).collect();
    let reached = if reached.is_empty() { "no map".to_owned() } else { reached.join(" and ") };
    format!("`{call}` in on_{phase} can access {reached}; another map returns {otherwise}")
}

pub fn cases() -> Vec<Case> {
    let request = Request::post("/", "a").chunk("b").header("x", "1").trailer("x", "t");
    let response = Response::new(200).header("x", "1").chunk("a").chunk("b").trailer("x", "t");
    let mut cases = Vec::new();
    for (phase, readable, writable) in PHASES {
        for (name, writes, otherwise, call) in CALLS {
            // Emptying the maps that the stream continues with would hide the results of later callbacks.
            let maps = (0..9)
                .filter(|map| name != "set-pairs" || ![REQUEST_HEADERS, RESPONSE_HEADERS].contains(map));
            let title = title(phase, name, if writes { writable } else { readable }, otherwise);
            let answer = Answer::Reply { response: response.clone(), after: std::time::Duration::ZERO };
            let timeless = ["response_headers", "log"].contains(&phase);
            let case = Case::new(format!("headers/reach/{phase}/{name}").replace('_', "-"), title)
                .on(phase, maps.chain([u32::MAX]).map(call))
                .request(request.clone())
                .answer("upstream", [answer]);
            cases.push(if timeless { case.without_latency() } else { case });
        }
    }
    cases.push(
        Case::new("headers/reach/root", "a root context cannot access a map")
            .on("request_headers", {
                let root = [crate::script::calls::set_context(Arg::Root)];
                let calls = CALLS.iter().flat_map(|(_, _, _, call)| (0..9).map(*call));
                root.into_iter().chain(calls).collect::<Vec<_>>()
            })
            .request(request),
    );
    cases
}

/// A context does not know its path when it is created, so this is a sheet with one request.
pub fn before_the_headers() -> Vec<Case> {
    let calls = CALLS.iter().flat_map(|(_, _, _, call)| (0..9).map(*call));
    vec![
        Case::new("headers/reach/context-create", "no map is accessible before the headers arrive")
            .on("context_create", calls.collect::<Vec<_>>())
            .alone(),
        Case::new("headers/reach/context-create/request", "changes before the headers arrive have no effect"),
    ]
}
