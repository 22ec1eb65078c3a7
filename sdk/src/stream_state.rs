//! The state of a stream: what its filter has done with each direction of it.

use crate::filter::{Part, Phase};
use crate::headers::free_lengths;
use crate::host::Direction;
use crate::{Flow, HttpFilter, Reply};
use std::cell::Cell;

/// `Action::Continue` and `Action::Pause` of the ABI.
pub(crate) const CONTINUE: u32 = 0;
pub(crate) const PAUSE: u32 = 1;
/// `FilterDataStatus::StopIterationAndWatermark` of Envoy, which proxy-wasm-cpp-host passes on.
pub(crate) const PAUSE_SENDER: u32 = 2;
/// Pauses the headers and all that follows (`FilterHeadersStatus::StopAllIterationAndWatermark` of Envoy).
/// With `allow_on_headers_stop_iteration`, [`PAUSE`] pauses only the headers, and a body takes them along,
/// also past a filter that waits for a callout.
pub(crate) const PAUSE_ALL: u32 = 4;

pub(crate) const PAUSE_WITHOUT_TASK: &str =
    "filter returned `Pause` with no pending callout, timer or wait; rejecting the request";
pub(crate) const AWAIT_WITHOUT_CALLBACK: &str =
    "filter returned `AwaitBody` without a callback for the body; rejecting the request";
const AWAITED_IN_VAIN: &str = "a stream ended before the body that its filter awaited: if all do, \
     `allow_on_headers_stop_iteration` is not set";
pub(crate) const BODY_OF_PAUSED: &str = "host passed on the body of a message whose headers a task holds, because of \
     `allow_on_headers_stop_iteration`; rejecting the request";

pub(crate) const PAUSE_AT_END: &str = "filter paused the end of the data of the upstream, which no host call resumes; \
     closing the connection";

pub(crate) struct Stream<S> {
    pub(crate) plugin: u32,
    pub(crate) data: S,
    request: Progress,
    response: Progress,
    pub(crate) replied: bool,
}

/// State of one direction of a stream, as a set of bits: a filter has one for each stream.
#[derive(Clone, Copy)]
pub(crate) struct Progress(u8);

impl Progress {
    /// The headers are held by a task, or until the body callback decides.
    const HELD_IN_HEADERS: u8 = 1;
    /// A later part is held.
    const HELD_AFTER_HEADERS: u8 = 2;
    /// The headers are held until the body callback decides.
    pub(crate) const AWAITS_BODY: u8 = 4;
    /// A part of the body has arrived.
    const HAS_BODY: u8 = 8;
    /// The filter holds the body until more of it arrives.
    pub(crate) const HOLDS_BODY: u8 = 16;
    /// The filter has passed on a part of the body.
    pub(crate) const PASSED_BODY: u8 = 32;
    /// The filter has removed `content-length`.
    pub(crate) const LENGTH_IS_FREE: u8 = 64;

    pub(crate) fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }

    pub(crate) fn set(&mut self, bit: u8, is: bool) {
        self.0 = if is { self.0 | bit } else { self.0 & !bit };
    }

    pub(crate) fn held(self) -> Held {
        match self.0 & (Self::HELD_IN_HEADERS | Self::HELD_AFTER_HEADERS) {
            0 => Held::No,
            Self::HELD_IN_HEADERS => Held::InHeaders,
            _ => Held::AfterHeaders,
        }
    }

    /// Holds what has not been held yet.
    pub(crate) fn hold(&mut self, part: Held) {
        if self.held() == Held::No {
            let in_headers = part == Held::InHeaders;
            self.set(if in_headers { Self::HELD_IN_HEADERS } else { Self::HELD_AFTER_HEADERS }, true);
        }
    }

    /// A part of the body arrives.
    pub(crate) fn receive_body(&mut self) {
        // What was not held was passed on.
        if self.has(Self::HAS_BODY) && self.held() == Held::No {
            self.set(Self::PASSED_BODY, true);
        }
        self.set(Self::HAS_BODY, true);
    }

    pub(crate) fn pass_on(&mut self) {
        self.set(Self::HELD_IN_HEADERS | Self::HELD_AFTER_HEADERS | Self::AWAITS_BODY, false);
    }
}

/// Whether one direction of a stream is paused, and in which callback it was paused.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held {
    No,
    InHeaders,
    AfterHeaders,
}

/// The callback of a stream: its direction, and the part of the message that it receives.
#[derive(Clone, Copy)]
pub(crate) struct StreamCallback {
    pub(crate) direction: Direction,
    pub(crate) part: Held,
    pub(crate) is_body: bool,
    /// Whether the host will call again because more of the body is to come. This ends a pause too.
    pub(crate) more_body: bool,
}

