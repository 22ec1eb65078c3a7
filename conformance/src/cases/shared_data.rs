//! Shared data: compare and swap, and which filters share it.

use crate::case::Loaded;
use crate::script::calls::{call, get_shared, set_context, set_shared};
use crate::script::{Arg, Step};
use crate::{Case, Sheet};

/// Returns the sheets.
pub fn sheets() -> Vec<Sheet> {
    let plugin = |name, vm_id| Loaded { vm_id, ..Loaded::new(name) };
    vec![
        Sheet::new("shared data", cases()),
        Sheet::new("shared data of one VM", chain("one-vm", "filters with the same `vm_id` share data"))
            .filters(vec![plugin("first", "vm"), plugin("second", "vm")]),
        Sheet::new(
            "shared data of two VMs",
            chain("two-vms", "filters with different `vm_id`s do not share data"),
        )
        .filters(vec![plugin("first", "vm 1"), plugin("second", "vm 2")]),
        Sheet::new("shared data of nameless VMs", chain("no-vm-id", "filters without a `vm_id` share data"))
            .filters(vec![plugin("first", ""), plugin("second", "")]),
        Sheet::new(
            "shared data of one name and two VMs",
            chain("two-configurations", "two VMs with the same `vm_id` share data"),
        )
        .filters(vec![
            plugin("first", "vm"),
            Loaded { vm_configuration: b"other".into(), ..plugin("second", "vm") },
        ]),
    ]
}

fn case(name: &str, title: &str) -> Case {
    Case::new(format!("shared-data/{name}"), title)
}

/// Sets a value if it is unchanged since the last read.
fn swap(key: &str, value: &str) -> Step {
    set_shared(key, value, Arg::Kept(0))
}

