//! Random bytes as the shared records of requests in flight and of running VMs, followed by random requests.
#![no_main]

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use tollgate_policy::UnixNanos;
use tollgate_counting::in_flight::{Acquire, LEASE, Members, acquire, release};

#[derive(Arbitrary, Debug)]
enum Op {
    Acquire { tag: u8, vm: u8, max: u8 },
    Release { tag: u8, vm: u8 },
    Beat { vm: u8 },
    Read,
    Later(i32),
}

#[derive(Arbitrary, Debug)]
struct Input {
    record: Vec<u8>,
    beats: Vec<u8>,
    now: u64,
    ops: Vec<Op>,
}

/// How many of a key one VM has in flight.
fn count(record: &[u8], tag: u8, vm: u8) -> u64 {
    let mut record = record.to_vec();
    let mut count = 0;
    while count < 300 && release(&mut record, tag.into(), vm.into()) {
        count += 1;
    }
    count
}

fuzz_target!(|input: Input| {
    let Input { mut record, mut beats, now, ops } = input;
    let mut now = UnixNanos(now);
    let mut members = Members::read(&beats);
    for op in ops {
        let before = record.clone();
        match op {
            Op::Acquire { tag, vm, max } => {
                let own = count(&record, tag, vm);
                match acquire(&mut record, tag.into(), vm.into(), max.into(), &members, now) {
                    Acquire::Full => assert_eq!(record, before),
                    Acquire::Acquired => {
                        assert!(own < max.into());
                        assert_eq!(count(&record, tag, vm), own + 1);
                        assert!(record.len() <= before.len().max(1) + 20);
                        let soon = UnixNanos(now.0.saturating_add(LEASE / 2));
                        let other = u32::from(vm) + 1000;
                        let all =
                            acquire(&mut record.clone(), tag.into(), other, 1, &Members::default(), soon);
                        assert_eq!(all, Acquire::Full, "it has just come");
                    }
                }
            }
            Op::Release { tag, vm } => {
                let own = count(&record, tag, vm);
                assert_eq!(release(&mut record, tag.into(), vm.into()), own > 0);
                assert!(own == 300 || count(&record, tag, vm) == own.saturating_sub(1));
                assert!(record.len() <= before.len());
            }
            Op::Beat { vm } => {
                let length = beats.len();
                Members::beat(&mut beats, vm.into(), now);
                assert!(beats.len() <= length.max(1) + 12);
                assert!(Members::read(&beats).is_alive(vm.into(), now));
                let late = UnixNanos(now.0.saturating_add(LEASE + 1_000_000));
                assert!(late.0 == u64::MAX || !Members::read(&beats).is_alive(vm.into(), late));
            }
            Op::Read => members = Members::read(&beats),
            Op::Later(millis) => {
                now = UnixNanos(now.0.saturating_add_signed(i64::from(millis) * 1_000_000));
            }
        }
    }
});
