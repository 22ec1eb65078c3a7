//! Random rates, states from shared memory and requests, at times that run forwards and backwards. Checks
//! that a rate reports its room correctly, and takes exactly the cost.
#![no_main]

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use tollgate_policy::UnixNanos;
use tollgate_counting::rate::{FixedWindow, Meter, Rate, SlidingWindow, State, Take};

/// Times up to here, so that their sums fit.
const LATEST: u64 = u64::MAX / 3;

/// Longer than that nothing waits.
const HUNDRED_YEARS: u64 = 36_525 * 86_400 * 1_000_000_000;

#[derive(Arbitrary, Debug)]
enum Which {
    Meter { burst: u64, tokens: u64, interval: u64 },
    SmallMeter { burst: u8, tokens: u8, interval: u16 },
    Fixed { requests: u64, window: u64 },
    SmallFixed { requests: u8, window: u16 },
    Sliding { requests: u32, window: u64 },
    SmallSliding { requests: u8, window: u16 },
}

#[derive(Arbitrary, Debug)]
enum Op {
    Take(u64),
    TakeFew(u8),
    Reserve(u64, u64),
    Charge(u64),
    Refund(u64, u64),
    Later(u64),
    ALittleLater(i16),
    WhenThereIsRoom,
}

#[derive(Arbitrary, Debug)]
struct Input {
    which: Which,
    max_wait: u64,
    full_at: u64,
    rest: u64,
    now: u64,
    ops: Vec<Op>,
}

fn rate(which: &Which) -> Option<Rate> {
    Some(match *which {
        Which::Meter { burst, tokens, interval } => Rate::Meter(Meter::new(burst, tokens, interval)?),
        Which::SmallMeter { burst, tokens, interval } => {
            Rate::Meter(Meter::new(burst.into(), tokens.into(), interval.into())?)
        }
        Which::Fixed { requests, window } => Rate::FixedWindow(FixedWindow::new(requests, window)?),
        Which::SmallFixed { requests, window } => {
            Rate::FixedWindow(FixedWindow::new(requests.into(), window.into())?)
        }
        Which::Sliding { requests, window } => Rate::SlidingWindow(SlidingWindow::new(requests, window)?),
        Which::SmallSliding { requests, window } => {
            Rate::SlidingWindow(SlidingWindow::new(requests.into(), window.into())?)
        }
    })
}

/// Takes, if there is room; else says when there is.
fn take((rate, max_wait): (&Rate, u64), state: &mut State, now: UnixNanos, cost: u64) -> u64 {
    let quota = rate.quota(*state, now);
    assert!(quota.remaining <= quota.limit);
    match rate.take(*state, now, cost) {
        Take::Taken(next) => {
            assert!(cost.max(1) <= quota.remaining);
            assert_eq!(rate.quota(next, now).remaining, quota.remaining - cost);
            assert!(cost > 0 || next == *state);
            *state = next;
            0
        }
        Take::Limited { retry_after } => {
            assert!(cost.max(1) > quota.remaining);
            assert_eq!(retry_after.is_none(), cost.max(1) > quota.limit);
            let Some(later) = retry_after else { return 0 };
            assert!(later > 0 && later <= longest(rate, max_wait));
            let early = rate.take(*state, UnixNanos(now.0 + later - 1), cost);
            assert_eq!(early, Take::Limited { retry_after: Some(1) });
            assert!(matches!(rate.take(*state, UnixNanos(now.0 + later), cost), Take::Taken(_)));
            later
        }
    }
}

/// The longest that there may be no room: twice the rate, what may wait, and a second by which workers may be
/// apart.
fn longest(rate: &Rate, max_wait: u64) -> u64 {
    let window = rate.quota(State::default(), UnixNanos(0)).window;
    let wait = max_wait.min(HUNDRED_YEARS);
    1_000_000_000
        + match rate {
            Rate::Meter(_) => window + window.max(wait),
            Rate::FixedWindow(_) => window + wait,
            Rate::SlidingWindow(_) => 2 * window + wait,
        }
}

fuzz_target!(|input: Input| {
    let max_wait = input.max_wait;
    let Some(rate) = rate(&input.which).map(|rate| rate.with_max_wait(max_wait)) else { return };
    let mut state = State { full_at: input.full_at, rest: input.rest };
    let mut now = UnixNanos(input.now % LATEST);
    for op in input.ops {
        let quota = rate.quota(state, now);
        match op {
            Op::Take(cost) => _ = take((&rate, max_wait), &mut state, now, cost),
            Op::TakeFew(cost) => _ = take((&rate, max_wait), &mut state, now, cost.into()),
            Op::Reserve(cost, max_wait) => {
                if let Some((next, wait)) = rate.reserve(state, now, cost, max_wait) {
                    assert!(wait <= max_wait && cost <= quota.limit);
                    assert_eq!(wait == 0, cost.max(1) <= quota.remaining);
                    assert!(rate.quota(next, now).remaining <= quota.remaining);
                    let turn = rate.turn(next, now);
                    assert!(turn >= now && turn.0 - now.0 <= wait);
                    state = next;
                }
            }
            Op::Charge(cost) => {
                state = rate.charge(state, now, cost);
                assert_eq!(rate.quota(state, now).remaining, quota.remaining.saturating_sub(cost));
            }
            Op::Refund(ago, cost) => {
                state = rate.refund(state, UnixNanos(now.0.saturating_sub(ago)), now, cost);
                let remaining = rate.quota(state, now).remaining;
                assert!(remaining >= quota.remaining && remaining - quota.remaining <= cost);
            }
            Op::Later(time) => now = UnixNanos(now.0.saturating_add(time) % LATEST),
            Op::ALittleLater(time) => now = UnixNanos(now.0.saturating_add_signed(time.into()) % LATEST),
            Op::WhenThereIsRoom => {
                now = UnixNanos((now.0 + take((&rate, max_wait), &mut state, now, 1)) % LATEST)
            }
        }
        let later = UnixNanos(now.0.max(state.full_at.min(LATEST * 2)));
        if later.0 >= state.full_at {
            assert_eq!(rate.quota(state, later), rate.quota(State::default(), later));
        }
    }
});
