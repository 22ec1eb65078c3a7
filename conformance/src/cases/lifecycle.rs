//! Root contexts: how they start, what they share, and which context a call affects.

use crate::case::Loaded;
use crate::cases::parts::{ALL, SOON, call_other, call_to, get, late, ok, resume};
use crate::run::REFUSES;
use crate::script::calls::buffer::{PLUGIN_CONFIGURATION, VM_CONFIGURATION};
use crate::script::calls::{
    buffer_status, call, dequeue, done, enqueue, get_property, get_shared, get_value, log, register_queue,
    resolve_queue, set_context, set_shared, set_tick,
};
use crate::script::{Arg, Step};
use crate::{Case, Sheet};
use tollgate_host_test::FailurePolicy;

/// Returns the sheets.
pub fn sheets() -> Vec<Sheet> {
    [start(), refused(), shared(), vec![Sheet::new("contexts", contexts()), ticks()]]
        .into_iter()
        .flatten()
        .collect()
}

/// Sizes of both configurations. Their contents are scripts.
fn configurations() -> [Step; 2] {
    [buffer_status(VM_CONFIGURATION), buffer_status(PLUGIN_CONFIGURATION)]
}

fn alone(name: &str, title: &str) -> Case {
    Case::new(format!("lifecycle/{name}"), title).alone()
}

fn passing(name: &str) -> Case {
    Case::new(format!("lifecycle/{name}/passing"), "a request passes")
}

fn start() -> Vec<Sheet> {
    let early =
        || Loaded::new("probe").early("context_create", configurations()).early("vm_start", configurations());
    let case = |name: &str, title: &str| {
        alone(name, title)
            .on("configure", configurations())
            .on("request_headers", configurations())
            .on("log", configurations())
    };
    let root = Loaded { root_id: "my_root", vm_id: "my_vm", ..early() };
    let properties = ["plugin_name", "plugin_root_id", "plugin_vm_id"].map(get_property);
    vec![
        Sheet::new(
            "lifecycle start",
            vec![
                case("start", "a root context is created, its VM started and its plugin configured in a canary VM, on the main thread and on the worker"),
                passing("start"),
            ],
        )
        .filters(vec![early()]),
        Sheet::new(
            "lifecycle two workers",
            vec![case("two-workers", "with two workers, the start sequence runs four times").unordered()],
        )
        .filters(vec![early()])
        .settings(|settings| settings.workers = 2),
        Sheet::new(
            "lifecycle names",
            vec![
                alone("names", "a root context reads the name, the `root_id` and the `vm_id` of its plugin")
                    .on("configure", properties.clone())
                    .on("request_headers", properties),
                passing("names"),
            ],
        )
        .filters(vec![root]),
        Sheet::new(
            "lifecycle environment",
            vec![
                alone("environment", "a VM has only the environment variables of its configuration")
                    .on("configure", [call("environ_sizes_get", [Arg::Out32(None), Arg::Out32(None)])]),
            ],
        )
        .filters(vec![Loaded { environment: &[("KEY", "value"), ("OTHER", "")], ..Loaded::new("probe") }]),
        Sheet::new(
            "lifecycle calls",
            vec![
                alone("calls", "calls about a stream have no effect in a root context")
                    .on("configure", [
                        get_value(0, ":path"),
                        crate::script::calls::continue_stream(0),
                        crate::script::calls::close_stream(0),
                        crate::cases::parts::answers(403, "no"),
                        done(),
                        get_property("request\0path"),
                    ]),
                passing("calls"),
            ],
        ),
    ]
}

