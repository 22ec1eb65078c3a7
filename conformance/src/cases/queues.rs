//! Shared queues.

use crate::case::Loaded;
use crate::script::calls::{dequeue, enqueue, register_queue, resolve_queue, set_context};
use crate::script::{Arg, Step};
use crate::{Case, Sheet};

/// Returns the sheets.
pub fn sheets() -> Vec<Sheet> {
    let plugin = |name, vm_id| Loaded { vm_id, ..Loaded::new(name) };
    vec![
        Sheet::new("queues", cases()).filters(vec![plugin("probe", "vm")]),
        Sheet::new("queues of two VMs", chain())
            .filters(vec![plugin("first", "vm 1"), plugin("second", "vm 2")]),
        Sheet::new("queues of one VM", one_vm()).filters(vec![plugin("first", "vm"), plugin("second", "vm")]),
    ]
}

fn case(name: &str, title: &str) -> Case {
    Case::new(format!("queues/{name}"), title)
}

fn put(item: &str) -> Step {
    enqueue(Arg::Kept(0), item)
}

fn take() -> Step {
    dequeue(Arg::Kept(0))
}

fn cases() -> Vec<Case> {
    let on = |name: &str, title: &str, steps: Vec<Step>| case(name, title).on("request_headers", steps);
    vec![
        on(
            "resolve-before",
            "returns NotFound for an unregistered queue, and writes no token",
            vec![
                resolve_queue("vm", "nobody's"),
                resolve_queue("", "nobody's"),
                resolve_queue("other vm", "nobody's"),
            ],
        ),
        on("register", "numbers queues from 1", vec![register_queue("a"), register_queue("b")]),
        on(
            "register-again",
            "returns the same token when a name is registered again",
            vec![register_queue("a"), register_queue("a")],
        ),
        on(
            "resolve",
            "finds a queue by `vm_id` and name; an empty `vm_id` is that of the caller",
            vec![
                register_queue("a"),
                resolve_queue("vm", "a"),
                resolve_queue("", "a"),
                resolve_queue("VM", "a"),
                resolve_queue("vm", "A"),
                resolve_queue("vm", ""),
            ],
        ),
        on("empty-name", "accepts an empty name", vec![register_queue(""), resolve_queue("", "")]),
        on(
            "binary-name",
            "accepts a name of any bytes",
            vec![register_queue(b"\0\xff"), resolve_queue("", b"\0\xff")],
        ),
        on("dequeue-empty", "returns Empty for an empty queue", vec![register_queue("c"), take()]),
        on(
            "in-order",
            "items are dequeued in order, each once",
            vec![register_queue("c"), put("1"), put("2"), take(), put("3"), take(), take(), take()],
        ),
        on("empty-item", "an item may be empty", vec![register_queue("c"), put(""), take(), take()]),
        on(
            "binary-item",
            "an item may contain any bytes",
            vec![register_queue("c"), enqueue(Arg::Kept(0), b"\0\xff"), take()],
        ),
        on(
            "unknown",
            "returns NotFound for an unknown token",
            vec![enqueue(9999, "x"), dequeue(9999), enqueue(0, "x"), dequeue(0), enqueue(u32::MAX, "x")],
        ),
        on("kept", "items stay in the queue until they are dequeued", vec![register_queue("kept"), put("from before")]),
        on(
            "kept/later",
            "items are available to later requests, whether they register the queue again or not",
            vec![resolve_queue("", "kept"), dequeue(Arg::Kept(1)), register_queue("kept"), take()],
        ),
        case("ready", "on_queue_ready is called in the root context that registered the queue, once per item, with the token")
            .on("request_headers", [register_queue("ready"), put("1"), put("2")])
            .on("queue_ready", [take()]),
        case("ready-taken", "on_queue_ready is called even if the item has been dequeued already")
            .on("request_headers", [register_queue("taken"), put("1"), take()])
            .on("queue_ready", [take()]),
        case("ready-unregistered", "an unregistered queue accepts no items, so on_queue_ready is not called")
            .on("request_headers", [enqueue(7777, "1")])
            .on("queue_ready", []),
        case("ready-puts", "an item that is enqueued in on_queue_ready causes another call")
            .on("request_headers", [register_queue("puts"), put("1")])
            .on("queue_ready", [take(), Step::OnlyRun(4), put("2")]),
        case("ready-ready", "a stream can be paused until on_queue_ready")
            .on("request_headers", [register_queue("waits"), put("go"), Step::Return(1)])
            .on("queue_ready", [take(), set_context(Arg::Stream), crate::script::calls::continue_stream(0)]),
        case("phases", "queues work in every callback")
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
        case("two-vms/own", "each `vm_id` has its own queues")
            .on("request_headers", [register_queue("q"), put("of the first")])
            .on_filter(
                1,
                "request_headers",
                [resolve_queue("", "q"), register_queue("q"), take(), put("of the second")],
            )
            .on("response_headers", [take(), take()]),
        case(
            "two-vms/across",
            "a queue of another `vm_id` can be resolved, and any VM can enqueue and dequeue",
        )
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
        case(
            "one-vm/last-registers",
            "of two filters with the same `vm_id`, on_queue_ready is called in the one that registered last",
        )
        .on("request_headers", [register_queue("q")])
        .on_filter(1, "request_headers", [register_queue("q"), put("1")])
        .on("queue_ready", [take()])
        .on_filter(1, "queue_ready", [take()]),
    ]
}
