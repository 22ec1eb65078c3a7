//! `docs/abi.md`: Envoy's behaviour in each host call, and the cases that prove it. The page is generated
//! from the table, so that it contains nothing that is not run.

mod areas;
mod groups;
mod text;

use crate::case::LATENCY;
use crate::script::{Arg, Step};
use crate::{Case, cases};
pub use areas::{AREAS, Area};
use groups::{Group, groups};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use text::{bullet, lines, wrapped};
use tollgate_host_test::emulator::{AbiVersion, host_call};

const HEAD: &str = "\
# Envoy's behaviour in each host call

The ABI's text and Envoy differ, and filters run in Envoy. This page describes Envoy 1.40. Each sentence in a list is a
case of the table in [`conformance/`](../conformance/src/cases): a probe runs it in a real Envoy and in the emulated
host, and both must show the same, byte by byte (`make conformance`). A summary of a group of cases is written by hand.
The page is generated from the table: `cargo run --package tollgate-conformance -- --page docs/abi.md`.

The names in parentheses are the names of cases. A case is listed under the first call of its chapter that it makes. To see what a host does in one, run
`cargo run --package tollgate-conformance -- --show envoy --only NAME`.

Statuses by number: 0 Ok, 1 NotFound, 2 BadArgument, 3 SerializationFailure, 4 ParseFailure, 5 BadExpression,
6 InvalidMemoryAccess, 7 Empty, 8 CasMismatch, 9 ResultMismatch, 10 InternalFailure, 11 BrokenConnection,
12 Unimplemented.
";

/// Returns the page.
pub fn page() -> String {
    let sheets = cases::all();
    let cases: Vec<_> = sheets.iter().flat_map(|sheet| &sheet.cases).collect();
    let mut page = HEAD.to_owned();
    AREAS.iter().for_each(|area| chapter(&mut page, area, &cases));
    let _ =
        write!(page, "\n## Behaviour that only the emulator shows\n\nA test cannot run these on Envoy.\n\n");
    for (what, why, test) in cases::EMULATOR_ONLY {
        bullet(&mut page, 0, &format!("{what}: {why} (`{test}`)"));
    }
    without_double_blanks(&page)
}

/// Adds a chapter: first the groups that concern several calls, then each call, then the rest.
fn chapter(page: &mut String, area: &Area, cases: &[&Case]) {
    let own: Vec<_> = cases.iter().copied().filter(|case| area.contains(case)).collect();
    let _ = write!(page, "\n## {}\n\n", area.title);
    wrapped(page, "", &format!("{} {} cases.", area.text, own.len()));
    let is_latency = |arg: &Arg| matches!(arg, Arg::Bytes(bytes) if bytes == LATENCY.as_bytes());
    let call_of = |case: &Case| {
        let mut steps = case.scripts.iter().flat_map(|(_, _, steps)| steps);
        steps.find_map(|step| match step {
            Step::Call(name, args) if !args.iter().any(is_latency) => {
                area.calls.iter().map(|(call, _)| *call).find(|call| call == name)
            }
            _ => None,
        })
    };
    let mut own: Vec<(Option<&str>, &Case)> = own.into_iter().map(|case| (call_of(case), case)).collect();
    let mut summarized: Vec<(Option<&str>, Group, Vec<&Case>)> = Vec::new();
    for group in groups() {
        let (inside, outside): (Vec<_>, Vec<_>) = own.into_iter().partition(|(_, case)| group.contains(case));
        own = outside;
        let calls: BTreeSet<_> = inside.iter().map(|(call, _)| *call).collect();
        if let Some(call) = calls.first() {
            let call = group.call.or(if calls.len() == 1 { *call } else { None });
            summarized.push((call, group, inside.into_iter().map(|(_, case)| case).collect()));
        }
    }
    let section = |page: &mut String, call: Option<&str>| {
        let own = own.iter().filter(|(about, _)| *about == call).map(|(_, case)| *case);
        if area.names.contains(&"memory") { memory(page, own) } else { list(page, own) }
    };
    let summaries = |page: &mut String, call: Option<&str>| {
        let of_call = summarized.iter().filter(|(about, ..)| *about == call);
        for (_, group, cases) in of_call {
            lines(page, &format!("`{}` ({} cases): {}", group.label, cases.len(), group.text));
            let differing: Vec<_> = cases.iter().copied().filter(|case| case.differs.is_some()).collect();
            items(page, 1, &differing, "");
        }
    };
    page.push('\n');
    summaries(page, None);
    for (call, text) in area.calls {
        let _ = write!(page, "\n### {}\n\n", signature(call));
        wrapped(page, "", text);
        page.push('\n');
        let before = page.len();
        section(page, Some(call));
        summaries(page, Some(call));
        if page.len() == before {
            page.push_str("See the other calls of this chapter.\n");
        }
    }
    if own.iter().any(|(call, _)| call.is_none()) {
        if !area.calls.is_empty() {
            page.push_str("\n### Other cases\n\n");
        }
        section(page, None);
    }
}

/// Maximum number of cases with the same prefix that are not nested under it.
const MAX_FLAT: usize = 6;

