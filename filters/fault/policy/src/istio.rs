//! Istio's fault injection: `HTTPFaultInjection`, alone or in routes with `HTTPMatchRequest`. Names of fields
//! are those of Istio's resources.
//!
//! `exponentialDelay` and `http2Error`, which Istio's API has and Istio does not implement, work here.

use crate::envoy::EnvoyHeader;
use crate::{Distribution, config};
use tollgate_policy::{Config, ConfigError, Duration, GrpcStatus, Named, RequestMatch, StringMatcher, Value};

/// Routes, or one `HTTPFaultInjection` for all requests.
#[derive(Clone, Debug, Default)]
pub struct Istio(pub Vec<IstioRoute>);

impl Config for Istio {
    fn blank() -> Self {
        Self::default()
    }

    fn fill(&mut self, value: &Value) -> Result<(), ConfigError> {
        self.0 = match value {
            Value::Array(_) => tollgate_policy::config::read(value)?,
            _ => vec![IstioRoute { fault: tollgate_policy::config::read(value)?, ..IstioRoute::blank() }],
        };
        Ok(())
    }
}

tollgate_policy::json_schema_of!(Istio, |generator| {
    let (routes, fault) =
        (generator.subschema_for::<Vec<IstioRoute>>(), generator.subschema_for::<IstioFault>());
    tollgate_policy::config::derived::schemars::json_schema!({
        "description": "Istio's `HTTPFaultInjection`, or a list of routes.",
        "anyOf": [fault, routes],
    })
});

/// The part of Istio's `HTTPRoute` that selects requests for a fault.
#[derive(Clone, Debug, Config)]
#[config(rename_all = "camelCase", instead = [
    ("route", "not supported: the fault applies to requests of all destinations that `match` selects"),
    ("timeout", "not supported, use the timeout of the route"),
    ("retries", "not supported, use the retries of the route"),
])]
pub struct IstioRoute {
    /// Name. Default: `istio`.
    pub name: Option<String>,
    /// Conditions, one of which must match. Default: every request.
    #[config(rename = "match", default)]
    pub conditions: Vec<IstioMatch>,
    /// Faults.
    pub fault: IstioFault,
}

/// Istio's `HTTPMatchRequest`.
#[derive(Clone, Debug, Default, Config)]
#[config(default, rename_all = "camelCase", instead = [
    ("sourceLabels", "not supported: a filter does not know the labels of the client, use `sourceNamespace`"),
    ("gateways", "not supported: apply the plugin to the gateway"),
    ("port", "not supported: apply the plugin to the port"),
    ("statPrefix", "not supported, use `stat_prefix`"),
])]
pub struct IstioMatch {
    /// Name. Ignored.
    pub name: Option<String>,
    /// Matcher of the path without the query.
    pub uri: Option<IstioString>,
    /// Matcher of the scheme.
    pub scheme: Option<IstioString>,
    /// Matcher of the method.
    pub method: Option<IstioString>,
    /// Matcher of the host, in lower case and without the port.
    pub authority: Option<IstioString>,
    /// Matchers of headers, by name. An empty matcher matches every value.
    pub headers: Named<IstioString>,
    /// Matchers of headers that must not match.
    pub without_headers: Named<IstioString>,
    /// Matchers of query parameters, by name. An empty matcher matches every value.
    pub query_params: Named<IstioString>,
    /// Whether to ignore the case of the path.
    pub ignore_uri_case: bool,
    /// Kubernetes namespace of the client, by its certificate.
    pub source_namespace: Option<String>,
}

/// Istio's `StringMatch`.
#[derive(Clone, Debug, Default, Config)]
#[config(default)]
pub struct IstioString {
    /// Matches the whole value.
    pub exact: Option<String>,
    /// Matches the beginning of the value.
    pub prefix: Option<String>,
    /// Regular expression that must match the whole value.
    pub regex: Option<String>,
}

impl IstioString {
    /// Returns the matcher in the notation of the vocabulary; `None` for an empty matcher.
    fn written(&self) -> Option<serde_json::Map<String, Value>> {
        let mut fields = serde_json::Map::new();
        for (name, text) in [("exact", &self.exact), ("prefix", &self.prefix), ("regex", &self.regex)] {
            if let Some(text) = text {
                fields.insert(name.into(), text.as_str().into());
            }
        }
        (!fields.is_empty()).then_some(fields)
    }

    fn matcher(&self) -> Result<Option<StringMatcher>, ConfigError> {
        self.written().map(|fields| tollgate_policy::config::read(&Value::Object(fields))).transpose()
    }

    fn header(&self, name: &str) -> Result<EnvoyHeader, ConfigError> {
        EnvoyHeader::new(name, self.matcher()?).map_err(|error| ConfigError::here(&error))
    }
}

