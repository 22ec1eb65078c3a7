//! Processes a request in the HTTP/1 codec and the connection manager before any filter sees it, and rejects
//! invalid requests: Envoy, `source/common/http/http1/codec_impl.cc` and
//! `source/common/http/conn_manager_impl.cc`, `decodeHeaders`.

use super::flags::DOWNSTREAM_PROTOCOL_ERROR;
use super::router::CONTROLS;
use crate::Request;
use crate::emulator::header_map::{HeaderMap, Kind};
use crate::emulator::wire;

/// Headers that only the proxy itself may set, in addition to those that control the router. They are removed
/// from client requests: Envoy, `conn_manager_utility.cc`, `mutateRequestHeaders`.
const INTERNAL: &[&str] = &[
    "x-envoy-internal",
    "x-envoy-expected-rq-timeout-ms",
    "x-envoy-force-trace",
    "x-envoy-ip-tags",
    // `forward_client_cert_details` is `SANITIZE`.
    "x-forwarded-client-cert",
];
/// Limits: `max_request_headers_kb` and `max_headers_count`.
const MAX_HEADER_BYTES: usize = 60 << 10;
pub(super) const MAX_HEADERS: usize = 100;
/// Headers that apply only to one connection.
const HOP_BY_HOP: &[&str] = &["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"];
/// Methods that the codec accepts.
const METHODS: &[&str] = &[
    "ACL",
    "BIND",
    "CHECKOUT",
    "CONNECT",
    "COPY",
    "DELETE",
    "GET",
    "HEAD",
    "LINK",
    "LOCK",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MOVE",
    "M-SEARCH",
    "NOTIFY",
    "OPTIONS",
    "PATCH",
    "POST",
    "PROPFIND",
    "PROPPATCH",
    "PURGE",
    "PUT",
    "REBIND",
    "REPORT",
    "SEARCH",
    "SOURCE",
    "SUBSCRIBE",
    "TRACE",
    "UNBIND",
    "UNLINK",
    "UNLOCK",
    "UNSUBSCRIBE",
];

/// The response to a request that is rejected before filters exist. Filters see it only in `proxy_on_log`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rejection {
    pub status: u32,
    pub details: &'static str,
    pub body: &'static str,
    pub flags: i64,
    /// Whether the connection stays open.
    pub keeps_connection: bool,
}

impl Rejection {
    /// A rejection by the codec, which cannot parse the request.
    const fn protocol(status: u32, details: &'static str, body: &'static str) -> Self {
        Self { status, details, body, flags: DOWNSTREAM_PROTOCOL_ERROR, keeps_connection: false }
    }

    /// A rejection by the connection manager.
    const fn manager(status: u32, details: &'static str) -> Self {
        Self { status, details, body: "", flags: 0, keeps_connection: false }
    }

    /// Returns whether the headers were parsed, so that the access log contains them.
    pub fn was_read(&self) -> bool {
        self.flags != DOWNSTREAM_PROTOCOL_ERROR
    }
}

const UNREADABLE: Rejection = Rejection::protocol(400, "http1.codec_error", "Bad Request");

/// Returns the request's headers as the codec parses them. If the target is an absolute URL, it also sets the
/// authority.
pub(super) fn read(request: &Request) -> HeaderMap {
    let mut headers = HeaderMap::new(Kind::Request);
    let (mut authority, mut path, mut scheme) = (request.authority.as_str(), request.path.as_str(), None);
    for known in ["http", "https"] {
        let url = path.strip_prefix(known).and_then(|rest| rest.strip_prefix("://"));
        if let Some(url) = url.filter(|_| scheme.is_none()) {
            let end = url.find(['/', '?']).unwrap_or(url.len());
            (authority, path, scheme) = (&url[..end], &url[end..], Some(known));
        }
    }
    let path = if path.starts_with('/') || scheme.is_none() { path.to_owned() } else { format!("/{path}") };
    headers.add(b":authority", if request.method == "CONNECT" { &path } else { authority }.as_bytes());
    if request.method != "CONNECT" {
        headers.add(b":path", path.as_bytes());
    }
    headers.add(b":method", request.method.as_bytes());
    if let Some(scheme) = scheme {
        headers.add(b":scheme", scheme.as_bytes());
    }
    for (name, value) in &request.headers.0 {
        headers.add(name, value.trim_ascii());
    }
    headers.unfold();
    headers
}

