//! A scenario as it is written: the fields, their names, and what an editor tells about them.

use super::expect::{Expect, ExpectExchange};
use super::values::{Fields, Piece, Pieces, Time};
use crate::{Certificate, Tls};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A scenario of Tollgate: filters, what stands behind the proxy, what is sent, and what is expected.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "Tollgate scenario")]
pub struct ScenarioFile {
    /// The JSON Schema of this file, for editors.
    #[serde(rename = "$schema")]
    pub schema: Option<String>,
    /// What this scenario shows.
    pub description: Option<String>,
    /// The filters, in the order of Envoy's `http_filters`.
    pub filters: Vec<FilterText>,
    /// What stands behind the proxy. The first is where requests go; the others are reached by callouts. Without any
    /// there is one named `upstream` that answers 200 with the body `ok`.
    pub upstreams: Vec<UpstreamText>,
    /// The requests, sent one after the other.
    pub requests: Vec<RequestText>,
    /// How the proxy is set up.
    pub settings: SettingsText,
    /// What is expected of the whole run.
    pub expect: Expect,
}

/// A filter: a module and the fields of Envoy's `PluginConfig`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FilterText {
    /// The module: a file, relative to this one.
    pub module: Option<PathBuf>,
    /// In place of `module`: a package of this workspace, which is built if needed.
    pub package: Option<String>,
    /// `PluginConfig.name`; the module's name if not given.
    pub name: Option<String>,
    /// `PluginConfig.root_id`.
    pub root_id: String,
    /// `VmConfig.vm_id`.
    pub vm_id: String,
    /// The configuration, which the filter gets as JSON text.
    pub config: Option<Value>,
    /// In place of `config`: the configuration as bytes.
    pub config_text: Option<Piece>,
    /// In place of `config`: the configuration as a `google.protobuf.Struct`, which Envoy hands over as raw protobuf.
    pub config_struct: Option<serde_json::Map<String, Value>>,
    /// `VmConfig.configuration`.
    pub vm_config: Option<Piece>,
    /// `PluginConfig.failure_policy`.
    pub failure_policy: FailurePolicyText,
    /// With `FAIL_RELOAD`: `reload_config.backoff.base_interval`.
    pub reload_after: Option<Time>,
    /// `PluginConfig.allow_on_headers_stop_iteration`.
    pub allow_on_headers_stop_iteration: bool,
    /// The environment variables that the VM sees.
    pub environment: BTreeMap<String, String>,
}

/// What Envoy does with requests once the VM has trapped.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
pub enum FailurePolicyText {
    /// 503 to every further request on that worker.
    #[default]
    #[serde(rename = "FAIL_CLOSED")]
    Closed,
    /// Later requests bypass the filter.
    #[serde(rename = "FAIL_OPEN")]
    Open,
    /// A new VM after a back-off, 503 until then.
    #[serde(rename = "FAIL_RELOAD")]
    Reload,
}

/// A cluster with one endpoint.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpstreamText {
    /// The cluster's name.
    pub name: String,
    /// HTTP/2 without TLS in place of HTTP/1.1; gRPC needs it.
    #[serde(default)]
    pub http2: bool,
    /// No endpoint at all: nothing can be sent to it.
    #[serde(default)]
    pub empty: bool,
    /// Its answer to the first request, the second, ...; the last one is repeated.
    #[serde(default)]
    pub answers: Vec<AnswerText>,
    /// Answers by the beginning of the path, in place of those above. The longest counts.
    #[serde(default)]
    pub by_path: BTreeMap<String, Vec<AnswerText>>,
}

/// What an upstream does with one request.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum AnswerText {
    /// Answers.
    Reply(ReplyText),
    /// Answers a gRPC call.
    Grpc(GrpcText),
    /// Sends the headers and part of the body of an answer, then closes the connection.
    ResetMidResponse(ReplyText),
    /// Closes the connection without an answer.
    Reset,
    /// Never answers.
    Hang,
    /// Does not accept the connection.
    Refuse,
}

/// An HTTP response.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReplyText {
    /// The status code.
    #[schemars(range(min = 100, max = 599))]
    pub status: u16,
    /// Its header fields.
    pub headers: Fields,
    /// Its body.
    pub body: Pieces,
    /// Its trailer fields.
    pub trailers: Fields,
    /// How long it takes.
    pub after: Time,
}

impl Default for ReplyText {
    fn default() -> Self {
        Self {
            status: 200,
            headers: Fields::default(),
            body: Pieces::default(),
            trailers: Fields::default(),
            after: Time::default(),
        }
    }
}

/// A gRPC answer.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GrpcText {
    /// Initial metadata.
    pub initial_metadata: Fields,
    /// Serialised messages, without their 5-byte prefix.
    pub messages: Vec<Piece>,
    /// `grpc-status`.
    pub status: u32,
    /// `grpc-message`.
    pub message: Piece,
    /// How long it takes.
    pub after: Time,
}

/// A request and what is expected of it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RequestText {
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The `Host` header.
    pub authority: String,
    /// All other header fields.
    pub headers: Fields,
    /// The body. In more than one piece it is sent chunked.
    pub body: Pieces,
    /// Trailer fields; a request with trailers is sent chunked.
    pub trailers: Fields,
    /// The certificate that the client shows; `settings.tls` must say that it speaks TLS.
    pub certificate: Option<Certificate>,
    /// What is expected of it.
    pub expect: ExpectExchange,
}

impl Default for RequestText {
    fn default() -> Self {
        Self {
            method: "GET".into(),
            path: "/".into(),
            authority: "tollgate.test".into(),
            headers: Fields::default(),
            body: Pieces::default(),
            trailers: Fields::default(),
            certificate: None,
            expect: ExpectExchange::default(),
        }
    }
}

/// How the proxy is set up. What is not given is as Envoy has it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SettingsText {
    /// Worker threads; requests go to them in turn on the emulator.
    #[schemars(range(min = 1, max = 64))]
    pub workers: Option<usize>,
    /// `generate_request_id` of the connection manager.
    pub generate_request_id: Option<bool>,
    /// Whether clients speak TLS; `off` if not given.
    pub tls: Option<Tls>,
    /// `per_connection_buffer_limit_bytes`.
    pub buffer_limit: Option<u32>,
    /// `route.timeout`.
    pub route_timeout: Option<Time>,
    /// How long to wait after the last request before the outcome is read.
    pub linger: Option<Time>,
    /// How long the client waits for the next byte; 20 seconds if not given.
    pub client_patience: Option<Time>,
    /// The least level of log lines that are kept.
    pub log_level: Option<LogLevelText>,
}

/// A level of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum LogLevelText {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Critical,
}
