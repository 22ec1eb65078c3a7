use super::{LineId, Lines};
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
    fn lines_are_lists_of_which_the_first_is_woken(acts in acts(), start in prop_oneof![Just(0), Just(u32::MAX - 20)]) {
        let mut lines = Lines { next: start, ..Lines::default() };
        let mut plain: Vec<(u64, LineId)> = Vec::new();
        for act in acts {
            let first = |plain: &Vec<(u64, LineId)>, tag| plain.iter().find(|(of, _)| *of == tag).map(|(_, id)| *id);
            let mut woken: Vec<LineId> = vec![];
            let mut leave = |plain: &mut Vec<(u64, LineId)>, index: usize| {
                let (tag, id) = plain[index];
                let was_first = first(plain, tag) == Some(id);
                plain.remove(index);
                woken.extend(first(plain, tag).filter(|_| was_first));
                lines.leave(tag, id);
                lines.leave(tag, id);
            };
            match act {
                Act::Join(tag) => plain.push((tag, lines.join(tag))),
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
                    lines.wake(tag);
                }
                Act::Leave(_) => {}
            }
            prop_assert_eq!(lines.take_woken(), woken);
            for tag in 0..2 {
                prop_assert_eq!(lines.first(tag), first(&plain, tag));
            }
            prop_assert_eq!(lines.by_tag.is_empty(), plain.is_empty());
        }
    }
}

/// A client that comes and goes behind one that stays leaves nothing behind.
#[test]
fn those_who_left_take_no_room() {
    let mut lines = Lines::default();
    let first = lines.join(1);
    for _ in 0..100_000 {
        let id = lines.join(1);
        lines.leave(1, id);
    }
    assert!(lines.by_tag[&1].places.len() < 100);
    assert_eq!(lines.first(1), Some(first));
    lines.leave(1, first);
    assert!(lines.by_tag.is_empty());
}
