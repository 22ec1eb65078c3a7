//! The configuration of Envoy's fault filter: `envoy.extensions.filters.http.fault.v3.HTTPFault`. Names of
//! fields are in snake_case or lowerCamelCase.
//!
//! The fields with names of runtime keys are accepted and have no effect: a Wasm filter cannot read Envoy's
//! runtime. Use the control endpoint.

use crate::config::FromHeader;
use crate::draw;
use tollgate_policy::{
    Config, ConfigError, Duration, GrpcStatus, Headers, Percent, StringMatcher, Value, config, is_token,
};

/// Envoy's `HTTPFault`.
#[derive(Clone, Debug, Default, Config)]
#[config(default)]
pub struct HttpFault {
    /// Type of the message.
    #[config(rename = "@type")]
    pub kind: Option<String>,
    /// Delay.
    pub delay: Option<FaultDelay>,
    /// Abort.
    pub abort: Option<FaultAbort>,
    /// Name of the upstream cluster. Default: any cluster.
    #[config(alias = "upstreamCluster")]
    pub upstream_cluster: String,
    /// Matchers of headers, all of which must match.
    pub headers: Vec<EnvoyHeader>,
    /// Values of `x-envoy-downstream-service-node`, one of which must be equal. Default: any.
    #[config(alias = "downstreamNodes")]
    pub downstream_nodes: Vec<String>,
    /// Maximum number of active faults. The smaller one applies, if `max_active_faults` is also set.
    #[config(alias = "maxActiveFaults")]
    pub max_active_faults: Option<u32>,
    /// Rate limit of responses.
    #[config(alias = "responseRateLimit")]
    pub response_rate_limit: Option<FaultRateLimit>,
    /// Ignored: the filter has no statistics by downstream cluster.
    #[config(alias = "disableDownstreamClusterStats")]
    pub disable_downstream_cluster_stats: bool,
    /// Metadata of a request with a fault: set as the filter state `fault.filter_metadata`, in JSON.
    #[config(alias = "filterMetadata")]
    pub filter_metadata: Option<Json>,
    /// Ignored.
    #[config(alias = "delayPercentRuntime")]
    pub delay_percent_runtime: Option<String>,
    /// Ignored.
    #[config(alias = "abortPercentRuntime")]
    pub abort_percent_runtime: Option<String>,
    /// Ignored.
    #[config(alias = "delayDurationRuntime")]
    pub delay_duration_runtime: Option<String>,
    /// Ignored.
    #[config(alias = "abortHttpStatusRuntime")]
    pub abort_http_status_runtime: Option<String>,
    /// Ignored.
    #[config(alias = "maxActiveFaultsRuntime")]
    pub max_active_faults_runtime: Option<String>,
    /// Ignored.
    #[config(alias = "responseRateLimitPercentRuntime")]
    pub response_rate_limit_percent_runtime: Option<String>,
    /// Ignored.
    #[config(alias = "abortGrpcStatusRuntime")]
    pub abort_grpc_status_runtime: Option<String>,
}

impl HttpFault {
    /// Returns whether a name of a runtime key is given.
    pub(crate) fn names_runtime_keys(&self) -> bool {
        let keys = [
            &self.delay_percent_runtime,
            &self.abort_percent_runtime,
            &self.delay_duration_runtime,
            &self.abort_http_status_runtime,
            &self.max_active_faults_runtime,
            &self.response_rate_limit_percent_runtime,
            &self.abort_grpc_status_runtime,
        ];
        keys.iter().any(|key| key.is_some())
    }
}

/// Envoy's `FaultDelay`: exactly one of `fixed_delay` and `header_delay`.
#[derive(Clone, Debug, Config)]
pub struct FaultDelay {
    /// Length.
    #[config(alias = "fixedDelay")]
    pub fixed_delay: Option<Duration>,
    /// Take the length from the header `x-envoy-fault-delay-request`.
    #[config(alias = "headerDelay")]
    pub header_delay: Option<FromHeader>,
    /// Share of the requests. Default: none, as in Envoy.
    #[config(default)]
    pub percentage: FractionalPercent,
}

/// Envoy's `FaultAbort`: exactly one of `http_status`, `grpc_status` and `header_abort`.
#[derive(Clone, Debug, Config)]
pub struct FaultAbort {
    /// HTTP status, 200 to 599.
    #[config(alias = "httpStatus", range = 200..=599)]
    pub http_status: Option<u16>,
    /// gRPC status.
    #[config(alias = "grpcStatus")]
    pub grpc_status: Option<GrpcStatus>,
    /// Take the status from the headers `x-envoy-fault-abort-request` and `x-envoy-fault-abort-grpc-request`.
    #[config(alias = "headerAbort")]
    pub header_abort: Option<FromHeader>,
    /// Share of the requests. Default: none, as in Envoy.
    #[config(default)]
    pub percentage: FractionalPercent,
}

