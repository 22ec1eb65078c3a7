//! Costs that are 0, and costs that the response determines.

use super::*;
use tollgate_rate_limit_service::{Code, Request, Response};

const TOKENS: &str = "
limits:
  tokens:
    RATES
    cost: {number: 0}
    on_response: {cost_header: {name: x-used, max: 100000}}
    MORE
";

fn used(rig: &mut Rig, tokens: &str) {
    let mut ticket = rig.passes(&[("x-user", "a")]).ticket;
    let settled = rig.settle(&mut ticket, &[(b":status", b"200"), (b"x-used", tokens.as_bytes())]);
    assert!(settled.call.is_none());
    rig.policy.end(ticket, &mut rig.world, rig.now);
}

#[test]
fn a_cost_of_zero_only_checks() {
    for rate in [
        "fixed_window: {requests: 1000, window: 1h}",
        "fixed_window: {requests: 1000, calendar: year}",
        "sliding_window: {requests: 1000, window: 1h}",
        "token_bucket: {max_tokens: 1000, fill_interval: 1h}",
    ] {
        let mut rig = Rig::new(&TOKENS.replace("RATES", &format!("rates: [{{{rate}}}]")).replace("MORE", ""));
        for _ in 0..2000 {
            used(&mut rig, "0");
        }
        used(&mut rig, "999");
        used(&mut rig, "1");
        let refusal = rig.refuses(&[("x-user", "a")]);
        assert_eq!(refusal.reason, Reason::LocalLimit, "{rate}");
        // A cost beyond the limit is charged as well, up to another allowance.
        let mut rig = Rig::new(&TOKENS.replace("RATES", &format!("rates: [{{{rate}}}]")).replace("MORE", ""));
        used(&mut rig, "1200");
        assert_eq!(rig.refuses(&[("x-user", "a")]).reason, Reason::LocalLimit, "{rate}");
    }
}

#[test]
fn a_cost_of_zero_waits_for_room() {
    let yaml = TOKENS.replace("RATES", "rates: [{fixed_window: {requests: 10, window: 1m}}]");
    let mut rig = Rig::new(&yaml.replace("MORE", "delay: {max_wait: 5m}"));
    used(&mut rig, "10");
    for _ in 0..3 {
        match rig.send(&[]) {
            Decision::Hold(Hold { until: Until::Turn, timeout: wait, mut ticket, .. }) => {
                assert_eq!(wait, 60 * SECOND, "a request that takes nothing needs no place of its own");
                rig.settle(&mut ticket, &[(b":status", b"200"), (b"x-used", b"0")]);
            }
            other => panic!("{other:?}"),
        }
    }
    rig.now.0 += 60 * SECOND;
    used(&mut rig, "10");
    let _ = rig.send(&[]);
}

fn with_service(more: &str) -> String {
    TOKENS
        .replace("RATES", "key: [{request_headers: {header_name: x-user, descriptor_key: user}}]")
        .replace("MORE", &format!("service: {{}}\n{more}"))
        + "rate_limit_service: {cluster: limits}\n"
}

fn hits(message: &[u8]) -> (u32, Option<u64>) {
    let request = Request::read(message).unwrap();
    (request.hits_addend, request.descriptors[0].hits_addend.map(|hits| hits.value))
}

fn response(code: Code) -> Vec<u8> {
    Response { overall_code: code.into(), ..Response::default() }.write()
}

/// Asks the service, which has room.
#[track_caller]
fn admitted(rig: &mut Rig) -> Ticket {
    let Decision::Hold(Hold { call: Some(call), ticket, .. }) = rig.send(&[("x-user", "a")]) else {
        panic!("no call")
    };
    assert_eq!(hits(&call.message), (0, Some(0)));
    rig.policy.answered(call.id, Ok(&response(Code::Ok)), rig.now);
    match rig.policy.ask_again(ticket, &mut rig.world, rig.now) {
        Decision::Pass(pass) => pass.ticket,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_service_counts_what_a_response_has_used() {
    let mut rig = Rig::new(&with_service(""));
    for used in [b"1200", b"0007"] {
        let mut ticket = admitted(&mut rig);
        let settled = rig.settle(&mut ticket, &[(b":status", b"200"), (b"x-used", used)]);
        let call = settled.call.unwrap();
        assert_eq!(hits(&call.message).0.to_string(), str::from_utf8(used).unwrap().trim_start_matches('0'));
        rig.policy.end(ticket, &mut rig.world, rig.now);
        rig.policy.answered(call.id, Ok(&response(Code::Ok)), rig.now);
    }
    // The answer to that call is cached, too.
    let mut ticket = admitted(&mut rig);
    let call = rig.settle(&mut ticket, &[(b":status", b"200"), (b"x-used", b"1")]).call.unwrap();
    rig.policy.answered(call.id, Ok(&response(Code::OverLimit)), rig.now);
    assert_eq!(rig.refuses(&[("x-user", "a")]).reason, Reason::ServiceLimit);
    rig.policy.end(ticket, &mut rig.world, rig.now);
}

#[test]
fn no_call_counts_what_costs_nothing_more() {
    let mut rig = Rig::new(&with_service(""));
    for pairs in [&[(&b":status"[..], &b"200"[..]), (b"x-used", b"0")][..], &[(b":status", b"200")]] {
        let mut ticket = admitted(&mut rig);
        assert_eq!(rig.settle(&mut ticket, pairs).call, None);
        rig.policy.end(ticket, &mut rig.world, rig.now);
    }
    let mut ticket = admitted(&mut rig);
    for _ in 0..5 {
        let Decision::Hold(Hold { call: Some(call), ticket: asked, .. }) = rig.send(&[("x-user", "b")])
        else {
            panic!("no call")
        };
        rig.policy.answered(call.id, Err(CallFailure::Unavailable), rig.now);
        drop(rig.policy.ask_again(asked, &mut rig.world, rig.now));
    }
    assert_eq!(rig.settle(&mut ticket, &[(b":status", b"200"), (b"x-used", b"9")]).call, None);
    assert_eq!(rig.counted(0, Event::Error), 6, "the cost is lost, which is counted");
    drop(ticket);
}

#[test]
fn unlimited_keys_take_nothing() {
    let mut rig = Rig::new(
        "
limits:
  one:
    key: [{request_headers: {header_name: x-user, descriptor_key: user}}]
    rates: [{fixed_window: {requests: 1, window: 1h}}]
    concurrency: {max_requests: 1}
    service: {}
    overrides: [{when: {user: {exact: staff}}, unlimited: true}]
rate_limit_service: {cluster: limits}
",
    );
    for _ in 0..9 {
        let mut ticket = rig.passes(&[("x-user", "staff")]).ticket;
        assert!(rig.respond(&mut ticket, "200").is_empty());
    }
    assert_eq!(rig.counted(0, Event::Ok), 9);
    assert!(rig.world.shared.pages.is_empty() && rig.world.shared.in_flight.is_empty());
    assert!(matches!(rig.send(&[("x-user", "other")]), Decision::Hold(Hold { call: Some(_), .. })));
}