/// Filters that fail to start: the configuration is rejected, whatever the failure policy is.
fn refused() -> Vec<Sheet> {
    let mut sheets = Vec::new();
    for policy in [FailurePolicy::FailClosed, FailurePolicy::FailOpen] {
        let word = if policy == FailurePolicy::FailOpen { "open" } else { "closed" };
        for (callback, steps, what) in [
            ("vm_start", vec![Step::Return(0)], "returning false from on_vm_start"),
            ("vm_start", vec![Step::Trap], "a trap in on_vm_start"),
            ("context_create", vec![Step::Trap], "a trap in on_context_create of the root context"),
            ("configure", vec![Step::Return(0)], "returning false from on_configure"),
            ("configure", vec![Step::Trap], "a trap in on_configure"),
        ] {
            let then = match callback {
                "context_create" => "fails the VM and so all requests; the configuration is accepted",
                _ => "rejects the configuration",
            };
            let how = if matches!(steps[0], Step::Trap) { "trap" } else { "false" };
            let name = format!("refused/{callback}/{how}/{word}").replace('_', "-");
            let steps = [log(4, "[] so it ends")].into_iter().chain(steps).collect::<Vec<_>>();
            let mut case = alone(&name, &format!("{what} {then} (fail_{word})"));
            let mut loaded = Loaded::new("probe").policy(policy);
            if callback == "configure" {
                case = case.on("configure", steps);
            } else {
                loaded = loaded.early(callback, steps);
            }
            let sheet = format!("lifecycle {name}").leak();
            let passing = Case::new(format!("lifecycle/{name}/passing"), "a request, if a proxy accepts it")
                .shows(&["request_headers", "log"]);
            sheets.push(Sheet::new(sheet, vec![case, passing]).filters(vec![loaded]));
        }
    }
    sheets
}

/// Makes the second of two filters different from the first.
type Change = fn(&mut Loaded);

/// Resources that two filters share, by the difference between them.
fn shared() -> Vec<Sheet> {
    let two = |change: Change| {
        let mut second = Loaded::new("b");
        change(&mut second);
        vec![Loaded::new("a"), second]
    };
    let kinds: [(&str, &str, Change); 6] = [
        ("alike", "filters with the same code and `vm_id` share a VM and have a root context each", |_| {}),
        ("root-id", "filters with different `root_id`s share a VM and have a root context each", |b| {
            b.root_id = "other"
        }),
        ("vm-id", "filters with different `vm_id`s have a VM each and share nothing", |b| b.vm_id = "other"),
        (
            "vm-configuration",
            "filters with different VM configurations have a VM each and share data and queues",
            |b| {
                b.vm_configuration = vec![0; 12];
            },
        ),
        (
            "environment",
            "filters with different environments have a VM each and share data and queues",
            |b| {
                b.environment = &[("A", "1")];
            },
        ),
        ("policy", "filters with different failure policies share a VM and have a root context each", |b| {
            b.failure_policy = FailurePolicy::FailOpen
        }),
    ];
    let mut sheets = Vec::new();
    for (kind, title, change) in kinds {
        let who = || get_property("plugin_name");
        let starts = alone(&format!("shared/{kind}"), title).on("configure", [who()]).on_filter(
            1,
            "configure",
            [who()],
        );
        let key = format!("lifecycle/shared/{kind}/streams");
        let streams = Case::new(&key, format!("contexts of streams: {title}"))
            .on("request_headers", [who(), set_shared("k", "by a", 0)])
            .on_filter(
                1,
                "request_headers",
                [who(), get_shared("k"), resolve_queue("", "q"), set_context(1), set_context(2)],
            );
        let queue = Case::new(
            format!("lifecycle/shared/{kind}/queue"),
            format!("a queue that one filter registers: {title}"),
        )
        .on("request_headers", [register_queue("q"), enqueue(Arg::Kept(0), "item")])
        .on_filter(
            1,
            "request_headers",
            [resolve_queue("", "q"), dequeue(Arg::Kept(1)), dequeue(Arg::Kept(1))],
        )
        .on_filter(1, "log", [resolve_queue("other", "q"), register_queue("q")]);
        sheets.push(
            Sheet::new(format!("lifecycle shared {kind}").leak(), vec![starts, streams, queue])
                .filters(two(change)),
        );
    }
    for (kind, names, title) in [
        ("same", ["a", "a"], "filters with equal configurations also share a root context"),
        ("same-but-name", ["a", "b"], "filters that differ only in their names have a root context each"),
    ] {
        let who = || get_property("plugin_name");
        let case = |name: String, title: &str| Case::new(name, title).on("configure", [who()]);
        // Both filters get all steps. Otherwise their configurations would differ.
        let both = |case: Case| {
            let own = case.scripts.clone();
            own.into_iter().fold(case, |case, (_, name, steps)| case.on_filter(1, name, steps))
        };
        let starts = both(case(format!("lifecycle/shared/{kind}"), title).alone());
        let streams = format!("lifecycle/shared/{kind}/streams");
        let streams = Case::new(streams, format!("contexts of streams: {title}"))
            .on("request_headers", [who()])
            .shows(&["log"]);
        let loaded = names.map(Loaded::new).to_vec();
        sheets.push(
            Sheet::new(format!("lifecycle shared {kind}").leak(), vec![starts, both(streams)])
                .filters(loaded),
        );
    }
    sheets
}

