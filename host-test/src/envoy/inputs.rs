//! Metadata and filter state of requests. The client sends them in headers, from which filters of Envoy set
//! them before the first filter of the scenario. The last of these filters removes the headers.

use super::bootstrap::any;
use crate::emulator::structs;
use crate::{Request, Scenario};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const TO_METADATA: &str = "envoy.extensions.filters.http.header_to_metadata.v3.Config";
const SET_FILTER_STATE: &str = "envoy.extensions.filters.http.set_filter_state.v3.Config";
const HEADER_MUTATION: &str = "envoy.extensions.filters.http.header_mutation.v3.HeaderMutation";
/// `header_to_metadata` ignores longer values, without an error.
const LONGEST: usize = 8 * 1024 - 1;

/// The metadata and the filter state that requests of a scenario have. Each has a header of its own.
pub(super) struct Inputs<'a> {
    /// Namespaces and keys.
    metadata: Vec<(&'a str, &'a str)>,
    filter_state: Vec<&'a str>,
}

impl<'a> Inputs<'a> {
    pub fn of(scenario: &'a Scenario) -> Self {
        let metadata: BTreeSet<_> =
            scenario.requests.iter().flat_map(|request| fields(request).map(|(name, _)| name)).collect();
        let filter_state: BTreeSet<_> =
            scenario.requests.iter().flat_map(|request| request.filter_state.keys()).collect();
        Self {
            metadata: metadata.into_iter().collect(),
            filter_state: filter_state.into_iter().map(String::as_str).collect(),
        }
    }

    /// Builds the HTTP filters. The list is empty if no request has inputs.
    pub fn filters(&self) -> Vec<Value> {
        let rule = |(at, (namespace, key)): (usize, &(&str, &str))| {
            let value = json!({
                "metadata_namespace": namespace, "key": key, "type": "PROTOBUF_VALUE", "encode": "BASE64",
            });
            json!({ "header": metadata_header(at), "on_header_present": value })
        };
        let state = |(at, key): (usize, &&str)| {
            let text = format!("%REQ({})%", state_header(at));
            json!({
                "object_key": key,
                "factory_key": "envoy.string",
                "format_string": {
                    "text_format_source": { "inline_string": text },
                    "omit_empty_values": true,
                },
                "skip_if_empty": true,
            })
        };
        let rules: Vec<_> = self.metadata.iter().enumerate().map(rule).collect();
        let states: Vec<_> = self.filter_state.iter().enumerate().map(state).collect();
        let removed: Vec<_> = self.headers().map(|name| json!({ "remove": name })).collect();
        let all = [
            (rules.is_empty(), TO_METADATA, json!({ "request_rules": rules })),
            (states.is_empty(), SET_FILTER_STATE, json!({ "on_request_headers": states })),
            (removed.is_empty(), HEADER_MUTATION, json!({ "mutations": { "request_mutations": removed } })),
        ];
        let filter = |(place, (_, kind, config)): (usize, (bool, &str, Value))| json!({ "name": format!("tollgate-test-inputs-{place}"), "typed_config": any(kind, config) });
        all.into_iter().enumerate().filter(|(_, (empty, ..))| !empty).map(filter).collect()
    }

    fn headers(&self) -> impl Iterator<Item = String> {
        let states = (0..self.filter_state.len()).map(state_header);
        (0..self.metadata.len()).map(metadata_header).chain(states)
    }

    /// Returns the request with the headers that contain its metadata and its filter state.
    ///
    /// # Panics
    /// If a value is too long for Envoy's filter.
    pub fn sent(&self, request: &Request) -> Request {
        let mut sent = request.clone();
        for (name, json) in fields(request) {
            let Some(at) = self.metadata.iter().position(|known| *known == name) else { continue };
            let bytes = BASE64_STANDARD.encode(structs::value(json));
            let length = bytes.len();
            assert!(
                length <= LONGEST,
                "metadata {name:?}: {length} bytes in Base64, expected at most {LONGEST}"
            );
            sent.headers.push(metadata_header(at), bytes);
        }
        for (key, text) in &request.filter_state {
            let Some(at) = self.filter_state.iter().position(|known| known == key) else { continue };
            sent.headers.push(state_header(at), text);
        }
        sent
    }
}

/// Returns the metadata of a request: namespace, key and value.
fn fields(request: &Request) -> impl Iterator<Item = ((&str, &str), &Value)> {
    request.metadata.iter().flat_map(|(namespace, fields)| {
        let fields = fields.as_object().into_iter().flatten();
        fields.map(move |(key, value)| ((namespace.as_str(), key.as_str()), value))
    })
}

fn metadata_header(at: usize) -> String {
    format!("x-tollgate-test-metadata-{at}")
}

fn state_header(at: usize) -> String {
    format!("x-tollgate-test-state-{at}")
}
