//! All orders of the steps of several workers.

use crate::support::{Host, SECOND, plan};
use tollgate_circuit_breaker_policy::{Decision, Policy, Reason, Ticket};
use tollgate_counting::LocalMemory;
use tollgate_policy::{Headers, RequestFacts, ResponseFacts, UnixNanos};

/// Each worker sends its requests one after another: a step is a request, or its response. Returns the
/// numbers of probes of all orders.
fn probes(config: &str, requests: &[usize], status: u16) -> Vec<usize> {
    let mut all = Vec::new();
    let mut order = Vec::new();
    visit(&mut order, &requests.iter().map(|count| 2 * count).collect::<Vec<_>>(), &mut |order| {
        all.push(run(config, requests.len(), order, status));
    });
    all
}

fn visit(order: &mut Vec<usize>, left: &[usize], found: &mut dyn FnMut(&[usize])) {
    if left.iter().all(|left| *left == 0) {
        return found(order);
    }
    for worker in 0..left.len() {
        if left[worker] > 0 {
            let mut left = left.to_vec();
            left[worker] -= 1;
            order.push(worker);
            visit(order, &left, found);
            order.pop();
        }
    }
}

fn run(config: &str, workers: usize, order: &[usize], status: u16) -> usize {
    let mut host = Host::default();
    let new = || {
        let plan = plan(config).unwrap();
        (plan.page_bytes(), Policy::new(plan, [7; 16], 1))
    };
    host.memory = LocalMemory { page_bytes: new().0, ..LocalMemory::default() };
    let mut policies: Vec<_> = (0..workers).map(|_| new().1).collect();
    let mut now = UnixNanos(1000 * SECOND);
    let first = policies[0].decide(&RequestFacts::default(), &mut host, now);
    let Decision::Pass(pass) = first else { panic!("closed at first") };
    let mut ticket = pass.ticket;
    respond(&mut policies[0], &mut ticket, 500, &mut host, now);
    assert_eq!(host.changes.len(), 1);
    now = UnixNanos(now.0 + 2 * SECOND);
    let mut flying: Vec<Option<Ticket>> = (0..workers).map(|_| None).collect();
    let mut is_request = vec![true; workers];
    let (mut probes, mut closed) = (0, false);
    for worker in order {
        let worker = *worker;
        if is_request[worker] {
            match policies[worker].decide(&RequestFacts::default(), &mut host, now) {
                Decision::Pass(pass) => {
                    closed |= host.changes.iter().any(|change| change.contains("-> closed"));
                    probes += usize::from(!closed);
                    flying[worker] = Some(pass.ticket);
                }
                Decision::Refuse(refusal) => {
                    assert!(
                        matches!(refusal.reason, Reason::HalfOpen | Reason::Open),
                        "{:?}",
                        refusal.reason
                    );
                }
            }
        } else if let Some(mut ticket) = flying[worker].take() {
            respond(&mut policies[worker], &mut ticket, status, &mut host, now);
            policies[worker].end(ticket, &mut host, now);
        }
        is_request[worker] = !is_request[worker];
    }
    probes
}

fn respond(policy: &mut Policy, ticket: &mut Ticket, status: u16, host: &mut Host, now: UnixNanos) {
    let response = ResponseFacts { status, headers: Headers(&[]) };
    policy.respond(ticket, &response, host, now);
}

const CONFIG: &str = r#"{"breakers": {"a": {
    "consecutive_failures": 1, "open": {"duration": "1s", "jitter": 0}, "half_open": {"probes": 2}
}}}"#;

#[test]
fn no_order_admits_more_probes_than_configured() {
    let failing = probes(CONFIG, &[2, 2, 1], 500);
    assert!(failing.len() > 3000, "{}", failing.len());
    // The first failed probe opens the breaker, so that the second may not be admitted.
    assert!(failing.iter().all(|probes| (1..=2).contains(probes)));
    assert!(failing.contains(&2));
    let working = probes(CONFIG, &[2, 2, 1], 200);
    assert!(working.iter().all(|probes| *probes == 2));
}
