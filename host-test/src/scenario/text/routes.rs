//! Virtual hosts and routes of a scenario file, with the names of Envoy's `RouteConfiguration`.

use super::values::{Time, scalar, schema, shown};
use crate::{HeaderMatch, Metadata, PathMatch, RetryPolicy, Route, RouteAction, StringMatch, VirtualHost};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The routes of some authorities: Envoy's `VirtualHost`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VirtualHostText {
    /// Name of the virtual host.
    pub name: String,
    /// Authorities: `a.test`, `*.test`, `a.*`, `*`. The most specific one decides.
    pub domains: Vec<String>,
    /// Routes. The first one that matches decides.
    pub routes: Vec<RouteText>,
    /// Whether to send the number of the attempt to upstreams, in `x-envoy-attempt-count`.
    #[serde(default)]
    pub include_request_attempt_count: bool,
    /// Metadata, by namespace.
    #[serde(default)]
    pub metadata: BTreeMap<String, Map<String, Value>>,
}

/// A route: conditions, and an action for requests that meet all of them. Without a condition on the path, it
/// matches every path.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RouteText {
    /// Name of the route.
    pub name: String,
    /// The path begins with this text.
    pub prefix: Option<String>,
    /// The path equals this text.
    pub path: Option<String>,
    /// The path begins with these whole segments: `/a` matches `/a/b`, but not `/ab`.
    pub path_separated_prefix: Option<String>,
    /// Conditions on headers, by name.
    pub headers: BTreeMap<String, ValueMatch>,
    /// Conditions on query parameters, by name. `not` is not possible.
    pub query_parameters: BTreeMap<String, ValueMatch>,
    /// Action: sends the request to this upstream.
    pub cluster: Option<String>,
    /// Action: sends the request to the upstream that this header names.
    pub cluster_header: Option<String>,
    /// Action: answers the request.
    pub direct_response: Option<DirectResponseText>,
    /// Action: redirects the client with status 301.
    pub redirect: Option<RedirectText>,
    /// Timeout for all attempts together, `0s` for none. Defaults to `settings.route_timeout`.
    pub timeout: Option<Time>,
    /// When to retry.
    pub retry_policy: Option<RetryPolicyText>,
    /// Names of filters that are disabled on this route.
    pub disabled: Vec<String>,
    /// Metadata, by namespace.
    pub metadata: BTreeMap<String, Map<String, Value>>,
}

/// An answer of the proxy itself.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DirectResponseText {
    /// The status.
    #[schemars(range(min = 200, max = 599))]
    pub status: u16,
    /// The body.
    #[serde(default)]
    pub body: String,
}

/// A redirection.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RedirectText {
    /// The new authority. Defaults to that of the request.
    pub host_redirect: String,
    /// The new path and query. Defaults to those of the request.
    pub path_redirect: String,
}

/// When to retry: Envoy's `RetryPolicy`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryPolicyText {
    /// Conditions such as `5xx,reset`, as in `x-envoy-retry-on`.
    pub retry_on: String,
    /// Maximum number of retries after the first attempt. Defaults to 1.
    pub num_retries: Option<u32>,
    /// Timeout for each attempt.
    #[serde(default)]
    pub per_try_timeout: Time,
    /// Status codes for the condition `retriable-status-codes`.
    #[serde(default)]
    pub retriable_status_codes: Vec<u16>,
}

/// Condition on a value: the expected text, `{exact|prefix|suffix|contains: text}`, `{present: true}`, or
/// `{not: condition}`.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Value")]
pub struct ValueMatch {
    value: StringMatch,
    invert: bool,
}

schema!(ValueMatch: {
    "description": "Condition on a value: the expected text, or an object with one of `exact`, `prefix`, `suffix`, `contains`, `present`, `not`.",
    "anyOf": [
        { "type": ["string", "integer", "boolean"] },
        {
            "type": "object",
            "properties": {
                "exact": { "type": "string", "description": "The value must equal this." },
                "prefix": { "type": "string", "description": "The value must begin with this." },
                "suffix": { "type": "string", "description": "The value must end with this." },
                "contains": { "type": "string", "description": "The value must contain this." },
                "present": { "const": true, "description": "There must be a value." },
                "not": { "$ref": "#/$defs/ValueMatch", "description": "The value must not match this." }
            },
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": false
        }
    ]
});

