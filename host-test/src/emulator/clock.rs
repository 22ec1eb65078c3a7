//! Virtual time. It moves only when no event is due at the current time.

use std::collections::BTreeMap;
use std::time::Duration;

/// The time at which an emulator starts by default: 2026-01-01T00:00:00Z, in nanoseconds since 1970. It is
/// fixed so that runs are equal.
const START_NANOS: u64 = 1_767_225_600_000_000_000;

/// Number of events, each the consequence of the one before, that happen at one time. After that, each takes
/// [`STEP`]: a filter that makes a callout in the callback of a callout, forever, then runs into the end of
/// time.
const MAX_CHAIN: u32 = 100;
const STEP: Duration = Duration::from_millis(1);

/// The order of the first event that is not urgent.
const NOT_URGENT: u64 = 1 << 63;

/// The current time and the scheduled events, ordered by time, then by the order of scheduling.
#[derive(Debug)]
pub struct Clock<E> {
    now: Duration,
    /// The time of the start, in nanoseconds since 1970.
    start: u64,
    order: u64,
    urgent: u64,
    /// The number of events without a delay that led to the event that runs now.
    chain: u32,
    queue: BTreeMap<(Duration, u64), (u32, E)>,
    /// The last formatted date, and its second since 1970.
    date: (i64, String),
}

impl<E> Default for Clock<E> {
    fn default() -> Self {
        Self {
            now: Duration::ZERO,
            start: START_NANOS,
            order: NOT_URGENT,
            urgent: 0,
            chain: 0,
            queue: BTreeMap::new(),
            date: Default::default(),
        }
    }
}

impl<E> Clock<E> {
    /// Returns the time since the start.
    pub fn now(&self) -> Duration {
        self.now
    }

    /// Sets the time of the start, in nanoseconds since 1970.
    pub fn set_start(&mut self, nanos: u64) {
        self.start = nanos;
    }

    /// Returns the time since 1970 in nanoseconds.
    pub fn unix_nanos(&self) -> u64 {
        self.start.saturating_add(u64::try_from(self.now.as_nanos()).unwrap_or(u64::MAX))
    }

    /// Returns the time in the format of a `Date` header (RFC 9110 section 5.6.7).
    pub fn http_date(&mut self) -> &str {
        let seconds = (self.unix_nanos() / 1_000_000_000).cast_signed();
        if self.date.0 != seconds {
            self.date = (seconds, Self::written(seconds));
        }
        &self.date.1
    }

    fn written(seconds: i64) -> String {
        use chrono::{Datelike, Timelike};
        let t = chrono::DateTime::from_timestamp(seconds, 0).unwrap_or_default();
        const MONTHS: [&str; 12] =
            ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let (day, month, year) = (t.day(), MONTHS[t.month0() as usize], t.year());
        let (h, m, s) = (t.hour(), t.minute(), t.second());
        format!("{}, {day:02} {month} {year} {h:02}:{m:02}:{s:02} GMT", t.weekday())
    }

    /// Schedules an event. Returns its key for [`Clock::cancel`].
    pub fn after(&mut self, delay: Duration, event: E) -> (Duration, u64) {
        let chain = if delay.is_zero() { self.chain + 1 } else { 0 };
        let (chain, delay) = if chain > MAX_CHAIN { (MAX_CHAIN, STEP) } else { (chain, delay) };
        self.order += 1;
        let key = (self.now.saturating_add(delay), self.order);
        self.queue.insert(key, (chain, event));
        key
    }

    /// Schedules an event now, before all others except those that are also urgent.
    pub fn urgently(&mut self, event: E) {
        self.urgent += 1;
        self.queue.insert((self.now, self.urgent), (self.chain, event));
    }

    /// Cancels an event. Has no effect if it has already happened.
    pub fn cancel(&mut self, key: (Duration, u64)) {
        self.queue.remove(&key);
    }

    /// Removes and returns the next event that is not later than `limit`, and moves the time to it.
    pub fn next(&mut self, limit: Duration) -> Option<E> {
        let ((at, _), _) = self.queue.first_key_value()?;
        if *at > limit {
            return None;
        }
        let ((at, _), (chain, event)) = self.queue.pop_first()?;
        self.now = self.now.max(at);
        self.chain = chain;
        Some(event)
    }

