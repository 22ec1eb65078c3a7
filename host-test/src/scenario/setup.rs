//! What a scenario is made of: filters, upstreams, requests and the settings of the proxy.

use super::{Connection, Request, Response, Route, TcpUpstream, Tls, VirtualHost};
use crate::Wasm;
use std::time::Duration;

/// Envoy's default of `reload_config.backoff.base_interval`.
pub(crate) const RELOAD_AFTER: Duration = Duration::from_secs(1);

/// One proxy, what is loaded into it, what stands behind it, and what is sent through it.
#[derive(Clone, Debug, Default)]
pub struct Scenario {
    /// In the order of Envoy's `http_filters`; the router comes after the last.
    pub filters: Vec<Filter>,
    /// Filters of Envoy's own among them. The emulator has none and refuses the scenario.
    pub native_filters: Vec<NativeFilter>,
    /// The first is the cluster of the catch-all route; the others are reached by callouts, and by routes of their own.
    pub upstreams: Vec<Upstream>,
    /// Sent one after the other, each when the one before is complete.
    pub requests: Vec<Request>,
    /// Network filters, on a listener for TCP of their own; Envoy's TCP proxy comes after the last.
    pub network_filters: Vec<Filter>,
    /// What the TCP proxy connects to.
    pub tcp_upstream: TcpUpstream,
    /// Made one after the other, each when the one before is over, and behind all requests.
    pub connections: Vec<Connection>,
    /// How the proxy is set up.
    pub settings: Settings,
}

impl Scenario {
    /// A proxy without filters in front of an upstream named `upstream` that answers 200 with the body `ok`.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a filter behind those added before.
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filters.push(filter);
        self
    }

    /// Adds a filter of Envoy's own behind the filters added before: its name, and its `typed_config` with its `@type`.
    pub fn native_filter(mut self, name: &str, typed_config: serde_json::Value) -> Self {
        let name = name.into();
        self.native_filters.push(NativeFilter { name, typed_config, behind: self.filters.len() });
        self
    }

    /// Adds an upstream. The first one added takes the place of the default one.
    pub fn upstream(mut self, upstream: Upstream) -> Self {
        self.upstreams.push(upstream);
        self
    }

    /// Adds a request.
    pub fn request(mut self, request: Request) -> Self {
        self.requests.push(request);
        self
    }

    /// Adds a route for every authority, behind those added before. The first one added takes the place of the
    /// catch-all route to the first upstream.
    pub fn route(mut self, route: Route) -> Self {
        let hosts = &mut self.settings.virtual_hosts;
        let any = hosts.iter().position(|host| host.domains == ["*"]).unwrap_or_else(|| {
            hosts.push(VirtualHost::new("any", &["*"]));
            hosts.len() - 1
        });
        hosts[any].routes.push(route);
        self
    }

    /// Adds a network filter behind those added before.
    pub fn network_filter(mut self, filter: Filter) -> Self {
        self.network_filters.push(filter);
        self
    }

    /// Says what stands behind the network filters. Without it, an echo.
    pub fn tcp_upstream(mut self, upstream: TcpUpstream) -> Self {
        self.tcp_upstream = upstream;
        self
    }

    /// Adds a connection to the listener for TCP.
    pub fn connection(mut self, connection: Connection) -> Self {
        self.connections.push(connection);
        self
    }

    /// Changes the settings of the proxy.
    pub fn settings(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }
}

