//! Converts the routes of a scenario to the form of Envoy's API.

use super::bootstrap::{any, duration};
use crate::{
    HeaderMatch, Metadata, PathMatch, RetryPolicy, Route, RouteAction, Settings, StringMatch, VirtualHost,
};
use serde_json::{Map, Value, json};

pub(super) fn virtual_host(host: &VirtualHost, settings: &Settings) -> Value {
    let routes: Vec<Value> = host.routes.iter().map(|r| route(r, settings)).collect();
    let mut value = json!({ "name": host.name, "domains": host.domains, "routes": routes });
    if host.include_request_attempt_count {
        value["include_request_attempt_count"] = json!(true);
    }
    put_metadata(&mut value, &host.metadata);
    value
}

fn put_metadata(value: &mut Value, metadata: &Metadata) {
    if !metadata.is_empty() {
        value["metadata"] = json!({ "filter_metadata": metadata });
    }
}

fn route(route: &Route, settings: &Settings) -> Value {
    let mut matches = match &route.path {
        PathMatch::Prefix(prefix) => json!({ "prefix": prefix }),
        PathMatch::Exact(path) => json!({ "path": path }),
        PathMatch::Segments(prefix) => json!({ "path_separated_prefix": prefix }),
    };
    matches["headers"] = route.headers.iter().map(header).collect();
    matches["query_parameters"] = route.query.iter().map(|(name, value)| field(name, value)).collect();
    let mut value = json!({ "match": matches, "name": route.name });
    let to = match &route.action {
        RouteAction::Cluster(name) => json!({ "cluster": name }),
        RouteAction::ClusterHeader(name) => json!({ "cluster_header": name }),
        RouteAction::DirectResponse { status, body } => {
            let mut response = json!({ "status": status });
            if !body.is_empty() {
                response["body"] = json!({ "inline_string": body });
            }
            value["direct_response"] = response;
            Value::Null
        }
        RouteAction::Redirect { host, path } => {
            let mut redirect = json!({});
            for (name, text) in [("host_redirect", host), ("path_redirect", path)] {
                if !text.is_empty() {
                    redirect[name] = json!(text);
                }
            }
            value["redirect"] = redirect;
            Value::Null
        }
    };
    if !to.is_null() {
        value["route"] = to;
        value["route"]["timeout"] = duration(route.timeout.unwrap_or(settings.route_timeout));
        if let Some(policy) = &route.retry {
            value["route"]["retry_policy"] = retry(policy);
        }
    }
    if !route.disabled.is_empty() {
        let off = any("envoy.config.route.v3.FilterConfig", json!({ "disabled": true }));
        let off: Map<_, _> = route.disabled.iter().map(|name| (name.clone(), off.clone())).collect();
        value["typed_per_filter_config"] = off.into();
    }
    put_metadata(&mut value, &route.metadata);
    value
}

fn field(name: &str, value: &StringMatch) -> Value {
    let matcher = match value {
        StringMatch::Present => return json!({ "name": name, "present_match": true }),
        StringMatch::Exact(text) => json!({ "exact": text }),
        StringMatch::Prefix(text) => json!({ "prefix": text }),
        StringMatch::Suffix(text) => json!({ "suffix": text }),
        StringMatch::Contains(text) => json!({ "contains": text }),
    };
    json!({ "name": name, "string_match": matcher })
}

fn header(header: &HeaderMatch) -> Value {
    let mut value = field(&header.name, &header.value);
    if header.invert {
        value["invert_match"] = json!(true);
    }
    value
}

fn retry(policy: &RetryPolicy) -> Value {
    let mut value = json!({ "retry_on": policy.retry_on, "num_retries": policy.num_retries });
    if !policy.per_try_timeout.is_zero() {
        value["per_try_timeout"] = duration(policy.per_try_timeout);
    }
    if !policy.retriable_status_codes.is_empty() {
        value["retriable_status_codes"] = json!(policy.retriable_status_codes);
    }
    value
}