/// The context that a call affects.
fn contexts() -> Vec<Case> {
    let case = |name: &str, title: &str| Case::new(format!("lifecycle/context/{name}"), title);
    let call = |name: &str| call_other(&format!("lifecycle/context/{name}"));
    let path = || get_value(0, ":path");
    let then = |steps: &[Step]| steps.iter().cloned().chain(resume(0)).collect::<Vec<_>>();
    vec![
        case("numbers", "set_effective_context accepts existing contexts and 0").on(
            "request_headers",
            [
                set_context(0),
                set_context(Arg::Root),
                path(),
                set_context(Arg::Stream),
                path(),
                set_context(999),
                path(),
                set_context(u32::MAX),
            ],
        ),
        case("reset", "the effective context is reset at the end of a callback")
            .on(
                "request_headers",
                [call("reset"), call_to(REFUSES, "lifecycle/context/reset"), Step::Return(1)],
            )
            .answer("other", [late(ok(), SOON)])
            .on("http_call_response", then(&[path(), set_context(Arg::Stream), path()])),
        case("zero", "context 0 is the context of the current callback")
            .on("request_headers", [set_context(Arg::Root), path(), set_context(0), path()]),
        case("gone", "the context of an ended stream no longer exists")
            .requests([get(), get()])
            .on("log", [set_context(Arg::Stream), path()])
            .on("delete", [set_context(Arg::Stream), path()]),
        case("done", "proxy_done returns NotFound unless on_done of a root context has returned false")
            .on("request_headers", [done(), set_context(Arg::Root), done()])
            .on("done", [done(), Step::Return(0)])
            .shows(&["delete"]),
        case("done-false", "a stream ends even if its on_done returns false")
            .on("done", [Step::Return(0)])
            .on("delete", [done()]),
        case("log-buffers", "request properties and buffers can be queried in on_done and on_delete")
            .on("done", [path(), get_property("request\0path"), buffer_status(0)])
            .on(
                "delete",
                [path(), get_property("request\0path"), crate::script::calls::get_buffer(1, 0, ALL)],
            ),
    ]
}

/// Timers. Ticks run on the worker and on the main thread. The root context of the main thread sees no
/// requests.
fn ticks() -> Sheet {
    let tick = |name: &str, title: &str| Case::new(format!("lifecycle/tick/{name}"), title);
    let cases = vec![
        tick("once", "a timer that is stopped in its own callback ticks once")
            .on("request_headers", [set_tick(20), Step::Return(1)])
            .on("tick", [set_tick(0)].into_iter().chain(resume(0))),
        tick("stopped", "a timer that is stopped in time does not tick")
            .requests([get(), get()])
            .on("request_headers", [set_tick(20), set_tick(0)])
            .shows(&["tick"])
            .answer(
                "upstream",
                [crate::cases::parts::late(crate::cases::parts::ok(), crate::cases::parts::SOON)],
            ),
        tick("changed", "the last period applies")
            .on("request_headers", [set_tick(60_000), set_tick(20), Step::Return(1)])
            .on("tick", [set_tick(0)].into_iter().chain(resume(0))),
    ];
    Sheet::new("ticks", cases)
}
