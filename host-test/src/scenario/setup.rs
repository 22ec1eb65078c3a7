//! The parts of a scenario: filters, and the settings of the proxy.

use super::{Connection, Node, Request, Route, TcpUpstream, Tls, Upstream, VirtualHost};
use crate::Wasm;
use std::time::Duration;

/// Envoy's default of `reload_config.backoff.base_interval`.
pub(crate) const RELOAD_AFTER: Duration = Duration::from_secs(1);

/// A test scenario: a proxy with its filters, its upstreams, and the requests that a client sends through it.
#[derive(Clone, Debug, Default)]
pub struct Scenario {
    /// HTTP filters, in the order of Envoy's `http_filters`. The router follows the last one.
    pub filters: Vec<Filter>,
    /// Filters of Envoy itself, placed between them. The emulator has none and rejects such a scenario.
    pub native_filters: Vec<NativeFilter>,
    /// Upstreams. The catch-all route leads to the first one. Callouts and other routes reach the others.
    pub upstreams: Vec<Upstream>,
    /// Requests, sent one after the other: each when the previous one is complete.
    pub requests: Vec<Request>,
    /// Network filters, on a separate TCP listener. Envoy's TCP proxy follows the last one.
    pub network_filters: Vec<Filter>,
    /// The upstream of the TCP proxy.
    pub tcp_upstream: TcpUpstream,
    /// TCP connections, opened after all requests and one after the other: each when the previous one has
    /// ended.
    pub connections: Vec<Connection>,
    /// Settings of the proxy.
    pub settings: Settings,
}

impl Scenario {
    /// Creates a scenario without filters, with an upstream named `upstream` that answers 200 with the body
    /// `ok`.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a filter after those added before.
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filters.push(filter);
        self
    }

    /// Replaces the filters by one module that contains them, in the same order. The result must be the same.
    ///
    /// # Panics
    /// If the module does not build, or a filter has a configuration that is not JSON text.
    #[track_caller]
    pub fn in_one_module(self) -> Self {
        let packages: Vec<_> = self.filters.iter().map(|filter| filter.wasm.name().to_owned()).collect();
        self.in_one_module_of(&packages)
    }

    /// Replaces the filters by one module of these packages. The packages contain those of the filters in the
    /// same order; the module leaves out the others. So several scenarios can use one module.
    ///
    /// # Panics
    /// If the module does not build, a filter is not among the packages, or it has a configuration that is
    /// not JSON text.
    #[track_caller]
    pub fn in_one_module_of(mut self, packages: &[impl AsRef<str>]) -> Self {
        let mut filters = self.filters.iter().peekable();
        let mut blocks = serde_json::Map::new();
        let mut parts = Vec::new();
        for (index, package) in packages.iter().map(AsRef::as_ref).enumerate() {
            let block = match filters.next_if(|filter| filter.wasm.name() == package) {
                Some(filter) => filter.block(),
                None => serde_json::Value::Null,
            };
            blocks.insert(format!("filter{index}"), block);
            parts.push(format!("filter{index}={package}"));
        }
        if let Some(filter) = filters.next() {
            panic!("the packages of the module do not contain `{}` in this place", filter.wasm.name());
        }
        // Each list has a name of its own: modules of one name would replace each other.
        let name = packages.iter().map(AsRef::as_ref).collect::<Vec<_>>().join("-and-");
        let parts: Vec<_> = parts.iter().map(String::as_str).collect();
        let module = Filter::new(Wasm::chain(&name, &parts));
        self.filters = vec![module.config(serde_json::Value::Object(blocks))];
        self
    }

    /// Adds a filter of Envoy itself after the filters added before. `typed_config` contains its `@type`.
    pub fn native_filter(mut self, name: &str, typed_config: serde_json::Value) -> Self {
        let name = name.into();
        self.native_filters.push(NativeFilter { name, typed_config, filters_before: self.filters.len() });
        self
    }

    /// Adds an upstream. The first one added replaces the default upstream.
    pub fn upstream(mut self, upstream: Upstream) -> Self {
        self.upstreams.push(upstream);
        self
    }

    /// Adds a request.
    pub fn request(mut self, request: Request) -> Self {
        self.requests.push(request);
        self
    }

    /// Adds a route for every authority, after those added before. The first one added replaces the catch-all
    /// route to the first upstream.
    pub fn route(mut self, route: Route) -> Self {
        let hosts = &mut self.settings.virtual_hosts;
        let any = hosts.iter().position(|host| host.domains == ["*"]).unwrap_or_else(|| {
            hosts.push(VirtualHost::new("any", &["*"]));
            hosts.len() - 1
        });
        hosts[any].routes.push(route);
        self
    }

    /// Expects that a filter traps, see `Settings::expect_traps`.
    pub fn expect_traps(mut self) -> Self {
        self.settings.expect_traps = true;
        self
    }

    /// Adds a network filter after those added before.
    pub fn network_filter(mut self, filter: Filter) -> Self {
        self.network_filters.push(filter);
        self
    }

    /// Sets the upstream of the network filters. The default is [`TcpUpstream::Echo`].
    pub fn tcp_upstream(mut self, upstream: TcpUpstream) -> Self {
        self.tcp_upstream = upstream;
        self
    }

    /// Adds a connection to the TCP listener.
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
    /// `VmConfig.configuration` as a `StringValue`; empty to omit it.
    pub vm_configuration: Vec<u8>,
    /// `PluginConfig.failure_policy`.
    pub failure_policy: FailurePolicy,
    /// `PluginConfig.reload_config.backoff.base_interval`: the approximate time before
    /// [`FailurePolicy::FailReload`] starts a new VM.
    pub reload_after: Duration,
    /// `PluginConfig.allow_on_headers_stop_iteration`.
    pub allow_on_headers_stop_iteration: bool,
    /// `VmConfig.environment_variables.key_values`.
    pub environment: Vec<(String, String)>,
}

