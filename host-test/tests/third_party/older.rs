//! Modules of older ABI versions, as other SDKs produce them.

use crate::both::{both, filter};
use tollgate_host_test::emulator::Emulator;
use tollgate_host_test::{LogLevel, Request, Response, Scenario, Upstream, Wasm};

const V0_1_0: &str = include_str!("abi_0_1_0.wat");
const V0_2_0: &str = include_str!("abi_0_2_0.wat");

fn scenario(text: &str) -> Scenario {
    Scenario::new()
        .filter(filter(Wasm::wat(text)).config_text("how it is set up"))
        .upstream(Upstream::replies("upstream", Response::new(200).chunk("in").chunk(" two")))
        .upstream(Upstream::replies("other", Response::new(204)))
        .request(Request::get("/").header("x-one", "1"))
        .request(Request::get("/again"))
}

#[track_caller]
fn runs(text: &str, absent: &str) {
    let outcome = both(scenario(text));
    outcome.has_statuses(&[200, 200]);
    for index in 0..2 {
        outcome.upstream(index).header("x-asked", "other");
        outcome.client(index).header("x-asked", "other").body("in two");
        outcome.callout("other", index).start("GET o /");
    }
    outcome.has_logged(LogLevel::Info, "started").has_logged(LogLevel::Info, "how it is set up");
    outcome.has_logged(LogLevel::Info, absent);
}

#[test]
fn a_module_of_abi_0_1_0_runs() {
    runs(V0_1_0, "an absent header: status 0, length 0");
}

#[test]
fn a_module_of_abi_0_2_0_runs() {
    runs(V0_2_0, "an absent header: status 1");
}

/// With the marker of another ABI version, the host rejects the imports of a module.
#[test]
fn the_marker_decides_what_a_module_may_import() {
    let marked = |text: &str, from: &str, to: &str| {
        let text = text.replace(&format!("proxy_abi_version_{from}"), &format!("proxy_abi_version_{to}"));
        Emulator::new(&scenario(&text)).expect_err("imports of another version must fail").reason
    };
    assert!(marked(V0_1_0, "0_1_0", "0_2_0").contains("proxy_get_configuration"));
    assert!(marked(V0_1_0, "0_1_0", "0_2_1").contains("proxy_get_configuration"));
    assert!(marked(V0_2_0, "0_2_0", "0_1_0").contains("proxy_continue_stream"));
}
