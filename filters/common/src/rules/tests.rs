use super::*;
use crate::Headers;
use core::cell::Cell;
use proptest::prelude::*;
use serde_json::{Value, json};

fn rule(value: Value) -> RequestMatch {
    crate::config::read(&value).unwrap()
}

fn rules(values: impl Iterator<Item = Value>) -> Rules<RequestMatch> {
    Rules::new(values.map(rule).collect())
}

fn facts<'a>(host: &'a str, path: &'a str) -> RequestFacts<'a> {
    RequestFacts {
        authority: host.as_bytes(),
        path: path.as_bytes(),
        method: b"GET",
        ..RequestFacts::default()
    }
}

fn first<'r>(rules: &'r Rules<RequestMatch>, host: &str, path: &str) -> Option<&'r RequestMatch> {
    rules.first(&facts(host, path), path.as_bytes())
}

/// How many rules are evaluated for a request.
fn evaluated(rules: &Rules<RequestMatch>, facts: &RequestFacts<'_>) -> usize {
    let count = Cell::new(0);
    let matches = |place: usize| {
        count.set(count.get() + 1);
        rules[place].matches(facts, facts.path_only(), Many::Any)
    };
    rules.index.as_ref().unwrap().first(facts.host(), facts.path_only(), matches);
    count.get()
}

/// Names, some of which begin or end with others.
fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "ab", "aa", "A", "c", ""]).prop_map(String::from)
}

fn path() -> impl Strategy<Value = String> {
    let of_segments =
        prop::collection::vec(name(), 0..5).prop_map(|segments| format!("/{}", segments.join("/")));
    prop_oneof![8 => of_segments, 1 => Just("*".to_owned()), 1 => Just(String::new())]
}

fn host() -> impl Strategy<Value = String> {
    prop::collection::vec(name(), 1..4).prop_map(|labels| labels.join("."))
}

fn text_matcher(text: String) -> impl Strategy<Value = Value> {
    let kind =
        prop::sample::select(vec!["exact", "exact", "prefix", "prefix", "suffix", "contains", "regex"]);
    (kind, prop::bool::weighted(0.2)).prop_map(move |(kind, ignore_case)| {
        let kind = if text.is_empty() { "exact" } else { kind };
        let text = if kind == "regex" { text.replace('*', r"\*") } else { text.clone() };
        json!({kind: text, "ignore_case": ignore_case})
    })
}

fn template() -> impl Strategy<Value = Value> {
    let segment = prop_oneof![3 => name(), 2 => Just("*".to_owned())];
    let rest = prop::sample::select(vec!["", "", "/**"]);
    let parts = (prop::collection::vec(segment, 0..5), rest);
    parts.prop_map(|(segments, rest)| json!({"template": format!("/{}{rest}", segments.join("/"))}))
}

