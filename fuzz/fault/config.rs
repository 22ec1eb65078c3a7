//! Random texts as configurations and as documents of the control endpoint. Each is rejected with an error in
//! one line, or decides about requests within its bounds.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate_fault_policy::{Config, Document, Plan};

fuzz_target!(|text: &str| {
    let Ok(config) = tollgate_policy::config::parse::<Config>(text) else { return };
    match Plan::new(config) {
        Ok(plan) => {
            assert!(plan.pages() >= 1);
            assert!(plan.statistics.len() <= 101);
            if let Err(error) = Document::parse(text.as_bytes(), &plan) {
                assert!(!error.chars().any(char::is_control), "{error:?}");
            }
        }
        Err(error) => assert!(!error.to_string().chars().any(char::is_control), "{error:?}"),
    }
});
