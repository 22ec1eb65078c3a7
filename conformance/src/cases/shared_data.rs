//! Shared data: compare and swap, and who shares.

use crate::case::Loaded;
use crate::script::calls::{call, get_shared, set_context, set_shared};
use crate::script::{Arg, Step};
use crate::{Case, Sheet};

/// The sheets.
pub fn sheets() -> Vec<Sheet> {
    let plugin = |name, vm_id| Loaded { vm_id, ..Loaded::new(name) };
    vec![
        Sheet::new("shared data", cases()),
        Sheet::new("shared data of one VM", chain("one-vm", "filters with one vm_id share"))
            .filters(vec![plugin("first", "vm"), plugin("second", "vm")]),
        Sheet::new("shared data of two VMs", chain("two-vms", "filters with two vm_ids do not share"))
            .filters(vec![plugin("first", "vm 1"), plugin("second", "vm 2")]),
        Sheet::new("shared data of nameless VMs", chain("no-vm-id", "filters without a vm_id share"))
            .filters(vec![plugin("first", ""), plugin("second", "")]),
        Sheet::new(
            "shared data of one name and two VMs",
            chain("two-configurations", "two VMs with one vm_id share"),
        )
        .filters(vec![
            plugin("first", "vm"),
            Loaded { vm_configuration: b"other".into(), ..plugin("second", "vm") },
        ]),
    ]
}

fn case(name: &str, says: &str) -> Case {
    Case::new(format!("shared-data/{name}"), says)
}

/// Sets under the condition that it is as it was read last.
fn swap(key: &str, value: &str) -> Step {
    set_shared(key, value, Arg::Kept(0))
}

fn cases() -> Vec<Case> {
    let on = |name: &str, says: &str, steps: Vec<Step>| case(name, says).on("request_headers", steps);
    let length = |key: &str| call("proxy_get_shared_data", [key.into(), Arg::OutLength, Arg::Out32(None)]);
    let wild = 0xdead_beef_u32;
    vec![
        on(
            "get-missing",
            "a key that is not there is NotFound, and its cas is untouched",
            vec![get_shared("missing")],
        ),
        on("set-get", "what is set is read back with a cas", vec![set_shared("k", "v", 0), get_shared("k")]),
        on(
            "cas-missing-none",
            "absent, cas 0: it is inserted",
            vec![set_shared("a1", "v", 0), get_shared("a1")],
        ),
        on(
            "cas-missing-any",
            "absent, any cas: it is inserted",
            vec![set_shared("a2", "v", wild), get_shared("a2")],
        ),
        on(
            "cas-there-none",
            "there, cas 0: it is replaced",
            vec![set_shared("a3", "1", 0), set_shared("a3", "2", 0), get_shared("a3")],
        ),
        on(
            "cas-there-right",
            "there, the right cas: it is replaced",
            vec![set_shared("a4", "1", 0), get_shared("a4"), swap("a4", "2"), get_shared("a4")],
        ),
        on(
            "cas-there-stale",
            "there, an older cas: CasMismatch, and it stays",
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
            "there, a cas that nobody got: CasMismatch",
            vec![set_shared("a6", "1", 0), set_shared("a6", "2", wild), get_shared("a6")],
        ),
        on(
            "cas-of-other-key",
            "the cas of another key is none of this one",
            vec![set_shared("a7", "1", 0), set_shared("a8", "1", 0), get_shared("a7"), swap("a8", "2")],
        ),
        on(
            "cas-once",
            "a cas is good for one change",
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
            "to set the same value is a change",
            vec![set_shared("a10", "1", 0), get_shared("a10"), set_shared("a10", "1", 0), swap("a10", "2")],
        ),
        on(
            "cas-counts-all",
            "the cas counts the changes of all keys",
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
            "each change gets the next cas, whatever its key: who is alone can tell what it will be",
            vec![
                set_shared("a13", "1", 0),
                get_shared("a13"),
                set_shared("a14", "1", 0),
                set_shared("a14", "2", Arg::KeptAnd(0, 0)),
                set_shared("a14", "2", Arg::KeptAnd(0, 2)),
                set_shared("a14", "2", Arg::KeptAnd(0, 1)),
                // The refused ones took none.
                set_shared("a14", "3", Arg::KeptAnd(0, 1)),
                set_shared("a14", "3", Arg::KeptAnd(0, 2)),
                get_shared("a14"),
            ],
        ),
        on(
            "empty-value",
            "an empty value is there: Ok with a null pointer",
            vec![set_shared("e", "", 0), get_shared("e")],
        ),
        on(
            "emptied",
            "a key cannot be deleted: an empty value is what is left",
            vec![set_shared("d", "v", 0), set_shared("d", "", 0), get_shared("d")],
        ),
        on(
            "empty-key",
            "an empty key is a key",
            vec![get_shared(""), set_shared("", "v", 0), get_shared("")],
        ),
        on(
            "binary-key",
            "a key may be any bytes, compared whole",
            vec![
                set_shared(b"\0\xff", "1", 0),
                get_shared(b"\0\xff"),
                get_shared(b"\0"),
                get_shared(b"\0\xfe"),
            ],
        ),
        on("case-of-key", "keys have a case", vec![set_shared("Case", "1", 0), get_shared("case")]),
        on(
            "binary-value",
            "a value may be any bytes",
            vec![set_shared("b", b"\0\xff\x80", 0), get_shared("b")],
        ),
        on(
            "large-value",
            "a value of 300 kB is kept",
            vec![set_shared("large", "v".repeat(300_000), 0), length("large")],
        ),
        on(
            "large-key",
            "a key of 10 kB is a key",
            vec![set_shared("k".repeat(10_000), "v", 0), length(&"k".repeat(10_000))],
        ),
        on("later", "what is set in one request is there in the next", vec![get_shared("k")]),
        on(
            "root",
            "the root context has the same data",
            vec![
                set_context(Arg::Root),
                get_shared("k"),
                set_shared("k", "root", 0),
                set_context(Arg::Stream),
                get_shared("k"),
            ],
        ),
        case("phases", "it can be read and written in every phase")
            .on("response_headers", [set_shared("p", "response", 0), get_shared("p")])
            .on("log", [get_shared("p"), set_shared("p", "log", 0)])
            .on("delete", [get_shared("p")]),
    ]
}

/// The first filter writes, the second reads and writes, the first reads.
fn chain(name: &str, says: &str) -> Vec<Case> {
    vec![
        case(name, says)
            .on("request_headers", [set_shared("k", "of the first", 0)])
            .on_filter(1, "request_headers", [get_shared("k"), set_shared("k", "of the second", 0)])
            .on("response_headers", [get_shared("k")]),
        case(
            &format!("{name}/swap"),
            &format!("{says}: a change by one makes the cas of the other stale, or not"),
        )
        .on("request_headers", [set_shared("s", "1", 0), get_shared("s")])
        .on_filter(1, "request_headers", [set_shared("s", "2", 0), get_shared("s")])
        .on("response_headers", [swap("s", "3"), get_shared("s")]),
    ]
}
