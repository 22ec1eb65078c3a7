//! Times between polls.

use super::{START, after, ms};
use crate::fetch::next_poll;

#[test]
fn polls_once_a_second_and_often_without_a_document() {
    for (lacks, least, most) in [(false, 750, 1250), (true, 75, 125)] {
        assert_eq!(next_poll(lacks, None, START, 0), ms(least));
        assert_eq!(next_poll(lacks, None, START, u64::MAX), ms(most));
    }
}

#[test]
fn polls_when_a_document_changes_over_time() {
    let at = |time| next_poll(false, Some(time), START, 0);
    assert_eq!(at(after(START, 300)), ms(300));
    assert_eq!(at(after(START, 300_000)), ms(750));
    assert_eq!(at(START), ms(1));
}
