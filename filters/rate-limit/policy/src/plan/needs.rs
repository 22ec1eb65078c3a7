//! Determines what the filter must read of a request.

use super::{Needs, Plan};
use crate::model::{Cost, Limit};
use tollgate_policy::RequestMatch;

impl Needs {
    pub(super) fn of(plan: &Plan) -> Self {
        let limits = &plan.limits;
        Self {
            request_headers: plan.rules.iter().any(|rule| looks(&rule.condition))
                || limits.iter().any(looks_at_headers),
            response_headers: limits.iter().any(|limit| limit.on_response.is_some()),
            in_flight: limits.iter().any(Limit::has_in_flight),
        }
    }
}

fn looks(condition: &RequestMatch) -> bool {
    let RequestMatch { hosts, paths, methods, headers, query } = condition;
    !(hosts.is_empty() && paths.is_empty() && methods.is_empty() && headers.is_empty() && query.is_empty())
}

fn looks_at_headers(limit: &Limit) -> bool {
    !matches!(limit.cost, Cost::Number(_)) || limit.key.iter().any(|action| action.source.reads_headers())
}
