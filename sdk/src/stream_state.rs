//! The state of a stream: what its filter has done with each direction of it.

use crate::filter::{Part, Phase};
use crate::headers::free_lengths;
use crate::host::Direction;
use crate::{Flow, Reply};
use std::cell::Cell;

/// `Action::Continue` and `Action::Pause` of the ABI.
pub(crate) const CONTINUE: u32 = 0;
pub(crate) const PAUSE: u32 = 1;
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

pub(crate) struct Stream<S> {
    pub(crate) plugin: u32,
    pub(crate) data: S,
    request: Progress,
    response: Progress,
    pub(crate) replied: bool,
}

/// State of one direction of a stream.
#[derive(Clone, Copy)]
pub(crate) struct Progress {
    pub(crate) held: Held,
    /// Whether the headers are held until the body callback decides.
    pub(crate) awaits_body: bool,
    /// Whether a part of the body has arrived.
    pub(crate) has_body: bool,
    /// Whether the filter holds the body until more of it arrives.
    pub(crate) holds_body: bool,
    /// Whether the filter has passed on a part of the body.
    pub(crate) passed_body: bool,
    /// Whether the filter has removed `content-length`.
    pub(crate) length_is_free: bool,
}

impl Progress {
    const NEW: Self = Self {
        held: Held::No,
        awaits_body: false,
        has_body: false,
        holds_body: false,
        passed_body: false,
        length_is_free: false,
    };

    /// A part of the body arrives.
    pub(crate) fn receive_body(&mut self) {
        // What was not held was passed on.
        self.passed_body |= self.has_body && self.held == Held::No;
        self.has_body = true;
    }

    pub(crate) fn pass_on(&mut self) {
        self.held = Held::No;
        self.awaits_body = false;
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
        Self { plugin, data: S::default(), request: Progress::NEW, response: Progress::NEW, replied: false }
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
        self.request.length_is_free = request.unwrap_or(self.request.length_is_free);
        self.response.length_is_free = response.unwrap_or(self.response.length_is_free);
    }

    /// Whether the filter waits for a body, or for more of it, and none will come if trailers arrive. Returns
    /// whether the host holds a part of it.
    pub(crate) fn awaits_body(&mut self, direction: Direction) -> Option<bool> {
        let progress = self.progress(direction);
        (progress.holds_body || progress.awaits_body).then_some(progress.holds_body)
    }

    /// Carries out what a task decided. Returns whether a paused stream continues.
    pub(crate) fn settle(&mut self, direction: Direction, flow: Flow, awaits_task: bool) -> bool {
        let progress = self.progress(direction);
        match flow {
            Flow::Continue => {
                let held = progress.held != Held::No;
                progress.pass_on();
                return held;
            }
            Flow::Pause | Flow::AwaitBody => {
                if progress.held != Held::No && !progress.awaits_body && !awaits_task {
                    self.fail(direction, PAUSE_WITHOUT_TASK, "tollgate_pause_without_task");
                }
            }
            Flow::Reply(reply) => {
                self.replied = true;
                reply.send(direction);
            }
        }
        false
    }

    /// Warns once if a filter awaited a body, and the stream ended before any of it came.
    pub(crate) fn warn_about_missing_body(&self) {
        std::thread_local! {
            static WARNED: Cell<bool> = const { Cell::new(false) };
        }
        let awaits = |progress: Progress| progress.awaits_body && !progress.has_body;
        if !self.replied && (awaits(self.request) || awaits(self.response)) && !WARNED.replace(true) {
            log::warn!("{AWAITED_IN_VAIN}");
        }
    }

    /// Rejects the stream because of an error of the filter's author, or of the configuration of the host.
    pub(crate) fn fail(&mut self, direction: Direction, text: &str, details: &'static str) -> u32 {
        log::error!("{text}");
        self.replied = true;
        Reply::refuse(500, details).send(direction);
        PAUSE
    }
}
