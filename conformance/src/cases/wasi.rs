//! WASI calls that the host provides.

use crate::case::Loaded;
use crate::script::calls::call;
use crate::script::{Arg, Step};
use crate::{Case, Sheet};

/// Returns the sheets.
pub fn sheets() -> Vec<Sheet> {
    let environment = |environment| vec![Loaded { environment, ..Loaded::new("probe") }];
    vec![
        Sheet::new("WASI", [statuses(), writes(), random()].concat()),
        Sheet::new("an environment", variables("one", "a variable is encoded as `NAME=value` and a NUL"))
            .filters(environment(&[("NAME", "a=1")])),
        Sheet::new("a larger environment", sizes("two", "the sizes of two variables are counted"))
            .filters(environment(&[("B", "second"), ("A", "first=1")])),
        Sheet::new("an empty environment", variables("none", "an empty environment has no variables")),
        Sheet::new("an empty variable", variables("empty", "a variable may be empty"))
            .filters(environment(&[("EMPTY", "")])),
        Sheet::new(
            "a variable of any letters",
            variables("letters", "a variable may have any Unicode characters"),
        )
        .filters(environment(&[("LETTERS", "\u{e9}\u{1f600}")])),
    ]
}

fn case(name: &str, title: &str, steps: impl IntoIterator<Item = Step>) -> Case {
    Case::new(format!("wasi/{name}"), title).on("request_headers", steps)
}

fn numbers(name: &str, args: &[u64]) -> Step {
    call(name, args.iter().map(|n| Arg::Number(*n)))
}

/// Calls that Envoy added in 1.37.
const NEWER: [&str; 27] = [
    "clock_res_get",
    "fd_advise",
    "fd_allocate",
    "fd_datasync",
    "fd_fdstat_set_rights",
    "fd_filestat_get",
    "fd_filestat_set_size",
    "fd_filestat_set_times",
    "fd_pread",
    "fd_pwrite",
    "fd_readdir",
    "fd_renumber",
    "fd_sync",
    "fd_tell",
    "path_create_directory",
    "path_filestat_get",
    "path_filestat_set_times",
    "path_link",
    "path_readlink",
    "path_remove_directory",
    "path_rename",
    "path_symlink",
    "path_unlink_file",
    "sock_accept",
    "sock_recv",
    "sock_send",
    "sock_shutdown",
];

/// Moves the cases that need these calls to a sheet of their own: a module that imports them does not load on
/// an older host.
pub fn separate_newer_calls(sheets: Vec<Sheet>) -> Vec<Sheet> {
    let needs = |case: &Case| {
        let mut steps = case.scripts.iter().flat_map(|(.., steps)| steps);
        steps.any(|step| matches!(step, Step::Call(name, _) if NEWER.contains(&name.as_str())))
    };
    let mut newer = Vec::new();
    let take = |mut sheet: Sheet| {
        let (theirs, others): (Vec<_>, Vec<_>) = sheet.cases.into_iter().partition(needs);
        let older = &["1.33", "1.34", "1.35", "1.36"];
        newer.extend(theirs.into_iter().map(|case| case.differs("does not have this call", older)));
        sheet.cases = others;
        sheet
    };
    let mut sheets: Vec<Sheet> = sheets.into_iter().map(take).collect();
    sheets.push(Sheet::new("newer calls of WASI", newer).newer_wasi());
    sheets
}

