//! Checks the section `response`.

use super::check;
use crate::answer::{Answers, Body};
use crate::config::{BodyFormat, HeaderToAdd, Response, XRateLimitHeaders};
use tollgate_policy::{ConfigError, EditableName, FieldPath, HeaderValue};

/// Maximum size of a configured body. Each worker keeps a copy, and sends it to clients that send too much.
const MAX_BODY: u64 = 16 << 10;

/// Resolves the section `response`.
pub(super) fn resolve(response: Response, status_on_error: u16) -> Result<Answers, ConfigError> {
    let place = FieldPath::new("response");
    let body = match (response.body, response.body_format) {
        (Some(_), Some(_)) => {
            return Err(place.field("body").error("cannot be combined with `body_format`"));
        }
        (Some(body), None) => {
            place.field("body").range(body.len() as u64, 0..=MAX_BODY)?;
            Body::Inline { content_type: response.content_type, body: body.into_bytes() }
        }
        (None, _) if response.content_type.is_some() => {
            return Err(place.field("content_type").error("needs `body`"));
        }
        (None, None | Some(BodyFormat::Text)) => Body::Text,
        (None, Some(BodyFormat::Json)) => Body::Json,
        (None, Some(BodyFormat::Problem)) => Body::Problem,
        (None, Some(BodyFormat::Empty)) => Body::Empty,
    };
    let when_not_enforced = place.field("request_headers_to_add_when_not_enforced");
    Ok(Answers {
        status: response.status.code,
        status_on_error,
        resource_exhausted: response.rate_limited_as_resource_exhausted,
        body,
        retry_after: response.retry_after,
        rate_limit_headers: response.rate_limit_headers,
        x_ratelimit_headers: response.enable_x_ratelimit_headers == XRateLimitHeaders::Draft03,
        kong_headers: response.enable_x_ratelimit_headers == XRateLimitHeaders::Kong,
        x_envoy_ratelimited: !response.disable_x_envoy_ratelimited_header,
        response_headers: headers(response.response_headers_to_add, &place.field("response_headers_to_add"))?,
        request_headers_when_not_enforced: headers(
            response.request_headers_to_add_when_not_enforced,
            &when_not_enforced,
        )?,
    })
}

fn headers(
    list: Vec<HeaderToAdd>,
    place: &FieldPath,
) -> Result<Vec<(EditableName, HeaderValue)>, ConfigError> {
    let mut headers = Vec::new();
    for (index, HeaderToAdd { header }) in list.into_iter().enumerate() {
        check::plain(&header.value, &place.at(index).field("header").field("value"))?;
        headers.push((header.key, header.value));
    }
    Ok(headers)
}
