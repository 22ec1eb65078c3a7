//! Redirects of browsers to the login page.

use super::url;
use crate::config::Redirect;
use crate::plan::Plan;
use tollgate_jwt_authn_token::extract::query_without_tokens;
use tollgate_policy::RequestFacts;

/// Maximum length of the URL in a redirect. Of a longer URL, only the origin is passed on, because servers
/// reject long request lines.
const MAX_URL: usize = 2048;

/// Whether to redirect: only if a person would see the page. Scripts need the 401, because a redirected
/// `fetch` ends at another origin and fails without a reason.
pub(super) fn applies(redirect: &Redirect, request: &RequestFacts<'_>) -> bool {
    let headers = request.headers;
    if !matches!(request.method, b"GET" | b"HEAD") {
        return false;
    }
    if !redirect.headers.is_empty() {
        return redirect.headers.iter().all(|matcher| matcher.matches(headers));
    }
    let html = headers.all(b"accept").any(|value| {
        value
            .to_ascii_lowercase()
            .split(|byte| matches!(byte, b',' | b';'))
            .any(|part| part.trim_ascii() == b"text/html")
    });
    let navigates = headers.first("sec-fetch-mode").is_none_or(|mode| mode == b"navigate");
    html && navigates && !headers.has("x-requested-with")
}

/// Returns `Location`. Its host comes from the configuration. The client controls only `{url}`, in which
/// every special character of a URL is encoded.
pub(super) fn location(redirect: &Redirect, request: &RequestFacts<'_>, plan: &Plan) -> Vec<u8> {
    let mut out = Vec::new();
    let mut parts = redirect.location.split("{url}");
    let first = parts.next().unwrap_or_default();
    written(first, &mut out);
    for part in parts {
        for byte in asked_for(request, plan) {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte),
                byte => url::percent(byte, &mut out),
            }
        }
        written(part, &mut out);
    }
    out
}

fn written(part: &str, out: &mut Vec<u8>) {
    for byte in part.bytes() {
        match byte {
            b'!'..=b'~' => out.push(byte),
            byte => url::percent(byte, out),
        }
    }
}

/// Returns the requested URL without the tokens in its query, which the login page must not see.
fn asked_for(request: &RequestFacts<'_>, plan: &Plan) -> Vec<u8> {
    let mut url = format!("{}://", url::scheme(request)).into_bytes();
    url.extend_from_slice(request.authority);
    let path = query_without_tokens(&plan.providers, request);
    let path = path.as_deref().unwrap_or(request.path);
    if url.len() + path.len() > MAX_URL {
        url.truncate(MAX_URL);
        url.push(b'/');
    } else {
        url.extend_from_slice(path);
    }
    url
}
