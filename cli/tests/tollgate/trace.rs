use crate::support::{hello, tollgate};

const CONFIG: [&str; 2] = ["--config-text", r#"{"header": "x-team", "allowed": ["red"]}"#];

#[test]
fn shows_the_host_calls_and_the_outcome_of_a_request() {
    let hello = hello();
    let with =
        |args: &[&str]| tollgate(&[&["trace", "--json", "--wasm", &hello], &CONFIG[..], args].concat());
    let red = with(&["GET", "/a", "-H", "x-team: red"]);
    assert_eq!(red.exit, 0, "{red:?}");
    let seen = red.json();
    assert_eq!((seen["request"].as_str(), seen["client"].as_str()), (Some("GET /a"), Some("200")));
    let calls = seen["calls"].as_array().unwrap();
    assert_eq!(calls.len(), 1, "{seen}");
    let call = calls[0].as_str().unwrap();
    assert!(call.contains("proxy_get_header_map_pairs") && call.contains("x-team: \"red\""), "{call}");
    let callbacks = seen["callbacks"].as_array().unwrap();
    let headers = callbacks.iter().find(|c| c["name"] == "proxy_on_request_headers").unwrap();
    assert!((100..1_000_000).contains(&headers["instructions"].as_u64().unwrap()), "{seen}");
    let post = with(&["/a", "--data", "body", "-H", "Host: a.test"]).json();
    assert_eq!((post["request"].as_str(), post["client"].as_str()), (Some("POST /a"), Some("403")));
    assert_eq!(post["details"], "not_allowed");
    assert!(post["calls"].to_string().contains("proxy_send_local_response"), "{post}");
    assert!(post["calls"].to_string().contains("a.test"), "{post}");
}

#[test]
fn shows_any_request_of_a_scenario() {
    let with = |n: &str| tollgate(&["trace", "examples/hello/scenario.yaml", "--request", n]);
    assert!(with("0").out.starts_with("GET / -> 200 (via_upstream)\n"));
    let second = with("1");
    assert!(second.out.starts_with("GET / -> 403 (not_allowed)\n"), "{second:?}");
    assert!(second.out.contains("green") && !second.out.contains("x-team: \"red\""), "{second:?}");
    let none = with("9");
    assert_eq!(none.exit, 2);
    assert_eq!(none.err, "tollgate: `--request`: index `9` is out of range, the scenario has 3 requests\n");
}

#[test]
fn a_rejected_configuration_sends_no_request() {
    let said = tollgate(&["trace", "--wasm", &hello(), "--config-text", "{}", "/"]);
    assert!(said.exit == 3 && said.out.contains("REJECTED"), "{said:?}");
    for args in [["trace", "GET", "/"], ["trace", "--wasm", "/"], ["trace", "x.yaml", "--data=a"]] {
        assert_eq!(tollgate(&args).exit, 2, "{args:?}");
    }
    let path = tollgate(&["trace", "--wasm", &hello(), "GET", "a"]);
    assert!(path.exit == 2 && path.err.contains("must begin with `/`"), "{path:?}");
}