/// Envoy's `FaultRateLimit`: exactly one of `fixed_limit` and `header_limit`.
#[derive(Clone, Debug, Config)]
pub struct FaultRateLimit {
    /// Fixed rate.
    #[config(alias = "fixedLimit")]
    pub fixed_limit: Option<FixedLimit>,
    /// Take the rate from the header `x-envoy-fault-throughput-response`.
    #[config(alias = "headerLimit")]
    pub header_limit: Option<FromHeader>,
    /// Share of the responses. Default: none, as in Envoy.
    #[config(default)]
    pub percentage: FractionalPercent,
}

/// Envoy's `FaultRateLimit.FixedLimit`.
#[derive(Clone, Copy, Debug, Config)]
pub struct FixedLimit {
    /// Rate in KiB per second, at least 1.
    #[config(alias = "limitKbps", range = 1..=4_294_967_295)]
    pub limit_kbps: u32,
}

/// Envoy's `FractionalPercent`.
#[derive(Clone, Copy, Debug, Default, Config)]
#[config(default)]
pub struct FractionalPercent {
    /// Numerator. More than the denominator is all.
    pub numerator: u32,
    /// Denominator.
    pub denominator: Denominator,
}

/// Envoy's `FractionalPercent.DenominatorType`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Config)]
#[config(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Denominator {
    /// 100.
    #[default]
    Hundred,
    /// 10,000.
    TenThousand,
    /// 1,000,000.
    Million,
}

impl FractionalPercent {
    /// Returns the percentage, and how many parts per million a numerator of 1 is.
    pub(crate) fn parts(self) -> (Percent, u32) {
        let unit = match self.denominator {
            Denominator::Hundred => 10_000,
            Denominator::TenThousand => 100,
            Denominator::Million => 1,
        };
        (draw::percent(self.numerator.saturating_mul(unit)), unit)
    }
}

/// A JSON object, which is passed on unchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Json(pub String);

impl Config for Json {
    fn blank() -> Self {
        Self(String::new())
    }

    fn fill(&mut self, value: &Value) -> Result<(), ConfigError> {
        if !value.is_object() {
            return Err(ConfigError::invalid_type(value, "an object"));
        }
        self.0 = value.to_string();
        Ok(())
    }
}

tollgate_policy::json_schema_of!(
    Json,
    |_generator| tollgate_policy::config::derived::schemars::json_schema!({
        "type": "object", "description": "A JSON object.",
    })
);

/// Envoy's `HeaderMatcher`. An absent header matches neither a test of its value nor the inverted test.
#[derive(Clone, Debug, Config)]
#[config(try_from = RawHeader, blank = Self { name: Box::default(), test: Test::Present(true), invert: false, or_empty: false })]
pub struct EnvoyHeader {
    /// In lower case; may be a pseudo-header.
    name: Box<str>,
    test: Test,
    invert: bool,
    or_empty: bool,
}

#[derive(Clone, Debug)]
enum Test {
    Present(bool),
    Text(StringMatcher),
    Range(i64, i64),
}

impl EnvoyHeader {
    /// Returns a matcher of the presence of a header, or of its value.
    pub(crate) fn new(name: &str, matcher: Option<StringMatcher>) -> Result<Self, String> {
        let test = matcher.map_or(Test::Present(true), Test::Text);
        Ok(Self { name: field_name(name)?, test, invert: false, or_empty: false })
    }

    /// Returns the matcher of all requests that this one does not match.
    pub(crate) fn inverted(self) -> Self {
        Self { invert: true, or_empty: true, ..self }
    }

    /// Returns whether the headers match. One matching line of a repeated header is enough.
    pub fn matches(&self, headers: Headers<'_>) -> bool {
        let value = |value: &[u8]| match &self.test {
            Test::Present(_) => true,
            Test::Text(matcher) => matcher.matches(value),
            Test::Range(start, end) => {
                let number = std::str::from_utf8(value).ok().and_then(|text| text.parse::<i64>().ok());
                number.is_some_and(|number| (*start..*end).contains(&number))
            }
        };
        let is_present = headers.has(&*self.name);
        match &self.test {
            Test::Present(expected) => (is_present == *expected) != self.invert,
            _ if is_present => headers.all(self.name.as_bytes()).any(value) != self.invert,
            _ => self.or_empty && value(b"") != self.invert,
        }
    }
}

/// Returns the name of a header or a pseudo-header in lower case. Envoy moves `host` to `:authority`.
fn field_name(name: &str) -> Result<Box<str>, String> {
    let token = name.strip_prefix(':').unwrap_or(name);
    if !is_token(token.as_bytes()) {
        return Err(format!("`{}` is not the name of a header", name.escape_debug()));
    }
    let name = name.to_ascii_lowercase();
    Ok(if name == "host" { ":authority".into() } else { name.into() })
}

