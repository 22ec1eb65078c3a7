//! HTTP/1.1 connections to upstreams: Envoy's pool of them, and how an upstream reads what is written.
//!
//! An upstream knows only bytes. Where a request ends is decided by its header, not by the filters: a body
//! that is longer than its `content-length` is the start of the next request on the connection.

use crate::emulator::header_map::HeaderMap;
use crate::emulator::world::UpstreamState;
use crate::http1::{Kind, Reader, record};
use crate::{Answer, UpstreamRequest};

/// A connection to an upstream, as the upstream reads it.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    reader: Reader,
    /// The answer to the request that the upstream is reading, once its header has arrived.
    answer: Option<Answer>,
    /// The upstream reads no more.
    deaf: bool,
    /// The upstream has closed the connection.
    closed: bool,
    /// The request that the upstream is reading was begun by an earlier owner of the connection.
    of_another: bool,
    /// The number of answers since the proxy took the connection. Envoy closes a connection with more than
    /// one.
    answers: u32,
}

impl Default for Connection {
    fn default() -> Self {
        Self {
            reader: Reader::new(Kind::Request),
            answer: None,
            deaf: false,
            closed: false,
            of_another: false,
            answers: 0,
        }
    }
}

impl Connection {
    /// The proxy closes the connection after this response.
    pub fn close(&mut self) {
        self.closed = true;
    }

    /// Lets the upstream read bytes. Records the requests that it sees. Returns its first answer since the
    /// proxy took the connection, when the request is complete.
    pub fn read(
        &mut self,
        bytes: &[u8],
        upstream: &mut UpstreamState,
        seen: &mut Vec<UpstreamRequest>,
    ) -> Option<Answer> {
        if self.deaf {
            return None;
        }
        self.reader.push(bytes);
        let (mut first, answered) = (None, self.answers > 0);
        while !self.deaf {
            if self.answer.is_none()
                && let Some(message) = self.reader.begun()
            {
                let cluster = upstream.spec.name.clone();
                let request = UpstreamRequest { cluster, ..record(message) };
                let answer = upstream.turns.turn(&upstream.spec, &request.path);
                self.answer = Some(answer.unwrap_or(Answer::Hang));
                self.of_another = false;
                seen.push(request);
            }
            if self.answer.is_none() {
                break;
            }
            let Some(message) = self.reader.take() else { break };
            if let Some(request) = seen.last_mut().filter(|_| !self.of_another) {
                (request.body, request.trailers, request.ended) = (message.body, message.trailers, true);
            }
            let Some(answer) = self.answer.take() else { break };
            self.deaf = !matches!(answer, Answer::Reply { .. });
            self.closed = self.deaf && !matches!(answer, Answer::Hang);
            self.answers += u32::from(!matches!(answer, Answer::Hang));
            first.get_or_insert(answer);
        }
        if self.reader.is_broken() {
            (self.deaf, self.closed) = (true, true);
            first.get_or_insert(Answer::Reset);
        }
        if let (Some(_), Some(message), Some(request)) = (&self.answer, self.reader.begun(), seen.last_mut())
            && !self.of_another
        {
            request.body.extend_from_slice(message.body.get(request.body.len()..).unwrap_or_default());
        }
        first.filter(|_| !answered)
    }
}

/// Whether the upstream closes the connection after a response with this header.
pub(crate) fn closes(map: &HeaderMap) -> bool {
    ["connection", "proxy-connection"]
        .iter()
        .filter_map(|name| map.text(name))
        .any(|value| value.split(',').any(|word| word.trim().eq_ignore_ascii_case("close")))
}

impl UpstreamState {
    /// Takes an idle connection of a thread.
    pub fn take_idle(&mut self, thread: usize) -> Option<Connection> {
        if self.refuses() {
            self.idle.clear();
            self.http2.clear();
        }
        self.idle.get_mut(&thread)?.pop()
    }

    /// Returns a connection to the pool, unless Envoy has closed it.
    pub fn put_idle(&mut self, thread: usize, connection: Connection) {
        if connection.answers <= 1 && !connection.closed {
            let of_another = connection.answer.is_some();
            self.idle.entry(thread).or_default().push(Connection { answers: 0, of_another, ..connection });
        }
    }

    /// Whether the next answer is a refused connection.
    pub fn refuses(&self) -> bool {
        matches!(self.turns.next(&self.spec), Some(Answer::Refuse))
    }

    /// Opens a connection, which counts as an answer if it is refused.
    pub fn connect(&mut self) -> Option<Connection> {
        if self.refuses() {
            self.turns.turn(&self.spec, "");
            return None;
        }
        Some(Connection::default())
    }
}
