//! Properties: when each is available, and in which encoding.

mod connection;
pub mod declared;
mod inputs;
mod odd;
mod request;
mod response;
mod state;
mod tls;
mod xds;

use crate::case::Loaded;
use crate::script::calls::{get_property, get_property_length, set_context};
use crate::script::{Arg, Step};
use crate::{Case, Sheet};
use std::time::Duration;
use tollgate_host_test::{Answer, Request, Response, Tls};

/// Returns the sheets.
pub fn sheets() -> Vec<Sheet> {
    let plugin = |name, root_id| Loaded { root_id, vm_id: "the vm", ..Loaded::new(name) };
    vec![
        Sheet::new("properties of the request", request::cases()),
        Sheet::new("properties of the response", response::cases()),
        Sheet::new("properties of connections", connection::cases()),
        Sheet::new("properties of connections with TLS", tls::cases())
            .settings(|settings| (settings.tls, settings.tls_inspector) = (Tls::CertificateOptional, false)),
        Sheet::new("server names", tls::server_names())
            .settings(|settings| settings.tls = Tls::CertificateOptional),
        Sheet::new("a client certificate that is required", tls::required())
            .settings(|settings| settings.tls = Tls::CertificateRequired),
        Sheet::new("properties of the configuration", xds::cases())
            .filters(vec![plugin("the plugin", "the root")]),
        Sheet::new("properties that filters of Envoy set", inputs::cases()),
        Sheet::new("the client behind a proxy", inputs::behind_a_proxy()),
        Sheet::new("the client at the edge", inputs::at_the_edge())
            .settings(|settings| settings.use_remote_address = true),
        Sheet::new("properties that a filter sets", state::cases())
            .filters(vec![plugin("first", "1"), plugin("second", "2")]),
        Sheet::new("properties that are declared", declared::cases())
            .filters(vec![plugin("first", "1"), plugin("second", "2")]),
        Sheet::new("odd paths", odd::cases()),
    ]
}

/// The callbacks that query a property, in their order.
const PHASES: [&str; 7] = [
    "request_headers",
    "request_body",
    "request_trailers",
    "response_headers",
    "response_body",
    "log",
    "delete",
];

/// The part of a value that the probe logs.
#[derive(Clone, Copy)]
enum Logged {
    /// The whole value.
    Value,
    /// Only the length, because the value differs in each run.
    Length,
}

/// Converts a path with dots between its segments to the name of a case.
fn slug(path: &str) -> String {
    let words = |segment: &str| {
        let words = segment.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-")
    };
    let segments = path.split('.').map(words).filter(|segment| !segment.is_empty());
    segments.collect::<Vec<_>>().join("/")
}

/// Queries a property in every callback and in the root context. `path` has dots between its segments.
fn everywhere(area: &str, path: &str, logged: Logged, title: &str) -> Case {
    let joined = path.replace('.', "\0");
    let ask = || match logged {
        Logged::Value => get_property(joined.as_str()),
        Logged::Length => get_property_length(joined.as_str()),
    };
    let case = Case::new(
        format!(
            "properties/{area}/{}",
            if path.ends_with('.') { format!("{}-nothing", slug(path)) } else { slug(path) }
        ),
        format!("`{path}` {title}"),
    );
    let case = PHASES.iter().fold(case, |case, phase| {
        let root = [set_context(Arg::Root), ask()];
        let steps: Vec<Step> =
            if *phase == "request_headers" { [ask()].into_iter().chain(root).collect() } else { vec![ask()] };
        case.on(phase, steps)
    });
    let request = Request::post("/?q=1&r", "body").header("x", "1").header("x", "2").header("X-Mixed", "V");
    let response = Response::new(201).header("x", "3").header("x", "4").chunk("answer").trailer("t", "5");
    case.without_latency()
        .request(
            request.header("user-agent", "agent").header("referer", "http://from.test/").trailer("t", "6"),
        )
        .answer("upstream", [Answer::Reply { response, after: Duration::ZERO }])
}
