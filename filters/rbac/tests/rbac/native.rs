//! Generated policies and requests through Envoy's own RBAC filter and through this filter, each in an Envoy.
//! Both must make the same decision by the same policy.
//!
//! Left out, because the page announces a difference: repeated headers, `:authority` with a port or upper
//! case, paths with several readings, and characters in a `*` of a template that RFC 3986 does not allow.

use crate::support::{verdicts, with};
use serde_json::{Value, json};
use tollgate_host_test::{Host, Request, Scenario};

/// Requests per test.
const REQUESTS: usize = 5_000;
/// Generated configurations per test.
pub const CASES: usize = 40;

/// A sequence of numbers that is the same in each run (xorshift64*).
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % below
    }

    pub fn one<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        texts[self.roll(texts.len())]
    }
}

pub const TEXTS: [&str; 6] = ["a", "b", "ab", "ba", "abc", "A"];
const PATHS: [&str; 7] = ["/", "/a", "/b", "/a/b", "/a/b/c", "/ab", "/b/a"];

pub fn string_match(dice: &mut Dice) -> Value {
    let text = dice.one(&TEXTS);
    match dice.roll(6) {
        0 => json!({ "exact": text }),
        1 => json!({ "prefix": text }),
        2 => json!({ "suffix": text }),
        3 => json!({ "contains": text }),
        4 => json!({"exact": text, "ignore_case": true}),
        _ => json!({"safe_regex": {"regex": format!("{text}.*")}}),
    }
}

fn header(dice: &mut Dice) -> Value {
    let mut matcher = json!({"name": dice.one(&["x-a", "x-b", ":method"])});
    match dice.roll(5) {
        0 => matcher["present_match"] = (dice.roll(2) == 0).into(),
        1 => matcher["range_match"] = json!({"start": 2, "end": 7}),
        _ => {
            matcher["string_match"] = string_match(dice);
            if dice.roll(4) == 0 {
                matcher["treat_missing_header_as_empty"] = true.into();
            }
        }
    }
    if dice.roll(4) == 0 {
        matcher["invert_match"] = true.into();
    }
    matcher
}

fn url_path(dice: &mut Dice) -> Value {
    let path = dice.one(&PATHS);
    let matcher = match dice.roll(3) {
        0 => json!({ "exact": path }),
        1 => json!({ "prefix": path }),
        _ => json!({"safe_regex": {"regex": format!("{path}(/.*)?")}}),
    };
    json!({ "path": matcher })
}

fn network(dice: &mut Dice) -> Value {
    let (address, length) =
        [("127.0.0.0", 8), ("127.0.0.1", 32), ("127.0.0.4", 30), ("10.0.0.0", 8)][dice.roll(4)];
    json!({"address_prefix": address, "prefix_len": length})
}

fn metadata(dice: &mut Dice) -> Value {
    let value = match dice.roll(5) {
        0 => json!({"bool_match": true}),
        1 => json!({"double_match": {"range": {"start": 1, "end": 3}}}),
        2 => json!({"present_match": true}),
        3 => json!({"list_match": {"one_of": {"string_match": string_match(dice)}}}),
        _ => json!({"string_match": string_match(dice)}),
    };
    json!({"filter": "shop", "path": [{"key": dice.one(&["tier", "flags"])}], "value": value, "invert": dice.roll(4) == 0})
}

fn permission(dice: &mut Dice, depth: usize) -> Value {
    match dice.roll(if depth > 0 { 10 } else { 7 }) {
        0 => json!({"any": true}),
        1 | 2 => json!({"header": header(dice)}),
        3 | 4 => json!({"url_path": url_path(dice)}),
        5 => json!({"metadata": metadata(dice)}),
        6 => json!({"uri_template": {"name": "t", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig",
            "path_template": dice.one(&["/a/{x}", "/*/b", "/{x=**}", "/a/**"]),
        }}}),
        7 => json!({"not_rule": permission(dice, depth - 1)}),
        8 => json!({"and_rules": {"rules": [permission(dice, depth - 1), permission(dice, depth - 1)]}}),
        _ => json!({"or_rules": {"rules": [permission(dice, depth - 1), permission(dice, depth - 1)]}}),
    }
}