/// Adds cases as a list. Cases with the same prefix (up to the second slash) stay together.
fn list<'a>(page: &mut String, cases: impl Iterator<Item = &'a Case>) {
    let mut kinds: BTreeMap<&str, Vec<&Case>> = BTreeMap::new();
    for case in cases {
        let kind = case.name.match_indices('/').nth(1).map_or("", |(end, _)| &case.name[..end]);
        kinds.entry(kind).or_default().push(case);
    }
    for (kind, cases) in kinds {
        if kind.is_empty() || cases.len() <= MAX_FLAT {
            items(page, 0, &cases, "");
        } else {
            bullet(page, 0, &format!("`{kind}/*` ({} cases):", cases.len()));
            items(page, 1, &cases, &format!("{kind}/"));
        }
    }
}

/// Minimum number of cases with the same predicate that become one item.
const MIN_MERGED: usize = 3;

/// Adds cases as items of a list: one for each case, or for all cases that say the same about different
/// subjects.
fn items(page: &mut String, level: usize, cases: &[&Case], prefix: &str) {
    let key =
        |case: &Case| predicate(&case.title).map(|(_, predicate)| (predicate.to_owned(), difference(case)));
    let mut done = BTreeSet::new();
    for case in cases {
        let same: Vec<&str> = match key(case) {
            None => Vec::new(),
            Some(wanted) => cases
                .iter()
                .filter(|other| key(other).as_ref() == Some(&wanted))
                .filter_map(|other| predicate(&other.title).map(|(subject, _)| subject))
                .collect(),
        };
        if same.len() < MIN_MERGED {
            let name = case.name.strip_prefix(prefix).unwrap_or(&case.name);
            let name = if prefix.is_empty() { name.to_owned() } else { format!("…/{name}") };
            bullet(page, level, &format!("{} (`{name}`{})", case.title, difference(case)));
        } else if done.insert(key(case)) {
            let (_, predicate) = predicate(&case.title).unwrap_or_default();
            let count = same.len();
            bullet(
                page,
                level,
                &format!("{predicate}: {} ({count} cases{})", same.join(", "), difference(case)),
            );
        }
    }
}

/// Splits a title into a subject in backticks, with or without `function with` before it, and the rest.
fn predicate(title: &str) -> Option<(&str, &str)> {
    let (before, rest) = title.split_once('`')?;
    let end = before.len() + rest.find('`')? + 2;
    let fits = before.is_empty() || before.ends_with(" with ") && before.matches(' ').count() == 2;
    let (subject, predicate) = title.split_at_checked(end).filter(|_| fits)?;
    Some((subject.get(before.len()..)?, predicate.trim_start()))
}

/// Describes the known difference of a case.
fn difference(case: &Case) -> String {
    match case.differs {
        None => String::new(),
        Some(differs) => match differs.versions {
            [] => format!("; the emulator differs: {}", differs.reason),
            [only] => format!("; Envoy {only} {}", differs.reason),
            [first, .., last] => format!("; Envoy {first} to {last} {}", differs.reason),
        },
    }
}

/// Replaces several blank lines by one.
fn without_double_blanks(page: &str) -> String {
    let mut out = String::with_capacity(page.len());
    let mut was_blank = false;
    for line in page.lines() {
        if !(line.is_empty() && was_blank) {
            out.push_str(line);
            out.push('\n');
        }
        was_blank = line.is_empty();
    }
    out
}

/// Adds a table of the arguments that each host call checks, and the other cases as a list.
fn memory<'a>(page: &mut String, cases: impl Iterator<Item = &'a Case>) {
    let mut rows: BTreeMap<&str, [Vec<&str>; 3]> = BTreeMap::new();
    let mut others = Vec::new();
    for case in cases {
        let row = predicate(&case.title).and_then(|(call, rest)| {
            let (number, what) = rest.strip_prefix("argument ")?.split_once(' ')?;
            let column =
                if what.contains("not checked") { 2 } else { usize::from(!what.contains("length 0")) };
            Some((call, number, column))
        });
        match row {
            None => others.push(case),
            Some((call, number, column)) => rows.entry(call).or_default()[column].push(number),
        }
    }
    wrapped(
        page,
        "",
        "An argument that points outside the memory returns InvalidMemoryAccess from the calls of the ABI, and 21 from those \
         of WASI. Bytes are checked even if their length is 0. The numbers are positions in the list of arguments, without \
         lengths (`memory/*`).",
    );
    let _ = write!(
        page,
        "\n| call | checked bytes | checked output addresses | not checked |\n|---|---|---|---|\n"
    );
    for (call, columns) in rows {
        let _ = writeln!(page, "| {call} | {} |", columns.map(|numbers| numbers.join(", ")).join(" | "));
    }
    page.push('\n');
    list(page, others.into_iter());
}

/// Returns the signature of a host call as the emulator knows it, such as `proxy_log(level, message)`.
fn signature(call: &str) -> String {
    let known = host_call(call, AbiVersion::V0_2_1).or_else(|| host_call(call, AbiVersion::V0_1_0));
    known.unwrap_or_else(|| panic!("unknown host call `{call}`"))
}

/// Whether a case makes a call.
pub fn makes(case: &Case, call: &str) -> bool {
    let mut steps = case.scripts.iter().flat_map(|(_, _, steps)| steps);
    steps.any(|step| matches!(step, Step::Call(name, _) if name == call))
}
