//! Parts of a request target, and of addresses.

use crate::form_decoded;
use core::net::IpAddr;
use std::borrow::Cow;

/// Returns an authority without its port.
pub fn host(authority: &[u8]) -> &[u8] {
    let digits = authority.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let before = authority.len().checked_sub(digits).and_then(|end| authority.get(..end));
    before.and_then(|before| before.strip_suffix(b":")).unwrap_or(authority)
}

/// Returns the address of a socket as Envoy writes it: `192.0.2.1:443`, `[2001:db8::1%eth0]:443`. A Unix
/// domain socket has none. A zone names the interface, and is ignored.
pub fn socket_ip(text: &str) -> Option<IpAddr> {
    let (host, _port) = text.rsplit_once(':')?;
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(host) => host.split('%').next()?.parse().ok().map(IpAddr::V6),
        None => host.parse().ok().map(IpAddr::V4),
    }
}

/// Splits `:path` into the path and the query, without the `?`.
pub fn path_and_query(target: &[u8]) -> (&[u8], &[u8]) {
    let mut halves = target.splitn(2, |byte| *byte == b'?');
    (halves.next().unwrap_or_default(), halves.next().unwrap_or_default())
}

/// Returns every value of a query parameter, in order, decoded with the rules of forms. A parameter without
/// `=` has an empty value.
pub fn query_values<'q>(query: &'q [u8], name: &'q [u8]) -> impl Iterator<Item = Cow<'q, [u8]>> {
    query.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()).filter_map(move |pair| {
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        let found = *form_decoded(halves.next()?) == *name;
        found.then(|| form_decoded(halves.next().unwrap_or_default()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removes_a_port() {
        for (authority, expected) in [
            ("a.test", "a.test"),
            ("a.test:80", "a.test"),
            ("[::1]:8443", "[::1]"),
            ("a:", "a"),
            (":1", ""),
            ("", ""),
        ] {
            assert_eq!(host(authority.as_bytes()), expected.as_bytes(), "{authority}");
        }
    }

    #[test]
    fn splits_at_the_first_question_mark() {
        for (target, path, query) in
            [("/a?b=c?d", "/a", "b=c?d"), ("/a", "/a", ""), ("/a?", "/a", ""), ("", "", "")]
        {
            assert_eq!(path_and_query(target.as_bytes()), (path.as_bytes(), query.as_bytes()), "{target}");
        }
    }

    #[test]
    fn decodes_every_value_of_a_parameter() {
        let values = |name: &str| {
            let values = query_values(b"a=1&b=x+y&&a=%32&c&%61=3", name.as_bytes());
            values.map(|value| String::from_utf8_lossy(&value).into_owned()).collect::<Vec<_>>()
        };
        assert_eq!(
            (values("a"), values("b")),
            (vec!["1".into(), "2".into(), "3".into()], vec!["x y".into()])
        );
        assert_eq!((values("c"), values("d")), (vec![String::new()], Vec::new()));
    }

    #[test]
    fn an_address_has_a_port_and_no_zone() {
        for (text, expected) in [
            ("192.0.2.1:443", Some("192.0.2.1")),
            ("[2001:db8::1]:443", Some("2001:db8::1")),
            ("[fe80::1%eth0]:443", Some("fe80::1")),
            ("/run/envoy.sock", None),
            ("192.0.2.1", None),
            ("", None),
        ] {
            assert_eq!(socket_ip(text), expected.map(|text| text.parse().unwrap()), "{text}");
        }
    }
}
