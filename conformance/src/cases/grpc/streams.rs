//! gRPC streams.

use super::{NEWS, all, answer, target};
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

/// A case whose request waits until a stream is closed, and tells all that comes before.
fn waits(name: &str, says: &str, steps: Vec<Step>) -> Case {
    let case = Case::new(format!("grpc/stream/{name}"), says)
        .on("request_headers", steps.into_iter().chain([Step::Return(1)]));
    NEWS.into_iter().fold(case, |case, callback| {
        let end = if callback == "grpc_close" { resume(0).to_vec() } else { Vec::new() };
        case.on(callback, all().into_iter().chain(end))
    })
}

fn answered() -> Vec<Case> {
    let mut list: Vec<(String, &str, Answer)> = Vec::new();
    let mut add = |name: &str, says, answer| list.push((name.into(), says, answer));
    add(
        "ok",
        "a stream that is answered: its metadata, messages, trailing metadata, and its end",
        answer(&[b"hello"], 0, b""),
    );
    add("several", "several messages", answer(&[b"1", b"22", b"333"], 0, b""));
    add("empty-message", "an empty message", answer(&[b""], 0, b""));
    add("none", "no message", answer(&[], 0, b""));
    add("failed", "a status that is not 0", answer(&[b"hello"], 7, b"denied"));
    add("odd-text", "a text that is not ASCII", answer(&[], 7, b"\xc3\xa4 \xff%41"));
    add("odd-status", "a status that gRPC does not know", answer(&[], 99, b"?"));
    add(
        "html",
        "an answer that is no gRPC",
        reply(Response::new(200).header("content-type", "text/html").chunk("<p>")),
    );
    add("not-found", "an answer with 404", reply(Response::new(404).chunk("no")));
    add("unavailable", "an answer with 503", reply(Response::new(503)));
    add(
        "trailers-only",
        "a status among the headers",
        reply(Response::new(200).header("content-type", "application/grpc").header("grpc-status", "7")),
    );
    add("reset", "a connection that closes before it answers", Answer::Reset);
    let amid = || {
        Response::new(200).header("content-type", "application/grpc").chunk("\0\0\0\0\x05hello").chunk("abc")
    };
    add("reset-amid", "a connection that closes amid the answer", Answer::ResetMidResponse(amid()));
    list.into_iter()
        .map(|(name, says, answer)| {
            waits(&name, says, vec![open(&name), send("hi", 1)]).answer("grpc", [answer])
        })
        .collect()
}

fn streams() -> Vec<Case> {
    let simple = |name: &str, says: &str| Case::new(format!("grpc/stream/{name}"), says).shows(&NEWS);
    let metadata = pairs(&[("a", "1"), ("b-bin", "\u{1}AAE"), ("c", "")]);
    vec![
        waits(
            "two-sent",
            "two messages, and then the end",
            vec![open("two-sent"), send("one", 0), send("two", 1)],
        ),
        waits(
            "end-alone",
            "an empty message that ends the stream",
            vec![open("end-alone"), send("one", 0), send("", 1)],
        ),
        waits(
            "closed",
            "to close a stream ends this side of it",
            vec![open("closed"), send("one", 0), grpc_close(Arg::Kept(0))],
        ),
        waits(
            "closed-at-once",
            "a stream that is closed without a message",
            vec![open("closed-at-once"), grpc_close(Arg::Kept(0))],
        ),
        waits(
            "metadata",
            "metadata of a stream",
            vec![grpc_stream(target(GRPC), "grpc/stream/metadata", "m", metadata), send("hi", 1)],
        ),
        waits(
            "refused",
            "a connection that is refused",
            vec![grpc_stream(target(REFUSES), "grpc/stream/refused", "m", ""), send("hi", 1)],
        ),
        waits(
            "send-after-end",
            "to send when all has been said",
            vec![open("send-after-end"), send("hi", 1), send("more", 0)],
        ),
        simple("cancel", "a stream that is given up: no callback comes, and its token is gone")
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
        simple("send-in-log", "the token of a stream that is over is gone")
            .on("request_headers", [open("send-in-log"), send("x", 1), Step::Return(1)])
            .on("grpc_close", resume(0))
            .on("log", [send("y", 0), grpc_cancel(Arg::Kept(0)), grpc_close(Arg::Kept(0))]),
        simple("cancel-in-callback", "a stream is given up when its first message has come")
            .on("request_headers", [open("cancel-in-callback"), send("x", 1), Step::Return(1)])
            .on("grpc_receive", [grpc_cancel(Arg::Kept(0))].into_iter().chain(resume(0)))
            .answer("grpc", [answer(&[b"1", b"2"], 0, b"")])
            .answer("upstream", [late(ok(), LATER)]),
        simple("stream-gone", "what comes when the HTTP stream is gone")
            .requests([get(), get()])
            // The second request waits for what comes to the first, and its own response, without a body, starts nothing.
            .on("response_headers", [Step::OnlyIf(1, 0), open("stream-gone"), send("x", 1)])
            .answer("upstream", [reply(ok()), late(Response::new(200), LATER)]),
        simple("idle", "a stream on which nothing is sent")
            .on("request_headers", [open("idle"), get_status()])
            .on("response_headers", [grpc_cancel(Arg::Kept(0))])
            .answer("upstream", [late(ok(), LATER)]),
    ]
}
