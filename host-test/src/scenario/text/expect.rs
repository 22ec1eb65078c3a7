//! The expectations in a scenario file.

use super::each::OneOrEach;
use super::file::LogLevelText;
use super::matchers::{BodyMatch, FieldMatch, TextMatch};
use super::number::NumberMatch;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Expectations of the whole run. A field that is omitted is not checked.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Expect {
    /// Whether the proxy must reject these filters, that is, fail to start.
    pub refused: bool,
    /// Final values of counters and gauges, by name. A filter must define each of them, also those with the
    /// value 0.
    pub metrics: BTreeMap<String, NumberMatch>,
    /// Histograms, by name. A filter must define each of them.
    pub histograms: BTreeMap<String, ExpectHistogram>,
    /// Lines that the filters must log.
    pub logs: Vec<LogText>,
    /// Lines that the filters must log in this order. Other lines may come between them.
    pub log_order: Vec<LogText>,
    /// Lines that the filters must not log.
    pub not_logged: Vec<LogText>,
    /// Callbacks of the filters that must trap, in order, by their names, such as `proxy_on_request_headers`.
    /// A trap that is not expected fails the scenario.
    pub traps: Vec<TextMatch>,
    /// All callouts that must reach an upstream, in order, by the upstream's name.
    pub callouts: BTreeMap<String, Vec<ExpectRequest>>,
    /// How many host calls the filters make in the whole run, by name, such as `proxy_http_call`. Each of the
    /// filters also starts in a VM that tries its configuration, on the main thread, and on each worker. Only
    /// the emulator checks this.
    pub host_calls: BTreeMap<String, NumberMatch>,
    /// How many instructions the most expensive call of a callback executes, by the callback's name, such as
    /// `proxy_on_request_headers`. Only the emulator checks this.
    pub instructions: BTreeMap<String, NumberMatch>,
}

/// Expectations of a histogram. A field that is omitted is not checked. Values from 100 are in buckets of
/// two digits on Envoy, such as 120 to 129. An expectation is met if some value of the bucket meets it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExpectHistogram {
    /// The number of values, which is exact.
    pub count: Option<NumberMatch>,
    /// The sum of the values.
    pub sum: Option<NumberMatch>,
    /// The smallest value.
    pub min: Option<NumberMatch>,
    /// The median.
    pub p50: Option<NumberMatch>,
    /// The value that 90 percent of the values do not exceed.
    pub p90: Option<NumberMatch>,
    /// The value that 95 percent of the values do not exceed.
    pub p95: Option<NumberMatch>,
    /// The value that 99 percent of the values do not exceed.
    pub p99: Option<NumberMatch>,
    /// The largest value.
    pub max: Option<NumberMatch>,
}

/// Matches a line that a filter logs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogText {
    /// The level. Omit it to match any level.
    pub level: Option<LogLevelText>,
    /// The text.
    pub text: TextMatch,
    /// How many lines must match, in `logs`. Defaults to at least one.
    pub count: Option<NumberMatch>,
}

/// Expectations of one request. A field that is omitted is not checked, but a request without a complete
/// response fails unless `end` expects it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExpectExchange {
    /// Status of the response that the client receives.
    pub status: Option<NumberMatch>,
    /// Expected end of a request without a complete response: `reset` or `hang`. Defaults to `reset` for a
    /// request with `disconnect_after`.
    pub end: Option<ExpectEnd>,
    /// Header fields of the response, by name: a value, a list of all values, a matcher for the only value,
    /// or null if the field must be absent.
    pub headers: BTreeMap<String, FieldMatch>,
    /// Names of header fields of the response, in the order in which the fields must come. Other fields may
    /// come between them.
    pub header_order: Vec<String>,
    /// Body of the response.
    pub body: Option<BodyMatch>,
    /// Trailer fields of the response, as `headers`.
    pub trailers: BTreeMap<String, FieldMatch>,
    /// Response code details: Envoy's `%RESPONSE_CODE_DETAILS%`.
    pub details: Option<TextMatch>,
    /// Response flags: Envoy's `%RESPONSE_FLAGS%`, such as `UF` or `URX`, separated by commas; `-` if no flag
    /// is set.
    pub flags: Option<TextMatch>,
    /// The request that the upstream receives, which must be exactly one; or a list with each attempt of a
    /// request that is retried.
    pub upstream: Option<OneOrEach<ExpectRequest>>,
    /// How many requests the upstream receives: 0 if the filter answers, more than one with retries.
    pub upstream_requests: Option<NumberMatch>,
}

/// End of a request without a complete response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExpectEnd {
    /// The connection is closed.
    Reset,
    /// No byte arrives within `settings.client_patience`.
    Hang,
}

/// Expectations of a request that an upstream receives. A field that is omitted is not checked.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExpectRequest {
    /// The upstream's name.
    pub cluster: Option<TextMatch>,
    /// The method.
    pub method: Option<TextMatch>,
    /// Path and query.
    pub path: Option<TextMatch>,
    /// The `Host` header or `:authority`.
    pub authority: Option<TextMatch>,
    /// Header fields, by name: a value, a list of all values, a matcher for the only value, or null if the
    /// field must be absent.
    pub headers: BTreeMap<String, FieldMatch>,
    /// Names of header fields, in the order in which the fields must come. Other fields may come between
    /// them.
    pub header_order: Vec<String>,
    /// The body.
    pub body: Option<BodyMatch>,
    /// Trailer fields, as `headers`.
    pub trailers: BTreeMap<String, FieldMatch>,
    /// Whether the request arrives completely: false if the filter, the client or the proxy ends it early.
    pub ended: Option<bool>,
}
