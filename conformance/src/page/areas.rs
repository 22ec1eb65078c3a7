//! The chapters of the page, and what is to be known of each call before the cases.

use crate::Case;

/// A chapter: the cases whose names begin with one of these words, and the calls they are about.
#[derive(Clone, Copy, Debug)]
pub struct Area {
    /// Beginnings of names, up to the first slash.
    pub names: &'static [&'static str],
    /// Its heading.
    pub title: &'static str,
    /// What holds for all of it.
    pub text: &'static str,
    /// Its calls, and what is to be known of each.
    pub calls: &'static [(&'static str, &'static str)],
}

impl Area {
    /// Whether a case belongs here.
    pub fn holds(&self, case: &Case) -> bool {
        self.names.contains(&case.name.split('/').next().unwrap_or_default())
    }
}

/// The chapters, in order.
pub const AREAS: &[Area] = &[
    Area {
        names: &["headers"],
        title: "Header maps",
        text: "A map is in reach in its own callback, and later only while that callback's stream is held. After a \
               callback has continued, its map is gone for good: request headers cannot be read in the response phase. \
               In `on_log` the maps are there again, read-only.",
        calls: &[
            ("proxy_get_header_map_value", "The first value. Names are compared without regard to case."),
            (
                "proxy_get_header_map_pairs",
                "All fields in order, repeated ones apart. Never fails: a map out of reach is empty.",
            ),
            ("proxy_get_header_map_size", "Bytes of names and values, without their framing."),
            ("proxy_add_header_map_value", "Appends a field. Neither name nor value is checked."),
            ("proxy_replace_header_map_value", "One value in place of all."),
            ("proxy_remove_header_map_value", "Takes all values of a name."),
            (
                "proxy_set_header_map_pairs",
                "Empties the map, then adds. What cannot be read counts as an empty list.",
            ),
        ],
    },
    Area {
        names: &["buffers"],
        title: "Buffers",
        text: "A body's buffer is the piece at hand, or all that was held so far if the callback before asked to hold it.",
        calls: &[
            ("proxy_get_buffer_status", "How much is there."),
            ("proxy_get_buffer_bytes", "A part of it. The length is cut to what is there."),
            (
                "proxy_set_buffer_bytes",
                "At the start it replaces as many bytes as it says, behind the end it appends; nothing else.",
            ),
        ],
    },
    Area {
        names: &["properties"],
        title: "Properties",
        text: "Paths are segments joined by NUL. Numbers and booleans come as little-endian bytes, maps as pairs, messages \
               as protobuf.",
        calls: &[
            (
                "proxy_get_property",
                "An attribute of the request, the connection, the route or the plugin, or a value set before.",
            ),
            ("proxy_set_property", "Sets the filter state `wasm.<path>`."),
        ],
    },
    Area {
        names: &["foreign"],
        title: "Foreign functions",
        text: "Functions of Envoy's own beside the ABI.",
        calls: &[("proxy_call_foreign_function", "By name, with bytes for arguments and for the result.")],
    },
    Area {
        names: &["shared-data"],
        title: "Shared data",
        text: "One namespace for each `vm_id`, across all threads, for the life of the process. Nothing can be deleted.",
        calls: &[
            ("proxy_get_shared_data", "A value and its `cas`."),
            ("proxy_set_shared_data", "Sets it, if `cas` is 0 or the value's."),
        ],
    },
    Area {
        names: &["queues"],
        title: "Shared queues",
        text: "A queue is known by `vm_id` and name. The VM that registered it last is told of items.",
        calls: &[
            ("proxy_register_shared_queue", "Makes a queue, or finds it; the caller is the one to be told."),
            ("proxy_resolve_shared_queue", "Finds one."),
            ("proxy_enqueue_shared_queue", "Appends an item."),
            ("proxy_dequeue_shared_queue", "Takes the first item."),
        ],
    },
    Area {
        names: &["metrics"],
        title: "Metrics",
        text: "They are the process's: every VM adds to the same.",
        calls: &[
            ("proxy_define_metric", "A new id each time; the same name is the same statistic."),
            ("proxy_increment_metric", "Adds to a counter or a gauge."),
            ("proxy_record_metric", "Sets a gauge, records in a histogram, adds to a counter."),
            ("proxy_get_metric", "The value of a counter or a gauge."),
        ],
    },
    Area {
        names: &["callouts"],
        title: "HTTP callouts",
        text: "They belong to the root context, whoever makes them, and outlive their stream.",
        calls: &[(
            "proxy_http_call",
            "Needs `:method`, `:path` and `:authority` and a cluster that is there. A connection that fails and a time \
             that runs out are answers of Envoy's own; only a break within an answer is none.",
        )],
    },
    Area {
        names: &["grpc"],
        title: "gRPC callouts",
        text: "The target is a serialised `GrpcService`. What is not one is taken for the name of a cluster, and a name \
               that happens to be one without a target ends the whole Envoy.",
        calls: &[
            (
                "proxy_grpc_call",
                "One message for one. Success is `on_grpc_receive` alone, failure `on_grpc_close` alone.",
            ),
            ("proxy_grpc_stream", "A stream of messages both ways."),
            ("proxy_grpc_send", "A message on a stream, and perhaps the end of our side."),
            ("proxy_grpc_cancel", "Gives up a call or a stream."),
            ("proxy_grpc_close", "Ends our side of a stream; a call is given up."),
        ],
    },
    Area {
        names: &["flow", "http"],
        title: "The flow of a stream",
        text: "What a callback returns decides whether its stream goes on. By default a pause in a headers callback holds \
               everything behind it too, so its body callbacks do not come.",
        calls: &[
            (
                "proxy_continue_stream",
                "Goes on with what is held. What it sets off happens after the callback.",
            ),
            ("proxy_close_stream", "Cuts the stream off."),
        ],
    },
    Area {
        names: &["replies"],
        title: "Local replies",
        text: "Made after the callback that asks for them, whatever it returns.",
        calls: &[("proxy_send_local_response", "Answers in place of the upstream, or of its answer.")],
    },
    Area {
        names: &["chains"],
        title: "Several filters",
        text: "Requests pass them in order, responses backwards, the log in order.",
        calls: &[],
    },
    Area {
        names: &["lifecycle", "context"],
        title: "Contexts and their lives",
        text: "A plugin has a root context in each VM that runs it; a stream has a context in each filter.",
        calls: &[
            (
                "proxy_set_effective_context",
                "Makes the calls that follow be about another context, until the callback returns.",
            ),
            ("proxy_done", "Says that a root context that asked for time is done."),
            ("proxy_get_status", "The status that came with the callout whose callback runs."),
        ],
    },
    Area {
        names: &["failure"],
        title: "Traps",
        text: "A trap ends the VM of its worker. The failure policy decides about the rest.",
        calls: &[],
    },
    Area {
        names: &["log", "time"],
        title: "Log, time and ticks",
        text: "",
        calls: &[
            ("proxy_log", "Any bytes at one of six levels."),
            ("proxy_get_log_level", "The level from which on lines are written."),
            ("proxy_get_current_time_nanoseconds", "Since 1970."),
            (
                "proxy_set_tick_period_milliseconds",
                "Of the root context, on every VM, the main thread's too.",
            ),
        ],
    },
    Area {
        names: &["memory"],
        title: "Memory",
        text: "Results are put into memory that the module allocates: by `malloc` if it exports that, else by `proxy_on_memory_allocate`.",
        calls: &[],
    },
    Area {
        names: &["wasi"],
        title: "WASI",
        text: "As much as a language's runtime asks for: standard output is the log.",
        calls: &[],
    },
];
