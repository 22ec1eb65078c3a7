//! Configurations: both encodings, and rejected ones.

use crate::support::{filter, with};
use serde_json::json;
use tollgate_host_test::{LogLevel, Request, Scenario, on_both_hosts};

on_both_hosts! {
    fn accepts_a_struct_and_json(host) {
        let config = json!({"request_headers": [{"set": {"name": "x-a", "value": "b"}}]});
        let outcome =
            host.run(&Scenario::new().filter(filter().config_struct(config)).request(Request::get("/")));
        outcome.upstream(0).header("x-a", "b");
    }

    fn does_nothing_without_a_configuration(host) {
        let outcome = host.run(&Scenario::new().filter(filter()).request(Request::get("/")));
        outcome.client(0).start("200").body("ok");
    }

    fn names_a_misspelt_field_in_one_line(host) {
        let refused = host.try_run(&with(json!({"reqest_id": {}}))).expect_err("a misspelt field");
        let lines: Vec<_> = refused.logs.iter().filter(|line| line.text.contains("reqest_id")).collect();
        let [line] = lines.as_slice() else { panic!("not one line: {refused:?}") };
        assert_eq!(line.level, LogLevel::Critical);
        for part in ["configuration rejected: reqest_id: unknown field", "expected one of `request_id`"] {
            assert!(line.text.contains(part), "{}", line.text);
        }
    }

    fn rejects_edits_that_would_break_framing(host) {
        for (name, value) in [("x-a", "b\r\nc: d"), ("content-length", "1"), (":path", "/x"), ("a b", "c")] {
            let config = json!({"request_headers": [{"set": {"name": name, "value": value}}]});
            let refused = host.try_run(&with(config)).expect_err(name);
            assert!(refused.logs.iter().any(|line| line.text.contains("request_headers[0]")), "{refused:?}");
        }
    }
}
