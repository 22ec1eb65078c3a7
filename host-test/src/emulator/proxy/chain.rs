//! The filter chain: Envoy, `source/common/http/filter_manager.cc`.
//!
//! Requests and responses share one implementation here; Envoy has two of the same shape. A filter that
//! continues from within its own callback starts a second iteration inside the first. Everything that
//! then happens twice also happens twice on Envoy.

use super::Direction;
use super::stream::Iteration;
use crate::emulator::Emulator;
use crate::emulator::world::LocalReply;

/// The decision of a headers callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeadersStatus {
    Continue,
    Stop,
    StopAllAndBuffer,
    StopAllAndWatermark,
}

/// The decision of a body callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyStatus {
    Continue,
    Buffer,
    Watermark,
    NoBuffer,
}

impl Emulator {
    pub(crate) fn is_alive(&self, stream: u64) -> bool {
        self.world.streams.get(&stream).is_some_and(|s| !s.finishing)
    }

    /// Returns whether a callback has ended the iteration that it is part of. Sends a pending local reply
    /// first.
    fn is_over(&mut self, stream: u64, direction: Direction) -> bool {
        if !self.is_alive(stream) {
            return true;
        }
        if let Some(reply) = self.world.stream_mut(stream).prepared.take() {
            self.reply_through_filters(stream, reply);
        }
        !self.is_alive(stream) || self.world.stream_mut(stream).flow(direction).aborted
    }

    /// Passes headers to the filters after `from`.
    pub(crate) fn iterate_headers(
        &mut self,
        stream: u64,
        direction: Direction,
        from: Option<usize>,
        end: bool,
    ) {
        let mut place = from.map_or(0, |place| place + 1);
        let mut body_added_at = None;
        while place < self.world.stream_mut(stream).filters.len() {
            let s = self.world.stream_mut(stream);
            let filter = s.filter_at(direction, place);
            let ends = end && body_added_at.is_none();
            s.progress(filter, direction).ended = ends;
            s.flow(direction).calling = true;
            let status = self.call_headers(stream, filter, direction, ends);
            if let Some(s) = self.world.streams.get_mut(&stream) {
                s.flow(direction).calling = false;
            }
            if self.is_over(stream, direction) {
                return;
            }
            let s = self.world.stream_mut(stream);
            let progress = s.progress(filter, direction);
            match status {
                HeadersStatus::Continue => progress.headers_continued = true,
                HeadersStatus::Stop => progress.iteration = Iteration::StoppedSingle,
                HeadersStatus::StopAllAndBuffer => progress.iteration = Iteration::StoppedAllBuffer,
                HeadersStatus::StopAllAndWatermark => progress.iteration = Iteration::StoppedAllWatermark,
            }
            if status != HeadersStatus::Continue {
                return self.continue_added_body(stream, direction, body_added_at);
            }
            // This filter added a body to a message without one.
            if end && s.flow(direction).buffer.is_some() && body_added_at.is_none() {
                body_added_at = Some(filter);
            }
            place += 1;
        }
        let ends = end && body_added_at.is_none();
        match direction {
            Direction::Request => self.router_headers(stream, ends),
            Direction::Response => self.send_headers(stream, ends),
        }
        if self.is_alive(stream) {
            self.continue_added_body(stream, direction, body_added_at);
        }
    }

    fn continue_added_body(&mut self, stream: u64, direction: Direction, filter: Option<usize>) {
        if let Some(filter) = filter {
            self.world.stream_mut(stream).progress(filter, direction).iteration = Iteration::StoppedSingle;
            self.continue_filter(stream, filter, direction);
        }
    }

    /// Returns where the iteration of body and trailers starts: at the filter that stopped everything, or
    /// after it.
    fn start_of(&mut self, stream: u64, direction: Direction, from: Option<usize>) -> usize {
        let s = self.world.stream_mut(stream);
        match from {
            None => 0,
            Some(place) => {
                let filter = s.filter_at(direction, place);
                if s.progress(filter, direction).resumes_here { place } else { place + 1 }
            }
        }
    }