/// Returns why the codec or the connection manager rejects a request with these headers, if it does.
pub(super) fn rejection(request: &Request, headers: &HeaderMap) -> Option<Rejection> {
    let token = |b: &u8| wire::is_token(*b);
    let names_are_tokens =
        request.headers.0.iter().all(|(name, _)| !name.is_empty() && name.iter().all(token));
    let known = METHODS.contains(&request.method.as_str());
    let outside = |byte: u8| matches!(byte, b'\t' | b' ' | 0x80..);
    if !known || request.path.bytes().any(outside) || !names_are_tokens {
        return Some(UNREADABLE);
    }
    let received = || headers.pairs().iter().filter(|(name, _)| name != b":method");
    if received().map(|(k, v)| k.len() + v.len()).sum::<usize>() > MAX_HEADER_BYTES {
        let body = "Request Header Fields Too Large";
        return Some(Rejection::protocol(431, "http1.headers_too_large", body));
    }
    if received().count() > MAX_HEADERS {
        let body = "Request Header Fields Too Large";
        return Some(Rejection::protocol(431, "http1.too_many_headers", body));
    }
    let text = |b: &u8| wire::is_text(*b);
    if !headers.pairs().iter().all(|(_, value)| value.iter().all(text)) {
        return Some(Rejection::protocol(400, "http1.invalid_characters", "Bad Request"));
    }
    let lengths: Vec<_> = request.headers.get_all("content-length").collect();
    let digits = |value: &&[u8]| !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    if lengths.len() > 1 || !lengths.iter().all(digits) {
        return Some(UNREADABLE);
    }
    if let Some(encoding) = headers.text("transfer-encoding") {
        if !encoding.eq_ignore_ascii_case("chunked") {
            return Some(Rejection::protocol(501, "http1.invalid_transfer_encoding", "Not Implemented"));
        }
        if !lengths.is_empty() {
            let details = "http1.content_length_and_chunked_not_allowed";
            return Some(Rejection::protocol(400, details, "Bad Request"));
        }
    }
    let of_authority = |b: &u8| b.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:@[]".contains(b);
    if !headers.first(b":authority").unwrap_or_default().iter().all(of_authority) {
        return Some(Rejection::protocol(400, "http.invalid_authority", "Bad Request"));
    }
    manager_rejection(headers)
}

/// Returns why the connection manager rejects headers that the codec accepted.
fn manager_rejection(headers: &HeaderMap) -> Option<Rejection> {
    if let Some(path) = headers.text(":path") {
        if !path.starts_with('/') {
            return Some(Rejection {
                keeps_connection: true,
                ..Rejection::manager(404, "absolute_path_rejected")
            });
        }
        if path.contains('#') {
            return Some(Rejection::manager(400, "path_normalization_failed"));
        }
    }
    let connection = headers.text("connection").unwrap_or_default().to_ascii_lowercase();
    let upgrades = connection.split(',').any(|word| word.trim() == "upgrade");
    (upgrades && headers.first(b"upgrade").is_some()).then_some(Rejection::manager(403, "upgrade_failed"))
}

/// Removes the headers that filters must not see. Returns the tokens of `connection`.
pub(super) fn sanitize(headers: &mut HeaderMap) -> Vec<String> {
    let connection = headers.text("connection").unwrap_or_default();
    let named: Vec<_> = connection.split(',').map(|name| name.trim().to_ascii_lowercase()).collect();
    // `connection` names other headers that apply only to this connection.
    named.iter().for_each(|name| headers.remove(name.as_bytes()));
    // Envoy answers this itself, with status 100.
    if headers.text("expect").is_some_and(|text| text.eq_ignore_ascii_case("100-continue")) {
        headers.remove(b"expect");
    }
    headers.remove_all(HOP_BY_HOP);
    headers.remove_all(CONTROLS);
    headers.remove_all(INTERNAL);
    // Only the token `trailers` is forwarded.
    let te = headers.text("te").unwrap_or_default().into_owned();
    if te != "trailers" {
        headers.remove(b"te");
        if te.split(',').any(|token| token.trim() == "trailers") {
            headers.add(b"te", b"trailers");
        }
    }
    named
}
