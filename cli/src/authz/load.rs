//! Finds the configuration of the rbac filter in a file.

use crate::check::{Plugin, describe, flattened, plugins};
use crate::report::{Exit, Report};
use serde_json::{Map, Value, json};
use std::path::Path;
use tollgate_host_test::Configuration;
use tollgate_host_test::scenario::text::yaml;
use tollgate_policy::config;
use tollgate_rbac_policy::{Config, Plan, Policy};

/// A policy from a file.
pub struct Loaded {
    /// The policy.
    pub policy: Policy,
    /// Name of the filter or of its block; `None` for a file with only the configuration.
    pub filter: Option<String>,
    /// Documents that were skipped.
    pub skipped: Vec<String>,
}

/// A possible configuration of the rbac filter.
struct Candidate {
    /// Names, one of which `--filter` may give: of the block, of the plugin, and its path.
    names: Vec<String>,
    /// The configuration, or why the proxy would reject the filter that has it.
    config: Result<Value, String>,
    /// Whether the configuration looks like one of the rbac filter.
    is_rbac: bool,
}

/// Loads the policy from a file. `filter` chooses one of several. On failure, returns the report.
pub fn load(path: &Path, filter: Option<&str>) -> Result<Loaded, Report> {
    let file = path.display();
    let documents = yaml::read(path).and_then(|text| match json(&text) {
        Some(document) => Ok(vec![document]),
        None => yaml::documents(&text, yaml::Dialect::V1_1),
    });
    let documents = documents.map_err(|why| Report::error(&format!("`{file}`: {why}")))?;
    let (candidates, skipped) = candidates(documents);
    let found = match filter {
        Some(name) => candidates.iter().filter(|each| each.names.iter().any(|n| n == name)).collect(),
        None => candidates.iter().filter(|each| each.is_rbac).collect::<Vec<_>>(),
    };
    let Some(first) = found.first() else {
        let known = list(&candidates);
        let known =
            if known.is_empty() { "no Wasm filter in this file".into() } else { format!("found {known}") };
        return Err(match filter {
            Some(name) => Report::error(&format!("`--filter`: unknown filter `{name}`, {known}")),
            None => {
                let hint = if candidates.is_empty() { "" } else { "; choose one with `--filter NAME`" };
                let why = format!("`{file}`: no configuration of the rbac filter, {known}{hint}");
                Report::failure(Exit::NotChecked, &why)
            }
        });
    };
    // The same filter may be in several listeners.
    if found.iter().any(|other| other.config != first.config) {
        let why = format!(
            "`{file}`: several configurations of the rbac filter, choose one with `--filter NAME`: {}",
            list(found.iter().copied())
        );
        return Err(Report::error(&why));
    }
    let rejected = |why: &dyn std::fmt::Display| {
        let name = first.names.first().map(|name| format!(" of `{name}`")).unwrap_or_default();
        Report::failure(Exit::Failure, &format!("`{file}`: the configuration{name} is rejected: {why}"))
    };
    let config = first.config.as_ref().map_err(|why| rejected(why))?;
    let config: Config = config::read(config).map_err(|why| rejected(&why))?;
    let policy = Policy::new(Plan::new(config).map_err(|why| rejected(&why))?);
    Ok(Loaded { policy, filter: first.names.first().cloned(), skipped })
}

/// Parses JSON text. The parser of YAML takes ten times as long. It reports the errors of both.
fn json(text: &str) -> Option<Value> {
    text.trim_start().starts_with('{').then(|| config::tree(text.as_bytes()).ok()).flatten()
}

