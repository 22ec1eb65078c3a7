//! WASI, as much as the host has of it.

use crate::case::Loaded;
use crate::script::calls::call;
use crate::script::{Arg, Step};
use crate::{Case, Sheet};

/// The sheets.
pub fn sheets() -> Vec<Sheet> {
    let environment = |environment| vec![Loaded { environment, ..Loaded::new("probe") }];
    vec![
        Sheet::new("WASI", [statuses(), writes(), random()].concat()),
        Sheet::new("an environment", variables("one", "a variable is `NAME=value` and a NUL"))
            .filters(environment(&[("NAME", "a=1")])),
        Sheet::new("a larger environment", sizes("two", "two variables: their number and bytes"))
            .filters(environment(&[("B", "second"), ("A", "first=1")])),
        Sheet::new("an empty environment", variables("none", "without variables there are none")),
        Sheet::new("an empty variable", variables("empty", "a variable may be empty"))
            .filters(environment(&[("EMPTY", "")])),
        Sheet::new("a variable of any letters", variables("letters", "a variable may have any letters"))
            .filters(environment(&[("LETTERS", "\u{e9}\u{1f600}")])),
    ]
}

fn case(name: &str, says: &str, steps: impl IntoIterator<Item = Step>) -> Case {
    Case::new(format!("wasi/{name}"), says).on("request_headers", steps)
}

fn numbers(name: &str, args: &[u64]) -> Step {
    call(name, args.iter().map(|n| Arg::Number(*n)))
}

/// What Envoy has had since 1.37.
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

/// Takes the cases that need these calls out of their sheets, into one of their own: a module that imports them does not
/// load on an older host.
pub fn apart(sheets: Vec<Sheet>) -> Vec<Sheet> {
    let needs = |case: &Case| {
        let mut steps = case.scripts.iter().flat_map(|(.., steps)| steps);
        steps.any(|step| matches!(step, Step::Call(name, _) if NEWER.contains(&name.as_str())))
    };
    let mut newer = Vec::new();
    let take = |mut sheet: Sheet| {
        let (theirs, others): (Vec<_>, Vec<_>) = sheet.cases.into_iter().partition(needs);
        let older = &["1.33", "1.34", "1.35", "1.36"];
        newer
            .extend(theirs.into_iter().map(|case| case.differs("Envoy has had this call since 1.37", older)));
        sheet.cases = others;
        sheet
    };
    let mut sheets: Vec<Sheet> = sheets.into_iter().map(take).collect();
    sheets.push(Sheet::new("newer calls of WASI", newer).newer_wasi());
    sheets
}

/// Calls that do nothing, and the number that says so.
const NOTHING: [(&str, usize, &str); 33] = [
    ("fd_advise", 4, "is 0"),
    ("fd_allocate", 3, "is 0 for the standard streams, 8 for others"),
    ("fd_close", 1, "is 0"),
    ("fd_datasync", 1, "is 0 for the standard streams, 8 for others"),
    ("fd_fdstat_set_flags", 2, "is 52"),
    ("fd_fdstat_set_rights", 3, "is 0 for the standard streams, 8 for others"),
    ("fd_filestat_get", 2, "is 8"),
    ("fd_filestat_set_size", 2, "is 0 for the standard streams, 8 for others"),
    ("fd_filestat_set_times", 4, "is 0 for the standard streams, 8 for others"),
    ("fd_pread", 5, "is 52"),
    ("fd_prestat_get", 2, "is 8"),
    ("fd_prestat_dir_name", 3, "is 52"),
    ("fd_read", 4, "is 52"),
    ("fd_readdir", 5, "is 20"),
    ("fd_renumber", 2, "is 58 for the standard streams, 8 for others"),
    ("fd_seek", 4, "is 0"),
    ("fd_sync", 1, "is 0 for the standard streams, 8 for others"),
    ("fd_tell", 2, "is 0 for the standard streams, 8 for others"),
    ("path_create_directory", 3, "is 58"),
    ("path_filestat_get", 5, "is 58"),
    ("path_filestat_set_times", 7, "is 58"),
    ("path_link", 6, "is 58"),
    ("path_open", 9, "is 44: there are no files"),
    ("path_readlink", 6, "is 58"),
    ("path_remove_directory", 3, "is 58"),
    ("path_rename", 6, "is 58"),
    ("path_symlink", 4, "is 58"),
    ("path_unlink_file", 3, "is 58"),
    ("sched_yield", 0, "is 0 at once"),
    ("sock_accept", 3, "is 58"),
    ("sock_recv", 6, "is 58"),
    ("sock_send", 5, "is 58"),
    ("sock_shutdown", 2, "is 58"),
];

