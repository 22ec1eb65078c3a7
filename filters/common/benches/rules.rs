//! Measures how long it takes to find the rule of a request, with ten rules and with ten thousand:
//! `cargo bench --package tollgate-policy`.
//!
//! Target: ten thousand rules cost a small multiple of ten rules.

#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark")]

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use serde_json::{Value, json};
use std::hint::black_box;
use tollgate_policy::{PathNormalization, RequestFacts, RequestMatch, Rules};

type Make = fn(usize) -> Value;

const KINDS: &[(&str, Make)] = &[
    ("exact paths", |n| json!({"paths": [{"exact": format!("/api/v1/service-{n}/orders")}]})),
    ("path prefixes", |n| json!({"paths": [{"prefix": format!("/api/v1/service-{n}/")}]})),
    ("templates", |n| json!({"paths": [{"template": format!("/api/{{version}}/service-{n}/orders")}]})),
    (
        "hosts and prefixes",
        |n| json!({"hosts": [{"exact": format!("host-{n}.example")}], "paths": [{"prefix": "/api/"}]}),
    ),
];

fn rules(criterion: &mut Criterion) {
    for (kind, make) in KINDS {
        let mut group = criterion.benchmark_group(*kind);
        for count in [10, 10_000] {
            let make = |n| tollgate_policy::config::read::<RequestMatch>(&make(n)).unwrap();
            let rules = Rules::new((0..count).map(make).collect());
            // The rule is in the middle, so that a linear search takes half of its maximum time.
            let path = format!("/api/v1/service-{}/orders?x=y", count / 2);
            let host = format!("host-{}.example:443", count / 2);
            let facts = RequestFacts {
                method: b"GET",
                path: path.as_bytes(),
                authority: host.as_bytes(),
                ..RequestFacts::default()
            };
            let normalization = PathNormalization::default();
            let first =
                |rules: &Rules<_>, facts| rules.select(facts, &normalization).unwrap().first.is_some();
            assert!(first(&rules, &facts), "{kind}");
            group.bench_function(BenchmarkId::new("rules", count), |bencher| {
                bencher.iter(|| first(black_box(&rules), black_box(&facts)));
            });
            group.bench_function(BenchmarkId::new("linear search", count), |bencher| {
                let path = facts.path_only();
                bencher.iter(|| RequestMatch::first(black_box(&rules), black_box(&facts), path).is_some());
            });
        }
        group.finish();
    }
}

criterion_group!(benches, rules);
criterion_main!(benches);
