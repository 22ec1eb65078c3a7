//! The filter chain: Envoy, `source/common/http/filter_manager.cc`.
//!
//! Both ways are one piece of code here, where Envoy has two of the same shape. A filter that continues from within its
//! own callback starts a second iteration inside the first; what then happens twice does so on Envoy too.

use super::Way;
use super::stream::Iteration;
use crate::emulator::Emulator;
use crate::emulator::world::LocalReply;

/// What a headers callback decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeadersStatus {
    Continue,
    Stop,
    StopAllAndBuffer,
    StopAllAndWatermark,
}

/// What a body callback decides.
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

    /// Whether a callback has ended the iteration it is part of; a local reply that waits for that is made now.
    fn is_over(&mut self, stream: u64, way: Way) -> bool {
        if !self.is_alive(stream) {
            return true;
        }
        if let Some(reply) = self.world.stream_mut(stream).prepared.take() {
            self.reply_through_filters(stream, reply);
        }
        !self.is_alive(stream) || self.world.stream_mut(stream).flow(way).aborted
    }

    /// Headers, from the place behind `from` on.
    pub(crate) fn iterate_headers(&mut self, stream: u64, way: Way, from: Option<usize>, end: bool) {
        let mut place = from.map_or(0, |place| place + 1);
        let mut body_added_at = None;
        while place < self.world.stream_mut(stream).filters.len() {
            let s = self.world.stream_mut(stream);
            let filter = s.filter_at(way, place);
            let ends = end && body_added_at.is_none();
            s.half(filter, way).ended = ends;
            s.flow(way).calling = true;
            let status = self.call_headers(stream, filter, way, ends);
            if let Some(s) = self.world.streams.get_mut(&stream) {
                s.flow(way).calling = false;
            }
            if self.is_over(stream, way) {
                return;
            }
            let s = self.world.stream_mut(stream);
            let half = s.half(filter, way);
            match status {
                HeadersStatus::Continue => half.headers_continued = true,
                HeadersStatus::Stop => half.iteration = Iteration::StoppedSingle,
                HeadersStatus::StopAllAndBuffer => half.iteration = Iteration::StoppedAllBuffer,
                HeadersStatus::StopAllAndWatermark => half.iteration = Iteration::StoppedAllWatermark,
            }
            if status != HeadersStatus::Continue {
                return self.continue_added_body(stream, way, body_added_at);
            }
            // A message without a body was given one by this filter.
            if end && s.flow(way).buffer.is_some() && body_added_at.is_none() {
                body_added_at = Some(filter);
            }
            place += 1;
        }
        let ends = end && body_added_at.is_none();
        match way {
            Way::Request => self.router_headers(stream, ends),
            Way::Response => self.send_headers(stream, ends),
        }
        if self.is_alive(stream) {
            self.continue_added_body(stream, way, body_added_at);
        }
    }

    fn continue_added_body(&mut self, stream: u64, way: Way, filter: Option<usize>) {
        if let Some(filter) = filter {
            self.world.stream_mut(stream).half(filter, way).iteration = Iteration::StoppedSingle;
            self.continue_filter(stream, filter, way);
        }
    }

    /// Where iteration of what comes behind headers starts: at the filter that stopped everything, or behind it.
    fn start_of(&mut self, stream: u64, way: Way, from: Option<usize>) -> usize {
        let s = self.world.stream_mut(stream);
        match from {
            None => 0,
            Some(place) => {
                let filter = s.filter_at(way, place);
                if s.half(filter, way).from_here { place } else { place + 1 }
            }
        }
    }

    /// A piece of body. What passes all filters is sent on; what is buffered is the flow's.
    pub(crate) fn iterate_body(
        &mut self,
        stream: u64,
        way: Way,
        from: Option<usize>,
        mut piece: Vec<u8>,
        end: bool,
    ) {
        if self.world.stream_mut(stream).flow(way).aborted {
            return;
        }
        let had_trailers = self.world.stream_mut(stream).trailers(way);
        let mut trailers_added_at = None;
        let mut place = self.start_of(stream, way, from);
        while place < self.world.stream_mut(stream).filters.len() {
            let s = self.world.stream_mut(stream);
            let filter = s.filter_at(way, place);
            if s.half(filter, way).stopped_all() {
                let watermark = s.half(filter, way).iteration == Iteration::StoppedAllWatermark;
                s.flow(way).streaming = watermark;
                return self.hold(stream, way, &mut piece);
            }
            if s.half(filter, way).ended {
                return;
            }
            let ends = end && !s.trailers(way);
            s.half(filter, way).ended = ends;
            s.flow(way).calling = true;
            let status = self.call_body(stream, filter, way, &mut piece, ends);
            if let Some(s) = self.world.streams.get_mut(&stream) {
                s.flow(way).calling = false;
            }
            if self.is_over(stream, way) {
                return;
            }
            if !had_trailers && self.world.stream_mut(stream).trailers(way) && trailers_added_at.is_none() {
                trailers_added_at = Some(place);
            }
            if !self.after_body(stream, filter, way, status, &mut piece) {
                if let Some(place) = trailers_added_at.filter(|_| self.is_alive(stream)) {
                    self.iterate_trailers(stream, way, Some(place));
                }
                return;
            }
            place += 1;
        }
        let ends = end && trailers_added_at.is_none();
        match way {
            Way::Request => self.router_body(stream, piece, ends),
            Way::Response => self.send_body(stream, piece, ends),
        }
        if let Some(place) = trailers_added_at.filter(|_| self.is_alive(stream)) {
            self.iterate_trailers(stream, way, Some(place));
        }
    }

    /// `commonHandleAfterDataCallback`: whether iteration goes on.
    fn after_body(
        &mut self,
        stream: u64,
        filter: usize,
        way: Way,
        status: BodyStatus,
        piece: &mut Vec<u8>,
    ) -> bool {
        let s = self.world.stream_mut(stream);
        if status == BodyStatus::Continue {
            if s.half(filter, way).iteration != Iteration::StoppedSingle {
                return true;
            }
            self.hold(stream, way, piece);
            if self.is_alive(stream) {
                self.continue_filter(stream, filter, way);
            }
            return false;
        }
        s.half(filter, way).iteration = Iteration::StoppedSingle;
        match status {
            BodyStatus::Buffer | BodyStatus::Watermark => {
                s.flow(way).streaming = status == BodyStatus::Watermark;
                self.hold(stream, way, piece);
            }
            // So that there is something to continue with.
            _ if s.half(filter, way).ended && !s.trailers(way) => {
                s.flow(way).buffer.get_or_insert_default();
            }
            _ => {}
        }
        false
    }

    /// Puts a piece into the buffer. One that is over its limit ends the stream, unless it may stop the sender.
    pub(crate) fn hold(&mut self, stream: u64, way: Way, piece: &mut Vec<u8>) {
        self.keep(stream, way, piece);
        // The filter is out of it: Envoy looks whether it was destroyed, and its stream is as good as.
        if self.is_alive(stream) {
            self.is_over(stream, way);
        }
    }

    /// The same; a reply to a request that is over the limit is still to be made.
    pub(crate) fn keep(&mut self, stream: u64, way: Way, piece: &mut Vec<u8>) {
        let limit = self.world.settings.buffer_limit as usize;
        let flow = self.world.stream_mut(stream).flow(way);
        let buffer = flow.buffer.get_or_insert_default();
        let was_over = buffer.len() > limit;
        buffer.append(piece);
        if was_over || buffer.len() <= limit || flow.streaming {
            return;
        }
        let (status, body, details) = match way {
            Way::Request => (413, "Payload Too Large", "request_payload_too_large"),
            Way::Response => (500, "Internal Server Error", "response_payload_too_large"),
        };
        let (details, body) = (details.to_owned(), body.as_bytes().to_vec());
        self.local_reply(stream, LocalReply { status, details, body, ..LocalReply::default() });
    }

    /// Trailers, from the place of `from` or behind it on.
    pub(crate) fn iterate_trailers(&mut self, stream: u64, way: Way, from: Option<usize>) {
        if self.world.stream_mut(stream).flow(way).aborted {
            return;
        }
        let mut place = self.start_of(stream, way, from);
        while place < self.world.stream_mut(stream).filters.len() {
            let s = self.world.stream_mut(stream);
            let filter = s.filter_at(way, place);
            if s.half(filter, way).stopped_all() {
                return;
            }
            s.half(filter, way).ended = true;
            s.flow(way).calling = true;
            let goes_on = self.call_trailers(stream, filter, way);
            if let Some(s) = self.world.streams.get_mut(&stream) {
                s.flow(way).calling = false;
            }
            if self.is_over(stream, way) {
                return;
            }
            let half = self.world.stream_mut(stream).half(filter, way);
            if !goes_on {
                if half.iteration == Iteration::Going {
                    half.iteration = Iteration::StoppedSingle;
                }
                return;
            }
            if half.iteration == Iteration::StoppedSingle {
                return self.continue_filter(stream, filter, way);
            }
            place += 1;
        }
        match way {
            Way::Request => self.router_trailers(stream),
            Way::Response => self.send_trailers(stream),
        }
    }

    /// `commonContinue`: what a filter has held back goes on behind it.
    pub(crate) fn continue_filter(&mut self, stream: u64, filter: usize, way: Way) {
        if !self.is_alive(stream) {
            return;
        }
        let s = self.world.stream_mut(stream);
        // Once the response is complete there is nothing to go on with.
        if s.flow(way).aborted || (way == Way::Request && s.response.ended) {
            return;
        }
        if way == Way::Response && s.response_headers.is_none() {
            // Envoy follows a null pointer to the headers.
            let (vm, id) = (s.filters[filter].vm, s.filters[filter].context);
            self.crash(vm, id, "proxy_continue_stream", "(1) before there is a response");
            return self.reset(stream);
        }
        let place = s.filter_at(way, filter);
        let half = s.half(filter, way);
        half.from_here = half.stopped_all();
        half.iteration = Iteration::Going;
        let headers = !std::mem::replace(&mut half.headers_continued, true);
        let flow = s.flow(way);
        let (ended, held) = (flow.ended, flow.buffer.is_some());
        let had_trailers = s.trailers(way);
        if headers {
            self.iterate_headers(stream, way, Some(place), ended && !held && !had_trailers);
        }
        if !self.is_alive(stream) {
            return;
        }
        let flow = self.world.stream_mut(stream).flow(way);
        if let Some(held) = flow.buffer.take() {
            let ends = flow.ended && !had_trailers;
            self.iterate_body(stream, way, Some(place), held, ends);
        }
        if had_trailers && self.is_alive(stream) {
            self.iterate_trailers(stream, way, Some(place));
        }
        if self.is_alive(stream) {
            self.world.stream_mut(stream).half(filter, way).from_here = false;
        }
    }
}
