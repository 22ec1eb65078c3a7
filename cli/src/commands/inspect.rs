//! `tollgate inspect`.

use crate::args::InspectArgs;
use crate::plugin::read_module;
use crate::report::{Exit, Report, paint};
use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use tollgate_host_test::Wasm;
use tollgate_host_test::emulator::{AbiVersion, imports, load};
use tollgate_pack::{Inspection, abi, inspect};

/// Of no ABI's making: Envoy calls them where it is asked for DNS, or feeds statistics.
const ENVOYS_OWN: [&str; 2] = ["envoy_on_resolve_dns", "envoy_on_stats_update"];

pub fn run(args: &InspectArgs) -> Result<Report> {
    let bytes = read_module(&args.module)?;
    let seen = inspect(&bytes).with_context(|| format!("`{}`", args.module.display()))?;
    let loaded = load(&Wasm::file(&args.module));
    let view = View::new(&seen, loaded.as_ref().err());
    Ok(Report {
        exit: if loaded.is_ok() { Exit::Yes } else { Exit::No },
        text: view.text(&args.module.display().to_string()),
        json: view.json(&args.module.display().to_string()),
    })
}

struct View<'a> {
    seen: &'a Inspection,
    abi: Option<AbiVersion>,
    refused: Option<&'a String>,
    /// By the module that they are imported from.
    imports: BTreeMap<&'a str, Vec<&'a str>>,
    unknown: Vec<&'a str>,
    /// What Envoy calls.
    callbacks: Vec<&'a str>,
    /// What looks as if it did.
    never_called: Vec<&'a str>,
    other: Vec<&'a str>,
}

impl<'a> View<'a> {
    fn new(seen: &'a Inspection, refused: Option<&'a String>) -> Self {
        let has = |name: &str| seen.functions.iter().any(|f| f == name);
        let abi = [
            ("proxy_abi_version_0_1_0", AbiVersion::V0_1_0),
            ("proxy_abi_version_0_2_0", AbiVersion::V0_2_0),
            ("proxy_abi_version_0_2_1", AbiVersion::V0_2_1),
        ]
        .into_iter()
        .find_map(|(marker, version)| has(marker).then_some(version));
        let offered = imports(abi.unwrap_or(AbiVersion::V0_2_1));
        let mut imports: BTreeMap<_, Vec<_>> = BTreeMap::new();
        let mut unknown = Vec::new();
        for import in &seen.imports {
            let (module, name) = import.split_once('.').unwrap_or(("", import));
            imports.entry(module).or_default().push(name);
            if !offered.iter().any(|offer| offer.module == module && offer.name == name) {
                unknown.push(import.as_str());
            }
        }
        let is_callback = |name: &str| abi::callback(name).is_some() || ENVOYS_OWN.contains(&name);
        let looks_like_one = |name: &str| {
            name.starts_with("proxy_on_") && !abi::ALLOCATORS.contains(&name) && !is_callback(name)
        };
        let functions = || seen.functions.iter().map(String::as_str);
        Self {
            seen,
            abi,
            refused,
            imports,
            unknown,
            callbacks: functions().filter(|name| is_callback(name)).collect(),
            never_called: functions().filter(|name| looks_like_one(name)).collect(),
            other: functions()
                .filter(|name| !is_callback(name) && !looks_like_one(name))
                .chain(seen.other_exports.iter().map(String::as_str))
                .collect(),
        }
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
            "loads": self.refused.is_none(),
            "refused": self.refused,
            "callbacks": self.callbacks,
            "never_called": self.never_called,
            "other_exports": self.other,
            "imports": self.imports,
            "unknown_imports": self.unknown,
            "custom_sections": self.seen.custom_sections,
        })
    }

    fn text(&self, path: &str) -> String {
        let mut text = String::new();
        let mut row = |what: &str, value: &str| {
            let value = if value.is_empty() { "none" } else { value };
            // Writing to a string does not fail.
            let _ = writeln!(text, "{what:<16} {value}");
        };
        row("file", path);
        row("size", &format!("{} bytes", self.seen.size));
        row("ABI", self.abi().unwrap_or_default());
        match &self.seen.manifest {
            Some(manifest) => {
                row("name", &format!("{} {}", manifest.name, manifest.version));
                row("schema", if manifest.schema.is_some() { "yes (--json shows it)" } else { "" });
            }
            None => row("name", "unknown: it carries no `tollgate.manifest`"),
        }
        match self.refused {
            None => row("Envoy", &paint::good("loads it")),
            Some(why) => {
                row(
                    "Envoy",
                    &format!("{}: {}", paint::bad("refuses it"), why.lines().next().unwrap_or_default()),
                );
            }
        }
        row("callbacks", &self.callbacks.join(" "));
        if !self.never_called.is_empty() {
            row("never called", &paint::unsure(&self.never_called.join(" ")));
        }
        row("other exports", &self.other.join(" "));
        for (module, names) in &self.imports {
            row(&format!("from {module}"), &names.join(" "));
        }
        if !self.unknown.is_empty() {
            row("not offered", &paint::bad(&self.unknown.join(" ")));
        }
        row("custom sections", &self.seen.custom_sections.join(" "));
        text
    }
}
