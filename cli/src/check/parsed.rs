//! A Wasm filter as its configuration describes it, before its module is found.

use super::modules::{self, Modules, sha256};
use super::{Inputs, Problem, Ready, module_bytes};
use crate::plugin::Place;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;
use tollgate_host_test::{Configuration, FailurePolicy, Filter, Wasm};

/// A filter without its module. All kinds of configurations describe the same thing: the proxy receives one
/// `PluginConfig` from each.
#[derive(Debug)]
pub struct Parsed {
    /// `PluginConfig.name`.
    pub name: String,
    /// `PluginConfig.root_id`.
    pub root_id: String,
    /// `VmConfig.vm_id`.
    pub vm_id: String,
    /// Configuration of the filter.
    pub configuration: Configuration,
    /// Configuration of the VM.
    pub vm_configuration: Vec<u8>,
    /// Environment variables of the VM.
    pub variables: Vec<(String, String)>,
    /// Names of variables of the proxy that the VM receives.
    pub host_variables: Vec<String>,
    /// Behaviour after a failure.
    pub failure_policy: FailurePolicy,
    /// Whether the filter can hold the headers without the body.
    pub allow_on_headers_stop_iteration: bool,
    /// Where the proxy calls the filter.
    pub place: Place,
    /// Source of the module.
    pub code: Code,
    /// Differences from how the proxy would load it.
    pub notes: Vec<String>,
}

/// The source of a module.
#[derive(Debug)]
pub enum Code {
    /// A path in the container of the proxy.
    File(String),
    /// An address, from which the proxy or its control plane downloads the module.
    Url {
        /// The address.
        url: String,
        /// Path of the field with the checksum.
        field: String,
        /// The checksum.
        sha256: Option<String>,
        /// Data that the checksum is computed from.
        checksum: Checksum,
    },
    /// The module itself.
    Inline(Vec<u8>),
    /// The proxy's environment variable of this name.
    Variable(String),
}

/// Data that a `sha256` is computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// The module.
    Module,
    /// The manifest of the image that contains the module.
    Manifest,
    /// None: the field has no effect.
    Ignored,
}

impl Code {
    /// Returns the source for a URL of a Kubernetes resource: a file, a download, or, without a scheme, an
    /// image. `at` is the path of the message with the fields `url` and `sha256`, with a dot at its end.
    pub fn from_url(at: &str, url: &str, sha256: Option<String>) -> Result<Self, Problem> {
        let field = format!("{at}sha256");
        let sha256 = sha256.filter(|sha256| !sha256.is_empty());
        let checksum = match url.split_once("://").map_or("", |(scheme, _)| scheme) {
            "file" => Checksum::Ignored,
            "http" | "https" => Checksum::Module,
            _ => Checksum::Manifest,
        };
        if checksum == Checksum::Manifest {
            modules::check_digest(at, url, sha256.as_deref())?;
        }
        Ok(Self::Url { url: url.into(), field, sha256, checksum })
    }
}

impl Parsed {
    /// Creates a filter without configuration.
    pub fn new(name: String, place: Place, code: Code) -> Self {
        Self {
            name,
            root_id: String::new(),
            vm_id: String::new(),
            configuration: Configuration::None,
            vm_configuration: Vec::new(),
            variables: Vec::new(),
            host_variables: Vec::new(),
            failure_policy: FailurePolicy::FailClosed,
            allow_on_headers_stop_iteration: false,
            place,
            code,
            notes: Vec::new(),
        }
    }

    /// Finds the module.
    pub fn resolve(self, inputs: &Inputs) -> Result<Ready, Problem> {
        let mut notes = self.notes;
        let mut environment = self.variables;
        for name in self.host_variables {
            // Envoy omits a variable that the host does not have (Envoy,
            // `source/extensions/common/wasm/plugin.cc`).
            match inputs.env.iter().find(|(known, _)| *known == name) {
                Some(variable) => environment.push(variable.clone()),
                None => notes.push(format!(
                    "checked without the proxy's variable `{name}`; set it with --env {name}=VALUE"
                )),
            }
        }
        let module = Module::find(self.code, inputs)?;
        let mut filter = Filter::new(Wasm::file(module.path()));
        filter.name = self.name;
        filter.root_id = self.root_id;
        filter.vm_id = self.vm_id;
        filter.configuration = self.configuration;
        filter.vm_configuration = self.vm_configuration;
        filter.failure_policy = self.failure_policy;
        filter.allow_on_headers_stop_iteration = self.allow_on_headers_stop_iteration;
        filter.environment = environment;
        let (module, inline) = match module {
            Module::File(path) => (path.display().to_string(), None),
            Module::Inline(file) => ("inline".into(), Some(file)),
        };
        Ok(Ready { filter, module, place: self.place, notes, _inline: inline })
    }
}

enum Module {
    File(PathBuf),
    Inline(NamedTempFile),
}

impl Module {
    fn path(&self) -> &Path {
        match self {
            Self::File(path) => path,
            Self::Inline(file) => file.path(),
        }
    }

    fn find(code: Code, inputs: &Inputs) -> Result<Self, Problem> {
        match code {
            Code::File(name) => {
                let path = inputs.modules.find(&name, None).unwrap_or_else(|| PathBuf::from(&name));
                match module_bytes(&path) {
                    Ok(_) => Ok(Self::File(path)),
                    Err(Problem::NotChecked(why)) => {
                        let hint = Modules::hint(&name);
                        Err(Problem::NotChecked(format!("{why}; name a local file with {hint}")))
                    }
                    Err(other) => Err(other),
                }
            }
            Code::Inline(bytes) => {
                let write = || {
                    let mut file = NamedTempFile::new()?;
                    file.write_all(&bytes)?;
                    Ok(file)
                };
                let failed = |why: std::io::Error| format!("cannot write a temporary file: {why}");
                write().map(Self::Inline).map_err(|why| Problem::NotChecked(failed(why)))
            }
            Code::Variable(name) => {
                Err(Problem::NotChecked(format!("module is in the proxy's environment variable `{name}`")))
            }
            Code::Url { url, field, sha256, checksum } => {
                downloaded(&url, &field, sha256.as_deref(), checksum, inputs).map(Self::File)
            }
        }
    }
}

/// Returns the local file for a module that the proxy downloads, and compares its checksum.
fn downloaded(
    url: &str,
    field: &str,
    wanted: Option<&str>,
    checksum: Checksum,
    inputs: &Inputs,
) -> Result<PathBuf, Problem> {
    let local = url.strip_prefix("file://").map(PathBuf::from).filter(|path| path.is_file());
    let Some(path) = inputs.modules.find(url, wanted).or(local) else {
        let hint = Modules::hint(url);
        return Err(Problem::NotChecked(format!(
            "module `{url}` is not available; name a local file with {hint}"
        )));
    };
    let found = sha256(&module_bytes(&path)?);
    match (wanted, checksum) {
        (Some(wanted), Checksum::Module) if wanted != found => {
            let why = format!("expected `{wanted}`, but `{}` has `{found}`", path.display());
            Err(Problem::invalid(field, why))
        }
        // The manifest of the image is not available here, but its digest is never that of the module.
        (Some(wanted), Checksum::Manifest) if wanted == found => {
            let why =
                format!("`{wanted}` is the digest of the module, expected that of the image's manifest");
            Err(Problem::invalid(field, why))
        }
        _ => Ok(path),
    }
}