/// Calls without an effect, and the numbers that they return.
const NOTHING: [(&str, usize, &str); 33] = [
    ("fd_advise", 4, "returns 0"),
    ("fd_allocate", 3, "returns 0 for the standard streams, 8 for other descriptors"),
    ("fd_close", 1, "returns 0"),
    ("fd_datasync", 1, "returns 0 for the standard streams, 8 for other descriptors"),
    ("fd_fdstat_set_flags", 2, "returns 52"),
    ("fd_fdstat_set_rights", 3, "returns 0 for the standard streams, 8 for other descriptors"),
    ("fd_filestat_get", 2, "returns 8"),
    ("fd_filestat_set_size", 2, "returns 0 for the standard streams, 8 for other descriptors"),
    ("fd_filestat_set_times", 4, "returns 0 for the standard streams, 8 for other descriptors"),
    ("fd_pread", 5, "returns 52"),
    ("fd_prestat_get", 2, "returns 8"),
    ("fd_prestat_dir_name", 3, "returns 52"),
    ("fd_read", 4, "returns 52"),
    ("fd_readdir", 5, "returns 20"),
    ("fd_renumber", 2, "returns 58 for the standard streams, 8 for other descriptors"),
    ("fd_seek", 4, "returns 0"),
    ("fd_sync", 1, "returns 0 for the standard streams, 8 for other descriptors"),
    ("fd_tell", 2, "returns 0 for the standard streams, 8 for other descriptors"),
    ("path_create_directory", 3, "returns 58"),
    ("path_filestat_get", 5, "returns 58"),
    ("path_filestat_set_times", 7, "returns 58"),
    ("path_link", 6, "returns 58"),
    ("path_open", 9, "returns 44: no files exist"),
    ("path_readlink", 6, "returns 58"),
    ("path_remove_directory", 3, "returns 58"),
    ("path_rename", 6, "returns 58"),
    ("path_symlink", 4, "returns 58"),
    ("path_unlink_file", 3, "returns 58"),
    ("sched_yield", 0, "returns 0 at once"),
    ("sock_accept", 3, "returns 58"),
    ("sock_recv", 6, "returns 58"),
    ("sock_send", 5, "returns 58"),
    ("sock_shutdown", 2, "returns 58"),
];

fn statuses() -> Vec<Case> {
    let mut cases: Vec<Case> = NOTHING
        .into_iter()
        .map(|(name, count, is)| {
            // The last argument is the output address, if there is one.
            let with = |first: u64| {
                let mut args: Vec<Arg> =
                    (0..count).map(|at| Arg::Number(if at == 0 { first } else { 0 })).collect();
                if count > 1
                    && let Some(last) = args.last_mut()
                {
                    *last = Arg::Room(64);
                }
                call(name, args)
            };
            case(
                &name.replace('_', "-"),
                &format!("`{name}` {is}"),
                [0, 1, 2, 3, u64::from(u32::MAX)].map(with),
            )
        })
        .collect();
    let stat = |fd: u64| call("fd_fdstat_get", [Arg::Number(fd), Arg::Filled(24)]);
    cases.extend([
        case(
            "fdstat",
            "fd_fdstat_get describes the standard streams as writable, and returns an error for other descriptors",
            [0, 1, 2, 3].map(stat),
        ),
        case(
            "args-sizes",
            "args_sizes_get returns no arguments",
            [call("args_sizes_get", [Arg::Filled(4), Arg::Filled(4)])],
        ),
        case("args", "args_get writes nothing", [call("args_get", [Arg::Filled(8), Arg::Filled(8)])]),
        case(
            "poll",
            "poll_oneoff returns at once, without events",
            [call("poll_oneoff", [Arg::Room(48), Arg::Room(32), Arg::Number(1), Arg::Out32(None)])],
        ),
        case(
            "poll-nothing",
            "poll_oneoff returns at once without subscriptions",
            [call("poll_oneoff", [Arg::Room(48), Arg::Room(32), Arg::Number(0), Arg::Out32(None)])],
        ),
        case("phases", "WASI works in every callback", [])
            .on("log", [numbers("sched_yield", &[]), stat(1)])
            .on("delete", [stat(1)]),
    ]);
    cases
}