/// A Wasm filter: the fields of Envoy's `PluginConfig` that a test may want to set.
#[derive(Clone, Debug)]
pub struct Filter {
    /// The module.
    pub wasm: Wasm,
    /// `PluginConfig.name`: names the plugin's statistics and its log lines.
    pub name: String,
    /// `PluginConfig.root_id`.
    pub root_id: String,
    /// `VmConfig.vm_id`: the namespace of shared data and queues.
    pub vm_id: String,
    /// `PluginConfig.configuration`.
    pub configuration: Configuration,
    /// `VmConfig.configuration`, as a `StringValue`; empty for none.
    pub vm_configuration: Vec<u8>,
    /// `PluginConfig.failure_policy`.
    pub failure_policy: FailurePolicy,
    /// `PluginConfig.reload_config.backoff.base_interval`: how long, more or less, a VM that has failed stays so before
    /// it is started anew under [`FailurePolicy::FailReload`].
    pub reload_after: Duration,
    /// `PluginConfig.allow_on_headers_stop_iteration`.
    pub allow_on_headers_stop_iteration: bool,
    /// `VmConfig.environment_variables.key_values`.
    pub environment: Vec<(String, String)>,
}

impl Filter {
    /// A filter with Envoy's defaults and no configuration.
    pub fn new(wasm: Wasm) -> Self {
        Self {
            name: wasm.name().into(),
            wasm,
            root_id: String::new(),
            vm_id: String::new(),
            configuration: Configuration::None,
            vm_configuration: Vec::new(),
            failure_policy: FailurePolicy::FailClosed,
            reload_after: RELOAD_AFTER,
            allow_on_headers_stop_iteration: false,
            environment: Vec::new(),
        }
    }

    /// Configures it with JSON text, as Envoy's `StringValue` and Istio's `pluginConfig` deliver it.
    pub fn config(self, json: serde_json::Value) -> Self {
        self.config_text(json.to_string())
    }

    /// Configures it with any bytes in a `StringValue` (or a `BytesValue`, if they are not UTF-8).
    pub fn config_text(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.configuration = Configuration::Text(text.into());
        self
    }

    /// Configures it with a `google.protobuf.Struct`, which Envoy hands over as raw protobuf.
    pub fn config_struct(mut self, json: serde_json::Value) -> Self {
        self.configuration = Configuration::Struct(json);
        self
    }

    /// The name of the HTTP filter. It must have one; a plugin need not.
    pub(crate) fn http_name(&self) -> &str {
        if self.name.is_empty() { "wasm" } else { &self.name }
    }

    /// Gives it another plugin name.
    pub fn named(mut self, name: &str) -> Self {
        self.name = name.into();
        self
    }
}

/// A filter of Envoy's own, to see what it makes of the same requests.
#[derive(Clone, Debug)]
pub struct NativeFilter {
    /// Its name in `http_filters`.
    pub name: String,
    /// Its configuration as Envoy's JSON, with its `@type`.
    pub typed_config: serde_json::Value,
    /// How many of [`Scenario::filters`] come before it.
    pub behind: usize,
}

/// What `PluginConfig.configuration` holds.
#[derive(Clone, Debug)]
pub enum Configuration {
    /// Nothing: `proxy_on_configure` is called with size 0.
    None,
    /// A `StringValue` or `BytesValue`.
    Text(Vec<u8>),
    /// A `google.protobuf.Struct`; the value must be an object.
    Struct(serde_json::Value),
}

/// What Envoy does with requests and connections once the VM has trapped. The one that trapped fails in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailurePolicy {
    /// 503 to every further request on that worker; connections are closed.
    FailClosed,
    /// Later requests and connections bypass the filter.
    FailOpen,
    /// The deprecated `fail_open: true`: as `FailOpen`, and the request that it failed on goes on too.
    LegacyFailOpen,
    /// A new VM after a back-off, 503 until then.
    FailReload,
}

/// Something behind the proxy: an Envoy cluster of this name with one endpoint (or none).
#[derive(Clone, Debug)]
pub struct Upstream {
    /// The cluster's name.
    pub name: String,
    /// Its answer to the first request, the second, ... The last one is repeated.
    pub answers: Vec<Answer>,
    /// Answers to requests whose path begins with this (up to its end, a `/` or a `?`), in turn, in place of those
    /// above. The longest prefix counts.
    /// To refuse a connection is not among them: it is refused before there is a path.
    pub by_path: Vec<(String, Vec<Answer>)>,
    /// HTTP/2 without TLS in place of HTTP/1.1; gRPC needs it.
    pub http2: bool,
    /// A cluster without endpoints: there is nothing that a request could be sent to.
    pub empty: bool,
}

