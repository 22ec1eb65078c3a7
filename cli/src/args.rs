//! The command line.

use crate::plugin::PluginArgs;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use std::path::PathBuf;

const EXIT_CODES: &str = "\
Exit codes:
  0  success: the module loads, the configuration is accepted, all expectations are met, or
     (explain) the decision is explained, also if the request is denied
  1  failure: the module does not load or exports no callback, the configuration is rejected, or an
     expectation is not met
  2  invalid input: the command line is wrong, or a file is unreadable or malformed
  3  not checked: no module or no Envoy available, no Wasm filter in the file, no configuration of
     the rbac filter in the file (explain, authz test), or
     (run, trace) the host rejected the filters, so no request was sent
With several results, 2 takes precedence over 1, and 1 over 3.";

/// Inspect, check, run and trace proxy-wasm modules as Envoy would.
#[derive(Debug, Parser)]
#[command(name = "tollgate", version, after_help = EXIT_CODES)]
pub struct Cli {
    /// Print JSON
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub command: Command,
}

/// The command to run.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the contents of a module, and whether Envoy would load it
    #[command(after_help = EXIT_CODES)]
    Inspect(InspectArgs),
    /// Check the configuration of every Wasm filter in a file, or of one module, by loading the module
    #[command(after_help = EXIT_CODES)]
    Check(CheckArgs),
    /// Create the package of a filter, with a test, a scenario and a WasmPlugin
    #[command(after_help = EXIT_CODES)]
    New(NewArgs),
    /// Build one module of one or several filters, which run in this order
    #[command(after_help = EXIT_CODES)]
    Build(BuildArgs),
    /// Run scenarios, and check their expectations
    #[command(after_help = EXIT_CODES)]
    Run(RunArgs),
    /// Show the host calls of a module for one request
    #[command(after_help = EXIT_CODES)]
    Trace(TraceArgs),
    /// Explain which rules of the rbac filter match a request, which one decides, and why
    #[command(after_help = EXIT_CODES)]
    Explain(Box<ExplainArgs>),
    /// Test policies of the rbac filter
    #[command(after_help = EXIT_CODES)]
    Authz {
        /// Command
        #[command(subcommand)]
        command: AuthzCommand,
    },
    /// Print the rules with which Envoy turns the names of metrics into labels, for its bootstrap
    #[command(after_help = EXIT_CODES)]
    StatsTags(StatsTagsArgs),
    /// Print the JSON Schema of scenarios, or of tables for `authz test`
    Schema {
        /// Kind of file
        #[arg(value_enum, default_value_t = SchemaOf::Scenario)]
        of: SchemaOf,
    },
    /// Print the completion script for a shell
    Completions {
        /// Shell to complete for
        shell: Shell,
    },
}

/// Arguments of `inspect`.
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// Module to inspect
    pub module: PathBuf,
}

/// Arguments of `new`.
#[derive(Debug, Args)]
pub struct NewArgs {
    /// Folder to create. Its name is that of the package
    pub folder: PathBuf,
    /// Clone of Tollgate whose SDK the package uses; default: the clone that this program was built from
    #[arg(long, value_name = "FOLDER")]
    pub tollgate: Option<PathBuf>,
}

/// Arguments of `build`.
#[derive(Debug, Args)]
pub struct BuildArgs {
    /// Filters: `jwt-authn`, the folder of a package, or `name=filter` to name its block in the configuration
    #[arg(required = true)]
    pub filters: Vec<String>,
    /// File to write the module to
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
}

/// Arguments of `stats-tags`.
#[derive(Debug, Args)]
pub struct StatsTagsArgs {
    /// Modules whose metrics get labels
    #[arg(required = true)]
    pub modules: Vec<PathBuf>,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("input").required(true).args(["files", "wasm"]).multiple(false))]
pub struct CheckArgs {
    /// Envoy configurations (a bootstrap, a listener, any other resource) or Istio resources, as YAML or JSON
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub plugin: PluginArgs,
    /// Local file to load for a URL, an image, a SHA-256 or a path: `--module hello=target/dist/hello.wasm`
    #[arg(long, value_name = "NAME=FILE", value_parser = pair, conflicts_with = "wasm")]
    pub module: Vec<(String, String)>,
    /// Folder of modules named after the last part of their URL or image: `hello.wasm` for
    /// `oci://a/b/hello:1`
    #[arg(long, value_name = "FOLDER", conflicts_with = "wasm")]
    pub modules: Option<PathBuf>,
}

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Scenario files, as YAML or JSON
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Host to run the scenarios on
    #[arg(long, value_enum, default_value_t = On::Emulator)]
    pub on: On,
}

/// The hosts that scenarios run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum On {
    /// The emulated host
    Emulator,
    /// A real Envoy: the one that `ENVOY` names, or the one on `PATH`
    Envoy,
    /// The emulated host, then a real Envoy
    Both,
}

