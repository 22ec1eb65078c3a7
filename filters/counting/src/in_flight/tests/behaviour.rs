use super::*;

const KEY: u64 = 7;

#[test]
fn as_many_as_may_be_are_in_flight() {
    let everybody = members(&[(1, 0), (2, 0)]);
    let mut record = Vec::new();
    let acquire = |record: &mut Vec<u8>, tag, vm| acquire(record, tag, vm, 2, &everybody, at(0));
    assert_eq!(acquire(&mut record, KEY, 1), Acquire::Acquired);
    assert_eq!(acquire(&mut record, KEY, 2), Acquire::Acquired);
    let full = record.clone();
    assert_eq!(acquire(&mut record, KEY, 1), Acquire::Full);
    assert_eq!(acquire(&mut record, KEY, 2), Acquire::Full);
    assert_eq!(record, full);
    assert_eq!(acquire(&mut record, KEY + 1, 1), Acquire::Acquired, "of another key");
    assert!(release(&mut record, KEY, 2));
    assert_eq!(acquire(&mut record, KEY, 1), Acquire::Acquired);
}

#[test]
fn a_maximum_of_zero_admits_nothing() {
    let mut record = Vec::new();
    assert_eq!(acquire(&mut record, KEY, 1, 0, &Members::default(), at(0)), Acquire::Full);
    assert!(record.is_empty());
}

#[test]
fn a_record_is_as_long_as_what_is_in_flight() {
    let everybody = members(&[(1, 0), (2, 0)]);
    let mut record = Vec::new();
    for _ in 0..9 {
        for vm in [1, 2] {
            acquire(&mut record, KEY, vm, 100, &everybody, at(0));
        }
    }
    assert_eq!(record.len(), 1 + 2 * 20);
    for _ in 0..9 {
        assert!(release(&mut record, KEY, 1));
    }
    assert_eq!(record.len(), 1 + 20);
    assert!(!release(&mut record, KEY, 1));
    for _ in 0..9 {
        assert!(release(&mut record, KEY, 2));
    }
    assert!(record.is_empty());
}

#[test]
fn removes_the_counts_of_a_dead_vm() {
    let both = members(&[(1, 0), (2, 0)]);
    let mut record = Vec::new();
    assert_eq!(acquire(&mut record, KEY, 1, 1, &both, at(0)), Acquire::Acquired);
    assert_eq!(acquire(&mut record, KEY + 1, 1, 1, &both, at(0)), Acquire::Acquired);
    let later = members(&[(1, 1), (2, 10)]);
    assert_eq!(acquire(&mut record, KEY, 2, 1, &later, at(10)), Acquire::Full);
    assert_eq!(acquire(&mut record, KEY, 2, 1, &later, at(11)), Acquire::Acquired);
    assert_eq!(record.len(), 1 + 20, "of all keys");
    assert!(!release(&mut record, KEY, 1));
}

#[test]
fn a_vm_with_heartbeats_keeps_its_requests() {
    let mut record = Vec::new();
    acquire(&mut record, KEY, 1, 1, &Members::default(), at(0));
    let later = members(&[(1, 3599), (2, 3600)]);
    assert_eq!(acquire(&mut record, KEY, 2, 1, &later, at(3600)), Acquire::Full);
}

#[test]
fn a_new_vm_counts_as_running() {
    let mut record = Vec::new();
    acquire(&mut record, KEY, 1, 1, &Members::default(), at(5));
    for now in [4, 5, 15] {
        assert_eq!(acquire(&mut record.clone(), KEY, 2, 1, &members(&[(2, now)]), at(now)), Acquire::Full);
    }
    assert_eq!(acquire(&mut record, KEY, 2, 1, &members(&[(2, 16)]), at(16)), Acquire::Acquired);
}

#[test]
fn the_own_vm_needs_no_heartbeat() {
    let mut record = Vec::new();
    acquire(&mut record, KEY, 1, 1, &Members::default(), at(0));
    assert_eq!(acquire(&mut record, KEY, 1, 1, &Members::default(), at(3600)), Acquire::Full);
}

#[test]
fn a_clock_that_was_set_back_keeps_no_vm_alive() {
    let mut record = Vec::new();
    let mut beats = Vec::new();
    Members::beat(&mut beats, 1, at(3600));
    acquire(&mut record, KEY, 1, 1, &Members::read(&beats), at(3600));
    Members::beat(&mut beats, 2, at(0));
    assert_eq!(acquire(&mut record, KEY, 2, 1, &Members::read(&beats), at(9)), Acquire::Full, "it may live");
    Members::beat(&mut beats, 2, at(10));
    assert_eq!(acquire(&mut record, KEY, 2, 1, &Members::read(&beats), at(10)), Acquire::Acquired);
}

#[test]
fn members_are_running_vms() {
    let mut record = Vec::new();
    Members::beat(&mut record, 1, at(0));
    Members::beat(&mut record, 2, at(5));
    Members::beat(&mut record, 1, at(6));
    assert_eq!(record.len(), 1 + 2 * 12);
    let both = Members::read(&record);
    let alive = |now| [1, 2, 3].map(|vm| both.is_alive(vm, UnixNanos(now)));
    assert_eq!(alive(START + 15 * SECOND - 1), [true, true, false]);
    assert_eq!(alive(START + 15 * SECOND), [true, false, false]);
    assert_eq!(alive(START + 16 * SECOND), [false; 3]);
    Members::beat(&mut record, 1, at(15));
    assert_eq!(record.len(), 1 + 12);
}

#[test]
fn records_of_another_version_are_empty() {
    let mut record = Vec::new();
    acquire(&mut record, KEY, 1, 1, &Members::default(), at(0));
    let mut beats = Vec::new();
    Members::beat(&mut beats, 1, at(0));
    let broken = |record: &[u8]| {
        let mut other = record.to_vec();
        other[0] = 2;
        [other, record[..record.len() - 1].to_vec(), vec![1], vec![]]
    };
    for mut other in broken(&record) {
        assert!(!release(&mut other, KEY, 1));
        assert_eq!(acquire(&mut other, KEY, 1, 1, &Members::default(), at(0)), Acquire::Acquired);
        assert_eq!(other, record);
    }
    for mut other in broken(&beats) {
        assert_eq!(Members::read(&other), Members::default());
        Members::beat(&mut other, 1, at(0));
        assert_eq!(other, beats);
    }
}

proptest! {
    #[test]
    fn any_bytes_are_a_record(
        mut record in prop::collection::vec(any::<u8>(), 0..200), is_ours: bool, entries in 0..9usize,
        tag in 0..3u64, vm in 0..3u32, max: u32, now: u64, seen in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        if is_ours {
            record.resize(1 + entries * 20, 0);
            record[0] = 1;
        }
        let before = record.clone();
        let members = Members::read(&seen);
        match acquire(&mut record, tag, vm, max, &members, UnixNanos(now)) {
            Acquire::Full => prop_assert_eq!(&record, &before),
            Acquire::Acquired => {
                prop_assert!(record.len() <= before.len().max(1) + 20);
                prop_assert!(release(&mut record, tag, vm));
            }
        }
        let mut seen = seen;
        Members::beat(&mut seen, vm, UnixNanos(now));
        prop_assert!(Members::read(&seen).is_alive(vm, UnixNanos(now)));
    }
}
