//! Spellings of paths, and repeated headers.

use crate::support::{ALLOWED, by, decides, with};
use serde_json::json;
use tollgate_host_test::{Host, Request, on_both_hosts};

on_both_hosts! {
    fn no_spelling_of_a_path_bypasses_a_denial(host) {
        let config = json!({
            "rules": [{"name": "admin", "action": "deny", "match": {"paths": [{"template": "/admin/**"}, {"exact": "/admin"}]}}],
            "default_action": "allow",
        });
        let paths = [
            "/admin", "//admin", "/./admin", "/x/../admin", "/%61dmin", "/admin%2Fx", "/admin;a=b", "/x/..;/admin",
            "/x\\..\\admin", "/%2e%2e/admin", "/x%2f..%2fadmin", "/%252e%252e/admin", "/%2561dmin", "/admin/.",
            "/admin//", "/admin?x", "/admin/%2e",
        ];
        let scenario = paths.iter().fold(with(config), |scenario, path| scenario.request(Request::get(path)));
        let outcome = host.run(&scenario);
        for (index, path) in paths.iter().enumerate() {
            let exchange = &outcome.exchanges[index];
            assert!(exchange.upstream.is_empty(), "{path}: {exchange:?}");
        }
    }

    fn an_added_line_or_element_never_helps_the_client(host) {
        let rule = |action: &str, name: &str| json!({"name": action, "action": action, "match": {"headers": [{"name": name, "exact": "a"}]}});
        let get = |values: &[&str]| values.iter().fold(Request::get("/"), |request, value| request.header("x-role", value));
        let allow = json!({"rules": [rule("allow", "x-role")]});
        let none = crate::support::NONE;
        decides(host, with(allow), vec![
            (get(&["a"]), ALLOWED),
            (get(&["a", "a"]), ALLOWED),
            (get(&["a", "b"]), none),
            (get(&["b", "a"]), none),
            (get(&[]), none),
        ]);
        let deny = json!({"rules": [rule("deny", "x-role")], "default_action": "allow"});
        let denied = by("deny");
        decides(host, with(deny), vec![
            (get(&["a"]), &denied),
            (get(&["b", "a"]), &denied),
            (get(&["a", "b"]), &denied),
            (get(&["b"]), ALLOWED),
        ]);
        // Envoy joins the lines of this header before a filter sees them.
        let joined = json!({"rules": [rule("deny", "x-forwarded-proto-a")], "default_action": "allow"});
        decides(host, with(joined), vec![(Request::get("/"), ALLOWED)]);
    }

    fn elements_of_a_joined_header_are_values(host) {
        let config = json!({
            "rules": [{"name": "json", "action": "deny", "match": {"headers": [{"name": "accept", "exact": "application/xml"}]}}],
            "default_action": "allow",
        });
        let get = |values: &[&str]| values.iter().fold(Request::get("/"), |request, value| request.header("accept", value));
        let denied = by("json");
        decides(host, with(config), vec![
            (get(&["application/json"]), ALLOWED),
            (get(&["application/xml"]), &denied),
            (get(&["application/json", "application/xml"]), &denied),
            (get(&["application/json, application/xml"]), &denied),
        ]);
    }

    fn sends_the_path_as_it_is_unless_configured(host) {
        let config = |forward: bool| json!({
            "rules": [{"name": "all", "action": "allow"}], "forward_normalized_path": forward,
        });
        let run = |host: Host, forward: bool| host.run(&with(config(forward)).request(Request::get("/a//b/%7ex?q=//")));
        run(host, false).upstream(0).start("GET tollgate.test /a//b/%7ex?q=//");
        run(host, true).upstream(0).start("GET tollgate.test /a/b/~x?q=//");
    }
}