    /// Removes and returns the next event that is due now and for which `wanted` returns true.
    pub fn due(&mut self, mut wanted: impl FnMut(&E) -> bool) -> Option<E> {
        let due = self.queue.range(..=(self.now, u64::MAX));
        let key = due.into_iter().find_map(|(key, (_, event))| wanted(event).then_some(*key))?;
        let (chain, event) = self.queue.remove(&key)?;
        self.chain = chain;
        Some(event)
    }

    /// Returns the time of the next event.
    pub fn next_at(&self) -> Option<Duration> {
        self.queue.first_key_value().map(|((at, _), _)| *at)
    }

    /// Moves the time forward to `to`. No event may be due before.
    pub fn settle(&mut self, to: Duration) {
        self.now = self.now.max(to);
        self.rest();
    }

    /// Ends the event that runs: what is scheduled next is not its consequence.
    pub fn rest(&mut self) {
        self.chain = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn events_come_in_order_of_time_and_then_of_being_ordered() {
        let mut clock = Clock::default();
        clock.after(2 * MS, "c");
        clock.after(MS, "a");
        clock.after(MS, "b");
        let taken: Vec<_> = std::iter::from_fn(|| clock.next(Duration::MAX)).collect();
        assert_eq!(taken, ["a", "b", "c"]);
        assert_eq!(clock.now(), 2 * MS);
    }

    #[test]
    fn what_is_due_is_taken_in_order_by_those_who_want_it() {
        let mut clock = Clock::default();
        clock.after(Duration::ZERO, 1);
        clock.after(Duration::ZERO, 2);
        clock.after(Duration::ZERO, 4);
        clock.after(MS, 6);
        let even = |n: &i32| n % 2 == 0;
        assert_eq!([clock.due(even), clock.due(even), clock.due(even)], [Some(2), Some(4), None]);
        assert_eq!(clock.next_at(), Some(Duration::ZERO));
        assert_eq!(clock.due(|_| true), Some(1));
        assert_eq!(clock.next_at(), Some(MS));
    }

    #[test]
    fn an_urgent_event_comes_before_those_of_its_time() {
        let mut clock = Clock::default();
        clock.after(Duration::ZERO, "b");
        clock.urgently("a");
        clock.after(MS, "d");
        assert_eq!(clock.next(Duration::ZERO), Some("a"));
        clock.urgently("urgent again");
        let rest: Vec<_> = std::iter::from_fn(|| clock.next(Duration::MAX)).collect();
        assert_eq!(rest, ["urgent again", "b", "d"]);
    }

    #[test]
    fn an_endless_chain_of_events_takes_time() {
        let mut clock = Clock::default();
        clock.after(Duration::ZERO, ());
        let mut count = 0;
        while clock.next(100 * MS).is_some() {
            count += 1;
            clock.after(Duration::ZERO, ());
        }
        assert_eq!((count, clock.now()), (200, 100 * MS));
        clock.rest();
        clock.after(Duration::ZERO, ());
        assert_eq!((clock.next(100 * MS), clock.now()), (Some(()), 100 * MS));
    }

    #[test]
    fn dates_are_written_as_http_has_them() {
        let mut clock = Clock::<()>::default();
        assert_eq!(clock.http_date(), "Thu, 01 Jan 2026 00:00:00 GMT");
        clock.settle(Duration::from_secs(86_400 + 3_661));
        assert_eq!(clock.http_date(), "Fri, 02 Jan 2026 01:01:01 GMT");
        let mut leap = Clock::<()>::default();
        leap.set_start(1_709_164_800_000_000_000);
        assert_eq!(leap.http_date(), "Thu, 29 Feb 2024 00:00:00 GMT");
    }

    #[test]
    fn time_does_not_move_for_what_is_beyond_the_limit_or_cancelled() {
        let mut clock = Clock::default();
        let gone = clock.after(MS, "gone");
        clock.after(5 * MS, "late");
        clock.cancel(gone);
        assert_eq!(clock.next(4 * MS), None);
        assert_eq!(clock.now(), Duration::ZERO);
        clock.settle(4 * MS);
        assert_eq!(clock.now(), 4 * MS);
    }
}
