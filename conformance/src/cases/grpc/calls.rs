//! gRPC calls of one message.

use super::{NEWS, all, answer, target};
use crate::cases::parts::{LATER, SOON, get, late, ok, reply, resume};
use crate::run::{GRPC, REFUSES};
use crate::script::Arg;
use crate::script::Step;
use crate::script::calls::{get_status, grpc_call, grpc_cancel, grpc_close, grpc_send, pairs};
use crate::{Case, Sheet};
use tollgate_host_test::{Answer, Headers, Response};

pub(super) fn sheets() -> Vec<Sheet> {
    vec![Sheet::new("grpc calls answered", answered()), Sheet::new("grpc calls", calls())]
}

/// A case whose request waits for what comes of a call, and tells all of it.
fn waits(name: &str, says: &str, call: impl FnOnce(String) -> Step) -> Case {
    let name = format!("grpc/call/{name}");
    let case = Case::new(&name, says).on("request_headers", [call(name.clone()), Step::Return(1)]);
    NEWS.into_iter().fold(case, |case, callback| case.on(callback, all().into_iter().chain(resume(0))))
}

fn answered() -> Vec<Case> {
    let mut list: Vec<(String, String, Answer)> = Vec::new();
    let mut add = |name: &str, says: &str, answer: Answer| list.push((name.into(), says.into(), answer));
    add("ok", "a call that is answered: the message, and nothing else", answer(&[b"hello"], 0, b""));
    add("empty", "an answer with an empty message", answer(&[b""], 0, b""));
    add("binary", "an answer with any bytes", answer(&[b"\0\xff"], 0, b""));
    add("large", "an answer of 20 kB", answer(&[&[b'.'; 20_000]], 0, b""));
    add("none", "an answer without a message", answer(&[], 0, b""));
    add("two", "an answer with two messages", answer(&[b"first", b"second"], 0, b""));
    add("failed-with-message", "a message, and then a status that is not 0", answer(&[b"hello"], 9, b"no"));
    add("ok-with-text", "a status of 0 may say something too", answer(&[b"hello"], 0, b"fine"));
    for status in [1, 5, 7, 13, 14, 16, 17, 99] {
        add(
            &format!("status/{status}"),
            &format!("a call that fails with status {status}"),
            answer(&[], status, b"no"),
        );
    }
    for (name, text) in [
        ("empty", &b""[..]),
        ("spaces", b"two words"),
        ("percent", b"a%20b%zz"),
        ("not-ascii", b"\xc3\xa4\xff"),
    ] {
        add(&format!("text/{name}"), "the text of a status that is not 0", answer(&[], 5, text));
    }
    add(
        "html",
        "an answer that is no gRPC",
        reply(Response::new(200).header("content-type", "text/html").chunk("<p>")),
    );
    add("not-found", "an answer with 404", reply(Response::new(404).chunk("no")));
    add("unavailable", "an answer with 503", reply(Response::new(503)));
    add("bad-request", "an answer with 400", reply(Response::new(400)));
    add(
        "trailers-only",
        "a status among the headers",
        reply(
            Response::new(200)
                .header("content-type", "application/grpc")
                .header("grpc-status", "7")
                .header("grpc-message", "denied"),
        ),
    );
    add(
        "no-status",
        "gRPC without a status",
        reply(Response::new(200).header("content-type", "application/grpc")),
    );
    add("reset", "a connection that closes before it answers", Answer::Reset);
    let amid = || {
        Response::new(200).header("content-type", "application/grpc").chunk("\0\0\0\0\x05hello").chunk("abc")
    };
    add("reset-amid", "a connection that closes amid the answer", Answer::ResetMidResponse(amid()));
    list.into_iter()
        .map(|(name, says, answer)| {
            let large = name == "large";
            let mut case = waits(&name, &says, |path| grpc_call(target(GRPC), path, "m", "", "hi", 5000));
            if large {
                case.scripts
                    .iter_mut()
                    .filter(|(_, name, _)| *name == "grpc_receive")
                    .for_each(|(.., steps)| drop(steps.remove(0)));
            }
            case.answer("grpc", [answer])
        })
        .collect()
}