/// Arguments of `trace`.
#[derive(Debug, Args)]
pub struct TraceArgs {
    /// A scenario file; with --wasm, a method and a path, or only a path
    #[arg(required = true, num_args = 1..=2, value_name = "SCENARIO | [METHOD] PATH")]
    pub target: Vec<String>,
    #[command(flatten)]
    pub plugin: PluginArgs,
    /// Index of the request in the scenario, from 0
    #[arg(long, default_value_t = 0, conflicts_with = "wasm")]
    pub request: usize,
    /// Header of the request: `-H 'x-team: red'`
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = field, requires = "wasm")]
    pub headers: Vec<(String, String)>,
    /// Body of the request; the default method is then POST
    #[arg(long, requires = "wasm")]
    pub data: Option<String>,
}

/// Files that have a JSON Schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// Scenarios for `run`
    Scenario,
    /// Tables for `authz test`
    AuthzTable,
}

/// Commands of `authz`.
#[derive(Debug, Subcommand)]
pub enum AuthzCommand {
    /// Decide about the requests of a table, and compare the decisions with the expected ones
    #[command(after_help = EXIT_CODES)]
    Test(AuthzTestArgs),
}

/// Arguments of `authz test`.
#[derive(Debug, Args)]
pub struct AuthzTestArgs {
    /// File with the configuration of the rbac filter, as in `explain`
    pub file: PathBuf,
    /// Table of requests with the expected decisions, as YAML or JSON
    pub table: PathBuf,
    /// Name or path of the filter, or name of its block, if the file has several
    #[arg(long, value_name = "NAME")]
    pub filter: Option<String>,
}

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// Configuration of the rbac filter, an Envoy configuration or a WasmPlugin that contains it, or
    /// AuthorizationPolicy resources, as YAML or JSON
    pub file: PathBuf,
    /// Name or path of the filter, or name of its block, if the file has several
    #[arg(long, value_name = "NAME")]
    pub filter: Option<String>,
    /// Show all rules, not only those that decide, match or nearly match
    #[arg(long)]
    pub all: bool,
    #[command(flatten)]
    pub request: RequestArgs,
}

/// The request of `explain`.
#[derive(Debug, Args)]
pub struct RequestArgs {
    /// Method; default: GET
    #[arg(long)]
    pub method: Option<String>,
    /// URL, such as `https://shop.example/orders?page=2`; it is not normalised
    #[arg(long)]
    pub url: Option<String>,
    /// Host, with its port if the client sends it
    #[arg(long)]
    pub host: Option<String>,
    /// Path, with its query; it is not normalised
    #[arg(long, required_unless_present = "url")]
    pub path: Option<String>,
    /// Header: `-H 'x-team: red'`; repeat it for several lines
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = field)]
    pub headers: Vec<(String, String)>,
    /// Claims of the verified token, or a file with them
    #[arg(long, value_name = "JSON | @FILE")]
    pub claims: Option<String>,
    /// Address of the client
    #[arg(long, value_name = "ADDRESS")]
    pub source_ip: Option<String>,
    /// Port of the client
    #[arg(long, value_name = "PORT")]
    pub source_port: Option<u16>,
    /// Address of the peer of the connection, if the configuration has `peer_address_filter_state`
    #[arg(long, value_name = "ADDRESS")]
    pub peer_ip: Option<String>,
    /// Address at which the proxy received the connection
    #[arg(long, value_name = "ADDRESS")]
    pub destination_ip: Option<String>,
    /// Port at which the proxy received the connection
    #[arg(long, value_name = "PORT")]
    pub destination_port: Option<u16>,
    /// Server name that the client requested
    #[arg(long, value_name = "NAME")]
    pub sni: Option<String>,
    /// TLS version, such as `TLSv1.3`
    #[arg(long, value_name = "VERSION")]
    pub tls_version: Option<String>,
    /// URI of the certificate of the peer: `spiffe://cluster.local/ns/shop/sa/cart`
    #[arg(long, value_name = "URI")]
    pub principal: Option<String>,
    /// DNS name of the certificate of the peer
    #[arg(long, value_name = "NAME")]
    pub dns_san: Option<String>,
    /// Subject of the certificate of the peer
    #[arg(long)]
    pub subject: Option<String>,
    /// Dynamic metadata of earlier filters, by namespace
    #[arg(long, value_name = "JSON | @FILE")]
    pub metadata: Option<String>,
    /// Metadata of the route, by namespace
    #[arg(long, value_name = "JSON | @FILE")]
    pub route_metadata: Option<String>,
    /// Filter state of an earlier filter: `--filter-state wasm.tenant=acme`
    #[arg(long, value_name = "NAME=VALUE", value_parser = state)]
    pub filter_state: Vec<(String, String)>,
}

/// Parses `NAME=VALUE`, splitting at the first `=`.
fn state(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.into(), value.into())),
        _ => Err("expected NAME=VALUE".into()),
    }
}

/// Parses `NAME=VALUE`, splitting at the last `=`.
pub fn pair(text: &str) -> Result<(String, String), String> {
    // A URL may contain `=`; a path rarely does.
    match text.rsplit_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.into(), value.into())),
        _ => Err("expected NAME=VALUE".into()),
    }
}

/// Parses `NAME: VALUE`.
fn field(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        Some((name, value)) if !name.is_empty() => Ok((name.into(), value.trim().into())),
        _ => Err("expected NAME: VALUE".into()),
    }
}
