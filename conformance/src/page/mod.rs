//! `docs/abi.md`: what Envoy does in each host call, and the cases that prove it. Made of the table, so that nothing
//! stands there that is not run.

mod areas;

use crate::script::Step;
use crate::{Case, cases};
pub use areas::{AREAS, Area};
use std::collections::BTreeMap;
use std::fmt::Write;
use tollgate_host_test::emulator::{AbiVersion, host_call};

const HEAD: &str = "\
# What Envoy does in each host call

The ABI's text and Envoy differ, and Envoy is what filters run in. This page says what Envoy 1.40 does. Every sentence in
a list is a case of the table in [`conformance/`](../conformance/src/cases): a probe carries it out in a real Envoy and in
the emulated host, and both must show the same, byte by byte (`make conformance`). The page is made from that table:
`cargo run --package tollgate-conformance -- --page docs/abi.md`.

Statuses by number: 0 Ok, 1 NotFound, 2 BadArgument, 3 SerializationFailure, 4 ParseFailure, 5 BadExpression,
6 InvalidMemoryAccess, 7 Empty, 8 CasMismatch, 9 ResultMismatch, 10 InternalFailure, 11 BrokenConnection,
12 Unimplemented.
";

/// The page.
pub fn page() -> String {
    let sheets = cases::all();
    let cases: Vec<_> = sheets.iter().flat_map(|sheet| &sheet.cases).collect();
    let mut page = HEAD.to_owned();
    for area in AREAS {
        let own: Vec<_> = cases.iter().copied().filter(|case| area.holds(case)).collect();
        let _ = write!(page, "\n## {}\n\n", area.title);
        wrapped(&mut page, "", &format!("{} {} cases.", area.text, own.len()));
        // A case stands with the first call of the chapter that it makes.
        let about =
            |case: &Case| area.calls.iter().find(|(call, _)| makes(case, call)).map(|(call, _)| *call);
        for (call, text) in area.calls {
            let _ = write!(page, "\n### {}\n\n", signature(call));
            wrapped(&mut page, "", text);
            page.push('\n');
            list(&mut page, own.iter().copied().filter(|case| about(case) == Some(call)));
        }
        page.push('\n');
        list(&mut page, own.iter().copied().filter(|case| about(case).is_none()));
    }
    let _ = write!(page, "\n## What only the emulator can show\n\n");
    for (what, why, test) in cases::EMULATOR_ONLY {
        wrapped(&mut page, "- ", &format!("{what} ({why}): `{test}`"));
    }
    page
}

/// So many cases of one kind are worth a line each; of more, the first ones stand for the rest.
const MOST: usize = 6;

/// Cases, those of one kind (by the beginning of their names) together.
fn list<'a>(page: &mut String, cases: impl Iterator<Item = &'a Case>) {
    let mut kinds: BTreeMap<&str, Vec<&Case>> = BTreeMap::new();
    for case in cases {
        let kind = case.name.match_indices('/').nth(1).map_or("", |(end, _)| &case.name[..end]);
        kinds.entry(kind).or_default().push(case);
    }
    for (kind, cases) in kinds {
        if kind.is_empty() || cases.len() <= MOST {
            cases.into_iter().for_each(|case| item(page, case));
            continue;
        }
        let some: Vec<_> = cases.iter().take(MOST).map(|case| case.says.as_str()).collect();
        wrapped(page, "- ", &format!("`{kind}/*`, {} cases: {}; ...", cases.len(), some.join("; ")));
        cases.into_iter().filter(|case| case.differs.is_some()).for_each(|case| item(page, case));
    }
}

fn item(page: &mut String, case: &Case) {
    let differs = case.differs.map_or(String::new(), |differs| {
        let versions = if differs.versions.is_empty() { "Envoy" } else { &differs.versions.join(", ") };
        format!("; the emulator differs from {versions}: {}", differs.reason)
    });
    wrapped(page, "- ", &format!("{} (`{}`{differs})", case.says, case.name));
}

/// A paragraph or an item, in lines of a width.
fn wrapped(page: &mut String, bullet: &str, text: &str) {
    const WIDTH: usize = 120;
    let margin = " ".repeat(bullet.len());
    let mut line = bullet.to_owned();
    for word in text.split_whitespace() {
        if line.len() + 1 + word.len() > WIDTH && line.trim() != bullet.trim() {
            let _ = writeln!(page, "{}", line.trim_end());
            line.clone_from(&margin);
        }
        if line.len() > bullet.len() {
            line.push(' ');
        }
        line += word;
    }
    let _ = writeln!(page, "{line}");
}

/// `proxy_log(level, message)`, as the emulator knows it; what it does not know has no page.
fn signature(call: &str) -> String {
    let known = host_call(call, AbiVersion::V0_2_1).or_else(|| host_call(call, AbiVersion::V0_1_0));
    known.unwrap_or_else(|| panic!("`{call}` is no host call"))
}

/// Whether a case makes a call.
pub fn makes(case: &Case, call: &str) -> bool {
    let mut steps = case.scripts.iter().flat_map(|(_, _, steps)| steps);
    steps.any(|step| matches!(step, Step::Call(name, _) if name == call))
}
