//! Facts about a message that a policy can use: borrowed views, which the shell fills from one host call.

use crate::{Cookie, cookies, uri};

/// Headers in order, as bytes. May include pseudo-headers. Look-ups ignore the case of names.
#[derive(Clone, Copy, Debug, Default)]
pub struct Headers<'a>(pub &'a [(&'a [u8], &'a [u8])]);

impl<'a> Headers<'a> {
    /// Returns the first value of `name`. Others may follow: for a decision about access, use
    /// [`all`](Self::all).
    pub fn first(self, name: impl AsRef<[u8]>) -> Option<&'a [u8]> {
        let name = name.as_ref();
        self.0.iter().find(|(other, _)| same_name(other, name)).map(|(_, value)| *value)
    }

    /// Returns all values of `name`, in order.
    pub fn all<'n>(self, name: &'n [u8]) -> impl Iterator<Item = &'a [u8]> + use<'a, 'n> {
        self.0.iter().filter(move |(other, _)| same_name(other, name)).map(|(_, value)| *value)
    }

    /// Returns whether a header of that name exists.
    pub fn has(self, name: impl AsRef<[u8]>) -> bool {
        self.first(name).is_some()
    }
}

/// Compares two names. Most differ in length, and Envoy provides names in lower case, so the first comparison
/// nearly always decides.
#[inline(always)]
fn same_name(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && (a == b || same_but_for_case(a, b))
}

#[inline(never)]
fn same_but_for_case(a: &[u8], b: &[u8]) -> bool {
    a.eq_ignore_ascii_case(b)
}

/// Facts about a request. A policy states which facts it needs; facts that the shell did not read are empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestFacts<'a> {
    /// `:method`, usually in upper case.
    pub method: &'a [u8],
    /// `:path`, with the query.
    pub path: &'a [u8],
    /// `:authority`, with the port if the client sent it.
    pub authority: &'a [u8],
    /// All headers.
    pub headers: Headers<'a>,
}

impl<'a> RequestFacts<'a> {
    /// Returns the facts for headers and pseudo-headers in the form in which a host returns them.
    pub fn from_pairs(pairs: &'a [(&'a [u8], &'a [u8])]) -> Self {
        let mut facts = Self { headers: Headers(pairs), ..Self::default() };
        for (name, value) in pairs {
            // Skips ordinary headers early: most headers are, and Wasm compares byte by byte.
            if name.first() != Some(&b':') {
                continue;
            }
            match *name {
                b":method" => facts.method = value,
                b":path" => facts.path = value,
                b":authority" => facts.authority = value,
                _ => {}
            }
        }
        facts
    }

    /// Returns the authority without its port.
    pub fn host(&self) -> &'a [u8] {
        uri::host(self.authority)
    }

    /// Returns the path without the query.
    pub fn path_only(&self) -> &'a [u8] {
        uri::path_and_query(self.path).0
    }

    /// Returns the query without its `?`.
    pub fn query(&self) -> &'a [u8] {
        uri::path_and_query(self.path).1
    }

    /// Returns all cookies, in order.
    pub fn cookies(&self) -> impl Iterator<Item = Cookie<'a>> + use<'a> {
        self.headers.all(b"cookie").flat_map(cookies)
    }
}

/// Facts about a response.
#[derive(Clone, Copy, Debug, Default)]
pub struct ResponseFacts<'a> {
    /// `:status`, or 0 if it was not read or does not have three digits.
    pub status: u16,
    /// All headers.
    pub headers: Headers<'a>,
}

impl<'a> ResponseFacts<'a> {
    /// Returns the facts for headers that include `:status`.
    pub fn from_pairs(pairs: &'a [(&'a [u8], &'a [u8])]) -> Self {
        let headers = Headers(pairs);
        Self { status: headers.first(":status").and_then(parse_status).unwrap_or_default(), headers }
    }
}

fn parse_status(value: &[u8]) -> Option<u16> {
    let [a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9'] = *value else { return None };
    Some(u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAIRS: &[(&[u8], &[u8])] = &[
        (b":method", b"GET"),
        (b":path", b"/a?b=c?d"),
        (b":authority", b"x:1"),
        (b"k", b"1"),
        (b"k", b"\xff"),
    ];

    #[test]
    fn reads_pseudo_headers_from_pairs() {
        let facts = RequestFacts::from_pairs(PAIRS);
        assert_eq!((facts.method, facts.path, facts.authority), (&b"GET"[..], &b"/a?b=c?d"[..], &b"x:1"[..]));
    }

    #[test]
    fn keeps_every_value_of_a_repeated_header() {
        let headers = RequestFacts::from_pairs(PAIRS).headers;
        assert_eq!(headers.all(b"k").collect::<Vec<_>>(), [b"1", b"\xff"]);
        assert_eq!(headers.first("k"), Some(&b"1"[..]));
        assert!(!headers.has("absent"));
    }

    #[test]
    fn look_ups_ignore_the_case_of_names() {
        let headers = Headers(&[(b"X-Team", b"1"), (b"x-team", b"2"), (b"x-teal", b"3"), (b"", b"4")]);
        assert_eq!(headers.all(b"x-Team").collect::<Vec<_>>(), [b"1", b"2"]);
        assert_eq!((headers.first("X-TEAL"), headers.first("")), (Some(&b"3"[..]), Some(&b"4"[..])));
        assert!(!headers.has("x-tea"));
    }

    #[test]
    fn splits_the_path_at_the_first_question_mark() {
        let facts = RequestFacts::from_pairs(PAIRS);
        assert_eq!((facts.path_only(), facts.query()), (&b"/a"[..], &b"b=c?d"[..]));
        let bare = RequestFacts { path: b"/a", ..RequestFacts::default() };
        assert_eq!((bare.path_only(), bare.query()), (&b"/a"[..], &b""[..]));
    }

    #[test]
    fn a_status_has_three_digits() {
        for (value, status) in
            [(&b"200"[..], 200), (b"20", 0), (b"2000", 0), (b"2\xff0", 0), (b"099", 0), (b"", 0)]
        {
            assert_eq!(ResponseFacts::from_pairs(&[(b":status", value)]).status, status);
        }
    }
}
