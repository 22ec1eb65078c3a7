//! `tollgate inspect`.

use crate::args::InspectArgs;
use crate::plugin::{is_callback, is_event, read_module};
use crate::report::{Exit, Report, paint};
use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use tollgate_host_test::Wasm;
use tollgate_host_test::emulator::{AbiVersion, imports, load};
use tollgate_pack::{Error, Inspection, Signature, abi, inspect};

pub fn run(args: &InspectArgs) -> Result<Report> {
    let bytes = read_module(&args.module)?;
    let seen = inspect(&bytes).with_context(|| format!("`{}`", args.module.display()))?;
    let loaded = load(&Wasm::file(&args.module));
    let view = View::new(&seen, loaded.as_ref().err());
    Ok(Report {
        exit: if view.reason().is_none() { Exit::Success } else { Exit::Failure },
        text: view.text(&args.module.display().to_string()),
        json: view.json(&args.module.display().to_string()),
    })
}

struct View<'a> {
    seen: &'a Inspection,
    abi: Option<AbiVersion>,
    rejected: Option<&'a String>,
    /// Imported functions, by module.
    imports: BTreeMap<&'a str, Vec<&'a str>>,
    unknown: Vec<&'a str>,
    /// Imports with another type than the host call, each with both types.
    mismatched: Vec<String>,
    /// Exports that Envoy calls.
    callbacks: Vec<&'a str>,
    /// Exports that look like callbacks, but that Envoy does not call.
    never_called: Vec<&'a str>,
    other: Vec<&'a str>,
}

impl<'a> View<'a> {
    fn new(seen: &'a Inspection, rejected: Option<&'a String>) -> Self {
        let abi = match seen.marker.as_deref() {
            Some("proxy_abi_version_0_1_0") => Some(AbiVersion::V0_1_0),
            Some("proxy_abi_version_0_2_0") => Some(AbiVersion::V0_2_0),
            Some("proxy_abi_version_0_2_1") => Some(AbiVersion::V0_2_1),
            _ => None,
        };
        let offered = imports(abi.unwrap_or(AbiVersion::V0_2_1));
        let mut imports: BTreeMap<_, Vec<_>> = BTreeMap::new();
        let (mut unknown, mut mismatched) = (Vec::new(), Vec::new());
        for import in &seen.imports {
            let (module, name) = import.split_once('.').unwrap_or(("", import));
            imports.entry(module).or_default().push(name);
            let offer = offered.iter().find(|offer| offer.module == module && offer.name == name);
            match (offer, seen.signatures.get(import)) {
                (None, Some(_)) => unknown.push(import.as_str()),
                // The host creates memories and tables, but has no globals.
                (None, None) => {}
                (Some(offer), found) => {
                    let results = if offer.returns { vec!["i32".to_owned()] } else { Vec::new() };
                    let wanted = Signature { params: offer.params.clone(), results };
                    if found != Some(&wanted) {
                        let found = found.map_or_else(|| "no function".into(), ToString::to_string);
                        mismatched.push(format!("`{import}` has the type {found}, expected {wanted}"));
                    }
                }
            }
        }
        let looks_like_callback = |name: &str| {
            name.starts_with("proxy_on_") && !abi::ALLOCATORS.contains(&name) && !is_callback(name)
        };
        let functions = || seen.functions.iter().map(String::as_str);
        Self {
            seen,
            abi,
            rejected,
            imports,
            unknown,
            mismatched,
            callbacks: functions().filter(|name| is_callback(name)).collect(),
            never_called: functions().filter(|name| looks_like_callback(name)).collect(),
            other: functions()
                .filter(|name| !is_callback(name) && !looks_like_callback(name))
                .chain(seen.other_exports.iter().map(String::as_str))
                .collect(),
        }
    }

    /// Returns why the module cannot be used.
    fn reason(&self) -> Option<String> {
        let nothing = || (!self.handles_events()).then(|| Error::NoCallbacks.to_string());
        self.rejected.cloned().or_else(nothing)
    }

    fn handles_events(&self) -> bool {
        self.callbacks.iter().any(|name| is_event(name))
    }

    fn abi(&self) -> Option<&'static str> {
        self.abi.map(|abi| match abi {
            AbiVersion::V0_1_0 => "0.1.0",
            AbiVersion::V0_2_0 => "0.2.0",
            AbiVersion::V0_2_1 => "0.2.1",
        })
    }

    fn json(&self, path: &str) -> Value {
        let manifest = self.seen.manifest.as_ref();
        json!({
            "file": path,
            "size": self.seen.size,
            "abi": self.abi(),
            "name": manifest.map(|m| &m.name),
            "version": manifest.map(|m| &m.version),
            "schema": manifest.and_then(|m| m.schema.as_ref()),
            "loads": self.rejected.is_none(),
            "reason": self.reason(),
            "callbacks": self.callbacks,
            "never_called": self.never_called,
            "other_exports": self.other,
            "imports": self.imports,
            "unknown_imports": self.unknown,
            "mismatched_imports": self.mismatched,
            "custom_sections": self.seen.custom_sections,
        })
    }

    fn text(&self, path: &str) -> String {
        let mut text = String::new();
        let mut row = |label: &str, value: &str| {
            let value = if value.is_empty() { "none" } else { value };
            // Writing to a string does not fail.
            let _ = writeln!(text, "{label:<16} {value}");
        };
        row("file", path);
        row("size", &format!("{} bytes", self.seen.size));
        row("ABI", self.abi().unwrap_or_default());
        match &self.seen.manifest {
            Some(manifest) => {
                row("name", &format!("{} {}", manifest.name, manifest.version));
                row("schema", if manifest.schema.is_some() { "yes (shown with --json)" } else { "" });
            }
            None => row("name", "unknown: no section `tollgate.manifest`"),
        }
        match self.rejected {
            None => row("loads in Envoy", &paint::good("yes")),
            Some(why) => {
                row(
                    "loads in Envoy",
                    &format!("{}: {}", paint::bad("no"), why.lines().next().unwrap_or_default()),
                );
            }
        }
        let names = if self.callbacks.is_empty() { "none".into() } else { self.callbacks.join(" ") };
        if self.handles_events() {
            row("callbacks", &names);
        } else {
            row("callbacks", &paint::bad(&format!("{names}: {}", Error::NoCallbacks)));
        }
        if !self.never_called.is_empty() {
            row("never called", &paint::unknown(&self.never_called.join(" ")));
        }
        row("other exports", &self.other.join(" "));
        for (module, names) in &self.imports {
            row(&format!("from {module}"), &names.join(" "));
        }
        if !self.unknown.is_empty() {
            row("unknown imports", &paint::bad(&self.unknown.join(" ")));
        }
        for import in &self.mismatched {
            row("wrong import", &paint::bad(import));
        }
        row("custom sections", &self.seen.custom_sections.join(" "));
        text
    }
}
