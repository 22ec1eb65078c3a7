//! What clients and upstreams are told.

pub use tollgate_policy::BodyFormat;
use tollgate_policy::{EditableName, HeaderValue, Read, ReadError, Value, read_names, read_object};

/// What clients and upstreams are told. A gRPC request that is refused always gets a gRPC status.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
pub struct Response {
    /// The status of a refusal, 400 to 599. Default: 429.
    pub status: Status,
    /// The body of a refusal. Default: `text`.
    pub body_format: Option<BodyFormat>,
    /// A text that is the body of a refusal, in place of `body_format`; 16384 bytes at most.
    pub body: Option<String>,
    /// The `Content-Type` of that text. Default: `text/plain`.
    pub content_type: Option<HeaderValue>,
    /// Whether a refusal says after how many seconds to try again: `Retry-After`. Default: `true`.
    pub retry_after: bool,
    /// Whether responses say where the client stands: `RateLimit` and `RateLimit-Policy` of the IETF. Default: `true`.
    pub rate_limit_headers: bool,
    /// Whether responses say so in Envoy's way too: `X-RateLimit-Limit`, `-Remaining` and `-Reset`. Default: `OFF`.
    pub enable_x_ratelimit_headers: XRateLimitHeaders,
    /// Whether a gRPC request gets `RESOURCE_EXHAUSTED` in place of `UNAVAILABLE`. Default: `false`.
    pub rate_limited_as_resource_exhausted: bool,
    /// Whether a refusal goes without `x-envoy-ratelimited`. Default: `false`.
    pub disable_x_envoy_ratelimited_header: bool,
    /// Added to a refusal.
    pub response_headers_to_add: Vec<HeaderToAdd>,
    /// Added for the upstream, to a request that would have been refused: in shadow mode, or as `filter_enforced` says.
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

/// A status: `429`, or as Envoy writes it, `{code: 429}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// The number.
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
            "type": "integer", "minimum": 400, "maximum": 599, "description": "the number",
        });
        schemars::json_schema!({
            "description": "a status: `429`, or as Envoy writes it, `{code: 429}`",
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

/// Envoy's headers about limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum XRateLimitHeaders {
    /// None.
    #[default]
    #[cfg_attr(feature = "schema", schemars(rename = "OFF"))]
    Off,
    /// As in version 03 of the IETF's draft.
    #[cfg_attr(feature = "schema", schemars(rename = "DRAFT_VERSION_03"))]
    Draft03,
}

read_names!(XRateLimitHeaders { "OFF" => Off, "DRAFT_VERSION_03" => Draft03 });

/// A header to add, as Envoy writes it: `{header: {key: x-team, value: blue}}`.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct HeaderToAdd {
    /// The header.
    pub header: HeaderValueOption,
}

/// A header and its value.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct HeaderValueOption {
    /// Its name.
    pub key: EditableName,
    /// Its value, as it is: there is no `%..%` in it.
    pub value: HeaderValue,
}

const ADDED: &str = "a header is always added to those of its name; leave it out";

read_object!(HeaderToAdd = Self { header: Read::blank() }; header (required); instead [
    ("append", ADDED),
    ("append_action", ADDED),
    ("keep_empty_value", "an empty value is always kept; leave it out"),
]);
read_object!(
    HeaderValueOption = Self { key: Read::blank(), value: Read::blank() };
    key (required), value (required);
    instead [("raw_value", "give the text as `value`")]
);
