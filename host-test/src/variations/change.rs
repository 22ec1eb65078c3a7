//! Changes to a scenario, as values.

use std::fmt;
use std::time::Duration;

/// The kinds of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Request bodies arrive in different pieces, with the same framing.
    RequestPieces,
    /// Response bodies arrive in different pieces, with the same framing.
    ResponsePieces,
    /// The bytes of TCP connections arrive in different pieces.
    ConnectionPieces,
    /// Header fields with different names have a different order, in requests and responses.
    HeaderOrder,
    /// Upstreams take more or less time, so that callouts complete in a different order.
    Latencies,
    /// Requests are sent later, so that more ticks come before them.
    Pauses,
    /// Other workers handle the requests.
    Workers,
    /// A request begins before the previous one is complete.
    Overlaps,
    /// The client closes its connection, and sends the same request again.
    HangUps,
    /// The upstream closes the connection, and the client sends the same request again.
    UpstreamResets,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 10] = [
        Self::RequestPieces,
        Self::ResponsePieces,
        Self::ConnectionPieces,
        Self::HeaderOrder,
        Self::Latencies,
        Self::Pauses,
        Self::Workers,
        Self::Overlaps,
        Self::HangUps,
        Self::UpstreamResets,
    ];

    pub(super) fn cuts_off(self) -> bool {
        matches!(self, Self::HangUps | Self::UpstreamResets)
    }

    /// Whether the change is made to the scenario before it runs.
    pub(super) fn is_data(self) -> bool {
        !self.has_moment() && !matches!(self, Self::Pauses | Self::Workers)
    }

    /// Whether the change is tried after every event of a request.
    pub(super) fn has_moment(self) -> bool {
        self.cuts_off() || self == Self::Overlaps
    }

    /// Returns a change of this kind after this many events.
    pub(super) fn at(self, request: usize, events: usize) -> Change {
        match self {
            Self::Overlaps => Change::Overlap { request, events },
            Self::UpstreamResets => Change::UpstreamReset { request, after: events },
            _ => Change::HangUp { request, after: events },
        }
    }
}

/// One change to the scenario. Requests and answers have the numbers, from 0, of their order in the scenario.
/// Answers are numbered across all upstreams; for each upstream, those of
/// [`by_path`](crate::Upstream::by_path) come last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The body of a request is split at these offsets.
    RequestCuts {
        /// Number of the request.
        request: usize,
        /// Offsets, ascending.
        cuts: Vec<usize>,
    },
    /// The body of an answer is split at these offsets.
    ResponseCuts {
        /// Number of the answer.
        answer: usize,
        /// Offsets, ascending.
        cuts: Vec<usize>,
    },
    /// A [`Step::Send`](crate::Step::Send) of a TCP connection is split at these offsets.
    SendCuts {
        /// Number of the `Send` step, counted across all connections and then the upstream's script.
        send: usize,
        /// Offsets, ascending.
        cuts: Vec<usize>,
    },
    /// All fields with this name come before the other fields of a request.
    RequestHeaderFirst {
        /// Number of the request.
        request: usize,
        /// Name of the fields.
        name: String,
    },
    /// All fields with this name come before the other fields of an answer.
    ResponseHeaderFirst {
        /// Number of the answer.
        answer: usize,
        /// Name of the fields.
        name: String,
    },
    /// An upstream waits this long before it answers.
    Latency {
        /// Number of the answer.
        answer: usize,
        /// The time.
        after: Duration,
    },
    /// The client waits this long before it sends a request.
    Pause {
        /// Number of the request.
        request: usize,
        /// The time.
        before: Duration,
    },
    /// This worker handles a request.
    Worker {
        /// Number of the request.
        request: usize,
        /// Number of the worker, from 0.
        worker: usize,
    },
    /// The next request begins this many events after this one.
    Overlap {
        /// Number of the request.
        request: usize,
        /// Number of events.
        events: usize,
    },
    /// The client closes its connection after this many events, and sends the request again.
    HangUp {
        /// Number of the request.
        request: usize,
        /// Number of events.
        after: usize,
    },
    /// The upstream closes the connection after this many events, and the client sends the request again.
    UpstreamReset {
        /// Number of the request.
        request: usize,
        /// Number of events.
        after: usize,
    },
}

/// Changes to a scenario that are made together. `Display` writes it as Rust code, to paste into a test that
/// replays it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variation {
    /// The changes. A later change overrides an earlier one of the same thing.
    pub changes: Vec<Change>,
}

impl Variation {
    /// Creates a variation with these changes.
    pub fn new(changes: impl IntoIterator<Item = Change>) -> Self {
        Self { changes: changes.into_iter().collect() }
    }

    pub(super) fn cuts_off(&self) -> bool {
        self.changes.iter().any(|c| matches!(c, Change::HangUp { .. } | Change::UpstreamReset { .. }))
    }
}

impl fmt::Display for Variation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Variation::new([")?;
        for (index, change) in self.changes.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            match change {
                Change::RequestCuts { request, cuts } => {
                    write!(f, "{comma}Change::RequestCuts {{ request: {request}, cuts: vec!{cuts:?} }}")?;
                }
                Change::ResponseCuts { answer, cuts } => {
                    write!(f, "{comma}Change::ResponseCuts {{ answer: {answer}, cuts: vec!{cuts:?} }}")?;
                }
                Change::SendCuts { send, cuts } => {
                    write!(f, "{comma}Change::SendCuts {{ send: {send}, cuts: vec!{cuts:?} }}")?;
                }
                Change::RequestHeaderFirst { request, name } => write!(
                    f,
                    "{comma}Change::RequestHeaderFirst {{ request: {request}, name: {name:?}.into() }}"
                )?,
                Change::ResponseHeaderFirst { answer, name } => write!(
                    f,
                    "{comma}Change::ResponseHeaderFirst {{ answer: {answer}, name: {name:?}.into() }}"
                )?,
                Change::Latency { answer, after } => write!(
                    f,
                    "{comma}Change::Latency {{ answer: {answer}, after: Duration::from_micros({}) }}",
                    after.as_micros()
                )?,
                Change::Pause { request, before } => write!(
                    f,
                    "{comma}Change::Pause {{ request: {request}, before: Duration::from_micros({}) }}",
                    before.as_micros()
                )?,
                other => write!(f, "{comma}Change::{other:?}")?,
            }
        }
        f.write_str("])")
    }
}
