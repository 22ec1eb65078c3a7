//! Tests of the policy with an environment in memory.

mod asking;
mod costs;
mod held;
mod paths;
mod queue;
mod shown;
mod undecided;
mod waiting;

use crate::remote::{CallFailure, CallId};
use crate::{
    Config, Decision, Environment, Event, Hold, Pass, Plan, Policy, Reason, Refusal, Settled, Ticket, Until,
};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use tollgate_counting::{Failure, Host, LocalMemory, SharedMemory};
use tollgate_policy::{AllowedBy, RequestFacts, ResponseFacts, UnixNanos};

const SECOND: u64 = 1_000_000_000;
/// Some time in 2026, at the begin of an hour.
const NOON: u64 = 1_790_000_000 / 3600 * 3600 * SECOND;

#[derive(Default)]
struct World {
    shared: LocalMemory,
    address: Option<IpAddr>,
    properties: BTreeMap<String, Vec<u8>>,
    draws: Vec<u64>,
    counted: BTreeMap<(usize, &'static str), u32>,
    silent: Option<Failure>,
}

impl Host for World {
    fn shared(&mut self) -> &mut dyn SharedMemory {
        &mut self.shared
    }

    fn now(&mut self) -> Result<UnixNanos, Failure> {
        Err(Failure::Host)
    }

    fn random(&mut self) -> Result<u64, Failure> {
        self.draws.pop().ok_or(Failure::Host)
    }

    fn property(&mut self, path: &str) -> Result<Option<Vec<u8>>, Failure> {
        let found = match path {
            "source\0address" => self.address.map(|ip| SocketAddr::new(ip, 1).to_string().into_bytes()),
            path => self.properties.get(path).cloned(),
        };
        self.silent.map_or(Ok(found), Err)
    }
}

impl Environment for World {
    fn host(&mut self) -> &mut dyn Host {
        self
    }

    fn count(&mut self, limit: usize, event: Event) {
        *self.counted.entry((limit, event.name())).or_default() += 1;
    }
}

/// A policy and its world.
struct Rig {
    policy: Policy,
    world: World,
    now: UnixNanos,
}

impl Rig {
    fn new(yaml: &str) -> Self {
        let config: Config = tollgate_policy::config::read(&serde_saphyr::from_str(yaml).unwrap()).unwrap();
        let plan = Plan::new(config).unwrap();
        let world = World { address: Some("192.0.2.1".parse().unwrap()), ..World::default() };
        Self { policy: Policy::new(plan, [9; 16]), world, now: UnixNanos(NOON) }
    }

    fn send(&mut self, headers: &[(&str, &str)]) -> Decision {
        let pairs: Vec<_> = headers.iter().map(|(n, v)| (n.as_bytes(), v.as_bytes())).collect();
        self.policy.decide(&RequestFacts::from_pairs(&pairs), &mut self.world, self.now, true)
    }

