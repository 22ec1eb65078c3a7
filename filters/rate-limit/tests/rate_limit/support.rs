//! What every scenario of this filter begins with.

use serde_json::Value;
use tollgate_host_test::{Filter, Scenario, Wasm};

/// A proxy with the filter, configured so.
pub fn with(config: Value) -> Scenario {
    Scenario::new().filter(filter().config(config))
}

/// The filter without a configuration.
pub fn filter() -> Filter {
    Filter::new(Wasm::package("tollgate-rate-limit"))
}
