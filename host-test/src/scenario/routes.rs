//! Which request goes where: the parts of Envoy's `RouteConfiguration` that a filter can see or influence.

use serde_json::{Map, Value};
use std::time::Duration;

/// Metadata by its namespace: `Metadata.filter_metadata`, whose values are objects.
pub type Metadata = Map<String, Value>;

/// Routes for some authorities: Envoy's `VirtualHost`.
#[derive(Clone, Debug, Default)]
pub struct VirtualHost {
    /// Its name, which filters can read as `xds.virtual_host_name`.
    pub name: String,
    /// Authorities: `a.test`, `*.test`, `a.*`, `*`. The most exact one counts, whatever the order.
    pub domains: Vec<String>,
    /// The first that matches counts.
    pub routes: Vec<Route>,
    /// Tells upstreams in `x-envoy-attempt-count` which try it is.
    pub include_request_attempt_count: bool,
    /// What filters can read as `xds.virtual_host_metadata`.
    pub metadata: Metadata,
}

impl VirtualHost {
    /// For these authorities, with no route yet.
    pub fn new(name: &str, domains: &[&str]) -> Self {
        let domains = domains.iter().map(|d| (*d).to_owned()).collect();
        Self { name: name.into(), domains, ..Self::default() }
    }

    /// Adds a route behind those added before.
    pub fn route(mut self, route: Route) -> Self {
        self.routes.push(route);
        self
    }
}

/// What is done with the requests that match.
#[derive(Clone, Debug)]
pub struct Route {
    /// Its name, which filters can read as `xds.route_name`; may be empty.
    pub name: String,
    /// The path must be so.
    pub path: PathMatch,
    /// All of these headers must be so.
    pub headers: Vec<HeaderMatch>,
    /// All of these query parameters must be so, by their first value.
    pub query: Vec<(String, StringMatch)>,
    /// What is done.
    pub action: RouteAction,
    /// For all tries together, in place of [`Settings::route_timeout`](super::Settings::route_timeout). Zero: none.
    pub timeout: Option<Duration>,
    /// What is tried again.
    pub retry: Option<RetryPolicy>,
    /// Filters, by name, that take no part.
    pub disabled: Vec<String>,
    /// What filters can read as `xds.route_metadata`.
    pub metadata: Metadata,
}

impl Route {
    /// A route for paths that match.
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

    /// For paths with this prefix, to a cluster.
    pub fn to(prefix: &str, cluster: &str) -> Self {
        Self::new(PathMatch::Prefix(prefix.into()), RouteAction::Cluster(cluster.into()))
    }

    /// Gives it a name.
    pub fn named(mut self, name: &str) -> Self {
        self.name = name.into();
        self
    }

    /// Only for requests with such a header.
    pub fn header(mut self, name: &str, value: StringMatch) -> Self {
        self.headers.push(HeaderMatch { name: name.into(), value, invert: false });
        self
    }

    /// Only for requests with such a query parameter.
    pub fn query(mut self, name: &str, value: StringMatch) -> Self {
        self.query.push((name.into(), value));
        self
    }

    /// Sets the time for all tries together; zero for no end.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets what is tried again.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = Some(policy);
        self
    }

    /// Leaves a filter out.
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

/// How a path must be. The query is no part of it.
#[derive(Clone, Debug)]
pub enum PathMatch {
    /// It begins so.
    Prefix(String),
    /// It is so.
    Exact(String),
    /// It begins with these whole segments: `/a` is the prefix of `/a/b` and not of `/ab`.
    Segments(String),
}

/// How a value must be.
#[derive(Clone, Debug)]
pub enum StringMatch {
    /// There is one.
    Present,
    /// It is so.
    Exact(String),
    /// It begins so.
    Prefix(String),
    /// It ends so.
    Suffix(String),
    /// This is in it.
    Contains(String),
}

/// How a header must be. Several of a name are one, joined by commas.
#[derive(Clone, Debug)]
pub struct HeaderMatch {
    /// The header's name.
    pub name: String,
    /// Its value.
    pub value: StringMatch,
    /// It must not be so. A header that is not there is not so only where [`StringMatch::Present`] asks for it.
    pub invert: bool,
}

/// What is done with a request.
#[derive(Clone, Debug)]
pub enum RouteAction {
    /// It goes to the cluster of this name: an upstream, or 503.
    Cluster(String),
    /// It goes to the cluster that a header names.
    ClusterHeader(String),
    /// It is answered.
    DirectResponse {
        /// The status.
        status: u16,
        /// The body; may be empty.
        body: String,
    },
    /// It is sent elsewhere with 301.
    Redirect {
        /// In place of the authority, if not empty.
        host: String,
        /// In place of path and query, if not empty.
        path: String,
    },
}

/// What is tried again: Envoy's `RetryPolicy`.
#[derive(Clone, Debug, Default)]
pub struct RetryPolicy {
    /// `5xx,reset`, as in `x-envoy-retry-on`.
    pub retry_on: String,
    /// How often, after the first try. Envoy's default is 1.
    pub num_retries: u32,
    /// For each try; zero for no limit but that of the route.
    pub per_try_timeout: Duration,
    /// What `retriable-status-codes` means.
    pub retriable_status_codes: Vec<u16>,
}