fn cases() -> Vec<Case> {
    let on = |name: &str, title: &str, steps: Vec<Step>| case(name, title).on("request_headers", steps);
    let length = |key: &str| call("proxy_get_shared_data", [key.into(), Arg::OutLength, Arg::Out32(None)]);
    let wild = 0xdead_beef_u32;
    vec![
        on(
            "get-missing",
            "returns NotFound for a missing key, and writes no CAS number",
            vec![get_shared("missing")],
        ),
        on(
            "set-get",
            "returns the stored value and its CAS number",
            vec![set_shared("k", "v", 0), get_shared("k")],
        ),
        on(
            "cas-missing-none",
            "CAS 0 inserts a missing key",
            vec![set_shared("a1", "v", 0), get_shared("a1")],
        ),
        on(
            "cas-missing-any",
            "any CAS number inserts a missing key",
            vec![set_shared("a2", "v", wild), get_shared("a2")],
        ),
        on(
            "cas-there-none",
            "CAS 0 replaces an existing value",
            vec![set_shared("a3", "1", 0), set_shared("a3", "2", 0), get_shared("a3")],
        ),
        on(
            "cas-there-right",
            "the current CAS number replaces an existing value",
            vec![set_shared("a4", "1", 0), get_shared("a4"), swap("a4", "2"), get_shared("a4")],
        ),
        on(
            "cas-there-stale",
            "an older CAS number returns CasMismatch and keeps the value",
            vec![
                set_shared("a5", "1", 0),
                get_shared("a5"),
                set_shared("a5", "2", 0),
                swap("a5", "3"),
                get_shared("a5"),
            ],
        ),
        on(
            "cas-there-wild",
            "an unknown CAS number returns CasMismatch",
            vec![set_shared("a6", "1", 0), set_shared("a6", "2", wild), get_shared("a6")],
        ),
        on(
            "cas-of-other-key",
            "the CAS number of another key returns CasMismatch",
            vec![set_shared("a7", "1", 0), set_shared("a8", "1", 0), get_shared("a7"), swap("a8", "2")],
        ),
        on(
            "cas-once",
            "a CAS number is valid for one change",
            vec![
                set_shared("a9", "1", 0),
                get_shared("a9"),
                swap("a9", "2"),
                swap("a9", "3"),
                get_shared("a9"),
            ],
        ),
        on(
            "cas-same-value",
            "setting an equal value is a change",
            vec![set_shared("a10", "1", 0), get_shared("a10"), set_shared("a10", "1", 0), swap("a10", "2")],
        ),
        on(
            "cas-counts-all",
            "one CAS counter counts the changes of all keys",
            vec![
                set_shared("a11", "1", 0),
                get_shared("a11"),
                set_shared("a12", "1", 0),
                set_shared("a12", "2", 0),
                get_shared("a12"),
            ],
        ),
        on(
            "cas-is-the-next",
            "each change of any key gets the next CAS number, so a sole writer can predict it",
            vec![
                set_shared("a13", "1", 0),
                get_shared("a13"),
                set_shared("a14", "1", 0),
                set_shared("a14", "2", Arg::KeptAnd(0, 0)),
                set_shared("a14", "2", Arg::KeptAnd(0, 2)),
                set_shared("a14", "2", Arg::KeptAnd(0, 1)),
                // The rejected changes used no number.
                set_shared("a14", "3", Arg::KeptAnd(0, 1)),
                set_shared("a14", "3", Arg::KeptAnd(0, 2)),
                get_shared("a14"),
            ],
        ),
        on(
            "empty-value",
            "an empty value is stored; reading it returns Ok and a null pointer",
            vec![set_shared("e", "", 0), get_shared("e")],
        ),
        on(
            "emptied",
            "a key cannot be deleted, only set to an empty value",
            vec![set_shared("d", "v", 0), set_shared("d", "", 0), get_shared("d")],
        ),
        on(
            "empty-key",
            "an empty key is valid",
            vec![get_shared(""), set_shared("", "v", 0), get_shared("")],
        ),
        on(
            "binary-key",
            "a key may contain any bytes, and is compared whole",
            vec![
                set_shared(b"\0\xff", "1", 0),
                get_shared(b"\0\xff"),
                get_shared(b"\0"),
                get_shared(b"\0\xfe"),
            ],
        ),
        on(
            "case-of-key",
            "compares keys case-sensitively",
            vec![set_shared("Case", "1", 0), get_shared("case")],
        ),
        on(
            "binary-value",
            "a value may contain any bytes",
            vec![set_shared("b", b"\0\xff\x80", 0), get_shared("b")],
        ),
        on(
            "large-value",
            "stores a value of 300 kB",
            vec![set_shared("large", "v".repeat(300_000), 0), length("large")],
        ),
        on(
            "large-key",
            "accepts a key of 10 kB",
            vec![set_shared("k".repeat(10_000), "v", 0), length(&"k".repeat(10_000))],
        ),
        on("later", "data is available to later requests", vec![get_shared("k")]),
        on(
            "root",
            "a root context has the same data",
            vec![
                set_context(Arg::Root),
                get_shared("k"),
                set_shared("k", "root", 0),
                set_context(Arg::Stream),
                get_shared("k"),
            ],
        ),
        case("phases", "shared data can be read and written in every callback")
            .on("response_headers", [set_shared("p", "response", 0), get_shared("p")])
            .on("log", [get_shared("p"), set_shared("p", "log", 0)])
            .on("delete", [get_shared("p")]),
    ]
}

/// The first filter writes, the second reads and writes, and the first reads.
fn chain(name: &str, title: &str) -> Vec<Case> {
    vec![
        case(name, title)
            .on("request_headers", [set_shared("k", "of the first", 0)])
            .on_filter(1, "request_headers", [get_shared("k"), set_shared("k", "of the second", 0)])
            .on("response_headers", [get_shared("k")]),
        case(&format!("{name}/swap"), &format!("{title}; the same is true of CAS numbers"))
            .on("request_headers", [set_shared("s", "1", 0), get_shared("s")])
            .on_filter(1, "request_headers", [set_shared("s", "2", 0), get_shared("s")])
            .on("response_headers", [swap("s", "3"), get_shared("s")]),
    ]
}
