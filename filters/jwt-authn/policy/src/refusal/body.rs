//! Bodies of rejections.

use super::challenge;
use crate::Reason;
use crate::config::BodyFormat;
use tollgate_jose::Json;

/// Returns the content type, if it is not the host's default `text/plain`, and the body.
pub(super) fn of(reason: Reason, status: u16, format: BodyFormat) -> (Option<&'static str>, Vec<u8>) {
    match format {
        BodyFormat::Empty => (None, Vec::new()),
        BodyFormat::Text => (None, reason.text().into()),
        BodyFormat::Json => {
            let members = [
                ("error", text(error(reason))),
                ("error_description", text(reason.text())),
                ("reason", text(reason.name())),
            ];
            (Some("application/json"), object(members.into()))
        }
        BodyFormat::Problem => {
            let members = [
                ("type", text("about:blank")),
                ("title", text(title(status))),
                ("status", Json::Number(status.into())),
                ("detail", text(reason.text())),
                ("reason", text(reason.name())),
            ];
            (Some("application/problem+json"), object(members.into()))
        }
    }
}

fn text(text: &str) -> Json {
    Json::String(text.into())
}

fn object(members: Vec<(&str, Json)>) -> Vec<u8> {
    let mut object = Vec::new();
    for (name, value) in members {
        object.push((name.into(), value));
    }
    Json::Object(object).to_string().into_bytes()
}

/// Returns the error code of the challenge, or one of OAuth (RFC 6749 section 4.1.2.1) if the challenge has
/// none.
fn error(reason: Reason) -> &'static str {
    challenge::error(reason).unwrap_or(match reason {
        Reason::Missing => "unauthorized",
        Reason::UnknownRequirement => "access_denied",
        Reason::HostError => "server_error",
        _ => "temporarily_unavailable",
    })
}

/// Returns the title. With `about:blank`, it is the reason phrase of the status (RFC 9457 section 4.2.1).
fn title(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Request rejected",
    }
}