/// Writes of texts, in one or more pieces.
fn writes() -> Vec<Case> {
    let write = |fd: u32, pieces: &[&[u8]]| {
        call(
            "fd_write",
            [fd.into(), Arg::Pieces(pieces.iter().map(|p| p.to_vec()).collect()), Arg::Out32(None)],
        )
    };
    let table: [(&str, &str, u32, &[&[u8]]); 12] = [
        ("stdout", "descriptor 1 logs at info", 1, &[b"out\n"]),
        ("stderr", "descriptor 2 logs at error", 2, &[b"err\n"]),
        ("no-newline", "a text without a line break is logged", 1, &[b"unended"]),
        ("pieces", "the pieces of one write are logged as one line", 1, &[b"one ", b"two ", b"", b"three\n"]),
        ("two-lines", "several lines are one log entry, without the last line break", 1, &[b"one\ntwo\n"]),
        ("two-newlines", "only the last of several line breaks is removed", 1, &[b"one\n\n"]),
        ("carriage-return", "a carriage return is kept", 1, &[b"one\r\n"]),
        ("binary", "a text may contain any bytes", 1, &[b"a\0b\xff\n"]),
        ("stdin", "writing to descriptor 0 returns 8", 0, &[b"in\n"]),
        ("other", "writing to another descriptor returns 8", 3, &[b"other\n"]),
        ("wild-fd", "writing to an invalid descriptor returns 8", u32::MAX, &[b"other\n"]),
        ("long", "a long line is one log entry", 2, &[&[b'x'; 5000]]),
    ];
    let mut cases: Vec<Case> = table
        .into_iter()
        .map(|(name, title, fd, pieces)| {
            let name = format!("write/{name}");
            let mark = format!("[/wasi/{name}] ");
            let pieces: Vec<&[u8]> = [mark.as_bytes()].into_iter().chain(pieces.iter().copied()).collect();
            case(&name, title, [write(fd, &pieces)])
        })
        .collect();
    let wild = u64::from(u32::MAX);
    cases.extend([
        case(
            "write/nothing",
            "writing nothing returns 0 and logs nothing",
            [write(1, &[]), write(1, &[b""]), write(1, &[b"", b""])],
        ),
        case("write/newline", "a single line break logs an empty line", [write(1, &[b"\n"])]),
        case(
            "write/wild",
            "pieces and texts outside the memory return 21",
            [
                call("fd_write", [1u32.into(), Arg::Number(wild), Arg::Number(1), Arg::Room(4)]),
                call("fd_write", [1u32.into(), Arg::Number(wild), Arg::Number(0), Arg::Room(4)]),
                call("fd_write", [1u32.into(), Arg::Pieces(vec![b"".to_vec()]), Arg::Number(wild)]),
                call("fd_write", [3u32.into(), Arg::Number(wild), Arg::Number(1), Arg::Number(wild)]),
            ],
        ),
        case(
            "pwrite",
            "fd_pwrite writes like fd_write and ignores the offset",
            [call(
                "fd_pwrite",
                [
                    1u32.into(),
                    Arg::Pieces(vec![b"[/wasi/pwrite] at 7\n".to_vec()]),
                    Arg::Number(7),
                    Arg::Out32(None),
                ],
            )],
        ),
    ]);
    cases
}

fn random() -> Vec<Case> {
    let get = |size: u32| call("random_get", [Arg::Room(size), size.into()]);
    let wild = u64::from(u32::MAX);
    vec![
        case("random", "random_get writes random bytes", [get(1), get(16), get(4096)]),
        case("random/none", "random_get accepts a length of 0", [get(0)]),
        case(
            "random/most",
            "random_get writes at most 64 KiB, and returns 28 for more",
            [get(65_536), get(65_537), get(1_000_000)],
        ),
        case(
            "random/wild",
            "random_get returns 21 for memory that does not exist, and 28 for too many bytes",
            [
                numbers("random_get", &[wild, 1]),
                numbers("random_get", &[wild, 0]),
                numbers("random_get", &[wild, 65_537]),
            ],
        ),
    ]
}

fn sizes(name: &str, title: &str) -> Vec<Case> {
    let sizes = [call("environ_sizes_get", [Arg::Filled(4), Arg::Filled(4)])];
    vec![case(&format!("environment/{name}/sizes"), title, sizes)]
}

/// Envoy returns several variables in no particular order.
fn variables(name: &str, title: &str) -> Vec<Case> {
    let get = [call("environ_get", [Arg::Room(64), Arg::Filled(40)])];
    let wild = u64::from(u32::MAX);
    let mut cases = sizes(name, &format!("{title}: count and bytes"));
    cases.extend([
        case(&format!("environment/{name}"), title, get),
        case(
            &format!("environment/{name}/wild"),
            &format!("{title}; an output address outside the memory returns 21 if it is needed"),
            [numbers("environ_get", &[wild, wild]), call("environ_get", [Arg::Room(64), Arg::Number(wild)])],
        ),
    ]);
    cases
}
