//! The filters of a chain, as a list of types: `(Member<A>, (Member<B>, ()))`.

use crate::HttpFilter;
use crate::body::Span;
use crate::config::{ConfigError, Value};
use crate::entry::Vm;
use crate::filter::Part;
use crate::headers::SharedPairs;
use crate::host::{Direction, Map};
use crate::stream_state::CONTINUE;
use crate::tick::{Deadlines, SharedTick};

/// A filter of a chain.
pub struct Member<F: HttpFilter>(Vm<F, true>);

/// A part of a stream that a filter receives.
pub(crate) enum Arrived<'a> {
    /// Headers: whether they end the stream, and the fields that the filter before has read.
    Headers(bool, &'a mut SharedPairs),
    /// A part of the body, and whether it is the last.
    Body(&'a mut Span, bool),
    Trailers,
}

/// The filters of a chain. Calls without an index go to all filters, or to the one that they belong to.
#[expect(private_interfaces, reason = "the trait is implemented only here")]
#[expect(missing_docs, reason = "named after the callbacks of the host")]
pub trait Members: 'static {
    const NEW: Self;
    const LEN: usize;

    fn create_plugin(&self, id: u32, index: usize, deadlines: &Deadlines);
    fn create_stream(&self, id: u32, plugin: u32);
    fn configure(
        &self,
        id: u32,
        names: &[&str],
        blocks: &serde_json::Map<String, Value>,
    ) -> Result<(), ConfigError>;
    /// Passes a part of a stream to a filter. Returns the action of the filter.
    fn receive(&self, index: usize, id: u32, direction: Direction, arrived: Arrived<'_>) -> u32;
    /// Whether a filter has a callback for bodies.
    fn has_body(&self, index: usize, direction: Direction) -> bool;
    /// Whether a filter waits for a body, or for more of it.
    fn awaits_body(&self, index: usize, id: u32, direction: Direction) -> bool;
    /// Whether a filter has answered the client.
    fn has_replied(&self, index: usize, id: u32) -> bool;
    /// Removes a stream that a task has resumed. Returns the index of the filter, which begins at `index`.
    fn take_resumed(&self, index: usize) -> Option<(usize, u32, Direction)>;
    fn log(&self, id: u32);
    fn delete(&self, id: u32);
    fn http_call_response(&self, id: u32, token: u32, headers: usize, body: usize, trailers: usize);
    fn grpc_receive(&self, id: u32, token: u32, size: usize);
    fn grpc_metadata(&self, id: u32, token: u32, map: Map);
    /// Returns whether the call has ended. Otherwise the filter is still making it.
    fn grpc_close(&self, id: u32, token: u32, status: u32) -> bool;
    fn queue_ready(&self, id: u32, token: u32);
    fn tick(&self, id: u32);
}

#[expect(private_interfaces, reason = "as above")]
impl Members for () {
    const NEW: Self = ();
    const LEN: usize = 0;

    fn create_plugin(&self, _: u32, _: usize, _: &Deadlines) {}
    fn create_stream(&self, _: u32, _: u32) {}
    fn configure(&self, _: u32, _: &[&str], _: &serde_json::Map<String, Value>) -> Result<(), ConfigError> {
        Ok(())
    }
    fn receive(&self, _: usize, _: u32, _: Direction, _: Arrived<'_>) -> u32 {
        CONTINUE
    }
    fn has_body(&self, _: usize, _: Direction) -> bool {
        false
    }
    fn awaits_body(&self, _: usize, _: u32, _: Direction) -> bool {
        false
    }
    fn has_replied(&self, _: usize, _: u32) -> bool {
        false
    }
    fn take_resumed(&self, _: usize) -> Option<(usize, u32, Direction)> {
        None
    }
    fn log(&self, _: u32) {}
    fn delete(&self, _: u32) {}
    fn http_call_response(&self, _: u32, _: u32, _: usize, _: usize, _: usize) {}
    fn grpc_receive(&self, _: u32, _: u32, _: usize) {}
    fn grpc_metadata(&self, _: u32, _: u32, _: Map) {}
    fn grpc_close(&self, _: u32, _: u32, _: u32) -> bool {
        true
    }
    fn queue_ready(&self, _: u32, _: u32) {}
    fn tick(&self, _: u32) {}
}

#[expect(private_interfaces, reason = "as above")]
impl<F: HttpFilter, R: Members> Members for (Member<F>, R) {
    const NEW: Self = {
        assert!(!F::USES.tcp, "a module with several filters can only contain filters for HTTP");
        (Member(Vm::new()), R::NEW)
    };
    const LEN: usize = 1 + R::LEN;

    fn create_plugin(&self, id: u32, index: usize, deadlines: &Deadlines) {
        self.0.0.create_plugin(id, SharedTick { index, deadlines: deadlines.clone() });
        self.1.create_plugin(id, index + 1, deadlines);
    }

    fn create_stream(&self, id: u32, plugin: u32) {
        self.0.0.on_context_create(id, plugin);
        self.1.create_stream(id, plugin);
    }

    fn configure(
        &self,
        id: u32,
        names: &[&str],
        blocks: &serde_json::Map<String, Value>,
    ) -> Result<(), ConfigError> {
        let [name, later @ ..] = names else { return Ok(()) };
        let Some(block) = blocks.get(*name) else {
            let message = format_args!("missing field `{name}`; `null` leaves the filter out");
            return Err(ConfigError::here(&message));
        };
        self.0.0.configure(id, block).map_err(|error| error.in_member(name))?;
        self.1.configure(id, later, blocks)
    }

    fn receive(&self, index: usize, id: u32, direction: Direction, arrived: Arrived<'_>) -> u32 {
        if index > 0 {
            return self.1.receive(index - 1, id, direction, arrived);
        }
        let vm = &self.0.0;
        match (direction, arrived) {
            (Direction::Request, Arrived::Headers(end, pairs)) if F::USES.has(Part::RequestHeaders) => {
                vm.request_headers(id, end, pairs)
            }
            (Direction::Request, Arrived::Body(span, end)) if F::USES.has(Part::RequestBody) => {
                vm.request_body(id, span, end)
            }
            (Direction::Request, Arrived::Trailers) if F::USES.has(Part::RequestTrailers) => {
                vm.request_trailers(id)
            }
            (Direction::Response, Arrived::Headers(end, pairs)) if F::USES.has(Part::ResponseHeaders) => {
                vm.response_headers(id, end, pairs)
            }
            (Direction::Response, Arrived::Body(span, end)) if F::USES.has(Part::ResponseBody) => {
                vm.response_body(id, span, end)
            }
            (Direction::Response, Arrived::Trailers) if F::USES.has(Part::ResponseTrailers) => {
                vm.response_trailers(id)
            }
            // The host skips a filter without the callback, too.
            _ => CONTINUE,
        }
    }

    fn has_body(&self, index: usize, direction: Direction) -> bool {
        match (index, direction) {
            (0, Direction::Request) => F::USES.has(Part::RequestBody),
            (0, Direction::Response) => F::USES.has(Part::ResponseBody),
            _ => self.1.has_body(index - 1, direction),
        }
    }

    fn awaits_body(&self, index: usize, id: u32, direction: Direction) -> bool {
        match index {
            0 => F::USES.has_bodies() && self.0.0.awaits_body(id, direction).is_some(),
            _ => self.1.awaits_body(index - 1, id, direction),
        }
    }

    fn has_replied(&self, index: usize, id: u32) -> bool {
        match index {
            0 => self.0.0.has_replied(id),
            _ => self.1.has_replied(index - 1, id),
        }
    }

    fn take_resumed(&self, index: usize) -> Option<(usize, u32, Direction)> {
        match self.0.0.take_resumed() {
            Some((id, direction)) => Some((index, id, direction)),
            None => self.1.take_resumed(index + 1),
        }
    }

    fn log(&self, id: u32) {
        if F::USES.has(Part::Log) {
            self.0.0.on_log(id);
        }
        self.1.log(id);
    }

    fn delete(&self, id: u32) {
        self.0.0.on_delete(id);
        self.1.delete(id);
    }

    fn http_call_response(&self, id: u32, token: u32, headers: usize, body: usize, trailers: usize) {
        if !(F::USES.http && self.0.0.on_http_call_response(id, token, headers, body, trailers)) {
            self.1.http_call_response(id, token, headers, body, trailers);
        }
    }

    fn grpc_receive(&self, id: u32, token: u32, size: usize) {
        if !(F::USES.any_grpc() && self.0.0.on_grpc_receive(id, token, size)) {
            self.1.grpc_receive(id, token, size);
        }
    }

    fn grpc_metadata(&self, id: u32, token: u32, map: Map) {
        if !(F::USES.grpc_streams && self.0.0.on_grpc_metadata(id, token, map)) {
            self.1.grpc_metadata(id, token, map);
        }
    }

    fn grpc_close(&self, id: u32, token: u32, status: u32) -> bool {
        if F::USES.any_grpc() {
            if self.0.0.is_running() {
                self.0.0.on_grpc_close(id, token, status);
                return false;
            }
            if self.0.0.on_grpc_close(id, token, status) {
                return true;
            }
        }
        self.1.grpc_close(id, token, status)
    }

    fn queue_ready(&self, id: u32, token: u32) {
        if F::USES.has(Part::QueueReady) {
            self.0.0.on_queue_ready(id, token);
        }
        self.1.queue_ready(id, token);
    }

    fn tick(&self, id: u32) {
        if F::USES.timers {
            self.0.0.on_tick(id);
        }
        self.1.tick(id);
    }
}