/// Returns the names of candidates, each with its path if it has one.
fn list<'c>(candidates: impl IntoIterator<Item = &'c Candidate>) -> String {
    let mut names: Vec<String> = Vec::new();
    for candidate in candidates {
        let name = match candidate.names.as_slice() {
            [] => "the configuration itself".into(),
            [name] => format!("`{name}`"),
            [name, .., path] => format!("`{name}` at `{path}`"),
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(", ")
}

fn candidates(documents: Vec<Value>) -> (Vec<Candidate>, Vec<String>) {
    let documents = flattened(documents);
    let (mut candidates, mut skipped, mut policies) = (Vec::new(), Vec::new(), Vec::new());
    let several = documents.len() > 1;
    for (index, document) in documents.into_iter().enumerate() {
        if document["kind"] == "AuthorizationPolicy" {
            policies.push(document);
            continue;
        }
        let found = plugins(&document);
        if !found.is_empty() {
            let place = if several { format!("[{index}].") } else { String::new() };
            found.into_iter().for_each(|plugin| add_plugin(plugin, &place, &mut candidates));
        } else if is_resource(&document) {
            skipped.push(describe(&document));
        } else {
            match blocks(&document) {
                // The file is the configuration, even if it does not look like one: its errors say why.
                Blocks::Itself | Blocks::None => {
                    candidates.push(Candidate { names: Vec::new(), config: Ok(document), is_rbac: true });
                }
                Blocks::Members(names) => {
                    for name in names {
                        let config = Ok(document[&name].clone());
                        candidates.push(Candidate { names: vec![name], config, is_rbac: true });
                    }
                }
            }
        }
    }
    if !policies.is_empty() {
        let config = Ok(json!({ "istio": { "policies": policies } }));
        candidates.push(Candidate { names: vec!["AuthorizationPolicy".into()], config, is_rbac: true });
    }
    (candidates, skipped)
}

fn add_plugin(plugin: Plugin, place: &str, candidates: &mut Vec<Candidate>) {
    let path = format!("{place}{}", plugin.path);
    let names = |block: &[&String]| {
        let plugin = Some(&plugin.name).filter(|name| !name.is_empty());
        block.iter().copied().chain(plugin).chain([&path]).cloned().collect::<Vec<_>>()
    };
    let config = match plugin.configuration() {
        Ok(Configuration::None) => Ok(Value::Object(Map::new())),
        Ok(Configuration::Struct(value)) => Ok(value.clone()),
        Ok(Configuration::Text(text)) => config::tree(text).map_err(|error| error.to_string()),
        Err(problem) => Err(problem.text(&path)),
    };
    match config.as_ref().map_or(Blocks::None, blocks) {
        Blocks::Members(members) => {
            for name in members {
                let config = config.as_ref().map(|config| config[&name].clone()).map_err(String::clone);
                candidates.push(Candidate { names: names(&[&name]), config, is_rbac: true });
            }
        }
        kind => {
            let is_rbac = matches!(kind, Blocks::Itself);
            candidates.push(Candidate { names: names(&[]), config, is_rbac });
        }
    }
}

/// Parts of a configuration that are configurations of the rbac filter.
enum Blocks {
    /// None of them.
    None,
    /// The configuration itself.
    Itself,
    /// Members with these names: the module has several filters.
    Members(Vec<String>),
}

fn blocks(config: &Value) -> Blocks {
    if is_rbac(config) {
        return Blocks::Itself;
    }
    let members = config.as_object().into_iter().flatten();
    let names: Vec<_> = members
        .filter(|(name, member)| member.is_object() && (*name == "rbac" || is_rbac(member)))
        .map(|(name, _)| name.clone())
        .collect();
    if names.is_empty() { Blocks::None } else { Blocks::Members(names) }
}

/// Whether a value has a field that only the rbac filter has. Rules of other filters have no action.
fn is_rbac(config: &Value) -> bool {
    let Value::Object(fields) = config else { return false };
    let known = ["istio", "envoy", "roles", "role_attributes", "bindings", "default_action"];
    let rules = fields.get("rules").and_then(Value::as_array);
    known.iter().any(|name| fields.contains_key(*name))
        || rules.is_some_and(|rules| !rules.is_empty() && rules.iter().all(|rule| rule["action"].is_string()))
}

/// Whether a document is a resource of Kubernetes or Envoy.
fn is_resource(document: &Value) -> bool {
    let fields =
        ["apiVersion", "kind", "@type", "static_resources", "resources", "filter_chains", "http_filters"];
    fields.iter().any(|name| document.get(name).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognises_blocks_of_a_composed_module() {
        let rbac = json!({"rules": [{"name": "a", "action": "deny"}]});
        let names = |config: Value| match blocks(&config) {
            Blocks::Members(names) => names,
            Blocks::Itself => vec!["itself".into()],
            Blocks::None => Vec::new(),
        };
        assert_eq!(names(rbac.clone()), ["itself"]);
        assert_eq!(names(json!({"authz": rbac, "jwt-authn": {"rules": [{"match": {}}]}})), ["authz"]);
        assert_eq!(names(json!({"rbac": {}, "other": {}})), ["rbac"]);
        assert!(names(json!({"rbac": null})).is_empty());
        assert!(names(json!({"rules": [{"match": {}}], "limits": {}})).is_empty());
    }
}