#[derive(Config)]
struct RawHeader {
    /// Name.
    name: String,
    /// Matches the whole value.
    #[config(alias = "exactMatch")]
    exact_match: Option<String>,
    /// Regular expression that must match the whole value.
    #[config(alias = "safeRegexMatch")]
    safe_regex_match: Option<Regex>,
    /// Range of whole numbers.
    #[config(alias = "rangeMatch")]
    range_match: Option<Range>,
    /// Whether the header must be present.
    #[config(alias = "presentMatch")]
    present_match: Option<bool>,
    /// Matches the beginning of the value.
    #[config(alias = "prefixMatch")]
    prefix_match: Option<String>,
    /// Matches the end of the value.
    #[config(alias = "suffixMatch")]
    suffix_match: Option<String>,
    /// Matches a part of the value.
    #[config(alias = "containsMatch")]
    contains_match: Option<String>,
    /// Envoy's `StringMatcher`.
    #[config(alias = "stringMatch")]
    string_match: Option<EnvoyString>,
    /// Whether to invert the result.
    #[config(default, alias = "invertMatch")]
    invert_match: bool,
    /// Whether to test an absent header as an empty value.
    #[config(default, alias = "treatMissingHeaderAsEmpty")]
    treat_missing_header_as_empty: bool,
}

/// Envoy's `RegexMatcher`.
#[derive(Config)]
struct Regex {
    /// Regular expression.
    regex: String,
    /// Ignored: selects Envoy's engine.
    google_re2: Option<Json>,
}

/// Envoy's `Int64Range`.
#[derive(Config)]
#[config(default)]
#[derive(Default)]
struct Range {
    /// First number.
    start: i64,
    /// First number after the range.
    end: i64,
}

/// Envoy's `StringMatcher`.
#[derive(Config, Default)]
#[config(default)]
struct EnvoyString {
    /// Matches the whole value.
    exact: Option<String>,
    /// Matches the beginning of the value.
    prefix: Option<String>,
    /// Matches the end of the value.
    suffix: Option<String>,
    /// Matches a part of the value.
    contains: Option<String>,
    /// Regular expression that must match the whole value.
    #[config(alias = "safeRegex")]
    safe_regex: Option<Regex>,
    /// Whether to ignore the case of letters. Envoy ignores it with `safe_regex`, and so does this filter.
    #[config(alias = "ignoreCase")]
    ignore_case: bool,
}

impl EnvoyString {
    fn matcher(self) -> Result<StringMatcher, String> {
        let Self { exact, prefix, suffix, contains, safe_regex, ignore_case } = self;
        let is_regex = safe_regex.is_some();
        let regex = safe_regex.map(|regex| regex.regex);
        let mut fields = serde_json::Map::new();
        let given = [
            ("exact", exact),
            ("prefix", prefix),
            ("suffix", suffix),
            ("contains", contains),
            ("regex", regex),
        ];
        for (name, text) in given {
            if let Some(text) = text {
                fields.insert(name.into(), text.into());
            }
        }
        if ignore_case && !is_regex {
            fields.insert("ignore_case".into(), true.into());
        }
        config::read(&Value::Object(fields)).map_err(|error| error.message().to_owned())
    }
}

impl TryFrom<RawHeader> for EnvoyHeader {
    type Error = String;

    fn try_from(raw: RawHeader) -> Result<Self, String> {
        let mut tests = Vec::new();
        tests.extend(raw.present_match.map(Test::Present));
        tests.extend(raw.range_match.map(|range| Test::Range(range.start, range.end)));
        let deprecated = EnvoyString {
            exact: raw.exact_match,
            prefix: raw.prefix_match,
            suffix: raw.suffix_match,
            contains: raw.contains_match,
            safe_regex: raw.safe_regex_match,
            ignore_case: false,
        };
        let texts = [&deprecated.exact, &deprecated.prefix, &deprecated.suffix, &deprecated.contains];
        if deprecated.safe_regex.is_some() || texts.iter().any(|text| text.is_some()) {
            tests.push(Test::Text(deprecated.matcher()?));
        }
        if let Some(matcher) = raw.string_match {
            tests.push(Test::Text(matcher.matcher()?));
        }
        if tests.len() > 1 {
            return Err("expected at most one test of the value".into());
        }
        Ok(Self {
            name: field_name(&raw.name)?,
            test: tests.pop().unwrap_or(Test::Present(true)),
            invert: raw.invert_match,
            or_empty: raw.treat_missing_header_as_empty,
        })
    }
}
