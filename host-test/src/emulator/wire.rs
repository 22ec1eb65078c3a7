//! HTTP/1.1 between Envoy and its peers: the fields that Envoy's codec rejects, the bytes that it writes, and
//! how a peer parses the fields of a message.

use super::header_map::HeaderMap;
use crate::Headers;
use crate::http1::{chunk, field};

/// Returns the reason why the codec rejects a request, in Envoy's words:
/// `source/common/http/header_utility.cc`, `checkRequiredRequestHeaders` and `checkValidRequestHeaders`.
pub(crate) fn problem(headers: &HeaderMap) -> Option<Vec<u8>> {
    let missing = |name: &str| Some(format!("missing required header: {name}").into_bytes());
    let Some(method) = headers.first(b":method") else { return missing(":method") };
    if method == b"CONNECT" && headers.first(b":path").is_some() && headers.first(b":protocol").is_none() {
        return missing(":protocol");
    }
    headers.pairs().iter().find_map(|(name, value)| {
        let valid_name = name.strip_prefix(b":").unwrap_or(name).iter().all(|b| is_token(*b));
        let what = match (valid_name, value.iter().all(|b| is_text(*b))) {
            (false, _) => "name:",
            (true, false) => "value for:",
            (true, true) => return None,
        };
        Some([format!("invalid header {what} ").as_bytes(), &escaped(name)].concat())
    })
}

/// Returns the response code details for this reason.
pub(crate) fn problem_details(problem: &[u8]) -> String {
    // The access log reads bytes that are not UTF-8 as Latin-1.
    let text = match std::str::from_utf8(problem) {
        Ok(text) => text.to_owned(),
        Err(_) => problem.iter().map(|b| char::from(*b)).collect(),
    };
    format!("filter_removed_required_request_headers{{{}}}", text.replace(' ', "_"))
}

/// Returns whether a byte may be in a field name (RFC 9110 section 5.6.2).
pub(super) fn is_token(byte: u8) -> bool {
    // One of "!#$%&'*+-.^_`|~", or alphanumeric.
    matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
}

/// Returns whether a byte may be in a field value. All bytes above ASCII may.
pub(super) fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

/// Escapes bytes as in a JSON string, without the quotes.
fn escaped(bytes: &[u8]) -> Vec<u8> {
    let one = |byte: &u8| match byte {
        b'\n' => b"\\n".to_vec(),
        b'\r' => b"\\r".to_vec(),
        b'\t' => b"\\t".to_vec(),
        8 => b"\\b".to_vec(),
        12 => b"\\f".to_vec(),
        b'"' | b'\\' => vec![b'\\', *byte],
        0..=0x1f => format!("\\u{byte:04x}").into_bytes(),
        _ => vec![*byte],
    };
    bytes.iter().flat_map(one).collect()
}

/// Returns the fields as a peer parses them: a value that contains line ends becomes several lines, and a
/// colon ends a name.
pub(crate) fn read_back<'a>(fields: impl IntoIterator<Item = &'a (Vec<u8>, Vec<u8>)>) -> Headers {
    let fields = fields.into_iter();
    let mut out = Headers(Vec::with_capacity(fields.size_hint().1.unwrap_or_default()));
    for (name, value) in fields {
        // Nearly all fields need no parsing.
        if !name.iter().any(|b| matches!(b, b':' | b'\n')) && !value.contains(&b'\n') {
            out.push(name.to_ascii_lowercase(), value.trim_ascii());
            continue;
        }
        let written = [name.as_slice(), b": ", value].concat();
        for line in written.split(|b| *b == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let colon = line.iter().position(|b| *b == b':').unwrap_or(line.len());
            let value = line.get(colon + 1..).unwrap_or_default();
            out.push(line[..colon].to_ascii_lowercase(), value.trim_ascii());
        }
    }
    out
}

