//! Quotas that clients see.

use super::*;

fn value<'h>(headers: &'h [tollgate_policy::HeaderField], name: &str) -> &'h str {
    let found = headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_slice());
    str::from_utf8(found.unwrap_or_default()).unwrap()
}

const SPEND_AND_ONE: &str = "
limits:
  a_spend: {rates: [{fixed_window: {requests: 1000, window: 1h}}], cost: {number: 400}}
  b_flying: {concurrency: {max_requests: 8}}
  c_one: {rates: [{fixed_window: {requests: 1, window: 1h}}]}
";

#[test]
fn a_rejection_shows_what_it_has_refunded() {
    let mut rig = Rig::new(SPEND_AND_ONE);
    let mut ticket = rig.passes(&[]).ticket;
    let headers = rig.respond(&mut ticket, "200");
    assert_eq!(value(&headers, "ratelimit"), r#""a_spend";r=600;t=3600, "b_flying";r=7, "c_one";r=0;t=3600"#);
    for _ in 0..3 {
        let headers = rig.refuses(&[]).headers;
        let shown = r#""a_spend";r=600;t=3600, "b_flying";r=7, "c_one";r=0;t=3600"#;
        assert_eq!(value(&headers, "ratelimit"), shown);
    }
    drop(ticket);
}

/// Buckets, windows and delays, of the limit that gives first and is refunded.
#[test]
fn every_kind_of_refund_is_shown() {
    for (rate, left) in [
        ("token_bucket: {max_tokens: 3, fill_interval: 1h}", 3),
        ("gcra: {requests: 1, per: 1h, burst: 3}", 3),
        ("fixed_window: {requests: 3, window: 1h}", 3),
        ("fixed_window: {requests: 3, calendar: month}", 3),
        ("sliding_window: {requests: 3, window: 1h}", 3),
    ] {
        for delay in ["", ", delay: {max_wait: 5m}"] {
            let mut rig = Rig::new(&format!(
                "limits: {{a: {{rates: [{{{rate}}}]{delay}}}, b: {{rates: [{{fixed_window: {{requests: 0, window: 1h}}}}]}}}}"
            ));
            let headers = rig.refuses(&[]).headers;
            let shown = value(&headers, "ratelimit");
            assert!(shown.starts_with(&format!(r#""a";r={left};"#)), "{rate}: {shown}");
            assert_eq!(value(&headers, "retry-after"), "", "there is never room");
        }
    }
}

#[test]
fn a_response_shows_the_cost_that_it_determines() {
    let yaml = "
limits:
  logins:
    rates: [{fixed_window: {requests: 5, window: 1h}}]
    on_response: {statuses: ['401'], cost_header: {name: x-cost, max: 9}}
";
    for (status, cost, left) in [("200", "1", 5), ("401", "1", 4), ("401", "3", 2), ("401", "9", 0)] {
        let mut rig = Rig::new(yaml);
        let mut ticket = rig.passes(&[]).ticket;
        let pairs = [(&b":status"[..], status.as_bytes()), (b"x-cost", cost.as_bytes())];
        let settled = rig.settle(&mut ticket, &pairs);
        let shown = value(&settled.headers.set, "ratelimit").to_owned();
        assert!(shown.starts_with(&format!(r#""logins";r={left};"#)), "{status} {cost}: {shown}");
        drop(ticket);
    }
}

#[test]
fn the_last_request_and_the_next_show_one_time() {
    let mut rig = Rig::new("limits: {one: {rates: [{token_bucket: {max_tokens: 900, fill_interval: 4s}}]}}");
    let mut last = Vec::new();
    for _ in 0..900 {
        let mut ticket = rig.passes(&[]).ticket;
        last = rig.respond(&mut ticket, "200");
        drop(ticket);
    }
    let rejected = rig.refuses(&[]).headers;
    for headers in [&last, &rejected] {
        assert_eq!(value(headers, "ratelimit"), r#""one";r=0;t=4"#);
    }
    assert_eq!(value(&rejected, "retry-after"), "4");
}

#[test]
fn a_rejected_client_may_return_when_all_limits_have_room() {
    let mut rig = Rig::new(
        "
limits:
  a: {rates: [{fixed_window: {requests: 1, window: 1m}}]}
  b: {rates: [{fixed_window: {requests: 1, window: 1h}}, {token_bucket: {max_tokens: 9, fill_interval: 1s}}]}
  c: {rates: [{fixed_window: {requests: 1, window: 24h}}], shadow: true}
  d: {concurrency: {max_requests: 1}}
response: {body_format: problem}
",
    );
    let ticket = rig.passes(&[]).ticket;
    let refusal = rig.refuses(&[]);
    // `c` rejects nothing, and no one knows when `d` has room.
    assert_eq!(value(&refusal.headers, "retry-after"), "3600");
    let body: serde_json::Value = serde_json::from_slice(&refusal.body).unwrap();
    assert_eq!(body["violated-policies"], serde_json::json!(["a", "b-1"]));
    let shown = value(&refusal.headers, "ratelimit");
    assert!(shown.starts_with(r#""a";r=0;t=60, "b-1";r=0;t=3600, "b-2";r=8;t=1, "c";r=0;t="#), "{shown}");
    // Only the limit that rejects counts the request.
    let counted =
        [0, 1, 2, 3].map(|limit| rig.counted(limit, Event::Limited) + rig.counted(limit, Event::Ok));
    assert_eq!(counted, [2, 1, 1, 1]);
    // And nothing was taken from those that were only looked at.
    rig.world.shared.pages.clear();
    drop(ticket);
}

/// Names of all policies in a response.
fn names(yaml: &str) -> Vec<String> {
    let mut rig = Rig::new(yaml);
    let mut ticket = rig.passes(&[("x", "1")]).ticket;
    let headers = rig.respond(&mut ticket, "200");
    drop(ticket);
    let items = value(&headers, "ratelimit-policy").split(", ").map(|item| item.split('"').nth(1).unwrap());
    items.map(str::to_owned).collect()
}

#[test]
fn no_response_has_two_policies_of_one_name() {
    let rate = "fixed_window: {requests: 9, window: 1h}";
    for (limits, expected) in [
        (format!("{{a: {{rates: [{{name: b, {rate}}}]}}, b: {{rates: [{{{rate}}}]}}}}"), vec!["a-b", "b"]),
        (
            format!("{{a: {{rates: [{{name: x, {rate}}}]}}, b: {{rates: [{{name: x, {rate}}}]}}}}"),
            vec!["a-x", "b-x"],
        ),
        (
            format!(
                "{{a: {{rates: [{{name: x, {rate}}}]}}, a-x: {{rates: [{{{rate}}}]}}, b: {{rates: [{{name: x, {rate}}}]}}}}"
            ),
            vec!["a-x-2", "a-x", "b-x"],
        ),
        (
            format!("{{a: {{rates: [{{name: a-concurrency, {rate}}}], concurrency: {{max_requests: 9}}}}}}"),
            vec!["a-concurrency-2", "a-concurrency"],
        ),
    ] {
        let mut found = names(&format!("limits: {limits}"));
        let mut expected = expected;
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{limits}");
    }
}