impl Filter {
    /// Creates a filter with Envoy's defaults and without a configuration.
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

    /// The configuration as the block of a module with several filters.
    #[track_caller]
    fn block(&self) -> serde_json::Value {
        let name = &self.name;
        let Configuration::Text(text) = &self.configuration else {
            panic!("filter `{name}` needs a configuration of JSON text");
        };
        serde_json::from_slice(text).unwrap_or_else(|why| panic!("filter `{name}`: {why}"))
    }

    /// Sets the configuration to JSON text, as Envoy's `StringValue` and Istio's `pluginConfig` deliver it.
    pub fn config(self, json: serde_json::Value) -> Self {
        self.config_text(json.to_string())
    }

    /// Sets the configuration to any bytes, in a `StringValue` (or a `BytesValue`, if they are not UTF-8).
    pub fn config_text(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.configuration = Configuration::Text(text.into());
        self
    }

    /// Sets the configuration to a `google.protobuf.Struct`, which Envoy delivers as raw protobuf.
    pub fn config_struct(mut self, json: serde_json::Value) -> Self {
        self.configuration = Configuration::Struct(json);
        self
    }

    /// Returns the name of the HTTP filter, which is mandatory. The name of the plugin is optional.
    pub(crate) fn http_name(&self) -> &str {
        if self.name.is_empty() { "wasm" } else { &self.name }
    }

    /// Sets the plugin name.
    pub fn named(mut self, name: &str) -> Self {
        self.name = name.into();
        self
    }
}

/// A filter of Envoy itself, to compare its behaviour with that of a Wasm filter.
#[derive(Clone, Debug)]
pub struct NativeFilter {
    /// The name in `http_filters`.
    pub name: String,
    /// The configuration as Envoy's JSON, with its `@type`.
    pub typed_config: serde_json::Value,
    /// How many of [`Scenario::filters`] come before it.
    pub filters_before: usize,
}

/// The value of `PluginConfig.configuration`.
#[derive(Clone, Debug)]
pub enum Configuration {
    /// No configuration: the host calls `proxy_on_configure` with size 0.
    None,
    /// A `StringValue` or `BytesValue`.
    Text(Vec<u8>),
    /// A `google.protobuf.Struct`. The value must be an object.
    Struct(serde_json::Value),
}

/// Behaviour of Envoy after a VM has trapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailurePolicy {
    /// Answers later requests on that worker with 503, and closes connections.
    FailClosed,
    /// Lets later requests and connections bypass the filter. The request during which the VM trapped fails.
    FailOpen,
    /// The deprecated `fail_open: true`: as `FailOpen`, but that request continues too.
    LegacyFailOpen,
    /// Starts a new VM after a back-off, and answers 503 until then.
    FailReload,
}

/// Settings of the proxy. The defaults are Envoy's, unless a field says otherwise.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Number of worker threads. All of them serve the same listener.
    pub workers: usize,
    /// The identity of the proxy. Filters read it as `xds.node`.
    pub node: Node,
    /// `generate_request_id` of the connection manager.
    pub generate_request_id: bool,
    /// Whether clients use TLS for requests. TCP connections never do.
    pub tls: Tls,
    /// Whether the listener reads the server name (SNI) of TLS clients, with Envoy's `tls_inspector`. True by
    /// default. Without it, filters see an empty name.
    pub tls_inspector: bool,
    /// `use_remote_address` of the connection manager: whether the proxy is at the edge. Then the client is
    /// the peer, which the proxy appends to `x-forwarded-for`. Otherwise the client is its last address.
    pub use_remote_address: bool,
    /// `xff_num_trusted_hops` of the connection manager: how many proxies in front of this one are trusted to
    /// append to `x-forwarded-for`.
    pub xff_num_trusted_hops: u32,
    /// `per_connection_buffer_limit_bytes` of the listener and the clusters.
    pub buffer_limit: u32,
    /// `route.timeout`.
    pub route_timeout: Duration,
    /// Routes, by authority. Empty for a catch-all route to the first upstream.
    pub virtual_hosts: Vec<VirtualHost>,
    /// Time to wait after the last request before the outcome is read. The emulator advances its virtual
    /// clock instead.
    pub linger: Duration,
    /// Time that a client waits for the next byte before it closes the connection. On Envoy this is real
    /// time: choose one that is long enough for the slowest machine.
    pub client_patience: Duration,
    /// Minimum level of the log lines in the outcome.
    pub log_level: super::LogLevel,
    /// Whether a filter traps in this scenario. False by default, and then a trap fails
    /// [`Host::run`](crate::Host::run): the response to its request is often one that the filter could also
    /// send.
    pub expect_traps: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            workers: 1,
            node: Node::default(),
            generate_request_id: true,
            tls: Tls::Off,
            tls_inspector: true,
            use_remote_address: false,
            xff_num_trusted_hops: 0,
            buffer_limit: 1 << 20,
            route_timeout: Duration::from_secs(15),
            virtual_hosts: Vec::new(),
            linger: Duration::ZERO,
            client_patience: Duration::from_secs(20),
            log_level: super::LogLevel::Debug,
            expect_traps: false,
        }
    }
}
