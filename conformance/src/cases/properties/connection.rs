//! `connection`, `source`, `destination` and `upstream`.

use super::Logged::{Length, Value};
use super::everywhere;
use crate::Case;

const NO_TLS: &str = "has its value for a connection without TLS";

pub fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = [
        ("connection.id", Length, "is a number, in every callback"),
        ("connection_id", Length, "is the same number as `connection.id`"),
        ("connection.mtls", Value, "is one byte, 0 without TLS"),
        ("connection.requested_server_name", Value, "is empty without TLS"),
        ("connection.termination_details", Value, "is not found unless the connection was terminated"),
        ("connection.transport_failure_reason", Value, NO_TLS),
        ("connection.nosuch", Value, "is not found"),
        ("connection", Value, "exists but returns SerializationFailure"),
        ("source.address", Length, "is the address and port of the client"),
        ("source.port", Length, "is a number"),
        ("source.nosuch", Value, "is not found"),
        ("source", Value, "exists but returns SerializationFailure"),
        ("destination.address", Length, "is the address and port of the listener"),
        ("destination.port", Length, "is a number"),
        ("destination.nosuch", Value, "is not found"),
        ("destination", Value, "exists but returns SerializationFailure"),
        ("upstream.address", Length, "is the address and port of the upstream, once it is selected"),
        ("upstream.port", Length, "is a number, once the upstream is selected"),
        ("upstream.local_address", Length, "is the proxy's address on the upstream connection"),
        ("upstream.transport_failure_reason", Value, "is empty if nothing failed"),
        ("upstream.request_attempt_count", Value, "is 1 as soon as the request is sent"),
        ("upstream.cx_pool_ready_duration", Length, "is available once an upstream connection is ready"),
        ("upstream.locality", Value, "is the locality of the upstream, which is empty"),
        ("upstream.num_endpoints", Value, "is the number of endpoints"),
        ("upstream.nosuch", Value, "is not found"),
        ("upstream", Value, "exists but returns SerializationFailure"),
    ]
    .into_iter()
    .map(|(path, logged, title)| everywhere("connection", path, logged, title))
    .collect();
    for side in ["connection", "upstream"] {
        for attribute in [
            "tls_version",
            "subject_local_certificate",
            "subject_peer_certificate",
            "dns_san_local_certificate",
            "dns_san_peer_certificate",
            "uri_san_local_certificate",
            "uri_san_peer_certificate",
            "sha256_peer_certificate_digest",
            "peer_certificate",
        ] {
            cases.push(everywhere("connection", &format!("{side}.{attribute}"), Value, NO_TLS));
        }
    }
    cases
}