    /// Passes a piece of a body to the filters. Data that passes all filters is sent on; buffered data
    /// belongs to the flow.
    pub(crate) fn iterate_body(
        &mut self,
        stream: u64,
        direction: Direction,
        from: Option<usize>,
        mut piece: Vec<u8>,
        end: bool,
    ) {
        if self.world.stream_mut(stream).flow(direction).aborted {
            return;
        }
        let had_trailers = self.world.stream_mut(stream).trailers(direction);
        let mut trailers_added_at = None;
        let mut place = self.start_of(stream, direction, from);
        while place < self.world.stream_mut(stream).filters.len() {
            let s = self.world.stream_mut(stream);
            let filter = s.filter_at(direction, place);
            if s.progress(filter, direction).stopped_all() {
                let bounded = s.progress(filter, direction).iteration == Iteration::StoppedAllBuffer;
                s.flow(direction).bounded = bounded;
                return self.hold(stream, direction, &mut piece);
            }
            if s.progress(filter, direction).ended {
                return;
            }
            let ends = end && !s.trailers(direction);
            s.progress(filter, direction).ended = ends;
            s.flow(direction).calling = true;
            let status = self.call_body(stream, filter, direction, &mut piece, ends);
            if let Some(s) = self.world.streams.get_mut(&stream) {
                s.flow(direction).calling = false;
            }
            if self.is_over(stream, direction) {
                return;
            }
            if !had_trailers
                && self.world.stream_mut(stream).trailers(direction)
                && trailers_added_at.is_none()
            {
                trailers_added_at = Some(place);
            }
            if !self.after_body(stream, filter, direction, status, &mut piece) {
                if let Some(place) = trailers_added_at.filter(|_| self.is_alive(stream)) {
                    self.iterate_trailers(stream, direction, Some(place));
                }
                return;
            }
            place += 1;
        }
        let ends = end && trailers_added_at.is_none();
        match direction {
            Direction::Request => self.router_body(stream, piece, ends),
            Direction::Response => self.send_body(stream, piece, ends),
        }
        if let Some(place) = trailers_added_at.filter(|_| self.is_alive(stream)) {
            self.iterate_trailers(stream, direction, Some(place));
        }
    }

    /// `commonHandleAfterDataCallback`: returns whether the iteration continues.
    fn after_body(
        &mut self,
        stream: u64,
        filter: usize,
        direction: Direction,
        status: BodyStatus,
        piece: &mut Vec<u8>,
    ) -> bool {
        let s = self.world.stream_mut(stream);
        if status == BodyStatus::Continue {
            if s.progress(filter, direction).iteration != Iteration::StoppedSingle {
                return true;
            }
            self.hold(stream, direction, piece);
            if self.is_alive(stream) {
                self.continue_filter(stream, filter, direction);
            }
            return false;
        }
        s.progress(filter, direction).iteration = Iteration::StoppedSingle;
        match status {
            BodyStatus::Buffer | BodyStatus::Watermark => {
                s.flow(direction).bounded = status == BodyStatus::Buffer;
                self.hold(stream, direction, piece);
            }
            // An empty buffer, so that there is something to continue with.
            _ if s.progress(filter, direction).ended && !s.trailers(direction) => {
                s.flow(direction).buffer.get_or_insert_default();
            }
            _ => {}
        }
        false
    }

    /// Appends a piece to the buffer. A buffer over its limit ends the stream, unless the sender can be
    /// paused.
    pub(crate) fn hold(&mut self, stream: u64, direction: Direction, piece: &mut Vec<u8>) {
        self.keep(stream, direction, piece);
        // The filter's callback has returned, so a pending local reply is sent now, as Envoy does.
        if self.is_alive(stream) {
            self.is_over(stream, direction);
        }
    }

