//! Bodies, read up to a maximum size. Linear memory never shrinks, so what a filter keeps for a client must
//! be bounded.
//!
//! A filter reads a body as a whole, or changes each part as it arrives:
//!
//! ```
//! use tollgate::body::Whole;
//! use tollgate::{Config, Flow, HttpFilter, Reply, Request, RequestBody, Response, ResponseBody, Result};
//!
//! #[derive(Config)]
//! struct Upper {}
//!
//! #[tollgate::filter]
//! impl HttpFilter for Upper {
//!     // The upstream receives nothing before the body is checked.
//!     fn on_request_headers(&self, _: &mut Request<'_, Self>) -> Result {
//!         Ok(Flow::AwaitBody)
//!     }
//!
//!     fn on_request_body(&self, request: &mut RequestBody<'_, Self>) -> Result {
//!         match request.body.whole(65_536)? {
//!             Whole::NotYet => Ok(Flow::Pause),
//!             Whole::TooLarge(_) => Reply::refuse(413, "body_too_large").into(),
//!             Whole::Complete(body) if body.is_ascii() => Ok(Flow::Continue),
//!             Whole::Complete(_) => Reply::refuse(400, "not_ascii").into(),
//!         }
//!     }
//!
//!     fn on_response_headers(&self, response: &mut Response<'_, Self>) -> Result {
//!         response.headers.body_may_change()?;
//!         Ok(Flow::Continue)
//!     }
//!
//!     fn on_response_body(&self, response: &mut ResponseBody<'_, Self>) -> Result {
//!         response.body.transform(|chunk, out| out.extend(chunk.iter().map(u8::to_ascii_uppercase)))?;
//!         Ok(Flow::Continue)
//!     }
//! }
//! # fn main() {}
//! ```
//!
//! Envoy does not correct `content-length`. Over HTTP/1.1, a body that is longer than it begins the next
//! request of the connection: an attacker could smuggle one. So a change of the length fails with
//! [`Error::ContentLength`], unless the filter has called `body_may_change` in the headers callback, or holds
//! the headers: then the SDK removes `content-length`.

use crate::Error;
use crate::context::StreamPosition;
use crate::error::Result;
use crate::headers::free_lengths;
use crate::host::{self, Buffer, Direction, Map};
use std::marker::PhantomData;

/// The state of a body that a filter reads as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whole {
    /// More of the body is to come. Return [`Flow::Pause`](crate::Flow::Pause) so that the host buffers what
    /// has arrived.
    NotYet,
    /// The whole body.
    Complete(Vec<u8>),
    /// The body exceeds the maximum, or the filter has passed on a part of it. The value is the number of
    /// bytes that the host holds.
    TooLarge(usize),
}

/// The part of the host's buffer that a filter sees. Alone in its module, a filter sees all of it. In a
/// chain, the later filters hold the bytes before it, and the earlier filters those after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) size: usize,
    /// Number of bytes after the span.
    pub(crate) after: usize,
}

impl Span {
    /// The whole buffer.
    pub(crate) const fn whole(size: usize) -> Self {
        Self { start: 0, size, after: 0 }
    }
}

/// Number of bytes that [`Body::transform`] reads at once.
const CHUNK: usize = 1 << 16;

/// A body, or the part of it that the host holds.
pub struct Body<'a> {
    direction: Direction,
    buffer: Buffer,
    span: Span,
    end_of_stream: bool,
    /// Whether the filter has passed on an earlier part.
    passed: bool,
    headers_held: bool,
    /// Whether `content-length` was removed, so that no change contradicts it.
    length_is_free: bool,
    callback: PhantomData<&'a mut ()>,
}

