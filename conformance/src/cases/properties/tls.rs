//! The `connection` attributes when clients use TLS, with and without a certificate.

use super::PHASES;
use crate::Case;
use crate::script::calls::{get_property, get_value};
use tollgate_host_test::{Certificate, Request};

/// Attributes, and their values with and without a client certificate.
const ATTRIBUTES: [(&str, &str, &str); 11] = [
    ("mtls", "is one byte, 1", "is one byte, 0"),
    ("tls_version", "is `TLSv1.3`", "is `TLSv1.3`"),
    ("requested_server_name", "is empty without a TLS inspector", "is empty without a TLS inspector"),
    (
        "subject_local_certificate",
        "is the subject of the server certificate, in the format of RFC 2253",
        "is the subject of the server certificate",
    ),
    (
        "subject_peer_certificate",
        "is the subject of the client certificate, in the format of RFC 2253",
        "is empty",
    ),
    (
        "dns_san_local_certificate",
        "is the first DNS name of the server certificate",
        "is the first DNS name of the server certificate",
    ),
    ("dns_san_peer_certificate", "is the first DNS name of the client certificate", "is not found"),
    ("uri_san_local_certificate", "is not found if the server certificate has no URI", "is not found"),
    ("uri_san_peer_certificate", "is the first URI of the client certificate", "is not found"),
    ("sha256_peer_certificate_digest", "is 64 hexadecimal digits in lower case", "is not found"),
    ("peer_certificate", "is the client certificate, in PEM", "is not found"),
];

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (attribute, with, without) in ATTRIBUTES {
        let path = format!("connection.{attribute}");
        let case = |by: &str, title: &str, certificate| {
            let case = Case::new(
                format!("properties/connection/tls/{by}/{}", attribute.replace('_', "-")),
                format!("`{path}` {title}"),
            );
            let case = PHASES
                .iter()
                .fold(case, |case, phase| case.on(phase, [get_property(path.replace('.', "\0"))]));
            let mut request = Request::get("/");
            request.certificate = certificate;
            case.without_latency().request(request)
        };
        cases.push(case("certificate", &format!("{with}, in every callback"), Some(Certificate::A)));
        cases.push(case("none", &format!("{without} if the client has no certificate"), None));
    }
    let headers = ["x-forwarded-client-cert", "x-forwarded-proto", ":scheme"];
    let title = "has the scheme `https`, and a client's `x-forwarded-client-cert` is removed";
    cases.push(
        Case::new("headers/over-tls", format!("the request {title}"))
            .on("request_headers", headers.map(|name| get_value(0, name)))
            .request(
                Request::get("/")
                    .certificate(Certificate::B)
                    .header("x-forwarded-client-cert", "By=x;Hash=y"),
            ),
    );
    cases
}

/// Cases for a listener with a TLS inspector.
pub fn server_names() -> Vec<Case> {
    let name = || [get_property("connection\0requested_server_name")];
    let case = |slug: &str, title: &str, request: Request| {
        let title = format!("`connection.requested_server_name` is {title}");
        Case::new(format!("properties/connection/tls/inspector/{slug}"), title)
            .on("request_headers", name())
            .on("log", name())
            .request(request)
    };
    vec![
        case("name", "the name that the client requests", Request::get("/").server_name("a.example")),
        case("none", "empty if the client requests no name", Request::get("/").server_name("")),
    ]
}

/// Cases for a listener that requires client certificates.
pub fn required() -> Vec<Case> {
    let shown =
        |case: Case| case.on("request_headers", [get_property("connection\0subject_peer_certificate")]);
    vec![
        shown(Case::new(
            "properties/connection/tls/required/none",
            "a client without a certificate is rejected before a stream is created",
        )),
        shown(Case::new(
            "properties/connection/tls/required/shown",
            "a client with a certificate is accepted",
        ))
        .request(Request::get("/").certificate(Certificate::B)),
    ]
}