impl Upstream {
    /// An HTTP/1.1 upstream that answers each request the same.
    pub fn replies(name: &str, response: Response) -> Self {
        Self::answers(name, vec![Answer::Reply { response, after: Duration::ZERO }])
    }

    /// An HTTP/1.1 upstream that gives these answers in turn.
    pub fn answers(name: &str, answers: Vec<Answer>) -> Self {
        Self { name: name.into(), answers, by_path: Vec::new(), http2: false, empty: false }
    }

    /// A cluster without endpoints.
    pub fn empty(name: &str) -> Self {
        Self { empty: true, ..Self::answers(name, vec![Answer::Refuse]) }
    }

    /// A gRPC upstream (HTTP/2) that gives these answers in turn.
    pub fn grpc(name: &str, answers: Vec<Answer>) -> Self {
        Self { name: name.into(), answers, by_path: Vec::new(), http2: true, empty: false }
    }

    /// Gives requests whose path begins with `path` these answers in turn.
    #[track_caller]
    pub fn on(mut self, path: &str, answers: Vec<Answer>) -> Self {
        let refuses = answers.iter().any(|a| matches!(a, Answer::Refuse));
        assert!(!refuses, "upstream `{}`: a connection is refused whatever the path (`{path}`)", self.name);
        self.by_path.push((path.into(), answers));
        self
    }
}

/// What an upstream does with one request.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Reads the whole request, waits, answers.
    Reply {
        /// The answer.
        response: Response,
        /// How long it takes; on the emulator, on the virtual clock.
        after: Duration,
    },
    /// Answers a gRPC call: messages, then trailers with the status.
    Grpc {
        /// Sent as initial metadata.
        initial_metadata: super::Headers,
        /// Serialised messages without their 5-byte prefix.
        messages: Vec<Vec<u8>>,
        /// `grpc-status`.
        status: u32,
        /// `grpc-message`; may be any bytes.
        message: Vec<u8>,
        /// How long it takes.
        after: Duration,
    },
    /// Reads the request, then closes the connection without an answer.
    Reset,
    /// Sends the headers and part of the body of an answer, then closes the connection.
    ResetMidResponse(Response),
    /// Reads the request and never answers.
    Hang,
    /// Does not accept the connection.
    Refuse,
}

/// How the proxy is set up. The defaults are Envoy's.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Worker threads; requests of a scenario are all sent to one listener.
    pub workers: usize,
    /// `generate_request_id` of the connection manager.
    pub generate_request_id: bool,
    /// Whether clients speak TLS. TCP connections do not.
    pub tls: Tls,
    /// `per_connection_buffer_limit_bytes` of the listener and the clusters.
    pub buffer_limit: u32,
    /// `route.timeout`.
    pub route_timeout: Duration,
    /// Where requests go; empty for a catch-all route to the first upstream.
    pub virtual_hosts: Vec<VirtualHost>,
    /// How long to wait, on the emulator's clock or the wall's, after the last request before the outcome is read.
    pub linger: Duration,
    /// How long a client waits for the next byte before it hangs up; by the wall's clock it must be long enough for
    /// the slowest machine.
    pub client_patience: Duration,
    /// The least level of log lines kept in the outcome.
    pub log_level: super::LogLevel,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            workers: 1,
            generate_request_id: true,
            tls: Tls::Off,
            buffer_limit: 1 << 20,
            route_timeout: Duration::from_secs(15),
            virtual_hosts: Vec::new(),
            linger: Duration::ZERO,
            client_patience: Duration::from_secs(20),
            log_level: super::LogLevel::Debug,
        }
    }
}
