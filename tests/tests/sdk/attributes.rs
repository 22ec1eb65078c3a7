//! Every attribute has the type that the SDK declares, and is available in the documented callbacks.

use crate::support::with;
use serde_json::json;
use std::collections::BTreeMap;
use tollgate_host_test::{Certificate, Outcome, Request, Response, Scenario, Tls, Upstream, on_both_hosts};

/// Attributes without a value in the scenario: the upstream connection has no TLS, nothing fails, and Envoy
/// cannot serialise metadata that a host does not have.
const ABSENT: [&str; 14] = [
    "connection.termination_details",
    "connection.transport_failure_reason",
    "connection.uri_san_local_certificate",
    "upstream.dns_san_local_certificate",
    "upstream.dns_san_peer_certificate",
    "upstream.peer_certificate",
    "upstream.sha256_peer_certificate_digest",
    "upstream.subject_local_certificate",
    "upstream.subject_peer_certificate",
    "upstream.tls_version",
    "upstream.uri_san_local_certificate",
    "upstream.uri_san_peer_certificate",
    "xds.upstream_host_locality_metadata",
    "xds.upstream_host_metadata",
];

/// Metadata without entries.
const EMPTY_MESSAGE: &str = "Ok(Some(Message([])))";

/// A client with a certificate, and a request and a response with everything that attributes show.
fn reading() -> Scenario {
    let backend = Response::new(200).header("x-a", "1").chunk("body").trailer("x-t", "2");
    let request = Request::post("/a?b=c", "text")
        .header("x-do", "attributes")
        .header("referer", "here")
        .header("user-agent", "\u{ff}")
        .certificate(Certificate::A);
    with(json!({}))
        .upstream(Upstream::replies("backend", backend))
        .settings(|settings| settings.tls = Tls::CertificateOptional)
        .request(request)
}

/// Values by phase and path: `request source.port`.
fn attributes(outcome: &Outcome) -> BTreeMap<String, String> {
    let lines = outcome.logs.iter().filter_map(|line| line.text.strip_prefix("attribute "));
    let parts = lines.map(|line| line.splitn(3, ' ').collect::<Vec<_>>());
    parts.map(|parts| (format!("{} {}", parts[0], parts[1]), parts[2].to_owned())).collect()
}

fn some(value: impl std::fmt::Debug) -> String {
    format!("Ok(Some({value:?}))")
}

on_both_hosts! {
    fn reads_every_attribute_by_its_type(host) {
        let found = attributes(&host.run(&reading()));
        let paths = found.keys().filter_map(|key| key.strip_prefix("request "));
        let paths: Vec<_> = paths.map(str::to_owned).collect();
        assert_eq!(paths.len(), 79);
        let mut absent = Vec::new();
        for path in &paths {
            let values = ["request", "response", "log"].map(|phase| found[&format!("{phase} {path}")].as_str());
            for value in values {
                let is_unwritable = path.starts_with("xds.upstream_host") && value.contains("SerializationFailure");
                assert!(value.starts_with("Ok(") || value == "Nested" || is_unwritable, "{path}: {value}");
            }
            if values.iter().all(|value| !value.starts_with("Ok(Some(") && *value != "Nested") {
                absent.push(path.as_str());
            }
        }
        assert_eq!(absent, ABSENT);
    }

    fn attributes_are_available_in_their_phases(host) {
        let found = attributes(&host.run(&reading()));
        let none = "Ok(None)";
        for (path, request, response, log) in [
            ("request.path", &*some(b"/a?b=c"), none, &*some(b"/a?b=c")),
            ("request.url_path", &some(b"/a"), none, &some(b"/a")),
            ("request.query", &some(b"b=c"), none, &some(b"b=c")),
            ("request.method", &some(b"POST"), none, &some(b"POST")),
            ("request.referer", &some(b"here"), none, &some(b"here")),
            ("request.useragent", &some("\u{ff}".as_bytes()), none, &some("\u{ff}".as_bytes())),
            ("request.protocol", &some("HTTP/1.1"), &some("HTTP/1.1"), &some("HTTP/1.1")),
            ("request.size", &some(4), &some(4), &some(4)),
            ("response.code", none, &some(200), &some(200)),
            ("response.code_details", none, &some(b"via_upstream"), &some(b"via_upstream")),
            ("response.flags", &some(0), &some(0), &some(0)),
            ("response.size", &some(0), &some(0), &some(4)),
            ("connection.mtls", &some(true), &some(true), &some(true)),
            ("connection.tls_version", &some("TLSv1.3"), &some("TLSv1.3"), &some("TLSv1.3")),
            ("upstream.num_endpoints", &some(1), &some(1), &some(1)),
            ("upstream.request_attempt_count", &some(0), &some(1), &some(1)),
            ("metadata", EMPTY_MESSAGE, EMPTY_MESSAGE, EMPTY_MESSAGE),
            ("filter_state", "Nested", "Nested", "Nested"),
            ("xds.cluster_name", &some("backend"), &some("backend"), &some("backend")),
            ("xds.listener_direction", &some(0), &some(0), &some(0)),
            ("plugin_name", &some("fixture-everything"), &some("fixture-everything"), &some("fixture-everything")),
            ("plugin_vm_id", &some(""), &some(""), &some("")),
        ] {
            let phases = ["request", "response", "log"].map(|phase| found[&format!("{phase} {path}")].as_str());
            assert_eq!(phases, [request, response, log], "{path}");
        }
        assert!(found["log request.duration"].starts_with("Ok(Some("));
        assert_eq!(found["request request.duration"], none);
        assert!(found["log response.backend_latency"].starts_with("Ok(Some("));
    }
}
