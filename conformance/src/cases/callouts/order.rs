//! Several callouts, callouts from every callback, and callouts that outlive their stream.

use crate::case::Loaded;
use crate::cases::parts::{LATER, SOON, call_headers, call_to, get, late, ok, reply, resume};
use crate::run::OTHER;
use crate::script::calls::{continue_stream, get_value, http_call, set_context, set_tick};
use crate::script::{Arg, Step};
use crate::{Case, Sheet};
use std::time::Duration;
use tollgate_host_test::{Answer, Response};

pub(super) fn sheets() -> Vec<Sheet> {
    let configure = Case::new(
        "callouts/from/configure",
        "a callout from on_configure is answered in each VM that stays loaded",
    )
    .alone()
    .unordered()
    .on("configure", [http_call(OTHER, call_headers("callouts/from/configure"), "", "", 1000)])
    .on("http_call_response", [get_value(6, ":status")]);
    let early = Case::new(
        "callouts/from/vm-start",
        "a callout can be made in on_vm_start, and in on_context_create of a root context",
    )
    .alone()
    .unordered()
    .on("http_call_response", [get_value(6, ":status")]);
    let call = |name: &str| http_call(OTHER, call_headers(name), "", "", 1000);
    let loaded = Loaded::new("probe")
        .early("context_create", [call("callouts/from/context-create")])
        .early("vm_start", [call("callouts/from/vm-start")]);
    let linger = |sheet: Sheet| sheet.settings(|settings| settings.linger = LATER);
    vec![
        Sheet::new("callouts in flight", flight()),
        linger(Sheet::new("callouts from", from())),
        linger(Sheet::new("callouts from configure", vec![configure])),
        linger(Sheet::new("callouts from vm_start", vec![early]).filters(vec![loaded])),
    ]
}

fn flight() -> Vec<Case> {
    let ms = Duration::from_millis;
    let case = |name: &str, title: &str| Case::new(format!("callouts/flight/{name}"), title);
    let call = |name: &str, to: &str| {
        let case = format!("callouts/flight/{name}");
        call_to(to, &case)
    };
    let tell = || vec![get_value(6, ":status"), get_value(6, "x")];
    let numbered = |n: &str| Response::new(200).header("x", n).chunk("ok");
    vec![
        case("reversed", "callout responses are delivered in the order in which they arrive")
            .on("request_headers", [call("reversed", "other"), call("reversed", "refuses"), Step::Return(1)])
            .answer("other", [late(numbered("first"), ms(150))])
            .on("http_call_response", [&tell()[..], &[Step::OnlyRun(2)], &resume(0)].concat()),
        case("nested", "a callout can be made in the callback of another callout")
            .on("request_headers", [call("nested", "other"), Step::Return(1)])
            .answer("upstream", [late(ok(), SOON)])
            .answer("other", [reply(Response::new(200).chunk("first")), reply(ok())])
            .on(
                "http_call_response",
                [&tell()[..], &resume(0), &[Step::OnlyIf(2, 5), call("nested", "other")]].concat(),
            ),
        case(
            "stream-gone",
            "a callout response is delivered to the root context after its stream has ended; the stream can no longer be made effective",
        )
        .requests([get(), get()])
        .on("response_headers", [call("stream-gone", "other")])
        .answer("upstream", [reply(ok()), late(ok(), LATER)])
        .answer("other", [late(ok(), SOON), late(ok(), Duration::from_secs(9))])
        .on(
            "http_call_response",
            [get_value(6, ":status"), set_context(4), set_context(Arg::Stream), continue_stream(0)],
        ),
        case("from-body", "a callout from on_request_body can pause the body")
            .request(tollgate_host_test::Request::post("/", "ab").chunk("c"))
            .on("request_body", [Step::OnlyIf(1, 1), call("from-body", "other"), Step::Return(1)])
            .on("http_call_response", resume(0)),
        case("from-response", "a callout from on_response_headers can pause the response")
            .on("response_headers", [call("from-response", "other"), Step::Return(1)])
            .on("http_call_response", resume(1)),
    ]
}

/// Callbacks that can make a callout. The response arrives while a second request is in progress.
fn from() -> Vec<Case> {
    let mut cases = Vec::new();
    for callback in ["request_headers", "response_headers", "log", "done", "delete"] {
        let name = format!("callouts/from/{callback}").replace('_', "-");
        let title = format!("a callout from on_{callback} is answered after its stream has ended");
        let call = http_call(OTHER, call_headers(&name), "", "", 0);
        // The second request is in progress when the response for the first one arrives. Its own callout gets
        // no response.
        cases.push(
            Case::new(&name, title)
                .requests([get(), get().header("second", "1")])
                .on(callback, [call])
                .on("http_call_response", [get_value(6, ":status")])
                .answer("upstream", [reply(ok()), late(ok(), LATER)])
                .answer("other", [late(ok(), SOON), Answer::Hang]),
        );
    }
    let name = "callouts/from/tick";
    cases.push(
        Case::new(name, "a callout can be made in on_tick")
            .on("request_headers", [set_tick(20), Step::Return(1)])
            .on("tick", [set_tick(0), call_to(OTHER, name)])
            .on("http_call_response", resume(0)),
    );
    let name = "callouts/from/tick-in-stream";
    cases.push(
        Case::new(
            name,
            "a callout from on_tick belongs to the root context even if a stream is the effective context",
        )
        .on("request_headers", [set_tick(20), Step::Return(1)])
        .on("tick", [set_tick(0), set_context(Arg::Stream), call_to(OTHER, name)])
        .on("http_call_response", resume(0)),
    );
    cases
}
