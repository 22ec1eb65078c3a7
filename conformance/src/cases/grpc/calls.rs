//! gRPC calls with one message.

use super::{GRPC_CALLBACKS, all, answer, target};
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

/// A case whose request waits for the outcome of a call and logs all of it.
fn waits(name: &str, title: &str, call: impl FnOnce(String) -> Step) -> Case {
    let name = format!("grpc/call/{name}");
    let case = Case::new(&name, title).on("request_headers", [call(name.clone()), Step::Return(1)]);
    GRPC_CALLBACKS
        .into_iter()
        .fold(case, |case, callback| case.on(callback, all().into_iter().chain(resume(0))))
}

fn answered() -> Vec<Case> {
    let mut list: Vec<(String, String, Answer)> = Vec::new();
    let mut add = |name: &str, title: &str, answer: Answer| list.push((name.into(), title.into(), answer));
    add("ok", "a successful call delivers the message and nothing else", answer(&[b"hello"], 0, b""));
    add("empty", "an empty response message is delivered", answer(&[b""], 0, b""));
    add("binary", "a response message may contain any bytes", answer(&[b"\0\xff"], 0, b""));
    add("large", "a response message of 20 kB is delivered", answer(&[&[b'.'; 20_000]], 0, b""));
    add("none", "a call that succeeds without a response message closes with status 13", answer(&[], 0, b""));
    add(
        "two",
        "a call with two response messages delivers the last one",
        answer(&[b"first", b"second"], 0, b""),
    );
    add(
        "failed-with-message",
        "a call with a response message and a status other than 0 delivers only the status",
        answer(&[b"hello"], 9, b"no"),
    );
    add("ok-with-text", "a status of 0 may have a text", answer(&[b"hello"], 0, b"fine"));
    for status in [1, 5, 7, 13, 14, 16, 17, 99] {
        let shown = if status > 16 { ", which is reported as 4294967295" } else { "" };
        add(
            &format!("status/{status}"),
            &format!("a call fails with status {status}{shown}"),
            answer(&[], status, b"no"),
        );
    }
    for (name, text) in [
        ("empty", &b""[..]),
        ("spaces", b"two words"),
        ("percent", b"a%20b%zz"),
        ("not-ascii", b"\xc3\xa4\xff"),
    ] {
        let title = format!("the text of a status other than 0 is delivered ({name})");
        add(&format!("text/{name}"), &title, answer(&[], 5, text));
    }
    add(
        "html",
        "a call closes with status 13 if the response is not gRPC",
        reply(Response::new(200).header("content-type", "text/html").chunk("<p>")),
    );
    add(
        "not-found",
        "a call closes with status 12 on an HTTP response 404",
        reply(Response::new(404).chunk("no")),
    );
    add("unavailable", "a call closes with status 14 on an HTTP response 503", reply(Response::new(503)));
    add("bad-request", "a call closes with status 13 on an HTTP response 400", reply(Response::new(400)));
    add(
        "trailers-only",
        "a call without trailers reads its status from the response headers",
        reply(
            Response::new(200)
                .header("content-type", "application/grpc")
                .header("grpc-status", "7")
                .header("grpc-message", "denied"),
        ),
    );
    add(
        "no-status",
        "a call closes with status 2 on a gRPC response without a status",
        reply(Response::new(200).header("content-type", "application/grpc")),
    );
    add("reset", "a call closes with status 14 if the connection closes before the response", Answer::Reset);
    let amid = || {
        Response::new(200).header("content-type", "application/grpc").chunk("\0\0\0\0\x05hello").chunk("abc")
    };
    add(
        "reset-amid",
        "a call closes with status 13 if the connection closes in the middle of the response",
        Answer::ResetMidResponse(amid()),
    );
    list.into_iter()
        .map(|(name, title, answer)| {
            let large = name == "large";
            let mut case = waits(&name, &title, |path| grpc_call(target(GRPC), path, "m", "", "hi", 5000));
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
    let simple =
        |name: &str, title: &str| Case::new(format!("grpc/call/{name}"), title).shows(&GRPC_CALLBACKS);
    let call = |name: &str, timeout: i32| {
        grpc_call(target(GRPC), format!("grpc/call/{name}"), "m", "", "hi", timeout)
    };
    vec![
        waits("metadata", "a call sends metadata", |path| {
            grpc_call(target(GRPC), path, "m", metadata, "hi", 5000)
        })
        .answer("grpc", [answer(&[b"x"], 0, b"")]),
        waits("empty-message", "a call sends an empty message", |path| {
            grpc_call(target(GRPC), path, "m", "", "", 5000)
        }),
        waits("large-message", "a call sends a message of 50 kB", |path| {
            grpc_call(target(GRPC), path, "m", "", vec![b'.'; 50_000], 5000)
        }),
        waits("bad-metadata", "a call has a malformed metadata block", |path| {
            grpc_call(target(GRPC), path, "m", "xxxxxxxxx", "hi", 5000)
        }),
        waits("timeout", "a call closes with status 14 if no response arrives before its timeout", |path| {
            grpc_call(target(GRPC), path, "m", "", "hi", 50)
        })
        .answer("grpc", [Answer::Hang]),
        waits("late", "a call closes with status 14 if the response arrives after its timeout", |path| {
            grpc_call(target(GRPC), path, "m", "", "hi", 20)
        })
        .answer("grpc", slow()),
        waits(
            "no-time",
            "a timeout of 0 sets no limit in Envoy, and is sent to the upstream as `grpc-timeout: 0m`",
            |path| grpc_call(target(GRPC), path, "m", "", "hi", 0),
        ),
        waits("in-time", "a call delivers a slow response that arrives before its timeout", |path| {
            grpc_call(target(GRPC), path, "m", "", "hi", 5000)
        })
        .answer("grpc", slow()),
        waits("refused", "a call closes with status 14 if the connection is refused", |path| {
            grpc_call(target(REFUSES), path, "m", "", "hi", 5000)
        }),
        simple("cancel", "a cancelled call has no callback")
            .requests([get(), get()])
            .on("request_headers", [call("cancel", 5000), grpc_cancel(Arg::Kept(0)), get_status()])
            .answer("grpc", slow())
            .answer("upstream", [late(ok(), LATER)]),
        simple("send", "grpc_send returns BadArgument for a call").on(
            "request_headers",
            [
                call("send", 5000),
                grpc_send(Arg::Kept(0), "y", 1),
                grpc_cancel(Arg::Kept(0)),
                grpc_cancel(Arg::Kept(0)),
            ],
        ),
        simple("close", "closing a call cancels it")
            .on("request_headers", [call("close", 5000), grpc_close(Arg::Kept(0)), get_status()])
            .answer("grpc", slow())
            .answer("upstream", [late(ok(), LATER)]),
        simple("stream-gone", "a call's response is delivered after the stream has ended")
            .requests([get(), get()])
            .on("response_headers", [call("stream-gone", 5000)])
            .answer("grpc", slow())
            .answer("upstream", [reply(ok()), late(ok(), LATER)]),
        simple("cancel-in-callback", "a call no longer exists in its own callback")
            .on("request_headers", [call("cancel-in-callback", 5000), Step::Return(1)])
            .on(
                "grpc_receive",
                [grpc_cancel(Arg::Kept(0)), grpc_close(Arg::Kept(0))].into_iter().chain(resume(0)),
            ),
        Case::new("grpc/call/message-outside", "a message is not accessible after its callback")
            .on("request_headers", [call("message-outside", 5000), Step::Return(1)])
            .on("grpc_receive", resume(0))
            .on("response_headers", all()),
        Case::new("grpc/call/initial-metadata", "a call does not deliver the metadata of the upstream")
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