    #[track_caller]
    fn passes(&mut self, headers: &[(&str, &str)]) -> Pass {
        match self.send(headers) {
            Decision::Pass(pass) => pass,
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn refuses(&mut self, headers: &[(&str, &str)]) -> Refusal {
        match self.send(headers) {
            Decision::Refuse(refusal) => refusal,
            other => panic!("{other:?}"),
        }
    }

    fn respond(&mut self, ticket: &mut Ticket, status: &str) -> Vec<tollgate_policy::HeaderField> {
        let pairs = [(&b":status"[..], status.as_bytes())];
        self.settle(ticket, &pairs).headers.set
    }

    fn settle(&mut self, ticket: &mut Ticket, pairs: &[(&[u8], &[u8])]) -> Settled {
        self.policy.respond(ticket, &ResponseFacts::from_pairs(pairs), &mut self.world, self.now)
    }

    fn counted(&self, limit: usize, event: Event) -> u32 {
        self.world.counted.get(&(limit, event.name())).copied().unwrap_or_default()
    }
}

const TWO_AN_HOUR: &str = "
limits:
  one: {rates: [{token_bucket: {max_tokens: 2, fill_interval: 1h}}]}
";

#[test]
fn admits_exactly_the_bucket() {
    let mut rig = Rig::new(TWO_AN_HOUR);
    rig.passes(&[]);
    rig.passes(&[]);
    let refusal = rig.refuses(&[]);
    assert_eq!((refusal.status, refusal.reason), (429, Reason::LocalLimit));
    assert_eq!((rig.counted(0, Event::Ok), rig.counted(0, Event::Limited)), (2, 1));
}

#[test]
fn a_rejection_refunds_earlier_limits() {
    let mut rig = Rig::new(
        "
limits:
  a_wide: {rates: [{fixed_window: {requests: 3, window: 1h}}]}
  b_narrow:
    key: [{request_headers: {header_name: x-user, descriptor_key: user}}]
    rates: [{fixed_window: {requests: 1, window: 1h}}]
",
    );
    rig.passes(&[("x-user", "a")]);
    for _ in 0..10 {
        assert_eq!(rig.refuses(&[("x-user", "a")]).reason, Reason::LocalLimit);
    }
    rig.passes(&[("x-user", "b")]);
    rig.passes(&[("x-user", "c")]);
    let _ = rig.refuses(&[("x-user", "d")]);
    // Limits are in the order of their names: `a_wide` had given each time before `b_narrow` refused.
    assert_eq!((rig.counted(0, Event::Limited), rig.counted(1, Event::Limited)), (1, 10));
}

#[test]
fn shadow_limits_count_and_reject_nothing() {
    let mut rig = Rig::new(
        "
limits:
  one: {rates: [{token_bucket: {max_tokens: 1, fill_interval: 1h}}], shadow: true}
",
    );
    assert_eq!(rig.passes(&[]).allowed_by, None);
    assert_eq!(rig.passes(&[]).allowed_by, Some(AllowedBy::Shadow(Reason::LocalLimit)));
    assert_eq!((rig.counted(0, Event::Ok), rig.counted(0, Event::ShadowLimited)), (1, 1));
}

#[test]
fn filter_enabled_and_filter_enforced_select_shares() {
    let mut rig = Rig::new(&format!("{TWO_AN_HOUR}\nfilter_enabled: 50\nfilter_enforced: 50\n"));
    // Draws are taken from the end: first for `filter_enabled`, then for `filter_enforced`.
    rig.world.draws = vec![u64::MAX];
    rig.passes(&[]);
    assert_eq!(rig.counted(0, Event::Ok), 0, "the limit was checked");
    rig.passes(&[]);
    rig.passes(&[]);
    assert_eq!(rig.counted(0, Event::Ok), 2);
    rig.world.draws = vec![u64::MAX, 0];
    assert_eq!(rig.passes(&[]).allowed_by, Some(AllowedBy::Shadow(Reason::LocalLimit)));
    rig.world.draws = vec![0, 0];
    let _ = rig.refuses(&[]);
}

#[test]
fn on_error_decides_when_shared_memory_fails() {
    let mut rig = Rig::new(TWO_AN_HOUR);
    rig.world.shared.failure = Some(Failure::Contended);
    assert_eq!(rig.refuses(&[]).reason, Reason::SharedState);
    let mut rig = Rig::new(&format!("{TWO_AN_HOUR}\non_error: allow\n"));
    rig.world.shared.failure = Some(Failure::Host);
    assert_eq!(rig.passes(&[]).allowed_by, Some(AllowedBy::FailureMode(Reason::SharedState)));
    assert_eq!(rig.counted(0, Event::Error), 1);
}

#[test]
fn the_action_decides_about_clients_without_address() {
    for (action, refused) in [
        ("remote_address: {}", false),
        ("remote_address: {default_value: local}", true),
        ("masked_remote_address: {v4_prefix_mask_len: 24, skip_if_absent: true}", true),
        ("remote_address_match: {cidrs: [10.0.0.0/8], descriptor_value: ten, invert: true}", false),
    ] {
        let limit = format!(
            "one: {{key: [{{{action}}}], rates: [{{token_bucket: {{max_tokens: 1, fill_interval: 1h}}}}]}}"
        );
        let mut rig = Rig::new(&format!("limits: {{{limit}}}"));
        rig.world.address = None;
        rig.passes(&[]);
        match refused {
            true => assert_eq!(rig.refuses(&[]).reason, Reason::LocalLimit, "{action}"),
            false => assert_eq!(rig.passes(&[]).allowed_by, None, "{action}"),
        }
        assert_eq!(rig.counted(0, Event::NoKey), if refused { 0 } else { 2 }, "{action}");
        // Somebody else's, who has one.
        rig.world.address = Some("192.0.2.1".parse().unwrap());
        rig.passes(&[]);
    }
}

#[test]
fn on_error_decides_when_a_host_call_fails() {
    let limits = "
limits:
  a: {key: [{principal: {default_value: nobody}}], rates: [{token_bucket: {max_tokens: 9, fill_interval: 1h}}]}
  b: {rates: [{token_bucket: {max_tokens: 1, fill_interval: 1h}}]}
";
    let mut rig = Rig::new(limits);
    rig.world.silent = Some(Failure::Host);
    assert_eq!(rig.refuses(&[]).reason, Reason::HostError);
    assert_eq!((rig.counted(0, Event::Error), rig.counted(1, Event::Ok)), (1, 0));
    let mut rig = Rig::new(&format!("{limits}on_error: allow"));
    rig.world.silent = Some(Failure::Host);
    assert_eq!(rig.passes(&[]).allowed_by, Some(AllowedBy::FailureMode(Reason::HostError)));
    // The other limit asks nothing of the proxy.
    assert_eq!(rig.refuses(&[]).reason, Reason::LocalLimit);
    assert_eq!((rig.counted(0, Event::Error), rig.counted(1, Event::Ok)), (2, 1));
}

#[test]
fn shared_memory_errors_reject_nothing_in_shadow_mode() {
    let shadow = "limits: {one: {rates: [{token_bucket: {max_tokens: 2, fill_interval: 1h}}], shadow: true}}";
    for yaml in [shadow.to_owned(), format!("{TWO_AN_HOUR}\nfilter_enforced: 0\n")] {
        let mut rig = Rig::new(&yaml);
        rig.world.shared.failure = Some(Failure::Host);
        assert_eq!(rig.passes(&[]).allowed_by, Some(AllowedBy::Shadow(Reason::SharedState)));
        assert_eq!(rig.counted(0, Event::Error), 1);
    }
}

#[test]
fn only_failures_count_where_responses_say_what_counts() {
    let mut rig = Rig::new(
        "
limits:
  logins:
    key: [{remote_address: {}}]
    rates: [{fixed_window: {requests: 2, window: 1h}}]
    on_response: {statuses: ['401']}
",
    );
    for _ in 0..5 {
        let mut ticket = rig.passes(&[]).ticket;
        rig.respond(&mut ticket, "200");
        rig.policy.end(ticket, &mut rig.world, rig.now);
    }
    for _ in 0..2 {
        let mut ticket = rig.passes(&[]).ticket;
        rig.respond(&mut ticket, "401");
        rig.policy.end(ticket, &mut rig.world, rig.now);
    }
    assert_eq!(rig.refuses(&[]).reason, Reason::LocalLimit);
}

#[test]
fn requests_in_flight_are_counted_until_they_end() {
    let mut rig = Rig::new("limits: {one: {concurrency: {max_requests: 2}}}");
    let first = rig.passes(&[]).ticket;
    let _second = rig.passes(&[]).ticket;
    assert_eq!(rig.refuses(&[]).reason, Reason::Concurrency);
    rig.policy.end(first, &mut rig.world, rig.now);
    rig.passes(&[]);
}

#[test]
fn a_rejection_by_concurrency_is_not_counted_as_ok() {
    let mut rig = Rig::new("limits: {one: {concurrency: {max_requests: 1}, shadow: true}}");
    let _first = rig.passes(&[]).ticket;
    assert_eq!(rig.passes(&[]).allowed_by, Some(AllowedBy::Shadow(Reason::Concurrency)));
    assert_eq!((rig.counted(0, Event::Ok), rig.counted(0, Event::ShadowLimited)), (1, 1));
}

const ASKING: &str = "
limits:
  users:
    key: [{request_headers: {header_name: x-user, descriptor_key: user}}]
    service: {}
rate_limit_service: {cluster: limiter, FAILURE}
";

#[test]
fn the_failure_mode_decides_without_the_service() {
    for (mode, refused) in [("failure_mode: allow", None), ("failure_mode: deny", Some(503))] {
        let mut rig = Rig::new(&ASKING.replace("FAILURE", mode));
        let Decision::Hold(Hold { call: Some(call), ticket, .. }) = rig.send(&[("x-user", "a")]) else {
            panic!("no call")
        };
        rig.policy.answered(call.id, Err(CallFailure::Timeout), rig.now);
        match (rig.policy.ask_again(ticket, &mut rig.world, rig.now), refused) {
            (Decision::Pass(pass), None) => {
                assert_eq!(pass.allowed_by, Some(AllowedBy::FailureMode(Reason::ServiceUnavailable)))
            }
            (Decision::Refuse(refusal), Some(status)) => assert_eq!(refusal.status, status),
            (other, _) => panic!("{other:?}"),
        }
        assert_eq!(rig.counted(0, Event::Error), 1);
    }
}

#[test]
fn drops_the_verdict_of_an_ended_request() {
    let mut rig = Rig::new(&ASKING.replace("FAILURE", "timeout: 1s"));
    let Decision::Hold(Hold { call: Some(call), ticket, .. }) = rig.send(&[("x-user", "a")]) else {
        panic!("no call")
    };
    rig.policy.end(ticket, &mut rig.world, rig.now);
    rig.policy.answered(call.id, Err(CallFailure::Unavailable), rig.now);
    rig.policy.answered(CallId(9999), Err(CallFailure::Unavailable), rig.now);
    assert!(rig.policy.awaited.is_empty());
}

#[test]
fn responses_contain_quotas_and_requests_in_flight() {
    let mut rig = Rig::new(
        "
limits:
  one:
    rates: [{name: hourly, fixed_window: {requests: 5, window: 1h}}]
    concurrency: {max_requests: 2}
response: {rate_limit_headers: true}
",
    );
    let mut ticket = rig.passes(&[]).ticket;
    let headers = rig.respond(&mut ticket, "200");
    let field = |name: &str| {
        let value = headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone());
        String::from_utf8(value.unwrap_or_default()).unwrap()
    };
    assert!(field("ratelimit").contains(r#""one-concurrency";r=1"#), "{}", field("ratelimit"));
    assert!(field("ratelimit").contains(r#""hourly";r=4;t=3600"#), "{}", field("ratelimit"));
    assert!(
        field("ratelimit-policy").contains(r#"qu="concurrent-requests""#),
        "{}",
        field("ratelimit-policy")
    );
}