impl IstioMatch {
    /// Returns the conditions on host, path and query, and those on headers.
    pub(crate) fn compile(&self) -> Result<(RequestMatch, Vec<EnvoyHeader>), ConfigError> {
        let mut condition = RequestMatch::default();
        if let Some(mut uri) = self.uri.as_ref().and_then(IstioString::written) {
            if self.ignore_uri_case {
                uri.insert("ignore_case".into(), true.into());
            }
            let path = tollgate_policy::config::read(&Value::Object(uri));
            condition.paths.push(path.map_err(|error| error.in_member("uri"))?);
        }
        if let Some(authority) = self.authority.as_ref().and_then(IstioString::written) {
            let host = tollgate_policy::config::read(&Value::Object(authority));
            condition.hosts.push(host.map_err(|error| error.in_member("authority"))?);
        }
        for (name, text) in &self.query_params {
            let mut fields = text.written().unwrap_or_default();
            if fields.is_empty() {
                fields.insert("present".into(), true.into());
            }
            fields.insert("name".into(), name.as_str().into());
            let parameter = tollgate_policy::config::read(&Value::Object(fields));
            condition.query.push(parameter.map_err(|error| error.in_member(name).in_member("queryParams"))?);
        }
        let mut headers = Vec::new();
        for (field, name, text) in [("method", ":method", &self.method), ("scheme", ":scheme", &self.scheme)]
        {
            if let Some(text) = text {
                headers.push(text.header(name).map_err(|error| error.in_member(field))?);
            }
        }
        for (name, text) in &self.headers {
            headers.push(text.header(name).map_err(|error| error.in_member(name).in_member("headers"))?);
        }
        for (name, text) in &self.without_headers {
            let header = text.header(name);
            let header = header.map_err(|error| error.in_member(name).in_member("withoutHeaders"))?;
            headers.push(header.inverted());
        }
        Ok((condition, headers))
    }
}

/// Istio's `HTTPFaultInjection`.
#[derive(Clone, Debug, Default, Config)]
#[config(default)]
pub struct IstioFault {
    /// Delay.
    pub delay: Option<IstioDelay>,
    /// Abort.
    pub abort: Option<IstioAbort>,
}

/// Istio's `HTTPFaultInjection.Delay`: exactly one of `fixedDelay` and `exponentialDelay`.
#[derive(Clone, Debug, Default, Config)]
#[config(default, rename_all = "camelCase")]
pub struct IstioDelay {
    /// Length, at least `1ms`.
    pub fixed_delay: Option<Duration>,
    /// Mean of an exponential distribution.
    pub exponential_delay: Option<Duration>,
    /// Share of the requests. Default: none, as in Istio.
    pub percentage: Option<IstioPercent>,
    /// Deprecated: share of the requests, in whole percent.
    #[config(range = 0..=100)]
    pub percent: u32,
}

/// Istio's `HTTPFaultInjection.Abort`: exactly one of `httpStatus`, `grpcStatus` and `http2Error`.
#[derive(Clone, Debug, Default, Config)]
#[config(default, rename_all = "camelCase")]
pub struct IstioAbort {
    /// HTTP status, 200 to 599.
    #[config(range = 200..=599)]
    pub http_status: Option<u16>,
    /// gRPC status, as a name or a number.
    pub grpc_status: Option<GrpcStatus>,
    /// Name of an HTTP/2 error. The stream is reset.
    pub http2_error: Option<String>,
    /// Share of the requests. Default: none, as in Istio.
    pub percentage: Option<IstioPercent>,
}

/// Istio's `Percent`.
#[derive(Clone, Copy, Debug, Default, Config)]
#[config(default)]
pub struct IstioPercent {
    /// Percentage, 0 to 100. More than four decimals are cut off, as in Istio.
    pub value: f64,
}

impl IstioPercent {
    /// Returns the percentage in parts per million.
    pub(crate) fn per_million(self) -> Result<u32, ConfigError> {
        if (0.0..=100.0).contains(&self.value) {
            return Ok((self.value * 10_000.0) as u32);
        }
        Err(ConfigError::new(
            "percentage.value",
            &format_args!("`{}` is not a number from 0 to 100", self.value),
        ))
    }
}

impl IstioDelay {
    /// Returns the distribution and the percentage in parts per million.
    pub(crate) fn compile(&self) -> Result<(Distribution, u32), ConfigError> {
        let distribution = match (self.fixed_delay, self.exponential_delay) {
            (Some(fixed), None) => {
                config::fixed_delay(fixed).map_err(|error| error.in_member("fixedDelay"))?
            }
            (None, Some(mean)) => Distribution::Exponential { mean: mean.as_nanos() },
            _ => return Err(ConfigError::here(&"expected exactly one of `fixedDelay`, `exponentialDelay`")),
        };
        let share = self.percentage.map_or(Ok(self.percent * 10_000), IstioPercent::per_million)?;
        Ok((distribution, share))
    }
}
