//! Finds Wasm filters in the resources of Envoy, by their `@type`.

mod any;
mod messages;
mod plugin_config;

use super::proto::join;
use super::{Plugin, Problem};
pub use plugin_config::check_runtime;
use plugin_config::{Downloader, parse_filter};
use serde_json::{Map, Value};

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

/// Fields that contain extensions of one kind, and the kind. Envoy rejects a message of another kind.
const PLACES: [(&str, &str); 7] = [
    ("http_filters", "http filter"),
    ("httpFilters", "http filter"),
    ("access_log", "access logger"),
    ("accessLog", "access logger"),
    ("stats_sinks", "stats sink"),
    ("statsSinks", "stats sink"),
    ("bootstrap_extensions", "service"),
];

/// Returns the Wasm filters in a document.
pub fn plugins(document: &Value) -> Vec<Plugin> {
    let mut search = Search { found: Vec::new() };
    search.value(document, "", &Context { downloader: Downloader::Envoy, place: None, problem: None });
    search.found
}

struct Search {
    found: Vec<Plugin>,
}

/// Facts about a filter from the messages around it.
#[derive(Clone)]
struct Context {
    downloader: Downloader,
    /// The kind of extensions in the field that contains the filter, and the field.
    place: Option<(&'static str, String)>,
    /// An error in a message around the filter.
    problem: Option<String>,
}

impl Search {
    fn value(&mut self, value: &Value, at: &str, context: &Context) {
        match value {
            Value::Object(fields) => self.object(value, fields, at, context),
            Value::Array(items) => {
                for (i, item) in items.iter().enumerate() {
                    self.value(item, &format!("{at}[{i}]"), context);
                }
            }
            _ => {}
        }
    }

    fn object(&mut self, value: &Value, fields: &Map<String, Value>, at: &str, context: &Context) {
        let text = |name: &str| fields.get(name).and_then(Value::as_str);
        let kind = |url: &str| TYPES.iter().find(|(name, _)| *name == type_name(url)).map(|(_, kind)| *kind);
        let mut context = context.clone();
        // Only resources of this kind pass through the agent (istio, `pilot/pkg/xds/ecds.go`).
        match text("applyTo") {
            Some("EXTENSION_CONFIG") => context.downloader = Downloader::Agent,
            Some("HTTP_FILTER") => context.place = Some(("http filter", join(at, "applyTo"))),
            Some("NETWORK_FILTER") => context.place = Some(("network filter", join(at, "applyTo"))),
            _ => {}
        }
        let Some(url) = text("@type") else { return self.fields(fields, at, &context) };
        if let Err(why) = check_type_url(url) {
            context.problem.get_or_insert_with(|| format!("`{}`: {why}", join(at, "@type")));
        }
        if let Some(kind) = kind(url) {
            return self.add(at, kind, value, &context, Ok(()));
        }
        if TYPED_STRUCTS.contains(&type_name(url))
            && let Some(kind) = text("type_url").or(text("typeUrl")).and_then(kind)
        {
            let mut outer = fields.clone();
            outer.remove("@type");
            let outer = messages::TYPED_STRUCT.read("", &outer.into()).map(|_| ());
            return match fields.get("value").filter(|_| outer.is_ok()) {
                Some(message) => self.add(&join(at, "value"), kind, message, &context, Ok(())),
                None => self.add(at, kind, value, &context, outer),
            };
        }
        self.fields(fields, at, &context);
    }

    fn fields(&mut self, fields: &Map<String, Value>, at: &str, context: &Context) {
        for (name, field) in fields {
            let at = join(at, name);
            let in_chain = name == "filters" && (at.contains("filter_chain") || at.contains("filterChain"));
            let known = PLACES.iter().find(|(place, _)| place == name).map(|(_, kind)| *kind);
            match known.or(in_chain.then_some("network filter")) {
                Some(kind) => {
                    let place = Some((kind, at.clone()));
                    self.value(field, &at, &Context { place, ..context.clone() });
                }
                None => self.value(field, &at, context),
            }
        }
    }

    fn add(
        &mut self,
        at: &str,
        kind: &'static str,
        message: &Value,
        context: &Context,
        outer: Result<(), Problem>,
    ) {
        let name = message["config"]["name"].as_str().unwrap_or_default().into();
        let misplaced = context.place.as_ref().filter(|(expected, _)| *expected != kind);
        let misplaced = misplaced
            .map(|(expected, field)| format!("`{field}`: found a Wasm {kind}, expected a Wasm {expected}"));
        let around = context.problem.clone().or(misplaced).map_or(Ok(()), |why| Err(Problem::Around(why)));
        let parsed = around.and(outer).and_then(|()| parse_filter(kind, message, context.downloader));
        self.found.push(Plugin { path: at.into(), kind, name, parsed });
    }
}

/// Checks the URL in `@type`, as protobuf's parser does.
pub fn check_type_url(url: &str) -> Result<(), String> {
    match url.rsplit_once('/') {
        Some((host, name)) if !host.is_empty() && !name.is_empty() => Ok(()),
        _ => Err(format!(
            "invalid type URL `{url}`, expected `type.googleapis.com/{}`",
            if type_name(url).is_empty() { "NAME" } else { type_name(url) }
        )),
    }
}

/// Returns the message name in a type URL: `a.b.C` in `type.googleapis.com/a.b.C`.
fn type_name(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or(url)
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
        let found: Vec<_> = plugins(&document).into_iter().map(|plugin| (plugin.path, plugin.kind)).collect();
        assert_eq!(found, [("a[0].[\"b.c\"]".into(), "http filter"), ("d.value".into(), "network filter")]);
    }

    #[test]
    fn a_type_url_has_a_host() {
        assert!(check_type_url("type.googleapis.com/a.B").is_ok() && check_type_url("x/y/a.B").is_ok());
        for url in ["", "a.B", "/a.B", "x/"] {
            assert!(check_type_url(url).is_err(), "{url}");
        }
        let error = check_type_url("a.B").unwrap_err();
        assert_eq!(error, "invalid type URL `a.B`, expected `type.googleapis.com/a.B`");
    }
}
