//! Events that the filter counts.

/// An event that the filter counts, at most once for a request and at most once for its response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum Event {
    /// The request had a valid id, which was kept.
    RequestIdKept,
    /// A new id was generated.
    RequestIdGenerated,
    /// The request had an id that is too long or has an invalid byte, or it had several ids.
    RequestIdInvalid,
    /// The request had a valid trace context, which was kept.
    TraceContinued,
    /// The request had an untrusted or invalid trace context, and a new trace was started.
    TraceRestarted,
    /// The request had no trace context, and a new trace was started.
    TraceGenerated,
    /// The request had an invalid `traceparent`, or several.
    TraceparentInvalid,
    /// The trace context that is sent upstream has the sampled flag.
    TraceSampled,
    /// `tracestate` was removed: it was invalid, or its `traceparent` was not kept.
    TracestateDropped,
    /// `tracestate` lost members because it was too long.
    TracestateTruncated,
    /// A header was not written because its value would have contained a control character.
    HeaderValueInvalid,
    /// An id or a trace context was not generated because the host returned no random bytes.
    RandomUnavailable,
}

impl Event {
    /// All events, in the order of their discriminants.
    pub const ALL: [Self; 12] = [
        Self::RequestIdKept,
        Self::RequestIdGenerated,
        Self::RequestIdInvalid,
        Self::TraceContinued,
        Self::TraceRestarted,
        Self::TraceGenerated,
        Self::TraceparentInvalid,
        Self::TraceSampled,
        Self::TracestateDropped,
        Self::TracestateTruncated,
        Self::HeaderValueInvalid,
        Self::RandomUnavailable,
    ];

    /// Returns the name of the event's counter, without a prefix. Names never change.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RequestIdKept => "request_id_kept",
            Self::RequestIdGenerated => "request_id_generated",
            Self::RequestIdInvalid => "request_id_invalid",
            Self::TraceContinued => "trace_continued",
            Self::TraceRestarted => "trace_restarted",
            Self::TraceGenerated => "trace_generated",
            Self::TraceparentInvalid => "traceparent_invalid",
            Self::TraceSampled => "trace_sampled",
            Self::TracestateDropped => "tracestate_dropped",
            Self::TracestateTruncated => "tracestate_truncated",
            Self::HeaderValueInvalid => "header_value_invalid",
            Self::RandomUnavailable => "random_unavailable",
        }
    }

    /// Returns the index of the event in [`Event::ALL`], for a table of counters.
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl tollgate_policy::Label for Event {
    const ALL: &'static [Self] = &Self::ALL;

    fn name(self) -> &'static str {
        self.name()
    }

    fn index(self) -> usize {
        self as usize
    }
}

/// A set of events, stored in one integer, so that adding an event does not allocate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Events(u16);

impl Events {
    /// Adds an event.
    pub fn insert(&mut self, event: Event) {
        self.0 |= 1 << event.index();
    }

    /// Returns whether the event is in the set.
    pub fn contains(self, event: Event) -> bool {
        self.0 & (1 << event.index()) != 0
    }

    /// Returns whether the set is empty.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns the events of the set, in the order of [`Event::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Event> {
        Event::ALL.into_iter().filter(move |event| self.contains(*event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_discriminants() {
        for (index, event) in Event::ALL.into_iter().enumerate() {
            assert_eq!(event.index(), index);
            assert!(event.index() < u16::BITS as usize);
        }
    }

    #[test]
    fn names_are_unique_and_valid_metric_names() {
        let mut names: Vec<_> = Event::ALL.map(Event::name).into();
        assert!(names.iter().all(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Event::ALL.len());
    }

    #[test]
    fn a_set_contains_the_added_events() {
        let mut events = Events::default();
        assert!(events.is_empty());
        events.insert(Event::TraceSampled);
        events.insert(Event::RequestIdKept);
        events.insert(Event::TraceSampled);
        assert_eq!(events.iter().collect::<Vec<_>>(), [Event::RequestIdKept, Event::TraceSampled]);
    }
}
