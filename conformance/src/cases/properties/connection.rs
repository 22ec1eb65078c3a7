//! `connection`, `source`, `destination` and `upstream`.

use super::Told::{Length, Value};
use super::everywhere;
use crate::Case;

const NO_TLS: &str = "is what it is without TLS";

pub fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = [
        ("connection.id", Length, "is a number, in every phase"),
        ("connection_id", Length, "is the same number"),
        ("connection.mtls", Value, "is one byte, 0 without TLS"),
        ("connection.requested_server_name", Value, "is empty without TLS"),
        ("connection.termination_details", Value, "is not found as long as nothing ends the connection"),
        ("connection.transport_failure_reason", Value, NO_TLS),
        ("connection.nosuch", Value, "is not found"),
        ("connection", Value, "is there and has no bytes: SerializationFailure"),
        ("source.address", Length, "is address and port of the client"),
        ("source.port", Length, "is a number"),
        ("source.nosuch", Value, "is not found"),
        ("source", Value, "is there and has no bytes: SerializationFailure"),
        ("destination.address", Length, "is address and port of the listener"),
        ("destination.port", Length, "is a number"),
        ("destination.nosuch", Value, "is not found"),
        ("destination", Value, "is there and has no bytes: SerializationFailure"),
        ("upstream.address", Length, "is address and port of the upstream, once it is chosen"),
        ("upstream.port", Length, "is a number, once the upstream is chosen"),
        ("upstream.local_address", Length, "is the proxy's side of the connection to the upstream"),
        ("upstream.transport_failure_reason", Value, "is empty when nothing failed"),
        ("upstream.request_attempt_count", Value, "is 1 from when the request is sent"),
        ("upstream.cx_pool_ready_duration", Length, "is there when a connection was found"),
        ("upstream.locality", Value, "is that of the upstream, which has none"),
        ("upstream.num_endpoints", Value, "is how many there are"),
        ("upstream.nosuch", Value, "is not found"),
        ("upstream", Value, "is there and has no bytes: SerializationFailure"),
    ]
    .into_iter()
    .map(|(path, told, says)| everywhere("connection", path, told, says))
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