fn principal(dice: &mut Dice, depth: usize) -> Value {
    match dice.roll(if depth > 0 { 10 } else { 7 }) {
        0 => json!({"any": true}),
        1 => json!({"header": header(dice)}),
        2 => json!({"remote_ip": network(dice)}),
        3 => json!({"direct_remote_ip": network(dice)}),
        4 => json!({"metadata": metadata(dice)}),
        5 => json!({"url_path": url_path(dice)}),
        6 => json!({"authenticated": {}}),
        7 => json!({"not_id": principal(dice, depth - 1)}),
        8 => json!({"and_ids": {"ids": [principal(dice, depth - 1), principal(dice, depth - 1)]}}),
        _ => json!({"or_ids": {"ids": [principal(dice, depth - 1), principal(dice, depth - 1)]}}),
    }
}

/// The policies of all cases. Those of one case apply only to its requests, so that two Envoys are enough.
fn policies(dice: &mut Dice, action: &str) -> Value {
    let mut policies = serde_json::Map::new();
    for case in 0..CASES {
        let of_case = json!({"header": {"name": "x-case", "string_match": {"exact": case.to_string()}}});
        for policy in 0..=dice.roll(3) {
            let permission = json!({"and_rules": {"rules": [of_case.clone(), permission(dice, 3)]}});
            let policy = (
                format!("c{case}-{policy}"),
                json!({"permissions": [permission], "principals": [principal(dice, 3)]}),
            );
            policies.insert(policy.0, policy.1);
        }
    }
    json!({"rules": {"action": action, "policies": policies}})
}

fn request(dice: &mut Dice) -> Request {
    let mut request = Request::new(dice.one(&["GET", "POST", "ab"]), dice.one(&PATHS))
        .header("x-case", dice.roll(CASES).to_string())
        .peer([127, 0, 0, 1 + dice.roll(6) as u8]);
    for name in ["x-a", "x-b"] {
        match dice.roll(4) {
            0 => {}
            1 => request = request.header(name, dice.one(&["2", "5", "7", "-1", "x2"])),
            _ => request = request.header(name, dice.one(&TEXTS)),
        }
    }
    let value = match dice.roll(5) {
        0 => return request,
        1 => json!(true),
        2 => json!(2),
        3 => json!([dice.one(&TEXTS), dice.one(&TEXTS)]),
        _ => json!(dice.one(&TEXTS)),
    };
    request.metadata("shop", json!({dice.one(&["tier", "flags"]): value}))
}

/// Sends generated requests through both filters, and compares the verdicts. `case` returns the part of the
/// configuration that applies to the requests of a case.
pub fn agree(dice: &mut Dice, config: &Value, case: impl Fn(&str) -> Value) {
    let requests: Vec<_> = (0..REQUESTS).map(|_| request(dice)).collect();
    let run = |scenario: Scenario| {
        let scenario = requests.iter().cloned().fold(scenario, Scenario::request);
        verdicts(&Host::Envoy.run(&scenario))
    };
    let mut native = config.clone();
    native["@type"] = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC".into();
    let native = run(Scenario::new().native_filter("envoy.filters.http.rbac", native));
    let ours = run(with(json!({ "envoy": config })));
    let allowed = native.iter().filter(|verdict| *verdict == "allowed").count();
    assert!((REQUESTS / 10..REQUESTS * 9 / 10).contains(&allowed), "{allowed} of {REQUESTS} allowed");
    for (index, request) in requests.iter().enumerate() {
        let name = String::from_utf8_lossy(request.headers.get("x-case").unwrap()).into_owned();
        assert_eq!(ours[index], native[index], "{request:?}\n{:#}", case(&name));
    }
}

/// Compares generated policies with an action.
fn agree_with_policies(action: &str, seed: u64) {
    let mut dice = Dice(seed);
    let config = policies(&mut dice, action);
    agree(&mut dice, &config, |case| {
        let policies = config["rules"]["policies"].as_object().unwrap();
        let of_case = policies.iter().filter(|(name, _)| name.starts_with(&format!("c{case}-")));
        Value::Object(of_case.map(|(name, policy)| (name.clone(), policy.clone())).collect())
    });
}

#[test]
fn allows_what_the_native_filter_allows() {
    agree_with_policies("ALLOW", 0x5eed_0001);
}

#[test]
fn denies_what_the_native_filter_denies() {
    agree_with_policies("DENY", 0x5eed_0002);
}
