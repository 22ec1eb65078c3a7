//! What happened, for counters.

/// Something worth counting. Each is counted at most once for a request (and once more for its response).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum Event {
    /// The request brought an id, and it was kept.
    RequestIdKept,
    /// A new id was generated.
    RequestIdGenerated,
    /// The request brought an id that is too long, has a byte that is not allowed, or came with another one.
    RequestIdInvalid,
    /// The request brought a valid trace context, and it was kept.
    TraceContinued,
    /// The request brought a trace context that is not trusted or not valid, and a new trace was begun.
    TraceRestarted,
    /// The request brought no trace context, and a new trace was begun.
    TraceGenerated,
    /// The request brought an invalid `traceparent`, or several.
    TraceparentInvalid,
    /// The trace context that goes out has the sampled flag.
    TraceSampled,
    /// `tracestate` was removed: it was not valid, or belonged to a `traceparent` that was not kept.
    TracestateDropped,
    /// `tracestate` lost members because it was too long.
    TracestateTruncated,
    /// A header was not written because its value would have held a control character.
    HeaderValueInvalid,
    /// Something should have been generated, but there was no randomness.
    RandomUnavailable,
}

impl Event {
    /// All of them, in the order of their discriminants.
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

    /// The name of its counter, without a prefix. It never changes.
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

    /// Its place in [`Event::ALL`], for a table of counters.
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// A set of events, of the size of an integer: noting one must not allocate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Events(u16);

impl Events {
    /// Adds an event.
    pub fn note(&mut self, event: Event) {
        self.0 |= 1 << event.index();
    }

    /// Whether the event is in the set.
    pub fn has(self, event: Event) -> bool {
        self.0 & (1 << event.index()) != 0
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those in the set, in the order of [`Event::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Event> {
        Event::ALL.into_iter().filter(move |event| self.has(*event))
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
    fn names_are_unlike_and_can_name_a_metric() {
        let mut names: Vec<_> = Event::ALL.map(Event::name).into();
        assert!(names.iter().all(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Event::ALL.len());
    }

    #[test]
    fn a_set_holds_what_was_noted() {
        let mut events = Events::default();
        assert!(events.is_empty());
        events.note(Event::TraceSampled);
        events.note(Event::RequestIdKept);
        events.note(Event::TraceSampled);
        assert_eq!(events.iter().collect::<Vec<_>>(), [Event::RequestIdKept, Event::TraceSampled]);
    }
}
