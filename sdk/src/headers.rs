//! Header maps. Each has its own type, passed to the callbacks in which the host allows it to be read.
//!
//! A view cannot be kept after its callback, so the response phase cannot read request headers. On Envoy such
//! a read fails with `BadArgument`, or, for all pairs, returns an empty list with `Ok`. Here it does not
//! compile. Store what the response phase needs from the request in
//! [`HttpFilter::Stream`](crate::HttpFilter::Stream).
//!
//! ```compile_fail,E0308
//! fn in_the_response(headers: &tollgate::ResponseHeaders<'_>) -> &tollgate::RequestHeaders<'_> {
//!     headers
//! }
//! ```
//!
//! Names and values are bytes, because a peer may send any. The SDK checks what a filter writes, because
//! Envoy does not: CR or LF in a value would split the message, and nghttp2 rejects a request with any other
//! control character except the tab.

use crate::error::{Name, Result};
use crate::host::{self, Direction, Map};
use crate::{Error, Pairs};
use std::borrow::Cow;
use std::cell::OnceCell;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use tollgate_types::{HeaderEdit, cookies, is_token, is_valid_value, uri};

/// The fields of a header map. Callbacks receive one of the types below, which dereferences to this one.
pub struct Headers {
    map: Map,
    end_of_stream: bool,
    pairs: OnceCell<Pairs>,
    edited: bool,
}

/// Fields that one filter of a chain has read, for the next one. An edit removes them.
pub(crate) type SharedPairs = Option<Pairs>;

impl Headers {
    fn new(map: Map, end_of_stream: bool, shared: SharedPairs) -> Self {
        let pairs = shared.map_or_else(OnceCell::new, OnceCell::from);
        Self { map, end_of_stream, pairs, edited: false }
    }

    /// Returns all fields in order. Reads them from the host once, and again only after an edit.
    pub fn pairs(&self) -> Result<&Pairs> {
        if let Some(pairs) = self.pairs.get() {
            return Ok(pairs);
        }
        let pairs = Pairs::parse(host::map_pairs(self.map)?)?;
        Ok(self.pairs.get_or_init(|| pairs))
    }

    /// Returns all fields in order, as a value that can be kept while the headers are edited. Give it back
    /// with [`return_pairs`](Self::return_pairs), so that they need not be read again.
    pub fn take_pairs(&mut self) -> Result<Pairs> {
        self.pairs()?;
        Ok(self.pairs.take().unwrap_or_default())
    }

    /// Keeps fields from [`take_pairs`](Self::take_pairs) for later reads, also by the next filter of the
    /// module. Drops them if the headers have been edited.
    pub fn return_pairs(&mut self, pairs: Pairs) {
        if !self.edited {
            self.pairs = OnceCell::from(pairs);
        }
    }

    fn edit(&mut self) {
        self.pairs.take();
        self.edited = true;
    }

    /// Returns the fields if they were read and not edited since.
    pub(crate) fn share(&mut self) -> SharedPairs {
        self.pairs.take()
    }

    /// Returns every value of `name` in order, or nothing if the field is absent. Use this method for access
    /// decisions, because a client may send a field more than once.
    pub fn get_all<'n>(&'n self, name: &'n str) -> Result<impl Iterator<Item = &'n [u8]>> {
        Ok(self.pairs()?.get_all(name))
    }

    /// Returns the first value of `name`, with a host call of its own unless all fields have been read. This
    /// is the cheapest way to find out that a field is absent. Further values may follow, because a client
    /// may send a field more than once.
    pub fn first(&self, name: &str) -> Result<Option<Vec<u8>>> {
        if let Some(pairs) = self.pairs.get() {
            return Ok(pairs.get_all(name).next().map(Into::into));
        }
        host::map_first(self.map, name.as_bytes())
    }

