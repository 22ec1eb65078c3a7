//! Failures of the host. Emulator only, because a real Envoy cannot be made to fail.

use crate::Subject;
use std::time::Duration;
use tollgate_host_test::Scenario;
use tollgate_host_test::emulator::state::Status;
use tollgate_host_test::emulator::{AbiVersion, Effect, Emulator, StreamHandle, Which, host_calls};

/// Sends all requests at once, to the workers in turn.
fn send(emulator: &mut Emulator, scenario: &Scenario) -> Vec<StreamHandle> {
    let workers = scenario.settings.workers;
    let requests = scenario.requests.iter().enumerate();
    requests.map(|(index, request)| emulator.request(index % workers, request)).collect()
}

/// Lets the second client disconnect, and waits for the ends of all requests.
fn finish(emulator: &mut Emulator, handles: Vec<StreamHandle>, what: &str) {
    if let Some(second) = handles.get(1) {
        emulator.hang_up(*second);
    }
    for handle in handles {
        emulator.finish_request(handle);
    }
    emulator.advance(Duration::from_secs(2));
    assert!(emulator.traps().is_empty(), "{what}: {:#?}", emulator.traps());
    assert_eq!(emulator.open_streams(), 0, "{what}");
}

/// Each host call returns each status: always, only after the configuration was loaded, and from the eighth
/// call on. A configuration may be rejected because of it.
pub(crate) fn no_answer_traps(subject: &Subject) {
    let scenario = subject.everything();
    for call in host_calls(AbiVersion::V0_2_1) {
        for status in Status::ALL {
            let fault = Effect::Answer(status);
            for which in [Which::All, Which::From(8)] {
                let what = format!("{call} returns {status:?}, {which:?}");
                match Emulator::builder(scenario).fault(call, which, fault).start() {
                    Ok(mut emulator) => {
                        let handles = send(&mut emulator, scenario);
                        finish(&mut emulator, handles, &what);
                    }
                    // Other reasons are traps.
                    Err(refused) => {
                        assert!(refused.reason.ends_with("returned false"), "{what}: {refused:?}")
                    }
                }
            }
            let emulator = Emulator::new(scenario).expect("the configuration was rejected");
            let mut emulator = emulator.fault(call, Which::All, fault);
            let handles = send(&mut emulator, scenario);
            finish(&mut emulator, handles, &format!("{call} returns {status:?} after the start"));
        }
    }
}
