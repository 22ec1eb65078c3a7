//! The progress of the parts of a stream in a chain of filters.

use super::members::{Arrived, Members};
use crate::body::Span;
use crate::host::{self, Direction};
use crate::stream_state::{CONTINUE, PAUSE};

/// The progress of a stream.
pub(super) struct Progress {
    /// How many filters the request headers have reached. A filter that they have not reached does not
    /// receive the response either, as in the host.
    reached: usize,
    request: Side,
    response: Side,
}

/// The progress of one direction. A position counts from the first filter in this direction.
#[derive(Default)]
pub(super) struct Side {
    headers_end_stream: bool,
    /// How many filters have passed on the headers.
    headers: usize,
    /// Whether the next filter has received the headers and holds them.
    holds_headers: bool,
    /// Whether it holds them until its body callback decides.
    awaits_body: bool,
    /// Whether a filter has answered the client, so that no more of this message is passed on.
    replied: bool,
    /// Number of bytes in the host's buffer.
    size: usize,
    body_ended: bool,
    trailers: bool,
    /// The parts that each filter has received. Empty until a body or trailers arrive.
    filters: Vec<Received>,
}

/// The parts of a body, and the trailers, that a filter has received.
#[derive(Clone, Copy, Default)]
struct Received {
    /// Number of bytes of the host's buffer that it has received.
    bytes: usize,
    /// Number of bytes of the host's buffer that it has passed on. The rest is held by this filter.
    passed: usize,
    end: bool,
    end_passed: bool,
    trailers: bool,
    trailers_passed: bool,
}

impl Received {
    fn holds(&self) -> bool {
        self.bytes > self.passed || self.end != self.end_passed || self.trailers != self.trailers_passed
    }
}

impl Side {
    pub(super) fn receive_body(&mut self, size: usize, end_of_stream: bool) {
        self.size = size;
        self.body_ended |= end_of_stream;
    }

    /// Receives the trailers. The host still has the bytes that a filter holds.
    pub(super) fn receive_trailers(&mut self) {
        self.trailers = true;
    }

    fn has_more_than_headers(&self) -> bool {
        self.size > 0 || self.body_ended || self.trailers
    }

    /// Moves the ends at or after `from`, because the part before `from` now ends at `to`.
    fn move_ends(&mut self, position: usize, from: usize, to: usize) {
        let moved = |end: usize| if end >= from { end - from + to } else { end };
        self.size = moved(self.size);
        for filter in self.filters.iter_mut().take(position) {
            filter.bytes = moved(filter.bytes);
            filter.passed = moved(filter.passed);
        }
    }

    fn filter(&self, position: usize) -> Received {
        self.filters.get(position).copied().unwrap_or_default()
    }

    fn update(&mut self, position: usize, change: impl FnOnce(&mut Received)) {
        if let Some(filter) = self.filters.get_mut(position) {
            change(filter);
        }
    }

    /// Returns what has come to a position: the number of bytes, and whether the body and the trailers have.
    fn available(&self, position: usize) -> (usize, bool, bool) {
        match position.checked_sub(1) {
            None => (self.size, self.body_ended, self.trailers),
            Some(before) => {
                let before = self.filter(before);
                (before.passed, before.end_passed, before.trailers_passed)
            }
        }
    }
}

impl Progress {
    /// The progress of a stream whose parts have all been passed on so far.
    pub(super) fn new(filters: usize) -> Self {
        let passed = || Side { headers: filters, ..Side::default() };
        Self { reached: filters, request: passed(), response: passed() }
    }

    pub(super) fn receive_headers(&mut self, direction: Direction, end_of_stream: bool) {
        if direction == Direction::Request {
            self.reached = 0;
        }
        *self.side(direction) = Side { headers_end_stream: end_of_stream, ..Side::default() };
    }

    pub(super) fn side(&mut self, direction: Direction) -> &mut Side {
        match direction {
            Direction::Request => &mut self.request,
            Direction::Response => &mut self.response,
        }
    }

    /// Whether the progress differs from that of a new stream of this module.
    pub(super) fn is_worth_keeping(&self, filters: usize) -> bool {
        let is_new = |side: &Side| side.filters.is_empty() && !side.holds_headers;
        self.reached < filters || !is_new(&self.request) || !is_new(&self.response)
    }

    fn filters(&self, members: usize, direction: Direction) -> usize {
        if direction == Direction::Request { members } else { self.reached }
    }

    fn index(&self, position: usize, direction: Direction) -> usize {
        match direction {
            Direction::Request => position,
            Direction::Response => self.reached.saturating_sub(position + 1),
        }
    }

    /// Passes on what has arrived, until a filter holds it. As in the host, the headers go as far as they can
    /// before a filter receives the body, and the body before the trailers. Returns whether all filters have
    /// passed on everything.
    pub(super) fn pass_on<M: Members>(
        &mut self,
        members: &M,
        id: u32,
        direction: Direction,
        from: usize,
    ) -> bool {
        let count = self.filters(M::LEN, direction);
        self.advance_headers(members, id, direction);
        let side = self.side(direction);
        if side.replied {
            return false;
        }
        if !side.has_more_than_headers() {
            return side.headers >= count;
        }
        if side.filters.is_empty() {
            side.filters = vec![Received::default(); count];
        }
        for position in from..count {
            if !self.pass_body(members, id, direction, position) {
                break;
            }
            // A filter that awaited the body may have passed on the headers.
            self.advance_headers(members, id, direction);
        }
        for position in from..count {
            if !self.pass_body(members, id, direction, position)
                || !self.pass_trailers(members, id, direction, position)
            {
                return false;
            }
            self.advance_headers(members, id, direction);
        }
        // The host passes on its whole buffer, so no filter before `from` may hold a part of it.
        let side = self.side(direction);
        if side.filters.iter().take(from).any(Received::holds) {
            return false;
        }
        side.size = 0;
        for filter in &mut side.filters {
            (filter.bytes, filter.passed) = (0, 0);
        }
        true
    }

