//! The command line.

use crate::plugin::PluginArgs;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use std::path::PathBuf;

const EXIT_CODES: &str = "\
Exit codes:
  0  yes: the module loads, the configuration is taken, the expectations hold
  1  no
  2  the command line makes no sense, or a file cannot be read or is malformed
  3  not tried: a module or an Envoy is not at hand, a file has nothing to check, or
     (run, trace) the host refused the filters, so that no request was sent
Of several, 2 comes before 1, and 1 before 3.";

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

/// What is to be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what is in a module, and whether Envoy would load it
    #[command(after_help = EXIT_CODES)]
    Inspect(InspectArgs),
    /// Try the configuration of every Wasm filter in a file, or of one module, on the module itself
    #[command(after_help = EXIT_CODES)]
    Check(CheckArgs),
    /// Run scenarios, and check what they expect
    #[command(after_help = EXIT_CODES)]
    Run(RunArgs),
    /// Show the host calls that a module makes for one request
    #[command(after_help = EXIT_CODES)]
    Trace(TraceArgs),
    /// Print the JSON Schema of scenarios
    Schema,
    /// Print the completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// `inspect`.
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// The module
    pub module: PathBuf,
}

/// `check`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["files", "wasm"]).multiple(false))]
pub struct CheckArgs {
    /// Envoy configurations (a bootstrap, a listener, any resource) and Istio resources, as YAML or JSON
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub plugin: PluginArgs,
    /// The module behind a URL, an image, a SHA-256 or a path: `--module hello=target/dist/hello.wasm`
    #[arg(long, value_name = "NAME=FILE", value_parser = pair, conflicts_with = "wasm")]
    pub module: Vec<(String, String)>,
    /// A folder with modules named after the last part of their URL or image: `oci://a/b/hello:1` is `hello.wasm`
    #[arg(long, value_name = "FOLDER", conflicts_with = "wasm")]
    pub modules: Option<PathBuf>,
}

/// `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Scenarios, as YAML or JSON
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Where to run them
    #[arg(long, value_enum, default_value_t = On::Emulator)]
    pub on: On,
}

/// Where scenarios run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum On {
    /// The emulated host
    Emulator,
    /// A real Envoy: `ENVOY`, or the one on `PATH`
    Envoy,
    /// One after the other
    Both,
}

/// `trace`.
#[derive(Debug, Args)]
pub struct TraceArgs {
    /// A scenario; or with --wasm a method and a path, or a path alone
    #[arg(required = true, num_args = 1..=2, value_name = "SCENARIO | [METHOD] PATH")]
    pub what: Vec<String>,
    #[command(flatten)]
    pub plugin: PluginArgs,
    /// Which request of the scenario; the first is 0
    #[arg(long, default_value_t = 0, conflicts_with = "wasm")]
    pub request: usize,
    /// A header field of the request: `-H 'x-team: red'`
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = field, requires = "wasm")]
    pub headers: Vec<(String, String)>,
    /// The body of the request, which makes it a POST if no method is given
    #[arg(long, requires = "wasm")]
    pub data: Option<String>,
}

/// `K=V`.
pub fn pair(text: &str) -> Result<(String, String), String> {
    // A URL may have a `=` in it, a path hardly.
    match text.rsplit_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.into(), value.into())),
        _ => Err("is not NAME=VALUE".into()),
    }
}

/// `name: value`.
fn field(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        Some((name, value)) if !name.is_empty() => Ok((name.into(), value.trim().into())),
        _ => Err("is not NAME: VALUE".into()),
    }
}
