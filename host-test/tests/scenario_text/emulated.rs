//! Options and expectations that only the emulator has.

use crate::{guests, meets, parse, run, wrong};
use tollgate_host_test::{Host, on_envoy};

#[test]
fn the_clock_starts_at_a_given_time() {
    let text = format!(
        "filters: [{{module: {}}}]\nemulator: {{start_time: '2030-01-01T00:00:00Z'}}
requests: [{{}}, {{after: 1s}}]\nexpect: {{logs: [{{text: future, count: 1}}]}}",
        guests::reads_the_time()
    );
    meets(Host::Emulator, &text);
    meets(Host::Emulator, &text.replace("00:00:00Z", "01:00:00+01:00"));
    let (_, failures) = run(Host::Emulator, &text.replace("2030", "2031"));
    assert_eq!(failures, ["expect.logs[0].count: expected 1 line, saw 0"]);
}

#[test]
fn faults_replace_host_calls_and_callbacks() {
    let of = |fault: &str, rest: &str| {
        format!(
            "filters: [{{module: {}}}]\nemulator: {{faults: [{fault}]}}\nrequests: [{{}}, {{}}]\n{rest}",
            guests::logs()
        )
    };
    meets(
        Host::Emulator,
        &of(
            "{call: {name: proxy_log, which: {nth: 2}, effect: {answer: InternalFailure}}}",
            "expect: {logs: [{text: headers, count: 1}], host_calls: {proxy_log: 2}}",
        ),
    );
    meets(
        Host::Emulator,
        &of(
            "{callback: {name: proxy_on_request_headers, which: {from: 2}, after: 1}}",
            "expect: {logs: [{text: headers, count: 1}], traps: [proxy_on_request_headers]}",
        ),
    );
}

#[test]
fn instructions_are_bounded_and_compared() {
    let of = |rest: &str| format!("filters: [{{module: {}}}]\nrequests: [{{}}]\n{rest}", guests::counts());
    let small = "expect: {instructions: {proxy_on_request_headers: {at_least: 10, at_most: 100}}}";
    meets(Host::Emulator, &of(small));
    let (_, failures) =
        run(Host::Emulator, &of("expect: {instructions: {proxy_on_request_headers: {at_most: 9}}}"));
    assert!(
        failures[0].starts_with("expect.instructions.proxy_on_request_headers: expected at most 9, saw ")
    );
    let (_, failures) = run(Host::Emulator, &of("expect: {instructions: {proxy_on_tick: {at_most: 9}}}"));
    assert_eq!(
        failures,
        ["expect.instructions.proxy_on_tick: expected at most 9, saw no call of this callback"]
    );
    let endless = format!(
        "filters: [{{module: {}}}]\nemulator: {{max_instructions: 1000}}\nrequests: [{{expect: {{status: 503}}}}]
expect: {{traps: [proxy_on_request_headers]}}",
        guests::never_returns()
    );
    meets(Host::Emulator, &endless);
}

#[test]
fn host_calls_are_counted_in_the_whole_run() {
    let of = |calls: &str| {
        format!(
            "filters: [{{module: {}}}]\nrequests: [{{}}, {{}}]\nexpect: {{host_calls: {calls}}}",
            guests::counts()
        )
    };
    // Three metrics in each of three VMs, and three values of each request.
    meets(
        Host::Emulator,
        &of("{proxy_define_metric: 9, proxy_record_metric: {at_most: 6}, proxy_http_call: 0}"),
    );
    let (_, failures) = run(Host::Emulator, &of("{proxy_define_metric: {at_most: 8}}"));
    assert_eq!(failures, ["expect.host_calls.proxy_define_metric: expected at most 8, saw 9"]);
}

#[test]
fn envoy_checks_only_what_it_can() {
    let options = parse("emulator: {seed: 7}\nrequests: [{}]");
    let why = "`emulator`: only the emulator has these options, run the scenario on it";
    assert_eq!(options.unsupported(Host::Envoy).as_deref(), Some(why));
    assert_eq!((options.unsupported(Host::Emulator), options.unchecked(Host::Emulator)), (None, vec![]));
    let text = "requests: [{expect: {status: 200}}]\nexpect: {host_calls: {proxy_log: 7}}";
    assert_eq!(parse(text).unchecked(Host::Envoy), ["expect.host_calls"]);
    assert_eq!(parse(text).unchecked(Host::Emulator), Vec::<&str>::new());
    on_envoy(|| meets(Host::Envoy, text));
}

#[test]
fn errors_name_the_field() {
    wrong(
        "emulator: {start_time: tomorrow}\nrequests: [{}]",
        "`emulator.start_time`: invalid time `\"tomorrow\"`, expected one from 1970 to 2500 such as `2030-01-01T00:00:00Z`",
    );
    wrong(
        "emulator: {faults: [{call: {name: proxy_htp_call, which: all, effect: trap}}]}\nrequests: [{}]",
        "`emulator.faults[0].call.name`: unknown host call `proxy_htp_call`, expected a name such as `proxy_http_call`",
    );
    wrong(
        "emulator: {faults: [{callback: {name: on_tick, which: all, after: 1}}]}\nrequests: [{}]",
        "`emulator.faults[0].callback.name`: unknown callback `on_tick`, expected a name such as \
         `proxy_on_request_headers`",
    );
    wrong(
        "emulator: {max_instructions: 0}\nrequests: [{}]",
        "`emulator.max_instructions`: `0` is out of range, expected at least 1",
    );
    wrong(
        "requests: [{}]\nexpect: {host_calls: {proxy_logs: 1}}",
        "`expect.host_calls.proxy_logs`: unknown name, expected one such as `proxy_http_call`",
    );
    wrong(
        "requests: [{}]\nexpect: {instructions: {on_tick: 1}}",
        "`expect.instructions.on_tick`: unknown name, expected one such as `proxy_on_request_headers`",
    );
}