    /// Appends a piece to the buffer like `hold`, but leaves a local reply to a request over the limit
    /// pending.
    pub(crate) fn keep(&mut self, stream: u64, direction: Direction, piece: &mut Vec<u8>) {
        let limit = self.world.settings.buffer_limit as usize;
        let flow = self.world.stream_mut(stream).flow(direction);
        let buffer = flow.buffer.get_or_insert_default();
        let was_over = buffer.len() > limit;
        buffer.append(piece);
        if was_over || buffer.len() <= limit || !flow.bounded {
            return;
        }
        let (status, body, details) = match direction {
            Direction::Request => (413, "Payload Too Large", "request_payload_too_large"),
            Direction::Response => (500, "Internal Server Error", "response_payload_too_large"),
        };
        let (details, body) = (details.to_owned(), body.as_bytes().to_vec());
        self.local_reply(stream, LocalReply { status, details, body, ..LocalReply::default() });
    }

    /// Passes trailers to the filters, from `from` or from the filter after it.
    pub(crate) fn iterate_trailers(&mut self, stream: u64, direction: Direction, from: Option<usize>) {
        if self.world.stream_mut(stream).flow(direction).aborted {
            return;
        }
        let mut place = self.start_of(stream, direction, from);
        while place < self.world.stream_mut(stream).filters.len() {
            let s = self.world.stream_mut(stream);
            let filter = s.filter_at(direction, place);
            if s.progress(filter, direction).stopped_all() {
                return;
            }
            s.progress(filter, direction).ended = true;
            s.flow(direction).calling = true;
            let continues = self.call_trailers(stream, filter, direction);
            if let Some(s) = self.world.streams.get_mut(&stream) {
                s.flow(direction).calling = false;
            }
            if self.is_over(stream, direction) {
                return;
            }
            let progress = self.world.stream_mut(stream).progress(filter, direction);
            if !continues {
                if progress.iteration == Iteration::Going {
                    progress.iteration = Iteration::StoppedSingle;
                }
                return;
            }
            if progress.iteration == Iteration::StoppedSingle {
                return self.continue_filter(stream, filter, direction);
            }
            place += 1;
        }
        match direction {
            Direction::Request => self.router_trailers(stream),
            Direction::Response => self.send_trailers(stream),
        }
    }

    /// `commonContinue`: passes the data that a filter held back to the filters after it.
    pub(crate) fn continue_filter(&mut self, stream: u64, filter: usize, direction: Direction) {
        if !self.is_alive(stream) {
            return;
        }
        let s = self.world.stream_mut(stream);
        // Nothing can continue once the response is complete.
        if s.flow(direction).aborted || (direction == Direction::Request && s.response.ended) {
            return;
        }
        if direction == Direction::Response && s.response_headers.is_none() {
            // Envoy dereferences a null pointer to the headers.
            let (vm, id) = (s.filters[filter].vm, s.filters[filter].context);
            self.crash(vm, id, "proxy_continue_stream", "(1) before there is a response");
            return self.reset(stream);
        }
        let place = s.filter_at(direction, filter);
        let progress = s.progress(filter, direction);
        progress.resumes_here = progress.stopped_all();
        progress.iteration = Iteration::Going;
        let headers = !std::mem::replace(&mut progress.headers_continued, true);
        let flow = s.flow(direction);
        let (ended, held) = (flow.ended, flow.buffer.is_some());
        let had_trailers = s.trailers(direction);
        if headers {
            self.iterate_headers(stream, direction, Some(place), ended && !held && !had_trailers);
        }
        if !self.is_alive(stream) {
            return;
        }
        let flow = self.world.stream_mut(stream).flow(direction);
        if let Some(held) = flow.buffer.take() {
            let ends = flow.ended && !had_trailers;
            self.iterate_body(stream, direction, Some(place), held, ends);
        }
        if had_trailers && self.is_alive(stream) {
            self.iterate_trailers(stream, direction, Some(place));
        }
        if self.is_alive(stream) {
            self.world.stream_mut(stream).progress(filter, direction).resumes_here = false;
        }
    }
}