fn calls() -> Vec<Case> {
    let slow = || [super::after(answer(&[b"late"], 0, b""), SOON)];
    let metadata = pairs(&[("a", "1"), ("b-bin", "AAEC"), ("x-envoy-internal", "false")]);
    let simple = |name: &str, says: &str| Case::new(format!("grpc/call/{name}"), says).shows(&NEWS);
    let call = |name: &str, timeout: i32| {
        grpc_call(target(GRPC), format!("grpc/call/{name}"), "m", "", "hi", timeout)
    };
    vec![
        waits("metadata", "metadata of a call", |path| {
            grpc_call(target(GRPC), path, "m", metadata, "hi", 5000)
        })
        .answer("grpc", [answer(&[b"x"], 0, b"")]),
        waits("empty-message", "a call with an empty message", |path| {
            grpc_call(target(GRPC), path, "m", "", "", 5000)
        }),
        waits("large-message", "a call with 50 kB", |path| {
            grpc_call(target(GRPC), path, "m", "", vec![b'.'; 50_000], 5000)
        }),
        waits("bad-metadata", "metadata that are no pairs", |path| {
            grpc_call(target(GRPC), path, "m", "xxxxxxxxx", "hi", 5000)
        }),
        waits("timeout", "no answer in time", |path| grpc_call(target(GRPC), path, "m", "", "hi", 50))
            .answer("grpc", [Answer::Hang]),
        waits("late", "an answer that comes too late", |path| {
            grpc_call(target(GRPC), path, "m", "", "hi", 20)
        })
        .answer("grpc", slow()),
        waits("no-time", "a timeout of 0 is no time at all", |path| {
            grpc_call(target(GRPC), path, "m", "", "hi", 0)
        }),
        waits("in-time", "an answer that takes its time", |path| {
            grpc_call(target(GRPC), path, "m", "", "hi", 5000)
        })
        .answer("grpc", slow()),
        waits("refused", "a connection that is refused", |path| {
            grpc_call(target(REFUSES), path, "m", "", "hi", 5000)
        }),
        simple("cancel", "a call that is given up: no callback comes")
            .requests([get(), get()])
            .on("request_headers", [call("cancel", 5000), grpc_cancel(Arg::Kept(0)), get_status()])
            .answer("grpc", slow())
            .answer("upstream", [late(ok(), LATER)]),
        simple("send", "nothing can be sent on a call").on(
            "request_headers",
            [
                call("send", 5000),
                grpc_send(Arg::Kept(0), "y", 1),
                grpc_cancel(Arg::Kept(0)),
                grpc_cancel(Arg::Kept(0)),
            ],
        ),
        simple("close", "to close a call is to give it up")
            .on("request_headers", [call("close", 5000), grpc_close(Arg::Kept(0)), get_status()])
            .answer("grpc", slow())
            .answer("upstream", [late(ok(), LATER)]),
        simple("stream-gone", "an answer comes when the stream is gone")
            .requests([get(), get()])
            .on("response_headers", [call("stream-gone", 5000)])
            .answer("grpc", slow())
            .answer("upstream", [reply(ok()), late(ok(), LATER)]),
        simple("cancel-in-callback", "a call is not there any more in its own callback")
            .on("request_headers", [call("cancel-in-callback", 5000), Step::Return(1)])
            .on(
                "grpc_receive",
                [grpc_cancel(Arg::Kept(0)), grpc_close(Arg::Kept(0))].into_iter().chain(resume(0)),
            ),
        Case::new("grpc/call/message-outside", "a message is out of reach behind its callback")
            .on("request_headers", [call("message-outside", 5000), Step::Return(1)])
            .on("grpc_receive", resume(0))
            .on("response_headers", all()),
        Case::new("grpc/call/initial-metadata", "the metadata of an upstream are nobody's for a call")
            .on("request_headers", [call("initial-metadata", 5000), Step::Return(1)])
            .on("grpc_receive", resume(0))
            .shows(&["grpc_receive_initial_metadata", "grpc_receive_trailing_metadata"])
            .answer(
                "grpc",
                [Answer::Grpc {
                    initial_metadata: Headers(vec![
                        (b"x".to_vec(), b"1".to_vec()),
                        (b"x".to_vec(), b"2".to_vec()),
                    ]),
                    messages: vec![b"m".to_vec()],
                    status: 0,
                    message: Vec::new(),
                    after: std::time::Duration::ZERO,
                }],
            ),
    ]
}