impl TryFrom<Value> for ValueMatch {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let plain = |value| Ok(Self { value, invert: false });
        if let Some(text) = scalar(&value) {
            return plain(StringMatch::Exact(text));
        }
        let only = value.as_object().filter(|o| o.len() == 1).and_then(|o| o.iter().next());
        match only.map(|(kind, inner)| (kind.as_str(), inner, scalar(inner))) {
            Some(("exact", _, Some(text))) => plain(StringMatch::Exact(text)),
            Some(("prefix", _, Some(text))) => plain(StringMatch::Prefix(text)),
            Some(("suffix", _, Some(text))) => plain(StringMatch::Suffix(text)),
            Some(("contains", _, Some(text))) => plain(StringMatch::Contains(text)),
            Some(("present", Value::Bool(true), _)) => plain(StringMatch::Present),
            Some(("not", inner, _)) => {
                let inner = Self::try_from(inner.clone())?;
                Ok(Self { invert: !inner.invert, ..inner })
            }
            _ => Err(format!(
                "invalid condition {}, expected text or one of `exact`, `prefix`, `suffix`, `contains`, `present`, `not`",
                shown(&value)
            )),
        }
    }
}

type Wrong = (String, String);

/// Builds a virtual host.
pub(super) fn virtual_host(text: &VirtualHostText) -> Result<VirtualHost, Wrong> {
    if text.domains.is_empty() {
        return Err((".domains".into(), "expected at least one domain".into()));
    }
    let mut host = VirtualHost::new(&text.name, &[]);
    host.domains.clone_from(&text.domains);
    host.routes = routes(&text.routes).map_err(|(at, why)| (format!(".routes{at}"), why))?;
    host.include_request_attempt_count = text.include_request_attempt_count;
    host.metadata = metadata(&text.metadata);
    Ok(host)
}

/// Builds the routes of a list.
pub(super) fn routes(texts: &[RouteText]) -> Result<Vec<Route>, Wrong> {
    let each = |(i, text)| route(text).map_err(|(field, why)| (format!("[{i}]{field}"), why));
    texts.iter().enumerate().map(each).collect()
}

fn route(text: &RouteText) -> Result<Route, Wrong> {
    let path = match (&text.prefix, &text.path, &text.path_separated_prefix) {
        (None, None, None) => PathMatch::Prefix("/".into()),
        (Some(prefix), None, None) => PathMatch::Prefix(prefix.clone()),
        (None, Some(path), None) => PathMatch::Exact(path.clone()),
        (None, None, Some(prefix)) => PathMatch::Segments(prefix.clone()),
        _ => {
            let why = "expected at most one of `prefix`, `path`, `path_separated_prefix`";
            return Err((String::new(), why.into()));
        }
    };
    let action = match (&text.cluster, &text.cluster_header, &text.direct_response, &text.redirect) {
        (Some(name), None, None, None) => RouteAction::Cluster(name.clone()),
        (None, Some(name), None, None) => RouteAction::ClusterHeader(name.clone()),
        (None, None, Some(direct), None) => {
            RouteAction::DirectResponse { status: direct.status, body: direct.body.clone() }
        }
        (None, None, None, Some(redirect)) => RouteAction::Redirect {
            host: redirect.host_redirect.clone(),
            path: redirect.path_redirect.clone(),
        },
        _ => {
            let why = "expected exactly one of `cluster`, `cluster_header`, `direct_response`, `redirect`";
            return Err((String::new(), why.into()));
        }
    };
    let mut route = Route::new(path, action).named(&text.name);
    route.headers = text
        .headers
        .iter()
        .map(|(name, matcher)| HeaderMatch {
            name: name.clone(),
            value: matcher.value.clone(),
            invert: matcher.invert,
        })
        .collect();
    for (name, matcher) in &text.query_parameters {
        if matcher.invert {
            let why = "`not` is not possible for a query parameter, expected another condition";
            return Err((format!(".query_parameters.{name}"), why.into()));
        }
        route.query.push((name.clone(), matcher.value.clone()));
    }
    route.timeout = text.timeout.map(|time| time.0);
    route.retry = text.retry_policy.as_ref().map(|policy| RetryPolicy {
        retry_on: policy.retry_on.clone(),
        num_retries: policy.num_retries.unwrap_or(1),
        per_try_timeout: policy.per_try_timeout.0,
        retriable_status_codes: policy.retriable_status_codes.clone(),
    });
    route.disabled.clone_from(&text.disabled);
    route.metadata = metadata(&text.metadata);
    Ok(route)
}

fn metadata(text: &BTreeMap<String, Map<String, Value>>) -> Metadata {
    text.iter().map(|(namespace, fields)| (namespace.clone(), Value::Object(fields.clone()))).collect()
}
