//! Clients that use TLS, and native filters of Envoy.

#![allow(clippy::indexing_slicing, reason = "a test ends by panicking")]

use serde_json::json;
use tollgate_host_test::{
    Answer, Certificate, ClientView, Host, Request, Response, Scenario, Tls, Upstream, on_both_hosts,
};

fn over(tls: Tls) -> Scenario {
    Scenario::new().settings(|settings| settings.tls = tls)
}

on_both_hosts! {
    fn bodies_and_trailers_pass_through_tls(host) {
        let long = "a".repeat(200_000);
        let answer = Response::new(200).chunk(&long).chunk("the end");
        let scenario = over(Tls::CertificateOptional)
            .upstream(Upstream::answers("upstream", vec![Answer::Reply { response: answer, after: Default::default() }]))
            .request(Request::post("/", &long).certificate(Certificate::A))
            .request(Request::new("PUT", "/").chunk("in").chunk("pieces").trailer("t", "1"));
        let outcome = host.run(&scenario);
        outcome.has_statuses(&[200, 200]);
        outcome.client(0).body(format!("{long}the end"));
        outcome.upstream(0).body(&long).header("x-forwarded-proto", "https");
        outcome.upstream(1).body("inpieces");
    }

    fn a_required_client_certificate_is_enforced(host) {
        let scenario = over(Tls::CertificateRequired)
            .request(Request::get("/"))
            .request(Request::get("/").certificate(Certificate::B));
        let outcome = host.run(&scenario);
        assert_eq!(outcome.exchanges[0].client, ClientView::Reset);
        assert!(outcome.exchanges[0].upstream.is_empty());
        outcome.client(1).start("200");
    }
}

#[test]
fn certificates_contain_their_names() {
    for certificate in [Certificate::A, Certificate::B, Certificate::Orders, Certificate::Payments] {
        let der = certificate.der();
        let holds = |text: &str| der.windows(text.len()).any(|part| part == text.as_bytes());
        assert!(holds(certificate.uri_san()) && certificate.dns_san().is_none_or(holds));
    }
    assert_ne!(Certificate::A.sha256(), Certificate::B.sha256());
}

#[test]
fn native_filters_run_in_the_order_of_their_addition() {
    let buffer = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer",
        "max_request_bytes": 4,
    });
    let scenario = Scenario::new()
        .native_filter("envoy.filters.http.buffer", buffer)
        .request(Request::post("/", "1234"))
        .request(Request::post("/", "12345"));
    Host::Envoy.run(&scenario).has_statuses(&[200, 413]);
    let refused = Host::Emulator.try_run(&scenario).unwrap_err();
    assert!(refused.reason.contains("`envoy.filters.http.buffer` is a native Envoy filter"), "{refused}");
}
