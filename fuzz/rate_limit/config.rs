//! Random texts as configurations. Each is rejected with an error in one line, or resolves to a plan with
//! valid indices, whose rule lookup equals a linear search.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate_policy::{RequestFacts, RequestMatch};
use tollgate_counting::table::WAYS;
use tollgate_rate_limit_policy::{Config, Plan};

fuzz_target!(|text: &str| {
    let Ok(config) = tollgate_policy::config::parse::<Config>(text) else { return };
    let plan = match Plan::new(config) {
        Ok(plan) => plan,
        Err(problem) => {
            assert!(!problem.to_string().chars().any(char::is_control), "{problem:?}");
            return;
        }
    };
    assert!(plan.pages >= 1);
    assert!(plan.rules.iter().flat_map(|rule| &rule.limits).all(|index| *index < plan.limits.len()));
    assert!(plan.otherwise.iter().all(|index| *index < plan.limits.len()));
    for limit in &plan.limits {
        assert!(limit.rates.list.len() <= WAYS / 2);
        for other in limit.overrides.list() {
            assert!(other.rates.list.len() <= WAYS / 2);
            assert!(other.when.iter().all(|(index, _)| *index < limit.key.len()));
        }
    }
    for path in [&b"/"[..], b"/a/b", b"", b"/\xff//"] {
        let facts =
            RequestFacts { method: b"GET", path, authority: b"a.example:80", ..RequestFacts::default() };
        let slow = RequestMatch::first(&plan.rules, &facts, path);
        assert_eq!(plan.rules.first(&facts, path).map(core::ptr::from_ref), slow.map(core::ptr::from_ref));
        let _ = plan.rules.select(&facts, &plan.path_normalization);
    }
});