    /// Sets `name` to this value and removes all its other values.
    pub fn set(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<()> {
        check(name.as_bytes(), value.as_ref())?;
        self.write(host::map_set, name, value.as_ref())
    }

    /// Adds a value to `name` and keeps its other values.
    pub fn add(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<()> {
        check(name.as_bytes(), value.as_ref())?;
        self.write(host::map_add, name, value.as_ref())
    }

    fn write(&mut self, call: fn(Map, &[u8], &[u8]) -> Result<()>, name: &str, value: &[u8]) -> Result<()> {
        self.edit();
        self.note_length(name, false);
        call(self.map, name.as_bytes(), value)
    }

    /// Removes every value of `name`.
    pub fn remove(&mut self, name: &str) -> Result<()> {
        self.edit();
        host::map_remove(self.map, name.as_bytes())?;
        self.note_length(name, true);
        Ok(())
    }

    /// Notes whether the body may have another length than the sender has announced.
    fn note_length(&self, name: &str, is_free: bool) {
        if name.eq_ignore_ascii_case("content-length")
            && let Some(direction) = self.map.message()
        {
            free_lengths::note(direction, is_free);
        }
    }

    /// Applies edits, in order. Stops at the first that fails.
    pub fn apply(&mut self, edits: &[HeaderEdit<'_>]) -> Result<()> {
        for edit in edits {
            // A `HeaderName` is valid.
            match edit {
                HeaderEdit::Set(name, value) => {
                    check_value(name.as_ref(), value)?;
                    self.write(host::map_set, name.as_str(), value)?;
                }
                HeaderEdit::Add(name, value) => {
                    check_value(name.as_ref(), value)?;
                    self.write(host::map_add, name.as_str(), value)?;
                }
                HeaderEdit::Remove(name) => self.remove(name.as_str())?,
            }
        }
        Ok(())
    }

    /// Whether no body and no trailers follow.
    pub fn end_of_stream(&self) -> bool {
        self.end_of_stream
    }
}

/// The trailers of a message.
pub struct Trailers<'a> {
    headers: Headers,
    callback: PhantomData<&'a mut ()>,
}

impl Trailers<'_> {
    pub(crate) fn new(direction: Direction) -> Self {
        let map = match direction {
            Direction::Request => Map::RequestTrailers,
            Direction::Response => Map::ResponseTrailers,
        };
        Self { headers: Headers::new(map, true, None), callback: PhantomData }
    }
}

impl Deref for Trailers<'_> {
    type Target = Headers;

    fn deref(&self) -> &Headers {
        &self.headers
    }
}

impl DerefMut for Trailers<'_> {
    fn deref_mut(&mut self) -> &mut Headers {
        &mut self.headers
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
                Self::shared(end_of_stream, None)
            }

            pub(crate) fn shared(end_of_stream: bool, pairs: SharedPairs) -> Self {
                Self { headers: Headers::new(Map::$map, end_of_stream, pairs), callback: PhantomData }
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
    /// The request headers, including `:method`, `:path`, `:authority` and `:scheme`.
    RequestHeaders = RequestHeaders;
    /// The response headers, including `:status`.
    ResponseHeaders = ResponseHeaders;
}

