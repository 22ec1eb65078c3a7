//! Runs the filter and its counterpart of the stock SDK on both hosts.
use serde_json::json;
use tollgate_host_test::{Filter, Host, Outcome, Request, Response, Scenario, Upstream, Wasm, on_both_hosts};

const MODULES: [&str; 2] = ["tollgate-example-rewrite", "stock-example-rewrite"];

fn run(host: Host, module: &str, response: Response) -> Outcome {
    let config = json!({"from": "http://", "to": "https://", "max_bytes": 30});
    let scenario = Scenario::new()
        .filter(Filter::new(Wasm::package(module)).config(config))
        .upstream(Upstream::replies("backend", response))
        .request(Request::get("/"));
    host.run(&scenario)
}

fn html() -> Response {
    Response::new(200).header("content-type", "text/html; charset=utf-8")
}

on_both_hosts! {
    fn rewrites_html_however_it_arrives(host) {
        for module in MODULES {
            let whole = html().header("content-length", "18").chunk("<a href=http://a/>");
            let parts = html().chunk("<a href=ht").chunk("tp://a/>");
            let with_trailers = html().chunk("<a href=ht").chunk("tp://a/>").trailer("x-sum", "1");
            for response in [whole, parts, with_trailers] {
                run(host, module, response).client(0).start("200").body("<a href=https://a/>");
            }
        }
    }

    fn passes_other_bodies_unchanged(host) {
        for module in MODULES {
            let text = Response::new(200).header("content-type", "text/plain").chunk("http://");
            let compressed = html().header("content-encoding", "br").chunk("http://");
            let not_text = html().chunk(b"http://\xff");
            let too_large = html().chunk("a".repeat(31)).chunk("http://");
            for response in [text, compressed, not_text, too_large] {
                let body = response.body();
                run(host, module, response).client(0).start("200").body(body);
            }
        }
    }
}
