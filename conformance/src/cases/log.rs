//! Logging, and the few calls beside it: status, context, done.

use crate::script::calls::{
    call, close_stream, continue_stream, done, get_log_level, get_status, log, set_context,
};
use crate::script::{Arg, Step};
use crate::{Case, Sheet};
use tollgate_host_test::LogLevel;

/// The sheets.
pub fn sheets() -> Vec<Sheet> {
    let level = |name, level: LogLevel, word: &str| {
        let says =
            format!("with the log at {word}, what is below it is dropped, and the call is Ok all the same");
        let case = Case::new(format!("log/level-{word}"), says)
            .on("request_headers", levels(&format!("log/level-{word}")));
        Sheet::new(name, vec![case]).settings(|settings| settings.log_level = level)
    };
    vec![
        Sheet::new("logging", texts()),
        Sheet::new("contexts and statuses", others()),
        level("logging at trace", LogLevel::Trace, "trace"),
        level("logging at debug", LogLevel::Debug, "debug"),
        level("logging at info", LogLevel::Info, "info"),
    ]
}

/// A line that is found again by the case that logs it.
fn line(case: &str, text: &str) -> String {
    format!("[/{case}] {text}")
}

fn levels(name: &str) -> Vec<Step> {
    [get_log_level()].into_iter().chain((0..6u32).map(|level| log(level, line(name, "a line")))).collect()
}

fn texts() -> Vec<Case> {
    let texts: [(&str, &str, &[u8]); 12] = [
        ("plain", "a text is logged as it is", b"hello"),
        ("newline", "a text may have several lines", b"one\ntwo"),
        ("newline-last", "a text may end in a new line", b"one\n"),
        ("carriage-return", "a text may have a carriage return", b"one\rtwo"),
        ("tab", "a text may have a tab", b"one\ttwo"),
        ("nul", "a text may have a NUL", b"one\0two"),
        ("non-utf8", "a text need not be UTF-8", b"one\xfftwo"),
        ("percent", "a text is no format", b"%s %d {} %n"),
        ("escape", "a text may have control characters", b"\x1b[31mred\x07"),
        ("quotes", "a text may have quotes", b"\"a\" 'b' \\n"),
        ("spaces", "spaces around a text stay", b"   a   "),
        ("unicode", "a text may have any letters", "\u{e9}\u{1f600}".as_bytes()),
    ];
    let mut cases: Vec<Case> = texts
        .into_iter()
        .map(|(name, says, text)| {
            let name = format!("log/text-{name}");
            let text = [line(&name, "").as_bytes(), text].concat();
            Case::new(name, says).on("request_headers", [log(2, text)])
        })
        .collect();
    for level in 0..6u32 {
        let name = format!("log/level/{level}");
        let says = format!(
            "level {level} is {}",
            ["trace", "debug", "info", "warn", "error", "critical"][level as usize]
        );
        let text = line(&name, "a line");
        cases.push(Case::new(name, says).on("request_headers", [log(level, text)]));
    }
    cases.extend([
        Case::new("log/level/unknown", "a level above 5 is BadArgument")
            .on("request_headers", [log(6, "x"), log(7, "x"), log(u32::MAX, "x")]),
        Case::new("log/empty", "an empty text is Ok").on("request_headers", [log(2, "")]),
        Case::new("log/long", "a text of 20 kB is logged whole")
            .on("request_headers", [log(2, line("log/long", &"x".repeat(20_000)))]),
        Case::new("log/get-level", "the level that is logged from is known")
            .on("request_headers", [get_log_level()]),
        Case::new("log/phases", "every phase can log")
            .on("response_headers", [log(3, line("log/phases", "response"))])
            .on("log", [log(3, line("log/phases", "log"))])
            .on("delete", [log(3, line("log/phases", "delete"))]),
        Case::new("log/root", "a line of a root context is a line")
            .on("request_headers", [set_context(Arg::Root), log(3, line("log/root", "root"))]),
    ]);
    cases
}

fn others() -> Vec<Case> {
    let on = |name: &str, says: &str, steps: Vec<Step>| {
        Case::new(format!("context/{name}"), says).on("request_headers", steps)
    };
    vec![
        on("status", "without a callout the status is 0 and without a message", vec![get_status()]),
        on("status-root", "in a root context too", vec![set_context(Arg::Root), get_status()]),
        on(
            "effective-unknown",
            "a context that is not there is BadArgument, and the one in effect stays",
            vec![
                set_context(999_999),
                set_context(u32::MAX),
                crate::script::calls::get_property("request\0method"),
            ],
        ),
        on(
            "effective-zero",
            "0 is Ok and stands for the context of the callback",
            vec![set_context(0), crate::script::calls::get_property("request\0method")],
        ),
        on(
            "effective-root",
            "what is asked is asked of the context in effect",
            vec![
                set_context(Arg::Root),
                crate::script::calls::get_property("request\0method"),
                set_context(Arg::Stream),
                crate::script::calls::get_property("request\0method"),
            ],
        ),
        Case::new("context/effective-reset", "each callback begins in its own context")
            .on("request_headers", [set_context(Arg::Root)])
            .on("response_headers", [crate::script::calls::get_property("response\0code")]),
        Case::new("context/effective-late", "a stream is there until it was deleted")
            .on("log", [set_context(Arg::Stream)])
            .on("done", [set_context(Arg::Stream)])
            .on("delete", [set_context(Arg::Stream), crate::script::calls::get_property("plugin_name")]),
        on(
            "done",
            "a stream is never waited for: done is NotFound",
            vec![done(), set_context(Arg::Root), done()],
        ),
        Case::new("context/done-late", "nor in its last callbacks")
            .on("done", [done()])
            .on("delete", [done()]),
        on(
            "continue-kinds",
            "there are kinds 0 to 3 to continue, of which 3 is Unimplemented",
            vec![
                set_context(Arg::Root),
                continue_stream(0),
                continue_stream(1),
                continue_stream(2),
                continue_stream(3),
                continue_stream(4),
                continue_stream(u32::MAX),
            ],
        ),
        on(
            "close-kinds",
            "there are kinds 0 to 3 to close",
            vec![
                set_context(Arg::Root),
                close_stream(0),
                close_stream(1),
                close_stream(2),
                close_stream(3),
                close_stream(4),
                close_stream(u32::MAX),
            ],
        ),
        on(
            "cancel-unknown",
            "a callout that is not there is NotFound or BadArgument by its token's kind",
            (0..8u32)
                .flat_map(|token| {
                    [
                        call("proxy_grpc_cancel", [token.into()]),
                        call("proxy_grpc_close", [token.into()]),
                        call("proxy_grpc_send", [token.into(), "x".into(), 0u32.into()]),
                    ]
                })
                .collect(),
        ),
    ]
}
