//! Rows of the three filters together: apart, and in one module, which enters the VM and reads the headers
//! once.

use super::{Change, Row, Target, configured, jwt, rate_limit, telemetry_full, wasm};
use serde_json::{Value, json};
use tollgate_host_test::{Filter, Wasm};

const PACKAGES: [&str; 3] = ["tollgate-telemetry-headers", "tollgate-jwt-authn", "tollgate-rate-limit"];
const APART: &str = "suite apart";

pub(super) fn rows() -> Vec<Row> {
    let apart =
        Row::new(APART, "telemetry-headers full, jwt cached and rl header, one after another", || {
            PACKAGES.iter().zip(configs()).map(|(package, config)| configured(package, config)).collect()
        });
    let together = Row::new("suite in one module", "the same filters in one module", || {
        let [telemetry, jwt, limits] = configs();
        let config = json!({"telemetry-headers": telemetry, "jwt-authn": jwt, "rate-limit": limits});
        vec![wasm(&Filter::new(Wasm::chain("suite", &PACKAGES)).config(config))]
    });
    [apart, together.target(Target::TimesRow(APART, 0.5))]
        .map(|row| {
            row.bearer(jwt::ONE, "jwt none").responds_with("x-served-by").rejects(
                "authorization",
                Change::Forged,
                401,
            )
        })
        .into()
}

fn configs() -> [Value; 3] {
    [telemetry_full(), jwt::cached(), rate_limit::by_header_unlimited()]
}
