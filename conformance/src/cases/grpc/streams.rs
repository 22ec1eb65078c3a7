//! gRPC streams.

use super::{GRPC_CALLBACKS, all, answer, target};
use crate::cases::parts::{LATER, get, late, ok, reply, resume};
use crate::run::{GRPC, REFUSES};
use crate::script::calls::{get_status, grpc_cancel, grpc_close, grpc_send, grpc_stream, pairs};
use crate::script::{Arg, Step};
use crate::{Case, Sheet};
use tollgate_host_test::{Answer, Response};

pub(super) fn sheets() -> Vec<Sheet> {
    vec![Sheet::new("grpc streams answered", answered()), Sheet::new("grpc streams", streams())]
}

fn open(name: &str) -> Step {
    grpc_stream(target(GRPC), format!("grpc/stream/{name}"), "m", "")
}

fn send(message: &str, end: u32) -> Step {
    grpc_send(Arg::Kept(0), message, end)
}

/// A case whose request waits until a stream is closed, and logs everything before that.
fn waits(name: &str, title: &str, steps: Vec<Step>) -> Case {
    let case = Case::new(format!("grpc/stream/{name}"), title)
        .on("request_headers", steps.into_iter().chain([Step::Return(1)]));
    GRPC_CALLBACKS.into_iter().fold(case, |case, callback| {
        let end = if callback == "grpc_close" { resume(0).to_vec() } else { Vec::new() };
        case.on(callback, all().into_iter().chain(end))
    })
}

fn answered() -> Vec<Case> {
    let mut list: Vec<(String, &str, Answer)> = Vec::new();
    let mut add = |name: &str, title, answer| list.push((name.into(), title, answer));
    add(
        "ok",
        "a successful stream delivers its metadata, messages, trailing metadata and close",
        answer(&[b"hello"], 0, b""),
    );
    add("several", "a stream delivers several messages", answer(&[b"1", b"22", b"333"], 0, b""));
    add("empty-message", "a stream delivers an empty message", answer(&[b""], 0, b""));
    add("none", "a stream can end without a message", answer(&[], 0, b""));
    add("failed", "a stream ends with a status other than 0", answer(&[b"hello"], 7, b"denied"));
    add("odd-text", "the status text of a stream may not be ASCII", answer(&[], 7, b"\xc3\xa4 \xff%41"));
    add("odd-status", "a stream ends with a status that gRPC does not define", answer(&[], 99, b"?"));
    add(
        "html",
        "a stream closes with status 13 if the response is not gRPC",
        reply(Response::new(200).header("content-type", "text/html").chunk("<p>")),
    );
    add(
        "not-found",
        "a stream closes with status 12 on an HTTP response 404",
        reply(Response::new(404).chunk("no")),
    );
    add("unavailable", "a stream closes with status 14 on an HTTP response 503", reply(Response::new(503)));
    add(
        "trailers-only",
        "a stream without trailers reads its status from the response headers",
        reply(Response::new(200).header("content-type", "application/grpc").header("grpc-status", "7")),
    );
    add(
        "reset",
        "a stream closes with status 14 if the connection closes before the response",
        Answer::Reset,
    );
    let amid = || {
        Response::new(200).header("content-type", "application/grpc").chunk("\0\0\0\0\x05hello").chunk("abc")
    };
    add(
        "reset-amid",
        "a stream closes with status 13 if the connection closes in the middle of the response",
        Answer::ResetMidResponse(amid()),
    );
    list.into_iter()
        .map(|(name, title, answer)| {
            waits(&name, title, vec![open(&name), send("hi", 1)]).answer("grpc", [answer])
        })
        .collect()
}

fn streams() -> Vec<Case> {
    let simple =
        |name: &str, title: &str| Case::new(format!("grpc/stream/{name}"), title).shows(&GRPC_CALLBACKS);
    let metadata = pairs(&[("a", "1"), ("b-bin", "\u{1}AAE"), ("c", "")]);
    vec![
        waits(
            "two-sent",
            "a stream sends two messages and then ends",
            vec![open("two-sent"), send("one", 0), send("two", 1)],
        ),
        waits(
            "end-alone",
            "an empty message with the end flag ends the stream",
            vec![open("end-alone"), send("one", 0), send("", 1)],
        ),
        waits(
            "closed",
            "closing a stream ends only the filter's side",
            vec![open("closed"), send("one", 0), grpc_close(Arg::Kept(0))],
        ),
        waits(
            "closed-at-once",
            "a stream can be closed without a message",
            vec![open("closed-at-once"), grpc_close(Arg::Kept(0))],
        ),
        waits(
            "metadata",
            "a stream sends metadata",
            vec![grpc_stream(target(GRPC), "grpc/stream/metadata", "m", metadata), send("hi", 1)],
        ),
        waits(
            "refused",
            "a stream closes with status 14 if the connection is refused",
            vec![grpc_stream(target(REFUSES), "grpc/stream/refused", "m", ""), send("hi", 1)],
        ),
        waits(
            "send-after-end",
            "grpc_send after the end of the stream returns Ok and sends nothing",
            vec![open("send-after-end"), send("hi", 1), send("more", 0)],
        ),
        simple("cancel", "a cancelled stream has no callback, and its token is unknown")
            .on(
                "request_headers",
                [
                    open("cancel"),
                    send("x", 0),
                    grpc_cancel(Arg::Kept(0)),
                    send("y", 1),
                    grpc_close(Arg::Kept(0)),
                    get_status(),
                ],
            )
            .answer("upstream", [late(ok(), LATER)]),
        simple("send-in-log", "the token of an ended stream is unknown")
            .on("request_headers", [open("send-in-log"), send("x", 1), Step::Return(1)])
            .on("grpc_close", resume(0))
            .on("log", [send("y", 0), grpc_cancel(Arg::Kept(0)), grpc_close(Arg::Kept(0))]),
        simple("cancel-in-callback", "a stream can be cancelled in the callback of its first message")
            .on("request_headers", [open("cancel-in-callback"), send("x", 1), Step::Return(1)])
            .on("grpc_receive", [grpc_cancel(Arg::Kept(0))].into_iter().chain(resume(0)))
            .answer("grpc", [answer(&[b"1", b"2"], 0, b"")])
            .answer("upstream", [late(ok(), LATER)]),
        simple("stream-gone", "the callbacks of a stream come after the HTTP stream has ended")
            .requests([get(), get()])
            // The second request waits for the callbacks of the first one. Its own response has no body and
            // so starts nothing.
            .on("response_headers", [Step::OnlyIf(1, 0), open("stream-gone"), send("x", 1)])
            .answer("upstream", [reply(ok()), late(Response::new(200), LATER)]),
        simple("idle", "nothing is sent on an open stream")
            .on("request_headers", [open("idle"), get_status()])
            .on("response_headers", [grpc_cancel(Arg::Kept(0))])
            .answer("upstream", [late(ok(), LATER)]),
    ]
}