impl Body<'_> {
    pub(crate) fn new(
        direction: Direction,
        span: Span,
        end_of_stream: bool,
        position: Option<StreamPosition>,
    ) -> Self {
        Self {
            direction,
            buffer: direction.body(),
            span,
            end_of_stream,
            passed: position.is_some_and(|position| position.passed_body),
            headers_held: position.is_some_and(|position| position.headers_held),
            length_is_free: position.is_some_and(|position| position.length_is_free),
            callback: PhantomData,
        }
    }

    /// The data of one direction of a TCP connection. No header announces its length.
    pub(crate) fn of_connection(
        direction: Direction,
        size: usize,
        end_of_stream: bool,
        position: Option<StreamPosition>,
    ) -> Self {
        let buffer = match direction {
            Direction::Request => Buffer::DownstreamData,
            Direction::Response => Buffer::UpstreamData,
        };
        let body = Self::new(direction, Span::whole(size), end_of_stream, position);
        Self { buffer, length_is_free: true, ..body }
    }

    /// Returns the same body for a task. The callback must hold it: return [`Flow::Pause`](crate::Flow) for
    /// the last part. The task can change the body before it resumes the stream.
    pub fn held(&self) -> Body<'static> {
        Body { callback: PhantomData, ..*self }
    }

    pub(crate) fn span(&self) -> Span {
        self.span
    }

    /// Returns the number of bytes that the host holds now: this part, and the earlier parts that were
    /// paused.
    pub fn size(&self) -> usize {
        self.span.size
    }

    /// Whether this is the last part: also true when trailers have arrived while the body was held.
    pub fn end_of_stream(&self) -> bool {
        self.end_of_stream
    }

    /// Returns the bytes that the host holds now, or an error if there are more than `cap`.
    pub fn read(&self, cap: usize) -> Result<Vec<u8>> {
        if self.span.size > cap {
            return Err(Error::BodyTooLarge { size: self.span.size, cap });
        }
        self.range(0, self.span.size)
    }

    /// Returns up to `len` of the bytes that the host holds now, from `start`.
    pub fn range(&self, start: usize, len: usize) -> Result<Vec<u8>> {
        match len.min(self.span.size.saturating_sub(start)) {
            // The host may have no buffer.
            0 => Ok(Vec::new()),
            len => host::buffer_from(self.buffer, self.span.start.saturating_add(start), len),
        }
    }

    /// Returns the whole body when its last part has arrived. Return [`Flow::Pause`](crate::Flow::Pause)
    /// until then.
    pub fn whole(&self, cap: usize) -> Result<Whole> {
        if self.span.size > cap || self.passed {
            Ok(Whole::TooLarge(self.span.size))
        } else if self.end_of_stream {
            self.read(cap).map(Whole::Complete)
        } else {
            Ok(Whole::NotYet)
        }
    }

    /// Replaces the bytes that the host holds.
    pub fn replace(&mut self, bytes: &[u8]) -> Result<()> {
        if bytes.len() != self.span.size {
            self.free_length()?;
        }
        self.put(bytes)
    }

    /// Inserts bytes before those that the host holds.
    pub fn prepend(&mut self, bytes: &[u8]) -> Result<()> {
        self.free_length()?;
        if self.span.start > 0 {
            let all = [bytes, &self.range(0, self.span.size)?].concat();
            return self.put(&all);
        }
        host::set_buffer(self.buffer, 0, 0, bytes)?;
        self.span.size = self.span.size.saturating_add(bytes.len());
        Ok(())
    }

    /// Appends to the bytes that the host holds.
    pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.free_length()?;
        if self.span.after > 0 {
            let all = [&self.range(0, self.span.size)?, bytes].concat();
            return self.put(&all);
        }
        let Span { start, size, .. } = self.span;
        host::set_buffer(self.buffer, start.saturating_add(size), 0, bytes)?;
        self.span.size = size.saturating_add(bytes.len());
        Ok(())
    }

    /// Passes the bytes that the host holds to `change`, in chunks of at most 64 KiB. `change` appends to its
    /// second argument what takes the place of the chunk. Only one chunk is in the memory of the filter at a
    /// time, however large the part is. The length must be allowed to change, even if it does not. If
    /// `change` keeps bytes for later chunks, pause until [`end_of_stream`](Self::end_of_stream): after
    /// trailers, nothing can be added to a body that was passed on.
    pub fn transform(&mut self, mut change: impl FnMut(&[u8], &mut Vec<u8>)) -> Result<()> {
        if self.span.size == 0 {
            return Ok(());
        }
        // Checked first: an error after some chunks would leave the body in another order.
        self.free_length()?;
        if self.span.start > 0 || self.span.after > 0 {
            // The host can insert only at the ends of its buffer, which belong to other filters.
            return self.transform_copy(change);
        }
        let (mut left, mut out) = (self.span.size, Vec::new());
        while left > 0 {
            let chunk = self.range(0, left.min(CHUNK))?;
            if chunk.is_empty() {
                return Err(Error::Malformed("get_buffer_bytes"));
            }
            out.clear();
            change(&chunk, &mut out);
            // Moves the chunk from the start of the buffer to its end.
            let kept = self.span.size.saturating_sub(chunk.len());
            host::set_buffer(self.buffer, 0, chunk.len(), &[])?;
            host::set_buffer(self.buffer, kept, 0, &out)?;
            self.span.size = kept.saturating_add(out.len());
            left = left.saturating_sub(chunk.len());
        }
        Ok(())
    }

    fn transform_copy(&mut self, mut change: impl FnMut(&[u8], &mut Vec<u8>)) -> Result<()> {
        let mut out = Vec::new();
        for chunk in self.range(0, self.span.size)?.chunks(CHUNK) {
            change(chunk, &mut out);
        }
        self.replace(&out)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        let Span { start, size, .. } = self.span;
        if start == 0 {
            host::set_buffer(self.buffer, 0, size, bytes)?;
        } else {
            // The host replaces only from the start of its buffer.
            let mut all = host::buffer(self.buffer, start)?;
            all.extend_from_slice(bytes);
            host::set_buffer(self.buffer, 0, start.saturating_add(size), &all)?;
        }
        self.span.size = bytes.len();
        Ok(())
    }

    /// Makes sure that no `content-length` contradicts a change of the length. Headers that have left are not
    /// visible here, so a filter must have removed it from every message whose length it changes.
    fn free_length(&mut self) -> Result<()> {
        if self.length_is_free {
            return Ok(());
        }
        if !self.headers_held {
            return Err(Error::ContentLength);
        }
        let map = match self.direction {
            Direction::Request => Map::RequestHeaders,
            Direction::Response => Map::ResponseHeaders,
        };
        host::map_remove(map, b"content-length")?;
        // Also for the parts that come after the headers.
        free_lengths::note(self.direction, true);
        self.length_is_free = true;
        Ok(())
    }
}
