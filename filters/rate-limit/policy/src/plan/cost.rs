//! Checks costs.

use super::check::MOST;
use crate::config;
use crate::model::{Cost, OnResponse};
use tollgate_policy::{ConfigError, FieldPath};

pub(super) fn resolve(cost: config::Cost, place: &FieldPath) -> Result<Cost, ConfigError> {
    Ok(match cost {
        config::Cost::Number(number) => {
            place.field("number").range(number, 0..=MOST)?;
            Cost::Number(number)
        }
        config::Cost::Header(config::HeaderCost { name, default, max }) => {
            let place = place.field("header");
            place.field("max").range(max, 1..=MOST)?;
            place.field("default").range(default, 0..=max)?;
            Cost::Header { name, default, max }
        }
        config::Cost::BodyBytes(config::BodyCost { per, max }) => {
            let place = place.field("body_bytes");
            place.field("per").range(per, 1..=MOST)?;
            place.field("max").range(max, 1..=MOST)?;
            Cost::Body { per, max }
        }
    })
}

pub(super) fn on_response(
    on_response: config::OnResponse,
    place: &FieldPath,
) -> Result<OnResponse, ConfigError> {
    let config::OnResponse { statuses, headers, cost_header, refund_without_response } = on_response;
    if statuses.is_empty() && headers.is_empty() && cost_header.is_none() && !refund_without_response {
        let message =
            "expected at least one of `statuses`, `headers`, `cost_header` and `refund_without_response`";
        return Err(place.error(message));
    }
    if let Some(header) = &cost_header {
        place.field("cost_header").field("max").range(header.max, 1..=MOST)?;
    }
    Ok(OnResponse {
        statuses: statuses.iter().map(|range| (range.first, range.last)).collect(),
        headers,
        cost_header: cost_header.map(|header| (header.name, header.max)),
        refund_without_response,
    })
}
