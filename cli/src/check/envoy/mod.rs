//! Finds and checks Wasm filters in the resources of Envoy, by their `@type`.

mod any;
mod plugin_config;
mod resolve;

use super::{Finding, Inputs, Plugin, Problem, Ready, parse_strict};
use crate::plugin::Place;
use plugin_config::{Outer, PluginConfig};
use serde_json::Value;
use tollgate_host_test::Configuration;

/// The messages with a `PluginConfig` in their field `config`.
const TYPES: [(&str, &str); 5] = [
    ("envoy.extensions.filters.http.wasm.v3.Wasm", "http filter"),
    ("envoy.extensions.filters.network.wasm.v3.Wasm", "network filter"),
    ("envoy.extensions.access_loggers.wasm.v3.WasmAccessLog", "access logger"),
    ("envoy.extensions.stat_sinks.wasm.v3.Wasm", "stats sink"),
    ("envoy.extensions.wasm.v3.WasmService", "service"),
];

/// Messages that contain another message as plain JSON. EnvoyFilters of Istio use them.
const TYPED_STRUCTS: [&str; 2] = ["udpa.type.v1.TypedStruct", "xds.type.v3.TypedStruct"];

/// Checks every Wasm filter in a document.
pub fn check(document: &Value, inputs: &Inputs) -> Vec<Finding> {
    let mut found = Vec::new();
    search(document, "", &mut |at, kind, message| found.push(check_filter(at, kind, message, inputs)));
    found
}

/// Returns the Wasm filters in a document.
pub fn plugins(document: &Value) -> Vec<Plugin> {
    let mut found = Vec::new();
    search(document, "", &mut |path, kind, message| {
        let configuration = plugin_config(kind, message).and_then(|config| match &config.configuration {
            Some(any) => any::configuration("config.configuration", any),
            None => Ok(Configuration::None),
        });
        let name = message["config"]["name"].as_str().unwrap_or_default().into();
        found.push(Plugin { path: path.into(), name, configuration });
    });
    found
}

fn search(value: &Value, at: &str, on: &mut impl FnMut(&str, &'static str, &Value)) {
    match value {
        Value::Object(fields) => {
            let kind =
                |name: &str| TYPES.iter().find(|(ty, _)| *ty == type_name(name)).map(|(_, kind)| *kind);
            let of = |name: &str| fields.get(name).and_then(Value::as_str);
            let inner = of("type_url")
                .or(of("typeUrl"))
                .filter(|_| of("@type").is_some_and(|outer| TYPED_STRUCTS.contains(&type_name(outer))));
            if let Some(kind) = of("@type").and_then(kind) {
                return on(at, kind, value);
            }
            if let (Some(kind), Some(message)) = (inner.and_then(kind), fields.get("value")) {
                return on(&join(at, "value"), kind, message);
            }
            for (name, field) in fields {
                search(field, &join(at, name), on);
            }
        }
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                search(item, &format!("{at}[{i}]"), on);
            }
        }
        _ => {}
    }
}

/// Returns the message name in a type URL: `a.b.C` in `type.googleapis.com/a.b.C`.
fn type_name(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or(url)
}

fn join(at: &str, name: &str) -> String {
    // Quoted, because a key that contains a dot would look like two keys.
    let name = if name.contains('.') { format!("[{name:?}]") } else { name.into() };
    if at.is_empty() { name } else { format!("{at}.{name}") }
}

fn check_filter(at: &str, kind: &'static str, message: &Value, inputs: &Inputs) -> Finding {
    let config = &message["config"];
    let name = config["name"].as_str().unwrap_or_default().to_owned();
    Finding::check(at.into(), kind, name, ready(kind, message, inputs))
}

fn ready(kind: &str, message: &Value, inputs: &Inputs) -> Result<Ready, Problem> {
    let config = plugin_config(kind, message)?;
    let place = match kind {
        "http filter" => Place::Http,
        "network filter" => Place::Network,
        _ => Place::Other,
    };
    resolve::resolve(config, place, inputs)
}

fn plugin_config(kind: &str, message: &Value) -> Result<PluginConfig, Problem> {
    let mut message = message.clone();
    if let Some(fields) = message.as_object_mut() {
        fields.remove("@type");
    }
    let outer: Outer = parse_strict(message)?;
    if outer.singleton.is_some() && kind != "service" {
        return Err(Problem::invalid("singleton", format!("unknown field of a Wasm {kind}")));
    }
    outer.config.ok_or_else(|| Problem::invalid("config", "missing required field"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn finds_filters_at_any_depth() {
        let http = json!({"@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm"});
        let istio = json!({
            "@type": "type.googleapis.com/udpa.type.v1.TypedStruct",
            "type_url": "type.googleapis.com/envoy.extensions.filters.network.wasm.v3.Wasm",
            "value": {},
        });
        let document = json!({"a": [{"b.c": http}, {"router": {"@type": "x/Other"}}], "d": istio});
        let mut found = Vec::new();
        search(&document, "", &mut |at, kind, _| found.push((at.to_owned(), kind)));
        assert_eq!(found, [("a[0].[\"b.c\"]".into(), "http filter"), ("d.value".into(), "network filter")]);
    }
}