impl RequestHeaders<'_> {
    /// Returns the method, such as `GET`.
    pub fn method(&self) -> Result<&[u8]> {
        self.pseudo(b":method")
    }

    /// Returns the scheme, `http` or `https`.
    pub fn scheme(&self) -> Result<&[u8]> {
        self.pseudo(b":scheme")
    }

    /// Returns the host that the client asked for, without the port. Clients may write it in upper case.
    pub fn host(&self) -> Result<&[u8]> {
        Ok(uri::host(self.pseudo(b":authority")?))
    }

    /// Returns the path without the query, as the client sent it, unless Envoy is configured to normalise it.
    pub fn path(&self) -> Result<&[u8]> {
        Ok(uri::path_and_query(self.pseudo(b":path")?).0)
    }

    /// Returns every value of a query parameter, in order, decoded with the rules of forms.
    pub fn query_values<'n>(&'n self, name: &'n str) -> Result<impl Iterator<Item = Cow<'n, [u8]>>> {
        Ok(uri::query_values(uri::path_and_query(self.pseudo(b":path")?).1, name.as_bytes()))
    }

    /// Returns every value of a cookie, in order, without quotes. The name is case-sensitive.
    pub fn cookie_values<'n>(&'n self, name: &'n str) -> Result<impl Iterator<Item = &'n [u8]>> {
        let all = self.get_all("cookie")?.flat_map(cookies);
        Ok(all.filter(move |cookie| cookie.name == name.as_bytes()).map(|cookie| cookie.value))
    }

    fn pseudo(&self, name: &[u8]) -> Result<&[u8]> {
        // `CONNECT` has no path. Envoy rejects any other request that lacks a pseudo-header.
        Ok(self.pairs()?.iter().find(|(other, _)| *other == name).map(|(_, value)| value).unwrap_or_default())
    }

    /// Removes `content-length`. Call this method in the headers callback if the body callback may change the
    /// length of the body. Otherwise the change fails: see [`body`](crate::body).
    pub fn body_may_change(&mut self) -> Result<()> {
        self.remove("content-length")
    }
}

impl ResponseHeaders<'_> {
    /// Removes `content-length`. Call this method in the headers callback if the body callback may change the
    /// length of the body. Otherwise the change fails: see [`body`](crate::body).
    pub fn body_may_change(&mut self) -> Result<()> {
        self.remove("content-length")
    }

    /// Returns the status code, or `None` if `:status` is not a number, which only another filter can cause.
    pub fn status(&self) -> Result<Option<u16>> {
        let status = self.first(":status")?;
        Ok(status.and_then(|s| std::str::from_utf8(&s).ok()?.parse().ok()))
    }
}

/// The messages whose `content-length` the callback that runs has removed or written. The host does not show
/// the headers to the callbacks after them.
pub(crate) mod free_lengths {
    use crate::host::Direction;
    use std::cell::Cell;

    std::thread_local! {
        static NOTED: Cell<[Option<bool>; 2]> = const { Cell::new([None; 2]) };
    }

    pub(crate) fn note(direction: Direction, is_free: bool) {
        let [request, response] = NOTED.get();
        NOTED.set(match direction {
            Direction::Request => [Some(is_free), response],
            Direction::Response => [request, Some(is_free)],
        });
    }

    /// Returns what was noted about requests and responses since the last call.
    pub(crate) fn take() -> [Option<bool>; 2] {
        NOTED.take()
    }
}

/// Checks a field before it is written: the name must be a token (RFC 9110 section 5.6.2), optionally after
/// the `:` of a pseudo-header, and the value must be valid on the wire ([`is_valid_value`]).
pub(crate) fn check(name: &[u8], value: &[u8]) -> Result<()> {
    if !is_token(name.strip_prefix(b":").unwrap_or(name)) {
        return Err(Error::InvalidHeaderName(Name::new(name)));
    }
    check_value(name, value)
}

fn check_value(name: &[u8], value: &[u8]) -> Result<()> {
    if is_valid_value(value) { Ok(()) } else { Err(Error::InvalidHeaderValue(Name::new(name))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_nothing_that_could_split_a_message() {
        for value in [b"a\rb".as_slice(), b"a\nb", b"a\0b", b"a\x1bb", b"\x7f"] {
            assert_eq!(check(b"x", value), Err(Error::InvalidHeaderValue(Name::new(b"x"))));
        }
        for name in [b"".as_slice(), b":", b"a b", b"a:b", b"a\n", b"\xff"] {
            assert_eq!(check(name, b""), Err(Error::InvalidHeaderName(Name::new(name))));
        }
        assert_eq!(check(b":path", b"\xff\x80 \t"), Ok(()));
    }
}
