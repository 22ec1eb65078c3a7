//! Bodies, read up to a cap: linear memory never shrinks, so whatever a client can make a filter hold has a bound.

use crate::host::{self, Buffer};
use crate::{Error, Result};
use std::marker::PhantomData;

/// What has come of a body that is wanted whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whole {
    /// More is to come: return [`Flow::Pause`](crate::Flow::Pause) and the host keeps what has come.
    NotYet,
    /// All of it.
    Complete(Vec<u8>),
    /// It is larger than the cap already, by this count of bytes so far.
    TooLarge(usize),
}

macro_rules! bodies {
    ($($(#[$meta:meta])* $name:ident = $buffer:ident;)*) => { $(
        $(#[$meta])*
        pub struct $name<'a> {
            size: usize,
            end_of_stream: bool,
            callback: PhantomData<&'a mut ()>,
        }

        impl $name<'_> {
            pub(crate) fn new(size: usize, end_of_stream: bool) -> Self {
                Self { size, end_of_stream, callback: PhantomData }
            }

            /// Bytes that the host holds now: this piece, and the earlier ones that were paused on.
            pub fn size(&self) -> usize {
                self.size
            }

            /// Whether this is the last piece. With trailers it never is.
            pub fn end_of_stream(&self) -> bool {
                self.end_of_stream
            }

            /// The bytes that the host holds now, if they are no more than `cap`.
            pub fn read(&self, cap: usize) -> Result<Vec<u8>> {
                if self.size > cap {
                    return Err(Error::BodyTooLarge { size: self.size, cap });
                }
                host::buffer(Buffer::$buffer, cap)
            }

            /// The whole body once its last piece is here. Return [`Flow::Pause`](crate::Flow::Pause) until then.
            pub fn whole(&self, cap: usize) -> Result<Whole> {
                if self.size > cap {
                    Ok(Whole::TooLarge(self.size))
                } else if self.end_of_stream {
                    self.read(cap).map(Whole::Complete)
                } else {
                    Ok(Whole::NotYet)
                }
            }

            /// Puts these bytes in place of those that the host holds. See `body_may_change` of the headers.
            pub fn replace(&mut self, bytes: &[u8]) -> Result<()> {
                host::set_buffer(Buffer::$buffer, 0, self.size, bytes)?;
                self.size = bytes.len();
                Ok(())
            }

            /// Puts these bytes behind those that the host holds. See `body_may_change` of the headers.
            pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
                host::set_buffer(Buffer::$buffer, self.size, 0, bytes)?;
                self.size = self.size.saturating_add(bytes.len());
                Ok(())
            }
        }
    )* };
}

bodies! {
    /// The body of the request, or the part of it that the host holds.
    RequestBody = RequestBody;
    /// The body of the response, or the part of it that the host holds.
    ResponseBody = ResponseBody;
}
