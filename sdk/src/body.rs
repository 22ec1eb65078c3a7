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

/// A body, or the part of it that the host holds.
pub struct Body<'a> {
    buffer: Buffer,
    size: usize,
    end_of_stream: bool,
    callback: PhantomData<&'a mut ()>,
}

impl Body<'_> {
    pub(crate) fn new(direction: Direction, size: usize, end_of_stream: bool) -> Self {
        let buffer = match direction {
            Direction::Request => Buffer::RequestBody,
            Direction::Response => Buffer::ResponseBody,
        };
        Self { buffer, size, end_of_stream, callback: PhantomData }
    }

    /// Returns the number of bytes that the host holds now: this part, and the earlier parts that were
    /// paused.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Whether this is the last part: also true when trailers have arrived while the body was held.
    pub fn end_of_stream(&self) -> bool {
        self.end_of_stream
    }

    /// Returns the bytes that the host holds now, or an error if there are more than `cap`.
    pub fn read(&self, cap: usize) -> Result<Vec<u8>> {
        if self.size > cap {
            return Err(Error::BodyTooLarge { size: self.size, cap });
        }
        host::buffer(self.buffer, cap)
    }

    /// Returns the whole body when its last part has arrived. Return [`Flow::Pause`](crate::Flow::Pause)
    /// until then.
    pub fn whole(&self, cap: usize) -> Result<Whole> {
        if self.size > cap {
            Ok(Whole::TooLarge(self.size))
        } else if self.end_of_stream {
            self.read(cap).map(Whole::Complete)
        } else {
            Ok(Whole::NotYet)
        }
    }

    /// Replaces the bytes that the host holds. Call `body_may_change` of the headers first.
    pub fn replace(&mut self, bytes: &[u8]) -> Result<()> {
        host::set_buffer(self.buffer, 0, self.size, bytes)?;
        self.size = bytes.len();
        Ok(())
    }

    /// Appends to the bytes that the host holds. Call `body_may_change` of the headers first.
    pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
        host::set_buffer(self.buffer, self.size, 0, bytes)?;
        self.size = self.size.saturating_add(bytes.len());
        Ok(())
    }
}
