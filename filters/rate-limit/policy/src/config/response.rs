//! Responses to clients, and headers for upstreams.

pub use tollgate_policy::BodyFormat;
use tollgate_policy::{EditableName, HeaderValue, Read, ReadError, Value, read_names, read_object};

/// Responses to clients, and headers for upstreams. A rejected gRPC request always gets a gRPC status.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
pub struct Response {
    /// Status of a rejection, 400 to 599. Default: 429.
    pub status: Status,
    /// Format of the body of a rejection. Default: `text`.
    pub body_format: Option<BodyFormat>,
    /// Text to send as the body of a rejection, in place of `body_format`; at most 16384 bytes.
    pub body: Option<String>,
    /// `Content-Type` of `body`. Default: `text/plain`.
    pub content_type: Option<HeaderValue>,
    /// Whether to add `Retry-After` to rejections. Default: `true`.
    pub retry_after: bool,
    /// Whether to add the IETF headers `RateLimit` and `RateLimit-Policy` to responses. Default: `true`.
    pub rate_limit_headers: bool,
    /// Adds Envoy's headers `X-RateLimit-Limit`, `-Remaining` and `-Reset` to responses. Default: `OFF`.
    pub enable_x_ratelimit_headers: XRateLimitHeaders,
    /// Whether to reject gRPC requests with `RESOURCE_EXHAUSTED` instead of `UNAVAILABLE`. Default: `false`.
    pub rate_limited_as_resource_exhausted: bool,
    /// Omit `x-envoy-ratelimited` when the service rejects a request. Default: `false`.
    pub disable_x_envoy_ratelimited_header: bool,
    /// Headers to add to rejections.
    pub response_headers_to_add: Vec<HeaderToAdd>,
    /// Headers to set for the upstream when a request would have been rejected but is not, because of
    /// `shadow` or `filter_enforced`.
    pub request_headers_to_add_when_not_enforced: Vec<HeaderToAdd>,
}

impl Default for Response {
    fn default() -> Self {
        Self {
            status: Status { code: 429 },
            body_format: None,
            body: None,
            content_type: None,
            retry_after: true,
            rate_limit_headers: true,
            enable_x_ratelimit_headers: XRateLimitHeaders::Off,
            rate_limited_as_resource_exhausted: false,
            disable_x_envoy_ratelimited_header: false,
            response_headers_to_add: Vec::new(),
            request_headers_to_add_when_not_enforced: Vec::new(),
        }
    }
}

read_object!(
    Response = Self::default();
    status or "rate_limited_status",
    body_format,
    body,
    content_type,
    retry_after or "enable_retry_after_header",
    rate_limit_headers,
    enable_x_ratelimit_headers,
    rate_limited_as_resource_exhausted,
    disable_x_envoy_ratelimited_header,
    response_headers_to_add,
    request_headers_to_add_when_not_enforced,
);

/// A status: `429`, or `{code: 429}` as in Envoy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// Status code.
    pub code: u16,
}

struct EnvoyStatus {
    code: u16,
}

read_object!(EnvoyStatus = Self { code: 0 }; code (required));

impl Read for Status {
    fn blank() -> Self {
        Self { code: 0 }
    }

    fn fill(&mut self, value: &Value) -> Result<(), ReadError> {
        self.code = match value {
            Value::Object(_) => tollgate_policy::read::<EnvoyStatus>(value)?.code,
            _ => tollgate_policy::read(value)?,
        };
        Ok(())
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Status {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Status".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let code = schemars::json_schema!({
            "type": "integer", "minimum": 400, "maximum": 599, "description": "Status code.",
        });
        schemars::json_schema!({
            "description": "A status: `429`, or `{code: 429}` as in Envoy.",
            "anyOf": [
                code,
                {
                    "type": "object",
                    "properties": { "code": code },
                    "required": ["code"],
                    "additionalProperties": false,
                },
            ],
        })
    }
}

/// Envoy's `X-RateLimit-*` headers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum XRateLimitHeaders {
    /// No such headers.
    #[default]
    #[cfg_attr(feature = "schema", schemars(rename = "OFF"))]
    Off,
    /// Headers of version 03 of the IETF draft.
    #[cfg_attr(feature = "schema", schemars(rename = "DRAFT_VERSION_03"))]
    Draft03,
}

read_names!(XRateLimitHeaders { "OFF" => Off, "DRAFT_VERSION_03" => Draft03 });

/// A header to add, as in Envoy: `{header: {key: x-team, value: blue}}`.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct HeaderToAdd {
    /// Header to add.
    pub header: HeaderValueOption,
}

/// A header and its value.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct HeaderValueOption {
    /// Name of the header.
    pub key: EditableName,
    /// Value of the header, which is sent unchanged. `%..%` references are not supported.
    pub value: HeaderValue,
}

const ADDED: &str = "not supported; remove this field";

read_object!(HeaderToAdd = Self { header: Read::blank() }; header (required); instead [
    ("append", ADDED),
    ("append_action", ADDED),
    ("keep_empty_value", "an empty value is always kept; remove this field"),
]);
read_object!(
    HeaderValueOption = Self { key: Read::blank(), value: Read::blank() };
    key (required), value (required);
    instead [("raw_value", "use `value`")]
);
