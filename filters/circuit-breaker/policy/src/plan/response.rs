//! Responses to rejected requests.

use crate::config;
use tollgate_policy::{BodyFormat, ConfigError, FieldPath, HeaderField, HeaderValue};

/// Maximum size of a configured body. Each worker keeps a copy, and sends it to many clients.
const MAX_BODY: u64 = 16 << 10;

/// A response, resolved.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) grpc_status: u8,
    pub(crate) body: Body,
    pub(crate) retry_after: bool,
    pub(crate) headers: Vec<HeaderField>,
}

/// A body.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    Format(BodyFormat),
    Text(Option<HeaderValue>, Vec<u8>),
}

impl Response {
    /// Checks and resolves a response.
    pub(super) fn new(response: config::Response, place: &FieldPath) -> Result<Self, ConfigError> {
        let has_body = ![204, 205, 304].contains(&response.status);
        let needs_body = |field: &str| {
            let status = response.status;
            Err(place.field(field).error(format_args!("cannot be sent with the status `{status}`")))
        };
        let body = match response.body {
            Some(_) if !has_body => return needs_body("body"),
            Some(_) if response.body_format != BodyFormat::default() => {
                return Err(place.field("body").error("cannot be combined with `body_format`"));
            }
            Some(body) => {
                place.field("body").range(body.len() as u64, 0..=MAX_BODY)?;
                Body::Text(response.content_type, body.into_bytes())
            }
            None if response.content_type.is_some() => {
                return Err(place.field("content_type").error("needs `body`"));
            }
            None if has_body => Body::Format(response.body_format),
            None if matches!(response.body_format, BodyFormat::Text | BodyFormat::Empty) => {
                Body::Format(BodyFormat::Empty)
            }
            None => return needs_body("body_format"),
        };
        let headers = response.headers.into_iter();
        let headers = headers.map(|header| {
            let name = header.name.name().as_str().to_owned();
            (name.into(), header.value.as_bytes().to_vec())
        });
        Ok(Self {
            status: response.status,
            grpc_status: response.grpc_status,
            body,
            retry_after: response.retry_after,
            headers: headers.collect(),
        })
    }
}