    /// Passes on the headers, until a filter holds them.
    fn advance_headers<M: Members>(&mut self, members: &M, id: u32, direction: Direction) {
        // Not kept longer: a filter may edit held headers in its body callback.
        let mut pairs = None;
        for position in self.side(direction).headers..self.filters(M::LEN, direction) {
            // Only its body callback, or a task, can pass on headers that a filter holds.
            if self.side(direction).holds_headers {
                return;
            }
            self.pass_headers(members, id, direction, position, &mut pairs);
        }
    }

    /// Passes a part to a filter. Returns whether it continues.
    fn receive<M: Members>(
        &mut self,
        members: &M,
        id: u32,
        direction: Direction,
        index: usize,
        arrived: Arrived<'_>,
    ) -> u32 {
        let action = members.receive(index, id, direction, arrived);
        // A filter that had replied before continues.
        if action != CONTINUE && members.has_replied(index, id) {
            self.side(direction).replied = true;
        }
        action
    }

    fn pass_headers<M: Members>(
        &mut self,
        members: &M,
        id: u32,
        direction: Direction,
        position: usize,
        pairs: &mut crate::headers::SharedPairs,
    ) {
        let index = self.index(position, direction);
        let end = self.side(direction).headers_end_stream;
        if direction == Direction::Request {
            self.reached = self.reached.max(index + 1);
        }
        let action = self.receive(members, id, direction, index, Arrived::Headers(end, pairs));
        let side = self.side(direction);
        side.holds_headers = action != CONTINUE;
        side.awaits_body = action == PAUSE && members.awaits_body(index, id, direction);
        if action == CONTINUE {
            side.headers = position + 1;
        }
    }

    fn pass_body<M: Members>(&mut self, members: &M, id: u32, direction: Direction, position: usize) -> bool {
        let index = self.index(position, direction);
        let side = self.side(direction);
        // Without the headers, or while a task holds them, a filter receives no more.
        if side.replied || position > side.headers || (position == side.headers && !side.awaits_body) {
            return false;
        }
        let (bytes, ended, trailers) = side.available(position);
        let known = side.filter(position);
        let is_new = bytes > known.bytes || (ended && !known.end);
        // A body that a filter holds ends with the trailers.
        let ends_with_trailers = trailers && !known.trailers && members.awaits_body(index, id, direction);
        if !is_new && !ends_with_trailers {
            let holds = known.bytes > known.passed || known.end != known.end_passed;
            return !holds && side.headers > position;
        }
        let side = self.side(direction);
        let start = known.passed;
        let mut span = Span { start, size: bytes - start, after: side.size - bytes };
        let end = ended || ends_with_trailers;
        let passed = self.receive(members, id, direction, index, Arrived::Body(&mut span, end)) == CONTINUE;
        let side = self.side(direction);
        let now = span.start + span.size;
        side.move_ends(position, bytes, now);
        side.update(position, |filter| {
            filter.bytes = now;
            filter.end = ended;
            // A filter that holds an empty body, which the trailers have ended, does not receive them.
            filter.trailers |= ends_with_trailers && !passed;
            if passed {
                filter.passed = now;
                filter.end_passed = ended;
            }
        });
        if passed && side.holds_headers && side.headers == position {
            side.holds_headers = false;
            side.headers = position + 1;
        }
        // A filter that waits for the rest receives the end now if trailers follow.
        if !passed && trailers && members.awaits_body(index, id, direction) {
            return self.pass_body(members, id, direction, position);
        }
        passed
    }

    fn pass_trailers<M: Members>(
        &mut self,
        members: &M,
        id: u32,
        direction: Direction,
        position: usize,
    ) -> bool {
        let index = self.index(position, direction);
        let side = self.side(direction);
        let (_, _, arrived) = side.available(position);
        let known = side.filter(position);
        if !arrived || known.trailers {
            return known.trailers == known.trailers_passed;
        }
        let passed = self.receive(members, id, direction, index, Arrived::Trailers) == CONTINUE;
        self.side(direction).update(position, |filter| {
            filter.trailers = true;
            filter.trailers_passed = passed;
        });
        passed
    }

    /// Passes on what a filter held until its task resumed it. Returns whether the host can pass it on.
    pub(super) fn resume<M: Members>(
        &mut self,
        members: &M,
        id: u32,
        direction: Direction,
        index: usize,
    ) -> bool {
        // The reverse of a reverse: an index and its position are computed alike.
        let position = self.index(index, direction);
        let side = self.side(direction);
        if side.holds_headers && side.headers == position {
            side.holds_headers = false;
            side.headers = position + 1;
        }
        let (_, _, trailers) = side.available(position);
        let known = side.filter(position);
        if known.bytes > known.passed {
            // The task may have changed the part that it held.
            match host::buffer_len(direction.body()) {
                Ok(size) => {
                    let end = size.saturating_sub(side.size - known.bytes);
                    side.move_ends(position, known.bytes, end);
                    side.update(position, |filter| filter.bytes = end);
                }
                Err(error) => log::error!("cannot read the size of a held body: {error}"),
            }
        }
        side.update(position, |filter| {
            filter.passed = filter.bytes;
            filter.end_passed = filter.end;
            // A filter that held the body does not receive the trailers.
            if filter.trailers || filter.bytes > 0 || filter.end {
                filter.trailers = trailers;
                filter.trailers_passed = trailers;
            }
        });
        // It has not received what came while it held the headers.
        self.pass_on(members, id, direction, position)
    }
}