impl StreamCallback {
    /// `on_request_headers`.
    pub(crate) const REQUEST_HEADERS: Self = Self::new(Direction::Request, Held::InHeaders);
    /// `on_request_trailers`.
    pub(crate) const REQUEST_TRAILERS: Self = Self::new(Direction::Request, Held::AfterHeaders);
    /// `on_response_headers`.
    pub(crate) const RESPONSE_HEADERS: Self = Self::new(Direction::Response, Held::InHeaders);
    /// `on_response_trailers`.
    pub(crate) const RESPONSE_TRAILERS: Self = Self::new(Direction::Response, Held::AfterHeaders);

    /// `on_request_body` and `on_response_body`.
    pub(crate) const fn body(direction: Direction, end_of_stream: bool) -> Self {
        Self { direction, part: Held::AfterHeaders, is_body: true, more_body: !end_of_stream }
    }

    pub(crate) const fn new(direction: Direction, part: Held) -> Self {
        Self { direction, part, is_body: false, more_body: false }
    }

    pub(crate) fn body_part(self) -> Part {
        match self.direction {
            Direction::Request => Part::RequestBody,
            Direction::Response => Part::ResponseBody,
        }
    }

    pub(crate) fn phase(self) -> Phase {
        match self.direction {
            Direction::Request => Phase::Request,
            Direction::Response => Phase::Response,
        }
    }
}

impl<S: Default> Stream<S> {
    pub(crate) fn new(plugin: u32) -> Self {
        Self { plugin, data: S::default(), request: Progress(0), response: Progress(0), replied: false }
    }
}

impl<S> Stream<S> {
    pub(crate) fn progress(&mut self, direction: Direction) -> &mut Progress {
        match direction {
            Direction::Request => &mut self.request,
            Direction::Response => &mut self.response,
        }
    }

    /// Notes which `content-length` a callback has removed.
    pub(crate) fn note_lengths(&mut self) {
        let [request, response] = free_lengths::take();
        for (progress, is_free) in [(&mut self.request, request), (&mut self.response, response)] {
            if let Some(is_free) = is_free {
                progress.set(Progress::LENGTH_IS_FREE, is_free);
            }
        }
    }

    /// Whether the filter waits for a body, or for more of it, and none will come if trailers arrive. Returns
    /// whether the host holds a part of it.
    pub(crate) fn awaits_body(&mut self, direction: Direction) -> Option<bool> {
        let progress = self.progress(direction);
        progress
            .has(Progress::HOLDS_BODY | Progress::AWAITS_BODY)
            .then_some(progress.has(Progress::HOLDS_BODY))
    }

    /// Carries out what a task decided. Returns whether a paused stream continues.
    pub(crate) fn settle<F: HttpFilter>(
        &mut self,
        direction: Direction,
        flow: Flow,
        awaits_task: bool,
    ) -> bool {
        let progress = self.progress(direction);
        match flow {
            Flow::Continue => {
                let held = progress.held() != Held::No;
                progress.pass_on();
                return held;
            }
            Flow::Pause | Flow::PauseSender | Flow::AwaitBody => {
                if progress.held() != Held::No && !progress.has(Progress::AWAITS_BODY) && !awaits_task {
                    self.fail::<F>(direction, PAUSE_WITHOUT_TASK, "tollgate_pause_without_task");
                }
            }
            Flow::Reply(reply) => {
                self.replied = true;
                reply.send_for::<F>(direction);
            }
        }
        false
    }

    /// Warns once if a filter awaited a body, and the stream ended before any of it came.
    pub(crate) fn warn_about_missing_body(&self) {
        std::thread_local! {
            static WARNED: Cell<bool> = const { Cell::new(false) };
        }
        let awaits =
            |progress: Progress| progress.has(Progress::AWAITS_BODY) && !progress.has(Progress::HAS_BODY);
        if !self.replied && (awaits(self.request) || awaits(self.response)) && !WARNED.replace(true) {
            log::warn!("{AWAITED_IN_VAIN}");
        }
    }

    /// Rejects the stream because of an error of the filter's author, or of the configuration of the host.
    pub(crate) fn fail<F: HttpFilter>(
        &mut self,
        direction: Direction,
        text: &str,
        details: &'static str,
    ) -> u32 {
        log::error!("{text}");
        self.replied = true;
        Reply::refuse(500, details).send_for::<F>(direction);
        PAUSE
    }
}
