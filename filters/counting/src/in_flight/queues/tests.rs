use super::{Queues, WaiterId};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Act {
    Join(u64),
    Leave(prop::sample::Index),
    LeaveFirst(u64),
    Wake(u64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        5 => (0..2u64).prop_map(Act::Join),
        3 => any::<prop::sample::Index>().prop_map(Act::Leave),
        1 => (0..2u64).prop_map(Act::LeaveFirst),
        1 => (0..2u64).prop_map(Act::Wake),
    ];
    prop::collection::vec(act, 1..400)
}

proptest! {
    #[test]
    fn queues_wake_their_first_waiter(acts in acts(), start in prop_oneof![Just(0), Just(u32::MAX - 20)]) {
        let mut queues = Queues { next: start, ..Queues::default() };
        let mut plain: Vec<(u64, WaiterId)> = Vec::new();
        for act in acts {
            let first = |plain: &Vec<(u64, WaiterId)>, tag| plain.iter().find(|(of, _)| *of == tag).map(|(_, id)| *id);
            let mut woken: Vec<WaiterId> = vec![];
            let mut leave = |plain: &mut Vec<(u64, WaiterId)>, index: usize| {
                let (tag, id) = plain[index];
                let was_first = first(plain, tag) == Some(id);
                plain.remove(index);
                woken.extend(first(plain, tag).filter(|_| was_first));
                queues.leave(tag, id);
                queues.leave(tag, id);
            };
            match act {
                Act::Join(tag) => plain.push((tag, queues.join(tag))),
                Act::Leave(index) if !plain.is_empty() => {
                    let index = index.index(plain.len());
                    leave(&mut plain, index);
                }
                Act::LeaveFirst(tag) => {
                    if let Some(index) = plain.iter().position(|(of, _)| *of == tag) {
                        leave(&mut plain, index);
                    }
                }
                Act::Wake(tag) => {
                    woken.extend(first(&plain, tag));
                    queues.wake(tag);
                }
                Act::Leave(_) => {}
            }
            prop_assert_eq!(queues.take_woken(), woken);
            for tag in 0..2 {
                prop_assert_eq!(queues.first(tag), first(&plain, tag));
            }
            prop_assert_eq!(queues.by_tag.is_empty(), plain.is_empty());
        }
    }
}

/// Waiters that leave while the first one stays take no memory.
#[test]
fn removed_waiters_take_no_memory() {
    let mut queues = Queues::default();
    let first = queues.join(1);
    for _ in 0..100_000 {
        let id = queues.join(1);
        queues.leave(1, id);
    }
    assert!(queues.by_tag[&1].places.len() < 100);
    assert_eq!(queues.first(1), Some(first));
    queues.leave(1, first);
    assert!(queues.by_tag.is_empty());
}
