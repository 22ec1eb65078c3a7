//! One stream: a request, its response, and how far the filters have let them come.

use super::Way;
use super::router::Router;
use super::routes::Picked;
use crate::emulator::header_map::HeaderMap;
use crate::emulator::state::Value;
use crate::emulator::world::LocalReply;
use crate::{Certificate, Headers};
use std::collections::BTreeMap;
use std::time::Duration;

/// Filter state that filters have set.
#[derive(Clone, Debug)]
pub(crate) struct FilterState {
    pub value: Vec<u8>,
    pub readonly: bool,
    pub kind: u32,
    /// How long it lives: 0 the filter chain, 1 the request, 2 the connection.
    pub span: u32,
}

impl FilterState {
    /// As a property has it: declared strings are strings.
    pub fn to_value(&self) -> Value {
        match (self.kind, std::str::from_utf8(&self.value)) {
            (1, Ok(text)) => Value::Str(text.into()),
            _ => Value::Bytes(self.value.clone()),
        }
    }
}

/// How far iteration has come in one filter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Iteration {
    #[default]
    Going,
    StoppedSingle,
    StoppedAllBuffer,
    StoppedAllWatermark,
}

/// One way through one filter.
#[derive(Clone, Debug, Default)]
pub(crate) struct Half {
    pub iteration: Iteration,
    /// Iteration was stopped for everything, so what was held back is seen by this filter first.
    pub from_here: bool,
    pub headers_continued: bool,
    pub ended: bool,
}

impl Half {
    pub fn stopped_all(&self) -> bool {
        matches!(self.iteration, Iteration::StoppedAllBuffer | Iteration::StoppedAllWatermark)
    }
}

/// A filter of the chain.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub vm: usize,
    pub context: u32,
    pub request: Half,
    pub response: Half,
}

/// One way of the stream.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flow {
    /// What filters hold back. There is one buffer for all of them.
    pub buffer: Option<Vec<u8>>,
    /// The piece that a body callback is about.
    pub at_hand: Option<Vec<u8>>,
    /// Bytes of body that came.
    pub seen: usize,
    /// The buffer stops the sender when it is full, in place of ending the stream.
    pub streaming: bool,
    /// A local reply was made in a callback of this way: what comes behind it is dropped.
    pub aborted: bool,
    /// All has come.
    pub ended: bool,
    /// A callback of this way is running: headers, body, trailers.
    pub calling: bool,
}

/// What the client got so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Client {
    pub status: u16,
    pub headers: Headers,
    pub body: Vec<u8>,
    pub trailers: Headers,
    pub closes: bool,
    pub last_byte: Duration,
}

/// A stream.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stream {
    pub id: u64,
    /// The thread that serves it.
    pub thread: usize,
    pub request_headers: HeaderMap,
    pub request_trailers: Option<HeaderMap>,
    pub response_headers: Option<HeaderMap>,
    pub response_trailers: Option<HeaderMap>,
    pub request: Flow,
    pub response: Flow,
    pub filters: Vec<Slot>,
    pub headers_sent: bool,
    pub prepared: Option<LocalReply>,
    pub is_head: bool,
    /// The client closes its connection behind this.
    pub wants_close: bool,
    pub is_grpc: bool,
    /// What the client has shown of itself.
    pub certificate: Option<Certificate>,
    /// The route as it was last looked up.
    pub route: Picked,
    /// It has not been forgotten since.
    pub route_is_known: bool,
    pub details: String,
    pub code: Option<u16>,
    /// `%RESPONSE_FLAGS%` as bits.
    pub flags: i64,
    pub filter_state: BTreeMap<String, FilterState>,
    pub started: Duration,
    pub router: Router,
    pub client: Client,
    pub finishing: bool,
}

impl Stream {
    pub fn flow(&mut self, way: Way) -> &mut Flow {
        match way {
            Way::Request => &mut self.request,
            Way::Response => &mut self.response,
        }
    }

    pub fn half(&mut self, filter: usize, way: Way) -> &mut Half {
        match way {
            Way::Request => &mut self.filters[filter].request,
            Way::Response => &mut self.filters[filter].response,
        }
    }

    pub fn trailers(&self, way: Way) -> bool {
        match way {
            Way::Request => self.request_trailers.is_some(),
            Way::Response => self.response_trailers.is_some(),
        }
    }

    /// The filter at a place of the way: responses pass the filters backwards.
    pub fn filter_at(&self, way: Way, place: usize) -> usize {
        match way {
            Way::Request => place,
            Way::Response => self.filters.len() - 1 - place,
        }
    }

    /// The client's port, made up.
    pub fn port(&self) -> u16 {
        40_000 + (self.id % 20_000) as u16
    }
}
