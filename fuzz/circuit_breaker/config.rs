//! Random texts as configurations. Each is rejected with an error in one line, or resolves to a plan whose
//! records have room for its breakers.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate_circuit_breaker_policy::record::HEADER_BYTES;
use tollgate_circuit_breaker_policy::{Config, Plan};

fuzz_target!(|text: &str| {
    let Ok(config) = tollgate_policy::config::parse::<Config>(text) else { return };
    match Plan::new(config) {
        Ok(plan) => {
            assert!(plan.pages >= 1 && !plan.breakers.is_empty());
            assert!(plan.record_bytes > HEADER_BYTES && plan.record_bytes.is_multiple_of(8));
        }
        Err(problem) => assert!(!problem.to_string().chars().any(char::is_control), "{problem:?}"),
    }
});