fn statuses() -> Vec<Case> {
    let mut cases: Vec<Case> = NOTHING
        .into_iter()
        .map(|(name, count, is)| {
            // The last argument is where a result goes, if there is one.
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
                &format!("{name} {is}"),
                [0, 1, 2, 3, u64::from(u32::MAX)].map(with),
            )
        })
        .collect();
    let stat = |fd: u64| call("fd_fdstat_get", [Arg::Number(fd), Arg::Filled(24)]);
    cases.extend([
        case(
            "fdstat",
            "the standard streams can be written, and there are no others",
            [0, 1, 2, 3].map(stat),
        ),
        case(
            "args-sizes",
            "there are no arguments",
            [call("args_sizes_get", [Arg::Filled(4), Arg::Filled(4)])],
        ),
        case("args", "and none are written", [call("args_get", [Arg::Filled(8), Arg::Filled(8)])]),
        case(
            "poll",
            "a poll returns at once, without events",
            [call("poll_oneoff", [Arg::Room(48), Arg::Room(32), Arg::Number(1), Arg::Out32(None)])],
        ),
        case(
            "poll-nothing",
            "also when it is for nothing",
            [call("poll_oneoff", [Arg::Room(48), Arg::Room(32), Arg::Number(0), Arg::Out32(None)])],
        ),
        case("phases", "WASI works in every phase", [])
            .on("log", [numbers("sched_yield", &[]), stat(1)])
            .on("delete", [stat(1)]),
    ]);
    cases
}

/// What is written, in the pieces in which it is.
fn writes() -> Vec<Case> {
    let write = |fd: u32, pieces: &[&[u8]]| {
        call(
            "fd_write",
            [fd.into(), Arg::Pieces(pieces.iter().map(|p| p.to_vec()).collect()), Arg::Out32(None)],
        )
    };
    let table: [(&str, &str, u32, &[&[u8]]); 12] = [
        ("stdout", "what is written to 1 is a line at info", 1, &[b"out\n"]),
        ("stderr", "what is written to 2 is a line at error", 2, &[b"err\n"]),
        ("no-newline", "a line need not end", 1, &[b"unended"]),
        ("pieces", "the pieces of one write are one line", 1, &[b"one ", b"two ", b"", b"three\n"]),
        (
            "two-lines",
            "several lines are one entry of the log, without the last line's end",
            1,
            &[b"one\ntwo\n"],
        ),
        ("two-newlines", "of several line ends the last is taken away", 1, &[b"one\n\n"]),
        ("carriage-return", "a carriage return stays", 1, &[b"one\r\n"]),
        ("binary", "what is written may be any bytes", 1, &[b"a\0b\xff\n"]),
        ("stdin", "to write to 0 is 8", 0, &[b"in\n"]),
        ("other", "to write to another is 8", 3, &[b"other\n"]),
        ("wild-fd", "and so it is for one that cannot be", u32::MAX, &[b"other\n"]),
        ("long", "a long line is one", 2, &[&[b'x'; 5000]]),
    ];
    let mut cases: Vec<Case> = table
        .into_iter()
        .map(|(name, says, fd, pieces)| {
            let name = format!("write/{name}");
            let mark = format!("[/wasi/{name}] ");
            let pieces: Vec<&[u8]> = [mark.as_bytes()].into_iter().chain(pieces.iter().copied()).collect();
            case(&name, says, [write(fd, &pieces)])
        })
        .collect();
    let wild = u64::from(u32::MAX);
    cases.extend([
        case(
            "write/nothing",
            "to write nothing is Ok, and no line",
            [write(1, &[]), write(1, &[b""]), write(1, &[b"", b""])],
        ),
        case("write/newline", "a line end alone is a line without text", [write(1, &[b"\n"])]),
        case(
            "write/wild",
            "pieces or texts outside the memory are 21",
            [
                call("fd_write", [1u32.into(), Arg::Number(wild), Arg::Number(1), Arg::Room(4)]),
                call("fd_write", [1u32.into(), Arg::Number(wild), Arg::Number(0), Arg::Room(4)]),
                call("fd_write", [1u32.into(), Arg::Pieces(vec![b"".to_vec()]), Arg::Number(wild)]),
                call("fd_write", [3u32.into(), Arg::Number(wild), Arg::Number(1), Arg::Number(wild)]),
            ],
        ),
        case(
            "pwrite",
            "fd_pwrite writes as fd_write does, wherever",
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
        case("random", "random bytes are given", [get(1), get(16), get(4096)]),
        case("random/none", "also none of them", [get(0)]),
        case(
            "random/most",
            "64 KiB at once are the most: more is 28",
            [get(65_536), get(65_537), get(1_000_000)],
        ),
        case(
            "random/wild",
            "room outside the memory is 21, but 28 for too much",
            [
                numbers("random_get", &[wild, 1]),
                numbers("random_get", &[wild, 0]),
                numbers("random_get", &[wild, 65_537]),
            ],
        ),
    ]
}

fn sizes(name: &str, says: &str) -> Vec<Case> {
    let sizes = [call("environ_sizes_get", [Arg::Filled(4), Arg::Filled(4)])];
    vec![case(&format!("environment/{name}/sizes"), says, sizes)]
}

/// Of several variables Envoy knows no order.
fn variables(name: &str, says: &str) -> Vec<Case> {
    let get = [call("environ_get", [Arg::Room(64), Arg::Filled(40)])];
    let wild = u64::from(u32::MAX);
    let mut cases = sizes(name, &format!("{says}: their number and bytes"));
    cases.extend([
        case(&format!("environment/{name}"), says, get),
        case(
            &format!("environment/{name}/wild"),
            &format!("{says}; room outside the memory is 21, if there is need of any"),
            [numbers("environ_get", &[wild, wild]), call("environ_get", [Arg::Room(64), Arg::Number(wild)])],
        ),
    ]);
    cases
}
