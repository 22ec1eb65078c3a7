//! Routes: the parts of Envoy's `RouteConfiguration` that a filter can read or influence.

use serde_json::{Map, Value};
use std::time::Duration;

/// Metadata by namespace: `Metadata.filter_metadata`. Each value is an object.
pub type Metadata = Map<String, Value>;

/// The routes of some authorities: Envoy's `VirtualHost`.
#[derive(Clone, Debug, Default)]
pub struct VirtualHost {
    /// The name. Filters read it as `xds.virtual_host_name`.
    pub name: String,
    /// Authorities: `a.test`, `*.test`, `a.*`, `*`. The most specific one that matches decides, in any order.
    pub domains: Vec<String>,
    /// The routes. The first one that matches decides.
    pub routes: Vec<Route>,
    /// Whether to send the number of the attempt to upstreams, in `x-envoy-attempt-count`.
    pub include_request_attempt_count: bool,
    /// The metadata. Filters read it as `xds.virtual_host_metadata`.
    pub metadata: Metadata,
}

impl VirtualHost {
    /// Creates a virtual host for these authorities, without routes.
    pub fn new(name: &str, domains: &[&str]) -> Self {
        let domains = domains.iter().map(|d| (*d).to_owned()).collect();
        Self { name: name.into(), domains, ..Self::default() }
    }

    /// Adds a route after those added before.
    pub fn route(mut self, route: Route) -> Self {
        self.routes.push(route);
        self
    }
}

/// A route: conditions on a request, and the action for requests that meet all of them.
#[derive(Clone, Debug)]
pub struct Route {
    /// The name; may be empty. Filters read it as `xds.route_name`.
    pub name: String,
    /// Condition on the path.
    pub path: PathMatch,
    /// Conditions on headers.
    pub headers: Vec<HeaderMatch>,
    /// Conditions on query parameters, each on the parameter's first value.
    pub query: Vec<(String, StringMatch)>,
    /// The action.
    pub action: RouteAction,
    /// Timeout for all attempts together. Replaces
    /// [`Settings::route_timeout`](super::Settings::route_timeout). Zero disables it.
    pub timeout: Option<Duration>,
    /// The retry policy.
    pub retry: Option<RetryPolicy>,
    /// Names of filters that are disabled on this route.
    pub disabled: Vec<String>,
    /// The metadata. Filters read it as `xds.route_metadata`.
    pub metadata: Metadata,
}

impl Route {
    /// Creates a route for paths that match.
    pub fn new(path: PathMatch, action: RouteAction) -> Self {
        Self {
            name: String::new(),
            path,
            headers: Vec::new(),
            query: Vec::new(),
            action,
            timeout: None,
            retry: None,
            disabled: Vec::new(),
            metadata: Metadata::new(),
        }
    }

    /// Creates a route that sends requests with this path prefix to a cluster.
    pub fn to(prefix: &str, cluster: &str) -> Self {
        Self::new(PathMatch::Prefix(prefix.into()), RouteAction::Cluster(cluster.into()))
    }

    /// Sets the name.
    pub fn named(mut self, name: &str) -> Self {
        self.name = name.into();
        self
    }

    /// Adds a condition on a header.
    pub fn header(mut self, name: &str, value: StringMatch) -> Self {
        self.headers.push(HeaderMatch { name: name.into(), value, invert: false });
        self
    }

    /// Adds a condition on a query parameter.
    pub fn query(mut self, name: &str, value: StringMatch) -> Self {
        self.query.push((name.into(), value));
        self
    }

    /// Sets the timeout for all attempts together. Zero disables it.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets the retry policy.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = Some(policy);
        self
    }

    /// Disables a filter on this route.
    pub fn disable(mut self, filter: &str) -> Self {
        self.disabled.push(filter.into());
        self
    }

    /// Adds metadata; `fields` must be an object.
    pub fn metadata(mut self, namespace: &str, fields: Value) -> Self {
        self.metadata.insert(namespace.into(), fields);
        self
    }
}

/// Condition on a path, without its query.
#[derive(Clone, Debug)]
pub enum PathMatch {
    /// The path begins with this text.
    Prefix(String),
    /// The path equals this text.
    Exact(String),
    /// The path begins with these whole segments: `/a` matches `/a/b`, but not `/ab`.
    Segments(String),
}

/// Condition on a value.
#[derive(Clone, Debug)]
pub enum StringMatch {
    /// The value is present.
    Present,
    /// The value equals this text.
    Exact(String),
    /// The value begins with this text.
    Prefix(String),
    /// The value ends with this text.
    Suffix(String),
    /// The value contains this text.
    Contains(String),
}

/// Condition on a header. Several fields with the same name count as one, joined by commas.
#[derive(Clone, Debug)]
pub struct HeaderMatch {
    /// The header's name.
    pub name: String,
    /// Condition on its value.
    pub value: StringMatch,
    /// Whether to invert the condition. An absent header meets an inverted condition only if that condition
    /// is [`StringMatch::Present`].
    pub invert: bool,
}

/// The action of a route.
#[derive(Clone, Debug)]
pub enum RouteAction {
    /// Sends the request to the cluster of this name. The response is 503 if no such upstream exists.
    Cluster(String),
    /// Sends the request to the cluster that this header names.
    ClusterHeader(String),
    /// Answers the request directly.
    DirectResponse {
        /// The status.
        status: u16,
        /// The body; may be empty.
        body: String,
    },
    /// Redirects the client with status 301.
    Redirect {
        /// The new authority; empty to keep the request's.
        host: String,
        /// The new path and query; empty to keep the request's.
        path: String,
    },
}

/// When to retry: Envoy's `RetryPolicy`.
#[derive(Clone, Debug, Default)]
pub struct RetryPolicy {
    /// Conditions such as `5xx,reset`, as in `x-envoy-retry-on`.
    pub retry_on: String,
    /// Maximum number of retries after the first attempt. Envoy's default is 1.
    pub num_retries: u32,
    /// Timeout for each attempt; zero for only the route's timeout.
    pub per_try_timeout: Duration,
    /// Status codes for the condition `retriable-status-codes`.
    pub retriable_status_codes: Vec<u16>,
}
