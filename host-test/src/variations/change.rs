//! What may be other than in the scenario, as values.

use std::fmt;
use std::time::Duration;

/// Kinds of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Bodies of requests arrive in other pieces; framed as before.
    RequestPieces,
    /// Bodies of responses do.
    ResponsePieces,
    /// What the ends of TCP connections send arrives in other pieces.
    ConnectionPieces,
    /// Fields of different names stand in another order, in requests and in responses.
    HeaderOrder,
    /// Upstreams answer sooner or later, so that those of callouts come in another order.
    Latencies,
    /// Requests come later, so that other ticks have been.
    Pauses,
    /// Requests land on other workers.
    Workers,
    /// A request begins while the one before it is under way.
    Overlaps,
    /// The client closes its connection, and the same request is sent again.
    HangUps,
    /// The connection to the upstream breaks, and the same request is sent again.
    UpstreamResets,
}

impl Kind {
    /// All of them.
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

    /// Whether it is made to the scenario, and not while that is played.
    pub(super) fn is_data(self) -> bool {
        !self.has_moment() && !matches!(self, Self::Pauses | Self::Workers)
    }

    /// Whether it is tried at every event of a request.
    pub(super) fn has_moment(self) -> bool {
        self.cuts_off() || self == Self::Overlaps
    }

    /// Such a change, after so many events.
    pub(super) fn at(self, request: usize, events: usize) -> Change {
        match self {
            Self::Overlaps => Change::Overlap { request, events },
            Self::UpstreamResets => Change::UpstreamReset { request, after: events },
            _ => Change::HangUp { request, after: events },
        }
    }
}

/// One thing that is other than in the scenario. Requests are numbered as in the scenario; answers are too, upstream by
/// upstream, each with those for certain paths last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The body of a request is cut at these places.
    RequestCuts {
        /// Which request.
        request: usize,
        /// Bytes before each cut, ascending.
        cuts: Vec<usize>,
    },
    /// The body of an answer is cut at these places.
    ResponseCuts {
        /// Which answer.
        answer: usize,
        /// Bytes before each cut, ascending.
        cuts: Vec<usize>,
    },
    /// What a client, or the upstream, sends over TCP is cut at these places.
    SendCuts {
        /// Which step that sends, counted over all connections, and then over the upstream's script.
        send: usize,
        /// Bytes before each cut, ascending.
        cuts: Vec<usize>,
    },
    /// All fields of this name come before the others of a request.
    RequestHeaderFirst {
        /// Which request.
        request: usize,
        /// The name.
        name: String,
    },
    /// All fields of this name come before the others of an answer.
    ResponseHeaderFirst {
        /// Which answer.
        answer: usize,
        /// The name.
        name: String,
    },
    /// An answer takes this long.
    Latency {
        /// Which answer.
        answer: usize,
        /// How long.
        after: Duration,
    },
    /// The client waits before it sends a request.
    Pause {
        /// Which request.
        request: usize,
        /// How long.
        before: Duration,
    },
    /// A request lands on this worker.
    Worker {
        /// Which request.
        request: usize,
        /// The first is 0.
        worker: usize,
    },
    /// The next request begins when so many events have happened since this one began.
    Overlap {
        /// Which request.
        request: usize,
        /// How many events.
        events: usize,
    },
    /// The client goes away after so many events, and sends the request again.
    HangUp {
        /// Which request.
        request: usize,
        /// How many events.
        after: usize,
    },
    /// The upstream goes away after so many events, and the client sends the request again.
    UpstreamReset {
        /// Which request.
        request: usize,
        /// How many events.
        after: usize,
    },
}

/// Changes to a scenario that are made together. Its text is Rust, to be pasted into a test that replays it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variation {
    /// Of two that cannot both be, the later counts.
    pub changes: Vec<Change>,
}

impl Variation {
    /// These changes.
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
