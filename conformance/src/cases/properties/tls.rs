//! `connection` where clients speak TLS, with a certificate and without.

use super::PHASES;
use crate::Case;
use crate::script::calls::{get_property, get_value};
use tollgate_host_test::{Certificate, Request};

/// What there is to know of either side, and what is to be seen of it.
const ATTRIBUTES: [(&str, &str, &str); 11] = [
    ("mtls", "is one byte, 1", "is one byte, 0: no certificate was shown"),
    ("tls_version", "is `TLSv1.3`", "is `TLSv1.3`"),
    ("requested_server_name", "is empty without a TLS inspector", "is empty without a TLS inspector"),
    ("subject_local_certificate", "is the server's, as RFC 2253 writes it", "is the server's"),
    ("subject_peer_certificate", "is the client's, as RFC 2253 writes it", "is empty"),
    ("dns_san_local_certificate", "is the server's first", "is the server's first"),
    ("dns_san_peer_certificate", "is the client's first", "is not found"),
    ("uri_san_local_certificate", "is not found if the server has none", "is not found"),
    ("uri_san_peer_certificate", "is the client's first", "is not found"),
    ("sha256_peer_certificate_digest", "is 64 digits in lower case", "is not found"),
    ("peer_certificate", "is the client's, in PEM", "is not found"),
];

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (attribute, with, without) in ATTRIBUTES {
        let path = format!("connection.{attribute}");
        let case = |by: &str, says: &str, certificate| {
            let case = Case::new(
                format!("properties/connection/tls/{by}/{}", attribute.replace('_', "-")),
                format!("`{path}` {says}"),
            );
            let case = PHASES
                .iter()
                .fold(case, |case, phase| case.on(phase, [get_property(path.replace('.', "\0"))]));
            let mut request = Request::get("/");
            request.certificate = certificate;
            case.without_latency().request(request)
        };
        cases.push(case("certificate", &format!("{with}, in every phase"), Some(Certificate::A)));
        cases.push(case("none", &format!("{without}, without a client certificate"), None));
    }
    let headers = ["x-forwarded-client-cert", "x-forwarded-proto", ":scheme"];
    let says = "says `https`, and nothing that a client says of its certificate is kept";
    cases.push(
        Case::new("headers/over-tls", format!("the request {says}"))
            .on("request_headers", headers.map(|name| get_value(0, name)))
            .request(
                Request::get("/")
                    .certificate(Certificate::B)
                    .header("x-forwarded-client-cert", "By=x;Hash=y"),
            ),
    );
    cases
}

/// Where a client must show one.
pub fn required() -> Vec<Case> {
    let shown =
        |case: Case| case.on("request_headers", [get_property("connection\0subject_peer_certificate")]);
    vec![
        shown(Case::new(
            "properties/connection/tls/required/none",
            "a client without one is turned away: there is no stream",
        )),
        shown(Case::new("properties/connection/tls/required/shown", "a client with one gets through"))
            .request(Request::get("/").certificate(Certificate::B)),
    ]
}
