//! Header maps, one type for each, handed to the callbacks in which the host lets them be read.
//!
//! A view lives no longer than its callback, so request headers cannot be read in the response phase: on Envoy that
//! is status `BadArgument` (or, for all pairs, an empty list with status `Ok`), here it does not compile. What the
//! response phase needs of the request goes into [`HttpFilter::Stream`](crate::HttpFilter::Stream).
//!
//! ```compile_fail,E0308
//! fn in_the_response(headers: &tollgate::ResponseHeaders<'_>) -> &tollgate::RequestHeaders<'_> {
//!     headers
//! }
//! ```
//!
//! Names and values are bytes: a peer may send any. What is written is checked, since Envoy does not: a CR or LF in
//! a value would split the message.

use crate::host::{self, Map};
use crate::{Error, Pairs, Result};
use std::cell::OnceCell;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

/// The fields of a header map, whichever it is. Callbacks get one of the types below, which are this and a phase.
pub struct Headers {
    map: Map,
    end_of_stream: bool,
    pairs: OnceCell<Pairs>,
}

impl Headers {
    /// All fields in order. Read from the host once, and again only after an edit.
    pub fn pairs(&self) -> Result<&Pairs> {
        if let Some(pairs) = self.pairs.get() {
            return Ok(pairs);
        }
        let pairs = Pairs::parse(host::map_pairs(self.map)?)?;
        Ok(self.pairs.get_or_init(|| pairs))
    }

    /// All fields in order, to keep while the headers are edited.
    pub fn take_pairs(&mut self) -> Result<Pairs> {
        self.pairs()?;
        Ok(self.pairs.take().unwrap_or_default())
    }

    /// Every value of `name`, in order; none if it is absent. For whatever decides access, since a client may send
    /// a field twice.
    pub fn get_all<'n>(&'n self, name: &'n str) -> Result<impl Iterator<Item = &'n [u8]>> {
        Ok(self.pairs()?.get_all(name))
    }

    /// The first value of `name` by a host call of its own, which is the cheapest way to learn that a field is
    /// absent. A client may have sent others after it.
    pub fn first(&self, name: &str) -> Result<Option<Vec<u8>>> {
        host::map_first(self.map, name.as_bytes())
    }

    /// Sets `name` to this one value, in place of all it has.
    pub fn set(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<()> {
        check(name.as_bytes(), value.as_ref())?;
        self.pairs.take();
        host::map_set(self.map, name.as_bytes(), value.as_ref())
    }

    /// Appends a value to those that `name` has.
    pub fn add(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<()> {
        check(name.as_bytes(), value.as_ref())?;
        self.pairs.take();
        host::map_add(self.map, name.as_bytes(), value.as_ref())
    }

    /// Removes every value of `name`.
    pub fn remove(&mut self, name: &str) -> Result<()> {
        self.pairs.take();
        host::map_remove(self.map, name.as_bytes())
    }

    /// Whether neither body nor trailers follow.
    pub fn end_of_stream(&self) -> bool {
        self.end_of_stream
    }
}

macro_rules! phases {
    ($($(#[$meta:meta])* $name:ident = $map:ident;)*) => { $(
        $(#[$meta])*
        pub struct $name<'a> {
            headers: Headers,
            callback: PhantomData<&'a mut ()>,
        }

        impl $name<'_> {
            pub(crate) fn new(end_of_stream: bool) -> Self {
                let headers = Headers { map: Map::$map, end_of_stream, pairs: OnceCell::new() };
                Self { headers, callback: PhantomData }
            }
        }

        impl Deref for $name<'_> {
            type Target = Headers;

            fn deref(&self) -> &Headers {
                &self.headers
            }
        }

        impl DerefMut for $name<'_> {
            fn deref_mut(&mut self) -> &mut Headers {
                &mut self.headers
            }
        }
    )* };
}

phases! {
    /// The headers of the request, with `:method`, `:path`, `:authority` and `:scheme` among them.
    RequestHeaders = RequestHeaders;
    /// The trailers of the request.
    RequestTrailers = RequestTrailers;
    /// The headers of the response, with `:status` among them.
    ResponseHeaders = ResponseHeaders;
    /// The trailers of the response.
    ResponseTrailers = ResponseTrailers;
}

impl RequestHeaders<'_> {
    /// To be called before the headers leave if the body may be changed later: Envoy does not mend
    /// `content-length`, and a wrong one hangs both peers.
    pub fn body_may_change(&mut self) -> Result<()> {
        self.remove("content-length")
    }
}

impl ResponseHeaders<'_> {
    /// To be called before the headers leave if the body may be changed later: Envoy does not mend
    /// `content-length`, and a wrong one hangs both peers.
    pub fn body_may_change(&mut self) -> Result<()> {
        self.remove("content-length")
    }

    /// The status code; `None` if `:status` is not a number, which only another filter can bring about.
    pub fn status(&self) -> Result<Option<u16>> {
        let status = self.first(":status")?;
        Ok(status.and_then(|s| std::str::from_utf8(&s).ok()?.parse().ok()))
    }
}

/// What is known of an exchange once it is over. All maps can be read, none can be changed.
pub struct AccessLog<'a> {
    callback: PhantomData<&'a ()>,
}

impl AccessLog<'_> {
    pub(crate) fn new() -> Self {
        Self { callback: PhantomData }
    }

    /// The request's headers as they left this proxy.
    pub fn request_headers(&self) -> Result<Pairs> {
        Pairs::parse(host::map_pairs(Map::RequestHeaders)?)
    }

    /// The response's headers as they left this proxy.
    pub fn response_headers(&self) -> Result<Pairs> {
        Pairs::parse(host::map_pairs(Map::ResponseHeaders)?)
    }

    /// The response's trailers.
    pub fn response_trailers(&self) -> Result<Pairs> {
        Pairs::parse(host::map_pairs(Map::ResponseTrailers)?)
    }
}

/// Whether a field may be written: a token (RFC 9110 section 5.6.2), perhaps with the `:` of a pseudo-header before
/// it, and a value without CR, LF and NUL (section 5.5).
pub(crate) fn check(name: &[u8], value: &[u8]) -> Result<()> {
    let token = name.strip_prefix(b":").unwrap_or(name);
    if token.is_empty() || !token.iter().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b))
    {
        return Err(Error::InvalidHeaderName);
    }
    if value.iter().any(|b| matches!(b, b'\r' | b'\n' | 0)) {
        return Err(Error::InvalidHeaderValue);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_nothing_that_could_split_a_message() {
        for value in [b"a\rb".as_slice(), b"a\nb", b"a\0b"] {
            assert_eq!(check(b"x", value), Err(Error::InvalidHeaderValue));
        }
        for name in [b"".as_slice(), b":", b"a b", b"a:b", b"a\n", b"\xff"] {
            assert_eq!(check(name, b""), Err(Error::InvalidHeaderName));
        }
        assert_eq!(check(b":path", b"\xff\x80 \t"), Ok(()));
    }
}
