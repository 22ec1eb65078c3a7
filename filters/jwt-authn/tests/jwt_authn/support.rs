//! What every scenario of this filter begins with.

use serde_json::Value;
use tollgate_host_test::{Filter, Scenario, Wasm};

/// A proxy with the filter, configured so.
pub fn with(config: Value) -> Scenario {
    Scenario::new().filter(filter().config(config)).settings(|settings| settings.generate_request_id = false)
}

/// The filter without a configuration.
pub fn filter() -> Filter {
    Filter::new(Wasm::package("tollgate-jwt-authn"))
}