/// Splits a request line as a peer does: the method ends at the first space, the target at the last.
pub(crate) fn request_line(method: &str, target: &str) -> (String, String) {
    match method.split_once(' ') {
        Some((first, rest)) => (first.to_owned(), format!("{rest} {target}")),
        None => (method.to_owned(), target.to_owned()),
    }
}

/// Returns the head of a request as the codec writes it. The framing is among the fields.
pub(crate) fn request_head(headers: &HeaderMap) -> Vec<u8> {
    let first = |name: &[u8]| headers.first(name).unwrap_or_default();
    let method = first(b":method");
    let target = if method == b"CONNECT" { first(b":authority") } else { first(b":path") };
    let mut head = [method, b" ", target, b" HTTP/1.1\r\n"].concat();
    for (name, value) in headers.pairs() {
        match name.as_slice() {
            b":authority" => field(&mut head, b"host", value),
            name if name.starts_with(b":") => {}
            name => field(&mut head, name, value),
        }
    }
    head.extend(b"\r\n");
    head
}

/// Returns the head of a response.
pub(crate) fn response_head(status: u64, fields: &Headers) -> Vec<u8> {
    let known = u16::try_from(status).ok().and_then(|status| http::StatusCode::from_u16(status).ok());
    let reason = known.and_then(|status| status.canonical_reason()).unwrap_or("Unknown");
    let mut head = format!("HTTP/1.1 {status} {reason}\r\n").into_bytes();
    fields.0.iter().for_each(|(name, value)| field(&mut head, name, value));
    head.extend(b"\r\n");
    head
}

/// Returns the end of a message: of one with chunks, the last chunk and the trailers.
pub(crate) fn end(chunked: bool, trailers: Option<&HeaderMap>) -> Vec<u8> {
    if !chunked {
        return Vec::new();
    }
    let mut last = b"0\r\n".to_vec();
    let fields = trailers.map(HeaderMap::pairs).unwrap_or_default();
    fields.iter().for_each(|(name, value)| field(&mut last, name, value));
    last.extend(b"\r\n");
    last
}

/// Returns a part of a body.
pub(crate) fn data(chunked: bool, bytes: &[u8]) -> Vec<u8> {
    if chunked { chunk(bytes) } else { bytes.to_vec() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulator::header_map::Kind;

    #[test]
    fn a_request_must_have_a_method_and_fields_that_may_be_written() {
        let with = |name: &[u8], value: &[u8]| {
            let mut map = HeaderMap::new(Kind::Request);
            map.add(b":method", b"GET");
            map.add(name, value);
            problem(&map).map(|problem| problem.escape_ascii().to_string())
        };
        assert_eq!(with(b"x-a", b"\t\x80 ok"), None);
        assert_eq!(with(b"x", b"a\x7f").unwrap(), "invalid header value for: x");
        assert_eq!(with(b"a\tb", b"").unwrap(), "invalid header name: a\\\\tb");
        assert_eq!(with(b"x\xff", b"").unwrap(), "invalid header name: x\\xff");
        assert_eq!(problem(&HeaderMap::default()).unwrap(), b"missing required header: :method");
        assert_eq!(problem_details(b"a x\xff"), "filter_removed_required_request_headers{a_x\u{ff}}");
    }

    #[test]
    fn line_ends_split_fields_and_spaces_around_values_are_lost() {
        let fields = [(b"X".to_vec(), b" a\r\ny:  b \n: c".to_vec()), (b"n:m".to_vec(), b"1".to_vec())];
        let read = read_back(&fields);
        let shown: Vec<_> = read.0.iter().map(|(k, v)| [k.as_slice(), b"=", v].concat()).collect();
        assert_eq!(shown, [b"x=a".to_vec(), b"y=b".to_vec(), b"=c".to_vec(), b"n=m: 1".to_vec()]);
        assert_eq!(request_line("M E", "/a b"), ("M".to_owned(), "E /a b".to_owned()));
    }
}