fn condition() -> impl Strategy<Value = Value> {
    let hosts = prop::collection::vec(host().prop_flat_map(text_matcher), 0..3);
    let paths = prop::collection::vec(prop_oneof![path().prop_flat_map(text_matcher), template()], 0..4);
    let methods = prop::sample::select(vec![json!([]), json!([]), json!(["GET"]), json!(["POST"])]);
    let headers = prop::sample::select(vec![json!([]), json!([]), json!([{"name": "x", "exact": "1"}])]);
    (hosts, paths, methods, headers).prop_map(
        |(hosts, paths, methods, headers)| json!({"hosts": hosts, "paths": paths, "methods": methods, "headers": headers}),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn the_index_agrees_with_evaluating_all_rules(
        conditions in prop::collection::vec(condition(), FEW + 1..40),
        requests in prop::collection::vec((host(), path(), any::<bool>(), any::<bool>()), 1..20),
    ) {
        let rules = rules(conditions.into_iter());
        prop_assert!(rules.index.is_some());
        for (host, path, get, header) in requests {
            let headers: [(&[u8], &[u8]); 1] = [(b"x", b"1")];
            let headers = Headers(if header { &headers } else { &[] });
            let method: &[u8] = if get { b"GET" } else { b"POST" };
            let path = format!("{path}?x=1");
            let facts = RequestFacts { headers, method, ..facts(&host, &path) };
            let place = |found: Option<&RequestMatch>| found.map(core::ptr::from_ref);
            prop_assert_eq!(
                place(rules.first(&facts, facts.path_only())),
                place(RequestMatch::first(&rules, &facts, facts.path_only())),
                "{:?} {:?}", host, path
            );
        }
    }
}

#[test]
fn a_few_rules_have_no_index() {
    let few = |count| rules((0..count).map(|index| json!({"paths": [{"exact": format!("/{index}")}]})));
    assert!(few(FEW).index.is_none() && few(FEW + 1).index.is_some());
    let rules = few(3);
    assert!(first(&rules, "", "/2").is_some_and(|rule| core::ptr::eq(rule, &rules[2])));
    assert!(first(&rules, "", "/3").is_none());
}

#[test]
fn evaluates_few_of_ten_thousand_rules() {
    const MANY: usize = 10_000;
    type Make = fn(usize) -> Value;
    let kinds: [(&str, Make, &str, &str); 9] = [
        ("exact path", |n| json!({"paths": [{"exact": format!("/v1/{n}")}]}), "a", "/v1/7777"),
        ("path prefix", |n| json!({"paths": [{"prefix": format!("/v1/{n}/")}]}), "a", "/v1/7777/x"),
        ("template", |n| json!({"paths": [{"template": format!("/v1/{n}/{{id}}")}]}), "a", "/v1/7777/x"),
        (
            "template's end",
            |n| json!({"paths": [{"template": format!("/v1/{{id}}/{n}/**")}]}),
            "a",
            "/v1/x/7777/y",
        ),
        ("exact host", |n| json!({"hosts": [{"exact": format!("{n}.example")}]}), "7777.example:443", "/"),
        ("domain", |n| json!({"hosts": [{"suffix": format!(".{n}.example")}]}), "a.7777.Example", "/"),
        (
            "host and path",
            |n| json!({"hosts": [{"exact": format!("{}.example", n / 100)}], "paths": [{"prefix": format!("/{}/", n % 100)}]}),
            "77.example",
            "/77/x",
        ),
        (
            "several paths",
            |n| json!({"paths": [{"exact": format!("/a/{n}")}, {"exact": format!("/b/{n}")}]}),
            "a",
            "/b/7777",
        ),
        ("none", |n| json!({"paths": [{"exact": format!("/v1/{n}")}]}), "a", "/v2/7777"),
    ];
    for (kind, make, host, path) in kinds {
        let rules = rules((0..MANY).map(make));
        let facts = facts(host, path);
        assert!(evaluated(&rules, &facts) <= 1, "{kind}");
        let found = RequestMatch::first(&rules, &facts, facts.path_only());
        assert_eq!(found.is_some(), kind != "none", "{kind}");
        assert!(
            rules.first(&facts, facts.path_only()).map(core::ptr::from_ref) == found.map(core::ptr::from_ref),
            "{kind}"
        );
    }
}

#[test]
fn evaluates_general_rules_in_order() {
    let first = |general: usize| {
        let make = |n: usize| match n {
            n if n == general => json!({"methods": ["GET"]}),
            n => json!({"paths": [{"exact": format!("/{n}")}]}),
        };
        let rules = rules((0..100).map(make));
        let found = first(&rules, "a", "/50").map(core::ptr::from_ref);
        rules.iter().position(|rule| Some(core::ptr::from_ref(rule)) == found)
    };
    assert_eq!((first(10), first(90)), (Some(10), Some(50)));
}

#[test]
fn ignores_case_where_configured() {
    let make = |n: usize| match n % 2 {
        0 => json!({"paths": [{"exact": format!("/Path/{n}"), "ignore_case": true}]}),
        _ => json!({"hosts": [{"exact": format!("Host{n}"), "ignore_case": true}]}),
    };
    let rules = rules((0..100).map(make));
    let first = |host, path| {
        rules.iter().position(|r| first(&rules, host, path).is_some_and(|f| core::ptr::eq(r, f)))
    };
    assert_eq!(
        (first("hOST51", "/"), first("x", "/pATH/50"), first("x", "/Path/51")),
        (Some(51), Some(50), None)
    );
}

#[test]
fn indexes_a_rule_of_many_pairs_by_its_paths() {
    let many = |name: &str| (0..500).map(|n| json!({"exact": format!("{name}{n}")})).collect::<Vec<_>>();
    let rule = json!({"hosts": many("h"), "paths": many("/")});
    let rules = rules((0..FEW + 1).map(|_| rule.clone()));
    assert_eq!(rules.index.as_ref().unwrap().kept(), 500 * (FEW + 1));
    assert!(first(&rules, "h1", "/2").is_some() && first(&rules, "x", "/2").is_none());
}

#[test]
fn a_long_path_costs_one_search() {
    let rules = rules(
        (0..1000).map(|n| json!({"paths": [{"template": format!("/{{a}}/{n}")}, {"prefix": "/a/a/a/a"}]})),
    );
    let path = "/a".repeat(100_000);
    assert_eq!(evaluated(&rules, &facts("a", &path)), 1);
    let path = "/b".repeat(100_000);
    assert_eq!(evaluated(&rules, &facts("a", &path)), 0);
}
