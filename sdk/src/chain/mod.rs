//! Several filters in one module. The host enters the module once for each part of a stream, and the chain
//! passes the part from filter to filter: in order in the request, in reverse order in the response. Each
//! filter has its own configuration, state of streams, tasks and metrics, as if the host ran it.
//!
//! The host buffers a body for the module. Each filter sees the part of it that it would see alone: the bytes
//! that the filter before it has passed on, without those that it has passed on itself.

mod members;
mod progress;

pub use members::{Member, Members};

use crate::config::{ConfigError, Value};
use crate::entry::configured;
use crate::host::{self, Direction, Map};
use crate::log as host_log;
use crate::map::IdMap;
use crate::plugins;
use crate::stream_state::{CONTINUE, PAUSE, PAUSE_ALL};
use crate::tick::Deadlines;
use progress::Progress;
use std::cell::RefCell;
use std::hash::BuildHasherDefault;

/// The state of a VM whose module contains several filters.
pub struct Chain<M: Members> {
    /// Names of the filters: those of their blocks in the configuration.
    names: &'static [&'static str],
    members: M,
    /// Streams that a filter has paused or answered, or that have a body.
    streams: RefCell<IdMap<Progress>>,
}

impl<M: Members> Chain<M> {
    /// Creates the state of a VM without plugins.
    pub const fn new(names: &'static [&'static str]) -> Self {
        let streams = RefCell::new(IdMap::with_hasher(BuildHasherDefault::new()));
        Self { names, members: M::NEW, streams }
    }

    /// `proxy_on_context_create`.
    pub fn on_context_create(&self, id: u32, parent: u32) {
        if parent == 0 {
            let deadlines = Deadlines::new(RefCell::new(vec![None; M::LEN]));
            self.members.create_plugin(id, 0, &deadlines);
        } else {
            self.members.create_stream(id, parent);
        }
    }

    /// `proxy_on_configure`.
    pub fn on_configure(&self, id: u32, size: usize) -> u32 {
        host_log::refresh_level();
        configured(plugins::configuration(size).and_then(|tree| self.configure(id, tree)))
    }

    fn configure(&self, id: u32, tree: Value) -> Result<(), ConfigError> {
        let Value::Object(blocks) = &tree else {
            return Err(ConfigError::invalid_type(&tree, &format!("an object with {}", self.expected())));
        };
        for name in blocks.keys() {
            if !self.names.contains(&name.as_str()) {
                let message = format_args!("unknown filter `{name}`, expected {}", self.expected());
                return Err(ConfigError::here(&message).in_member(name));
            }
        }
        self.members.configure(id, self.names, blocks)
    }

    fn expected(&self) -> String {
        let quoted: Vec<_> = self.names.iter().map(|name| format!("`{name}`")).collect();
        quoted.join(", ")
    }

    /// `proxy_on_request_headers`.
    pub fn on_request_headers(&self, id: u32, end_of_stream: bool) -> u32 {
        self.on_headers(id, Direction::Request, end_of_stream)
    }

    /// `proxy_on_request_body`.
    pub fn on_request_body(&self, id: u32, size: usize, end_of_stream: bool) -> u32 {
        self.on_body(id, Direction::Request, size, end_of_stream)
    }

    /// `proxy_on_request_trailers`.
    pub fn on_request_trailers(&self, id: u32) -> u32 {
        self.on_trailers(id, Direction::Request)
    }

    /// `proxy_on_response_headers`.
    pub fn on_response_headers(&self, id: u32, end_of_stream: bool) -> u32 {
        self.on_headers(id, Direction::Response, end_of_stream)
    }

    /// `proxy_on_response_body`.
    pub fn on_response_body(&self, id: u32, size: usize, end_of_stream: bool) -> u32 {
        self.on_body(id, Direction::Response, size, end_of_stream)
    }

    /// `proxy_on_response_trailers`.
    pub fn on_response_trailers(&self, id: u32) -> u32 {
        self.on_trailers(id, Direction::Response)
    }

    fn on_headers(&self, id: u32, direction: Direction, end_of_stream: bool) -> u32 {
        let receive = |progress: &mut Progress| progress.receive_headers(direction, end_of_stream);
        // A filter with a callback for bodies may await the body, also after a task of an earlier filter.
        let may_await = || (0..M::LEN).any(|filter| self.members.has_body(filter, direction));
        match self.on_part(id, direction, receive) {
            PAUSE if !may_await() => PAUSE_ALL,
            action => action,
        }
    }

    fn on_body(&self, id: u32, direction: Direction, size: usize, end_of_stream: bool) -> u32 {
        self.on_part(id, direction, |progress| progress.side(direction).receive_body(size, end_of_stream))
    }

    fn on_trailers(&self, id: u32, direction: Direction) -> u32 {
        self.on_part(id, direction, |progress| progress.side(direction).receive_trailers())
    }

    /// Passes a part of a stream from filter to filter.
    fn on_part(&self, id: u32, direction: Direction, receive: impl FnOnce(&mut Progress)) -> u32 {
        // Not borrowed meanwhile: the host may call back.
        let known = self.streams.borrow_mut().remove(&id);
        let mut progress = known.unwrap_or_else(|| Progress::new(M::LEN));
        receive(&mut progress);
        let passed = progress.pass_on(&self.members, id, direction, 0);
        if progress.is_worth_keeping(M::LEN) {
            self.streams.borrow_mut().insert(id, progress);
        }
        self.run_resumed();
        if passed { CONTINUE } else { PAUSE }
    }

    /// Passes on the streams that tasks of filters have resumed.
    fn run_resumed(&self) {
        while let Some((filter, id, direction)) = self.members.take_resumed(0) {
            let Some(mut progress) = self.streams.borrow_mut().remove(&id) else {
                log::error!("a filter resumed stream {id}, which no filter holds");
                continue;
            };
            // The host returns an error if it has already deleted the stream.
            if host::set_effective_context(id).is_err() {
                continue;
            }
            if progress.resume(&self.members, id, direction, filter) {
                plugins::resume(direction);
            }
            self.streams.borrow_mut().insert(id, progress);
        }
    }

    /// `proxy_on_log`.
    pub fn on_log(&self, id: u32) {
        self.members.log(id);
    }

    /// `proxy_on_delete`.
    pub fn on_delete(&self, id: u32) {
        self.streams.borrow_mut().remove(&id);
        self.members.delete(id);
        self.run_resumed();
    }

    /// `proxy_on_http_call_response`.
    pub fn on_http_call_response(&self, id: u32, token: u32, headers: usize, body: usize, trailers: usize) {
        self.members.http_call_response(id, token, headers, body, trailers);
        self.run_resumed();
    }

    /// `proxy_on_grpc_receive`.
    pub fn on_grpc_receive(&self, id: u32, token: u32, size: usize) {
        self.members.grpc_receive(id, token, size);
        self.run_resumed();
    }

    /// `proxy_on_grpc_receive_initial_metadata`.
    pub fn on_grpc_receive_initial_metadata(&self, id: u32, token: u32, _count: usize) {
        self.members.grpc_metadata(id, token, Map::GrpcInitialMetadata);
        self.run_resumed();
    }

    /// `proxy_on_grpc_receive_trailing_metadata`.
    pub fn on_grpc_receive_trailing_metadata(&self, id: u32, token: u32, _count: usize) {
        self.members.grpc_metadata(id, token, Map::GrpcTrailingMetadata);
        self.run_resumed();
    }

    /// `proxy_on_grpc_close`.
    pub fn on_grpc_close(&self, id: u32, token: u32, status: u32) {
        // The host may call this from within a call of a filter. That callback passes on what is resumed.
        if !self.members.grpc_close(id, token, status) {
            return;
        }
        self.run_resumed();
    }

    /// `proxy_on_queue_ready`.
    pub fn on_queue_ready(&self, id: u32, token: u32) {
        self.members.queue_ready(id, token);
        self.run_resumed();
    }

    /// `proxy_on_tick`.
    pub fn on_tick(&self, id: u32) {
        self.members.tick(id);
        self.run_resumed();
    }
}
