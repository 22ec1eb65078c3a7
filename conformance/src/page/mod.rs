//! `docs/abi.md`: what Envoy does in each host call, and the cases that prove it. Made of the table, so that nothing
//! stands there that is not run.

mod areas;

use crate::script::Step;
use crate::{Case, cases};
pub use areas::{AREAS, Area};
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
        let _ = write!(page, "\n## {}\n\n{}\n", area.title, area.text);
        for (call, text) in area.calls {
            let _ = write!(page, "\n### {}\n\n{text}\n\n", signature(call));
            own.iter().copied().filter(|case| makes(case, call)).for_each(|case| item(&mut page, case));
        }
        let others: Vec<_> = own
            .iter()
            .copied()
            .filter(|case| !area.calls.iter().any(|(call, _)| makes(case, call)))
            .collect();
        if !others.is_empty() {
            page.push('\n');
            others.into_iter().for_each(|case| item(&mut page, case));
        }
    }
    let _ = write!(page, "\n## What only the emulator can show\n\n");
    for (what, why, test) in cases::EMULATOR_ONLY {
        let _ = writeln!(page, "- {what} ({why}): `{test}`");
    }
    page
}

fn item(page: &mut String, case: &Case) {
    let _ = write!(page, "- {} (`{}`", case.says, case.name);
    if let Some(differs) = case.differs {
        let versions = if differs.versions.is_empty() { "any" } else { &differs.versions.join(", ") };
        let _ = write!(page, "; the emulator differs from {versions}: {}", differs.reason);
    }
    page.push_str(")\n");
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
