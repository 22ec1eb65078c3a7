//! The chapters of the page, with an introduction to each chapter and to each call.

use crate::Case;

/// A chapter: the cases whose names begin with one of these words, and the calls that they are about.
#[derive(Clone, Copy, Debug)]
pub struct Area {
    /// First parts of the names, up to the first slash.
    pub names: &'static [&'static str],
    /// Heading.
    pub title: &'static str,
    /// Introduction to the chapter.
    pub text: &'static str,
    /// Calls, with an introduction to each.
    pub calls: &'static [(&'static str, &'static str)],
}

impl Area {
    /// Whether a case belongs to this chapter.
    pub fn contains(&self, case: &Case) -> bool {
        self.names.contains(&case.name.split('/').next().unwrap_or_default())
    }
}

/// The chapters, in order.
pub const AREAS: &[Area] = &[
    Area {
        names: &["headers"],
        title: "Header maps",
        text: "A map is accessible in its own callback, and later only while that callback pauses the stream. After the \
               callback has continued, the map is no longer accessible: request headers cannot be read in the response \
               callbacks. In `on_log` the maps are accessible again, read-only.",
        calls: &[
            ("proxy_get_header_map_value", "Returns the first value. Names are compared case-insensitively."),
            (
                "proxy_get_header_map_pairs",
                "Returns all fields in order, with repeated names apart. Never fails for a known map: an inaccessible map \
                 is empty.",
            ),
            ("proxy_get_header_map_size", "Returns the bytes of names and values, without their framing."),
            ("proxy_add_header_map_value", "Appends a field. Checks neither the name nor the value."),
            ("proxy_replace_header_map_value", "Replaces all values of a name with one."),
            ("proxy_remove_header_map_value", "Removes all values of a name."),
            (
                "proxy_set_header_map_pairs",
                "Empties the map, then adds the pairs. A malformed block counts as an empty list.",
            ),
        ],
    },
    Area {
        names: &["buffers"],
        title: "Buffers",
        text: "The buffer of a body is the current piece, or the whole buffered body if the previous callback asked to \
               buffer it.",
        calls: &[
            ("proxy_get_buffer_status", "Returns the length."),
            ("proxy_get_buffer_bytes", "Returns a range. The length is clamped to the end."),
            (
                "proxy_set_buffer_bytes",
                "Replaces the given number of bytes at the start, or appends after the end. Nothing else is possible.",
            ),
        ],
    },
    Area {
        names: &["properties"],
        title: "Properties",
        text: "A path consists of segments that are joined by NUL; this page writes dots. Numbers and booleans are returned \
               as little-endian bytes, maps as pairs, and messages as protobuf.",
        calls: &[
            (
                "proxy_get_property",
                "Returns an attribute of the request, the connection, the route or the plugin, or a value that a filter \
                 has set.",
            ),
            ("proxy_set_property", "Sets the filter state `wasm.<path>`."),
        ],
    },
    Area {
        names: &["foreign"],
        title: "Foreign functions",
        text: "Functions of Envoy that are not part of the ABI.",
        calls: &[(
            "proxy_call_foreign_function",
            "Calls a function by name. Arguments and result are bytes.",
        )],
    },
    Area {
        names: &["shared-data"],
        title: "Shared data",
        text: "Each `vm_id` has one namespace, across all threads, for the lifetime of the process. Nothing can be deleted.",
        calls: &[
            ("proxy_get_shared_data", "Returns a value and its CAS number."),
            ("proxy_set_shared_data", "Sets a value if `cas` is 0 or the CAS number of the current value."),
        ],
    },
    Area {
        names: &["queues"],
        title: "Shared queues",
        text: "A queue is identified by `vm_id` and name. The VM that registered it last is notified of items.",
        calls: &[
            (
                "proxy_register_shared_queue",
                "Creates or finds a queue. The caller is notified of its items from now on.",
            ),
            ("proxy_resolve_shared_queue", "Finds a queue."),
            ("proxy_enqueue_shared_queue", "Appends an item."),
            ("proxy_dequeue_shared_queue", "Removes and returns the first item."),
        ],
    },
    Area {
        names: &["metrics"],
        title: "Metrics",
        text: "Metrics belong to the process: all VMs share them.",
        calls: &[
            ("proxy_define_metric", "Returns a new id each time. Equal names are the same statistic."),
            ("proxy_increment_metric", "Adds to a counter or a gauge."),
            ("proxy_record_metric", "Sets a gauge, records a value in a histogram, or adds to a counter."),
            ("proxy_get_metric", "Returns the value of a counter or a gauge."),
        ],
    },
    Area {
        names: &["callouts"],
        title: "HTTP callouts",
        text: "Callouts belong to the root context, whichever context makes them, and outlive their stream.",
        calls: &[(
            "proxy_http_call",
            "Needs `:method`, `:path`, `:authority` and a known cluster. If the connection fails or the timeout expires, \
             Envoy delivers a response of its own. Only a connection that closes in the middle of a response delivers none.",
        )],
    },
    Area {
        names: &["grpc"],
        title: "gRPC callouts",
        text: "The target is a serialised `GrpcService`. If it is not valid protobuf, it is the name of a cluster. A name \
               that happens to be valid protobuf without a target aborts the whole Envoy process.",
        calls: &[
            (
                "proxy_grpc_call",
                "Sends one message and receives one. Success calls only `on_grpc_receive`, failure only `on_grpc_close`.",
            ),
            ("proxy_grpc_stream", "Opens a stream of messages in both directions."),
            ("proxy_grpc_send", "Sends a message on a stream, and can end the filter's side."),
            ("proxy_grpc_cancel", "Cancels a call or a stream."),
            ("proxy_grpc_close", "Ends the filter's side of a stream, or cancels a call."),
        ],
    },
    Area {
        names: &["flow", "http"],
        title: "The flow of a stream",
        text: "The return value of a callback decides whether its stream continues. By default, a pause in a headers \
               callback also holds back everything after the headers, so the body callbacks are not called.",
        calls: &[
            (
                "proxy_continue_stream",
                "Continues a paused message. The stream continues after the current callback has returned.",
            ),
            ("proxy_close_stream", "Resets the stream."),
        ],
    },
    Area {
        names: &["replies"],
        title: "Local replies",
        text: "A local reply is sent after the callback that makes it, whatever the callback returns.",
        calls: &[("proxy_send_local_response", "Answers instead of the upstream, or replaces its response.")],
    },
    Area {
        names: &["chains"],
        title: "Several filters",
        text: "Requests pass the filters in order, responses in reverse order. on_log runs in order.",
        calls: &[],
    },
    Area {
        names: &["lifecycle", "context"],
        title: "Contexts",
        text: "A plugin has a root context in each VM that runs it. A stream has a context in each filter.",
        calls: &[
            (
                "proxy_set_effective_context",
                "Makes the following calls affect another context, until the callback returns.",
            ),
            ("proxy_done", "Ends a root context whose on_done has returned false."),
            ("proxy_get_status", "Returns the status of the callout whose callback is running."),
        ],
    },
    Area {
        names: &["failure"],
        title: "Traps",
        text: "A trap ends the VM of its worker. The failure policy decides what happens to other requests.",
        calls: &[],
    },
    Area {
        names: &["log", "time"],
        title: "Log, time and ticks",
        text: "",
        calls: &[
            ("proxy_log", "Logs any bytes at one of six levels."),
            ("proxy_get_log_level", "Returns the lowest level that is logged."),
            ("proxy_get_current_time_nanoseconds", "Returns the time since 1970."),
            (
                "proxy_set_tick_period_milliseconds",
                "Sets the timer of the root context. It ticks in every VM, including the one of the main thread.",
            ),
        ],
    },
    Area {
        names: &["memory"],
        title: "Memory",
        text: "Results are written to memory that the module allocates: with `malloc` if it exports that, otherwise with \
               `proxy_on_memory_allocate`.",
        calls: &[],
    },
    Area {
        names: &["wasi"],
        title: "WASI",
        text: "Envoy implements the calls that the runtimes of languages need. Standard output is the log.",
        calls: &[],
    },
];
