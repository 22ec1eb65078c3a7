//! Logging, and related calls: status, context, done.

use crate::script::calls::{
    call, close_stream, continue_stream, done, get_log_level, get_status, log, set_context,
};
use crate::script::{Arg, Step};
use crate::{Case, Sheet};
use tollgate_host_test::LogLevel;

/// Returns the sheets.
pub fn sheets() -> Vec<Sheet> {
    let level = |name, level: LogLevel, word: &str| {
        let title = format!(
            "with log level {word}, lines of lower levels are dropped, and the call still returns Ok"
        );
        let case = Case::new(format!("log/level-{word}"), title)
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

/// Formats a line so that it belongs to the case that logs it.
fn line(case: &str, text: &str) -> String {
    format!("[/{case}] {text}")
}

fn levels(name: &str) -> Vec<Step> {
    [get_log_level()].into_iter().chain((0..6u32).map(|level| log(level, line(name, "a line")))).collect()
}

fn texts() -> Vec<Case> {
    let texts: [(&str, &str, &[u8]); 12] = [
        ("plain", "logs a text unchanged", b"hello"),
        ("newline", "logs a text with several lines", b"one\ntwo"),
        ("newline-last", "logs a text that ends with a line break", b"one\n"),
        ("carriage-return", "logs a text with a carriage return", b"one\rtwo"),
        ("tab", "logs a text with a tab", b"one\ttwo"),
        ("nul", "logs a text with a NUL", b"one\0two"),
        ("non-utf8", "logs a text that is not UTF-8", b"one\xfftwo"),
        ("percent", "does not treat the text as a format string", b"%s %d {} %n"),
        ("escape", "logs a text with control characters", b"\x1b[31mred\x07"),
        ("quotes", "logs a text with quotes", b"\"a\" 'b' \\n"),
        ("spaces", "keeps spaces around a text", b"   a   "),
        ("unicode", "logs a text with any Unicode characters", "\u{e9}\u{1f600}".as_bytes()),
    ];
    let mut cases: Vec<Case> = texts
        .into_iter()
        .map(|(name, title, text)| {
            let name = format!("log/text-{name}");
            let text = [line(&name, "").as_bytes(), text].concat();
            Case::new(name, title).on("request_headers", [log(2, text)])
        })
        .collect();
    for level in 0..6u32 {
        let name = format!("log/level/{level}");
        let title = format!(
            "logs level {level} as {}",
            ["trace", "debug", "info", "warn", "error", "critical"][level as usize]
        );
        let text = line(&name, "a line");
        cases.push(Case::new(name, title).on("request_headers", [log(level, text)]));
    }
    cases.extend([
        Case::new("log/level/unknown", "returns BadArgument for a level above 5")
            .on("request_headers", [log(6, "x"), log(7, "x"), log(u32::MAX, "x")]),
        Case::new("log/empty", "returns Ok for an empty text").on("request_headers", [log(2, "")]),
        Case::new("log/long", "logs a text of 20 kB whole")
            .on("request_headers", [log(2, line("log/long", &"x".repeat(20_000)))]),
        Case::new("log/get-level", "returns the log level of the proxy")
            .on("request_headers", [get_log_level()]),
        Case::new("log/phases", "logs in every callback")
            .on("response_headers", [log(3, line("log/phases", "response"))])
            .on("log", [log(3, line("log/phases", "log"))])
            .on("delete", [log(3, line("log/phases", "delete"))]),
        Case::new("log/root", "logs in a root context")
            .on("request_headers", [set_context(Arg::Root), log(3, line("log/root", "root"))]),
    ]);
    cases
}

fn others() -> Vec<Case> {
    let on = |name: &str, title: &str, steps: Vec<Step>| {
        Case::new(format!("context/{name}"), title).on("request_headers", steps)
    };
    vec![
        on("status", "returns status 0 and no message outside of a callout's callback", vec![get_status()]),
        on(
            "status-root",
            "returns status 0 and no message in a root context",
            vec![set_context(Arg::Root), get_status()],
        ),
        on(
            "effective-unknown",
            "returns BadArgument for an unknown context, and keeps the effective one",
            vec![
                set_context(999_999),
                set_context(u32::MAX),
                crate::script::calls::get_property("request\0method"),
            ],
        ),
        on(
            "effective-zero",
            "accepts 0 for the context of the callback",
            vec![set_context(0), crate::script::calls::get_property("request\0method")],
        ),
        on(
            "effective-root",
            "later calls affect the effective context",
            vec![
                set_context(Arg::Root),
                crate::script::calls::get_property("request\0method"),
                set_context(Arg::Stream),
                crate::script::calls::get_property("request\0method"),
            ],
        ),
        Case::new("context/effective-reset", "each callback starts in its own context")
            .on("request_headers", [set_context(Arg::Root)])
            .on("response_headers", [crate::script::calls::get_property("response\0code")]),
        Case::new("context/effective-late", "the context of a stream exists until it is deleted")
            .on("log", [set_context(Arg::Stream)])
            .on("done", [set_context(Arg::Stream)])
            .on("delete", [set_context(Arg::Stream), crate::script::calls::get_property("plugin_name")]),
        on("done", "proxy_done returns NotFound for a stream", vec![done(), set_context(Arg::Root), done()]),
        Case::new("context/done-late", "proxy_done returns NotFound in the last callbacks of a stream")
            .on("done", [done()])
            .on("delete", [done()]),
        on(
            "continue-kinds",
            "continue_stream accepts types 0 to 2, returns Unimplemented for 3 and BadArgument for others",
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
            "close_stream accepts types 0 to 3",
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
            "the gRPC calls return NotFound or BadArgument for an unknown token, depending on its kind",
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
