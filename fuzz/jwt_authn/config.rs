//! Reads any text as a configuration. It is rejected with an error of one line, or becomes a plan. All
//! indices of the plan are valid, and the rule lookup returns the same rule as trying each rule in order.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate_jwt_authn_policy::Config;
use tollgate_jwt_authn_policy::plan::{Plan, Required};
use tollgate_policy::{RequestFacts, RequestMatch};

fuzz_target!(|text: &str| {
    let Ok(config) = tollgate_policy::config::parse::<Config>(text) else { return };
    let plan = match Plan::new(config, |_| None) {
        Ok(plan) => plan,
        Err(problem) => {
            assert!(!problem.to_string().chars().any(char::is_control), "{problem:?}");
            return;
        }
    };
    assert!(plan.providers.iter().all(|provider| provider.source < plan.sources.len()));
    for rule in plan.rules.iter() {
        leads_somewhere(&rule.required, &plan);
    }
    for path in [&b"/"[..], b"/a/b", b"", b"/\xff//"] {
        let facts =
            RequestFacts { method: b"GET", path, authority: b"a.example:80", ..RequestFacts::default() };
        let slow = RequestMatch::first(&plan.rules, &facts, path);
        assert_eq!(plan.rules.first(&facts, path).map(core::ptr::from_ref), slow.map(core::ptr::from_ref));
        let _ = plan.select(&facts);
    }
});

fn leads_somewhere(required: &Required, plan: &Plan) {
    match required {
        Required::Provider(index, _) => assert!(*index < plan.providers.len()),
        Required::Any(list) | Required::All(list) => {
            assert!(list.len() >= 2);
            list.iter().for_each(|required| leads_somewhere(required, plan));
        }
        _ => {}
    }
}
