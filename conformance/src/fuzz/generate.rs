//! Random cases, and smaller ones.

use super::Draw;
use crate::case::Loaded;
use crate::cases::parts::{CALLBACKS, IMPATIENT, SOON, call_other, late, ok, resume};
use crate::script::calls::{
    add, buffer_status, close_stream, continue_stream, get_buffer, get_pairs, get_property, get_value, pairs,
    remove, replace, reply, set_buffer,
};
use crate::script::{Arg, Step, calls};
use crate::{Case, Sheet};
use std::time::Duration;
use tollgate_host_test::{Answer, Request, Response};

/// Callbacks of a stream in which a script may do anything.
const ACTIVE: usize = 6;
const METHODS: [&str; 6] = ["GET", "POST", "POST", "POST", "PUT", "HEAD"];
const STATUSES: [u32; 9] = [200, 204, 304, 400, 403, 418, 500, 503, 599];
const PROPERTIES: [&str; 9] = [
    "request\0size",
    "request\0total_size",
    "request\0headers\0x",
    "response\0code",
    "response\0code_details",
    "response\0flags",
    "response\0size",
    "response\0headers\0:status",
    "request\0path",
];

pub(super) fn sheet(draw: &mut Draw, cases: usize) -> Sheet {
    let stops = draw.once_in(3);
    let two = draw.once_in(3);
    let names: &[&'static str] = if two { &["probe", "second"] } else { &["probe"] };
    let filter = |name: &&'static str| Loaded { allow_on_headers_stop_iteration: stops, ..Loaded::new(name) };
    let limit = *draw.one(&[1 << 20, 1 << 20, 40, 1000]);
    let cases = (0..cases).map(|at| case(draw, at, names.len())).collect();
    Sheet::new("fuzz", cases).filters(names.iter().map(filter).collect()).settings(|settings| {
        settings.client_patience = IMPATIENT;
        settings.buffer_limit = limit;
    })
}

fn case(draw: &mut Draw, at: usize, filters: usize) -> Case {
    let mut case = Case::new(format!("fuzz/{at}"), "random");
    let count = 1 + draw.below(2);
    case.requests = (0..count).map(|_| request(draw)).collect();
    case = case.answer("upstream", (0..count).map(|_| answer(draw)).collect::<Vec<_>>());
    case = case.answer("other", [late(ok(), SOON)]);
    for filter in 0..filters {
        let mut calls = false;
        for (place, callback) in CALLBACKS.iter().enumerate() {
            if place > ACTIVE || (place < ACTIVE && draw.once_in(2)) {
                continue;
            }
            let steps = steps(draw, &case.name, place, &mut calls);
            case = case.on_filter(filter, callback, steps);
        }
        if calls {
            case = case.on_filter(filter, "http_call_response", answered(draw));
        }
    }
    case
}

fn body(draw: &mut Draw) -> Vec<Vec<u8>> {
    let pieces = *draw.one(&[0, 1, 1, 1, 2, 2, 3]);
    (0..pieces).map(|_| vec![b'a' + draw.below(26) as u8; *draw.one(&[1, 5, 5, 30, 60])]).collect()
}

fn request(draw: &mut Draw) -> Request {
    let mut request = Request::new(METHODS[draw.below(METHODS.len())], "/");
    if request.method != "GET" && request.method != "HEAD" || draw.once_in(5) {
        request.body = body(draw);
    }
    let length: usize = request.body.iter().map(Vec::len).sum();
    if draw.once_in(8) && length > 0 {
        let wrong = length + draw.below(7) - length.min(3);
        request = request.header("content-length", wrong.to_string());
    }
    if draw.once_in(5) && !request.body.is_empty() {
        request = request.trailer("t", "1");
    }
    if draw.once_in(4) {
        request = request.header("x", "1");
    }
    request
}

fn response(draw: &mut Draw) -> Response {
    let mut response = Response::new(*draw.one(&[200, 200, 200, 201, 204, 304, 404, 503]));
    response.body = body(draw);
    let length: usize = response.body.iter().map(Vec::len).sum();
    if draw.once_in(10) && length > 0 {
        let wrong = length + draw.below(7) - length.min(3);
        response = response.header("content-length", wrong.to_string());
    }
    if draw.once_in(6) && !response.body.is_empty() {
        response = response.trailer("t", "2");
    }
    if draw.once_in(8) {
        response = response.header("connection", "close");
    }
    if draw.once_in(4) {
        response = response.header("x", "2");
    }
    response
}

fn answer(draw: &mut Draw) -> Answer {
    let response = response(draw);
    match draw.below(12) {
        0 => Answer::Reset,
        1 => Answer::ResetMidResponse(response),
        2 => Answer::Hang,
        3 => late(response, Duration::from_millis(30)),
        _ => late(response, Duration::ZERO),
    }
}

fn steps(draw: &mut Draw, name: &str, place: usize, calls: &mut bool) -> Vec<Step> {
    let is_body = place == 1 || place == 4;
    let mut steps = Vec::new();
    match draw.below(4) {
        0 if is_body => steps.push(Step::OnlyIf(1, 1)),
        1 if is_body => steps.push(Step::OnlyIf(1, 0)),
        2 if is_body => steps.push(Step::OnlyRun(1 + draw.below(2) as u32)),
        _ => {}
    }
    for _ in 0..draw.below(3) {
        steps.push(step(draw, place));
    }
    if place >= ACTIVE {
        return steps;
    }
    match draw.below(10) {
        0 | 1 => steps.push(local_reply(draw)),
        2 if place != 5 => steps.push(close_stream(*draw.one(&[0u32, 1]))),
        3 | 4 => {
            *calls = true;
            steps.push(call_other(name));
        }
        _ => {}
    }
    match draw.below(4) {
        0 => steps.push(Step::Return(draw.below(5) as u32)),
        1 => steps.push(Step::Return(1)),
        _ => {}
    }
    steps
}

fn local_reply(draw: &mut Draw) -> Step {
    let headers = match draw.below(4) {
        0 => pairs(&[("x", "3")]),
        1 => pairs(&[("content-type", "application/json")]),
        _ => Vec::new(),
    };
    reply(*draw.one(&STATUSES), *draw.one(&["", "why not"]), *draw.one(&["", "no"]), headers, -1)
}

fn step(draw: &mut Draw, place: usize) -> Step {
    let map = *draw.one(&[0u32, 0, 2, 2, 1, 3]);
    let buffer = if draw.once_in(4) { draw.below(2) as u32 } else { u32::from(place >= 3) };
    match draw.below(12) {
        0 => get_pairs(*draw.one(&[1u32, 3])),
        1 => get_value(map, *draw.one(&["x", "content-length", ":status", ":path"])),
        2 => add(map, *draw.one(&["x", "y"]), "4"),
        3 => remove(map, *draw.one(&["x", "content-length", "transfer-encoding"])),
        4 => replace(map, *draw.one(&["x", "y"]), "5"),
        5 => buffer_status(buffer),
        6 | 7 => get_buffer(buffer, 0, u32::MAX),
        8 | 9 => set_buffer(
            buffer,
            *draw.one(&[0u32, 0, 99]),
            *draw.one(&[0u32, 2, 99]),
            *draw.one(&["", "AB", "longer than before"]),
        ),
        _ => get_property(*draw.one(&PROPERTIES)),
    }
}

/// Steps after the answer of a callout.
fn answered(draw: &mut Draw) -> Vec<Step> {
    let context = calls::set_context(Arg::Stream);
    match draw.below(5) {
        0 => vec![get_value(6u32, ":status"), context, local_reply(draw)],
        1 => vec![context, close_stream(0u32)],
        2 => vec![context, continue_stream(0u32)],
        _ => resume(0).to_vec(),
    }
}

/// Returns cases with one part less.
pub(super) fn smaller(case: &Case) -> Vec<Case> {
    let mut all = Vec::new();
    let mut push = |change: &dyn Fn(&mut Case)| {
        let mut new = case.clone();
        change(&mut new);
        all.push(new);
    };
    for at in 0..case.requests.len() {
        if case.requests.len() > 1 {
            push(&|case| drop(case.requests.remove(at)));
        }
        for piece in 0..case.requests[at].body.len() {
            push(&|case| drop(case.requests[at].body.remove(piece)));
        }
        for field in 0..case.requests[at].headers.0.len() {
            push(&|case| drop(case.requests[at].headers.0.remove(field)));
        }
        if !case.requests[at].trailers.0.is_empty() {
            push(&|case| case.requests[at].trailers.0.clear());
        }
    }
    for at in 0..case.scripts.len() {
        push(&|case| drop(case.scripts.remove(at)));
        for step in 0..case.scripts[at].2.len() {
            push(&|case| drop(case.scripts[at].2.remove(step)));
        }
    }
    for at in 0..case.answers.len() {
        // The delay of a callout keeps the order of what happens.
        if case.answers[at].0 == "other" {
            continue;
        }
        push(&|case| drop(case.answers.remove(at)));
        for answer in 0..case.answers[at].1.len() {
            if case.answers[at].1.len() > 1 {
                push(&|case| drop(case.answers[at].1.remove(answer)));
            }
            if let Answer::Reply { response, .. } = &case.answers[at].1[answer] {
                for piece in 0..response.body.len() {
                    push(&|case| {
                        if let Answer::Reply { response, .. } = &mut case.answers[at].1[answer] {
                            response.body.remove(piece);
                        }
                    });
                }
                push(&|case| {
                    if let Answer::Reply { response, .. } = &mut case.answers[at].1[answer] {
                        response.trailers.0.clear();
                    }
                });
            }
        }
    }
    all.retain(|new| format!("{new:?}") != format!("{case:?}"));
    all
}
