//! Shared queues.

use crate::case::Loaded;
use crate::script::calls::{dequeue, enqueue, register_queue, resolve_queue, set_context};
use crate::script::{Arg, Step};
use crate::{Case, Sheet};

/// The sheets.
pub fn sheets() -> Vec<Sheet> {
    let plugin = |name, vm_id| Loaded { vm_id, ..Loaded::new(name) };
    vec![
        Sheet::new("queues", cases()).filters(vec![plugin("probe", "vm")]),
        Sheet::new("queues of two VMs", chain())
            .filters(vec![plugin("first", "vm 1"), plugin("second", "vm 2")]),
        Sheet::new("queues of one VM", one_vm()).filters(vec![plugin("first", "vm"), plugin("second", "vm")]),
    ]
}

fn case(name: &str, says: &str) -> Case {
    Case::new(format!("queues/{name}"), says)
}

fn put(item: &str) -> Step {
    enqueue(Arg::Kept(0), item)
}

fn take() -> Step {
    dequeue(Arg::Kept(0))
}

fn cases() -> Vec<Case> {
    let on = |name: &str, says: &str, steps: Vec<Step>| case(name, says).on("request_headers", steps);
    vec![
        on(
            "resolve-before",
            "a queue that nobody registered is NotFound, and its token is untouched",
            vec![
                resolve_queue("vm", "nobody's"),
                resolve_queue("", "nobody's"),
                resolve_queue("other vm", "nobody's"),
            ],
        ),
        on("register", "queues are numbered from 1", vec![register_queue("a"), register_queue("b")]),
        on(
            "register-again",
            "a name that is registered again keeps its token",
            vec![register_queue("a"), register_queue("a")],
        ),
        on(
            "resolve",
            "a queue is found by the vm_id and the name, and without a vm_id by the own one",
            vec![
                register_queue("a"),
                resolve_queue("vm", "a"),
                resolve_queue("", "a"),
                resolve_queue("VM", "a"),
                resolve_queue("vm", "A"),
                resolve_queue("vm", ""),
            ],
        ),
        on("empty-name", "an empty name is a name", vec![register_queue(""), resolve_queue("", "")]),
        on(
            "binary-name",
            "a name may be any bytes",
            vec![register_queue(b"\0\xff"), resolve_queue("", b"\0\xff")],
        ),
        on("dequeue-empty", "an empty queue is Empty", vec![register_queue("c"), take()]),
        on(
            "in-order",
            "items come in the order in which they were put, each once",
            vec![register_queue("c"), put("1"), put("2"), take(), put("3"), take(), take(), take()],
        ),
        on("empty-item", "an empty item is an item", vec![register_queue("c"), put(""), take(), take()]),
        on(
            "binary-item",
            "an item may be any bytes",
            vec![register_queue("c"), enqueue(Arg::Kept(0), b"\0\xff"), take()],
        ),
        on(
            "unknown",
            "a token that nobody got is NotFound",
            vec![enqueue(9999, "x"), dequeue(9999), enqueue(0, "x"), dequeue(0), enqueue(u32::MAX, "x")],
        ),
        on("kept", "items stay until they are taken", vec![register_queue("kept"), put("from before")]),
        on(
            "kept/later",
            "and are there in the next request, registered again or not",
            vec![resolve_queue("", "kept"), dequeue(Arg::Kept(1)), register_queue("kept"), take()],
        ),
        case("ready", "the root context that registered is told of each item, and its token")
            .on("request_headers", [register_queue("ready"), put("1"), put("2")])
            .on("queue_ready", [take()]),
        case("ready-taken", "it is told even of items that are gone by then")
            .on("request_headers", [register_queue("taken"), put("1"), take()])
            .on("queue_ready", [take()]),
        case("ready-unregistered", "nobody is told of a queue that was not registered: it takes no items")
            .on("request_headers", [enqueue(7777, "1")])
            .on("queue_ready", []),
        case("ready-puts", "what is put while it is told is told of afterwards")
            .on("request_headers", [register_queue("puts"), put("1")])
            .on("queue_ready", [take(), Step::OnlyRun(4), put("2")]),
        case("ready-ready", "a stream can wait for a queue")
            .on("request_headers", [register_queue("waits"), put("go"), Step::Return(1)])
            .on("queue_ready", [take(), set_context(Arg::Stream), crate::script::calls::continue_stream(0)]),
        case("phases", "queues work in every phase")
            .on("response_headers", [register_queue("phases"), put("response")])
            .on("log", [take(), take()]),
        on(
            "root",
            "a root context has the same queues",
            vec![
                set_context(Arg::Root),
                register_queue("root"),
                put("1"),
                set_context(Arg::Stream),
                resolve_queue("", "root"),
                dequeue(Arg::Kept(1)),
            ],
        ),
    ]
}

fn chain() -> Vec<Case> {
    vec![
        case("two-vms/own", "each vm_id has queues of its own")
            .on("request_headers", [register_queue("q"), put("of the first")])
            .on_filter(
                1,
                "request_headers",
                [resolve_queue("", "q"), register_queue("q"), take(), put("of the second")],
            )
            .on("response_headers", [take(), take()]),
        case("two-vms/across", "a queue of another vm_id is found by it, and anybody may put and take")
            .on("request_headers", [register_queue("across")])
            .on_filter(
                1,
                "request_headers",
                [
                    resolve_queue("vm 1", "across"),
                    enqueue(Arg::Kept(1), "from the second"),
                    enqueue(Arg::Kept(1), "another"),
                    dequeue(Arg::Kept(1)),
                ],
            )
            .on("queue_ready", [take()]),
    ]
}

fn one_vm() -> Vec<Case> {
    vec![
        case("one-vm/last-registers", "of two filters with one vm_id the last to register is told")
            .on("request_headers", [register_queue("q")])
            .on_filter(1, "request_headers", [register_queue("q"), put("1")])
            .on("queue_ready", [take()])
            .on_filter(1, "queue_ready", [take()]),
    ]
}
