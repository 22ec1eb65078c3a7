//! Bodies, read up to a maximum size. Linear memory never shrinks, so what a filter keeps for a client must
//! be bounded.

use crate::Error;
use crate::error::Result;
use crate::host::{self, Buffer, Direction};
use std::marker::PhantomData;

/// The state of a body that a filter reads as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whole {
    /// More of the body is to come. Return [`Flow::Pause`](crate::Flow::Pause) so that the host buffers what
    /// has arrived.
    NotYet,
    /// The whole body.
    Complete(Vec<u8>),
    /// The body exceeds the maximum. The value is its size so far, in bytes.
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

/// A body, or the part of it that the host holds.
pub struct Body<'a> {
    buffer: Buffer,
    span: Span,
    end_of_stream: bool,
    callback: PhantomData<&'a mut ()>,
}

impl Body<'_> {
    pub(crate) fn new(direction: Direction, span: Span, end_of_stream: bool) -> Self {
        Self { buffer: direction.body(), span, end_of_stream, callback: PhantomData }
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
        host::buffer_from(self.buffer, self.span.start, self.span.size)
    }

    /// Returns the whole body when its last part has arrived. Return [`Flow::Pause`](crate::Flow::Pause)
    /// until then.
    pub fn whole(&self, cap: usize) -> Result<Whole> {
        if self.span.size > cap {
            Ok(Whole::TooLarge(self.span.size))
        } else if self.end_of_stream {
            self.read(cap).map(Whole::Complete)
        } else {
            Ok(Whole::NotYet)
        }
    }

    /// Replaces the bytes that the host holds. Call `body_may_change` of the headers first.
    pub fn replace(&mut self, bytes: &[u8]) -> Result<()> {
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

    /// Appends to the bytes that the host holds. Call `body_may_change` of the headers first.
    pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
        let Span { start, size, after } = self.span;
        if after == 0 {
            host::set_buffer(self.buffer, start.saturating_add(size), 0, bytes)?;
            self.span.size = size.saturating_add(bytes.len());
            return Ok(());
        }
        let mut all = host::buffer_from(self.buffer, start, size)?;
        all.extend_from_slice(bytes);
        self.replace(&all)
    }
}
