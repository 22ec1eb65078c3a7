//! The entry point of the host: routes callbacks by context id to the methods of a filter.
//!
//! The dispatcher of the `proxy-wasm` crate traps in three cases: when a callback has an unknown token, when
//! the host rejects an effective context, and when the host calls back from within a host call. Its exports
//! also cannot be linked next to others. Here, a callback that matches nothing is dropped. A callback that
//! arrives while another one runs is deferred until that one returns: Envoy closes a gRPC call that it cannot
//! open from within `proxy_grpc_call`.

use crate::callout;
use crate::context::Context;
use crate::filter::HttpFilter;
use crate::grpc_stream::GrpcEvent;
use crate::host::{Direction, Map};
use crate::map::IdMap;
use crate::plugins::{State, configuration, reject};
use crate::stream::{AccessLog, AccessLogMaps};
use crate::stream_state::StreamCallback;
use crate::tick::SharedTick;
use crate::{ConfigError, Error, config::Value};
use crate::{log as host_log, queue::Queue};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::hash::BuildHasherDefault;

/// The state of a VM: the plugins that it runs and their streams. Envoy runs plugins with the same code in
/// the same VM.
///
/// `CHAINED` filters share their module with others: a [`Chain`](crate::chain::Chain) passes the streams from
/// one to the next.
pub struct Vm<F: HttpFilter, const CHAINED: bool = false> {
    pub(crate) state: RefCell<State<F, CHAINED>>,
    /// Failed gRPC calls that the host reported from within a host call: token and status.
    deferred: RefCell<Vec<(u32, u32)>>,
}

impl<F: HttpFilter, const CHAINED: bool> Vm<F, CHAINED> {
    /// Creates the state of a VM without plugins. It is constant, so callbacks need not check whether it is
    /// initialised.
    #[expect(clippy::new_without_default, reason = "a default would not be constant")]
    pub const fn new() -> Self {
        let streams = IdMap::with_hasher(BuildHasherDefault::new());
        let state = State { plugins: Vec::new(), streams, latest: None, resumed: VecDeque::new() };
        Self { state: RefCell::new(state), deferred: RefCell::new(Vec::new()) }
    }

    /// Creates a plugin of a chain.
    pub(crate) fn create_plugin(&self, id: u32, tick: SharedTick) {
        let Ok(mut state) = self.state.try_borrow_mut() else { return };
        state.create_plugin(id);
        if let Some(plugin) = state.plugin(id) {
            plugin.tasks.share_tick(tick);
        }
    }

    /// Configures a filter of a chain, or leaves it out.
    pub(crate) fn configure(&self, id: u32, tree: &Value) -> Result<(), ConfigError> {
        let Ok(mut state) = self.state.try_borrow_mut() else { return Err(Error::Busy.into()) };
        let Some(plugin) = state.plugin(id) else {
            return Err(ConfigError::here(&"the host has not created the plugin"));
        };
        plugin.off = tree.is_null();
        if plugin.off { Ok(()) } else { plugin.configure(tree) }
    }

    /// Whether a callback of the filter is running.
    pub(crate) fn is_running(&self) -> bool {
        self.state.try_borrow_mut().is_err()
    }

    /// Removes and returns a stream that a task of the filter has resumed.
    pub(crate) fn take_resumed(&self) -> Option<(u32, Direction)> {
        self.state.try_borrow_mut().ok()?.resumed.pop_front()
    }

    /// `proxy_on_context_create`: creates a plugin if `parent` is 0, otherwise a stream.
    pub fn on_context_create(&self, id: u32, parent: u32) {
        let Ok(mut state) = self.state.try_borrow_mut() else { return };
        if parent == 0 {
            state.create_plugin(id);
        } else {
            state.create_stream(id, parent);
        }
    }

    /// `proxy_on_configure`.
    pub fn on_configure(&self, id: u32, size: usize) -> u32 {
        host_log::refresh_level();
        let Ok(mut state) = self.state.try_borrow_mut() else { return 0 };
        // The host does not report the creation of the plugin to a filter without stream callbacks.
        state.create_plugin(id);
        if !State::<F, CHAINED>::ON_DELETE {
            state.remove_deleted_plugins(id);
        }
        let Some(plugin) = state.plugin(id) else { return 0 };
        configured(configuration(size).and_then(|tree| plugin.configure(&tree)))
    }

    /// Runs a callback in which the filter decides on a stream.
    pub(crate) fn on_stream(
        &self,
        id: u32,
        at: StreamCallback,
        decide: impl for<'a> FnOnce(&F, &'a mut F::Stream, Context<'a, F>) -> crate::Result,
    ) -> u32 {
        let action = match self.state.try_borrow_mut() {
            Ok(mut state) => state.decide(id, at, decide),
            Err(_) => reject::<F>(at),
        };
        self.run_deferred();
        action
    }

    /// Whether the filter waits for the body of a stream, or for more of it. Returns whether the host holds a
    /// part.
    pub(crate) fn awaits_body(&self, id: u32, direction: Direction) -> Option<bool> {
        let mut state = self.state.try_borrow_mut().ok()?;
        state.stream(id)?.1.awaits_body(direction)
    }

    /// Whether the filter has answered the client of a stream.
    pub(crate) fn has_replied(&self, id: u32) -> bool {
        let Ok(mut state) = self.state.try_borrow_mut() else { return false };
        state.stream(id).is_some_and(|(_, stream)| stream.replied)
    }

    /// `proxy_on_log`.
    pub fn on_log(&self, id: u32) {
        if let Ok(mut state) = self.state.try_borrow_mut()
            && let Some((plugin, stream)) = state.stream(id)
            && let Some(filter) = &plugin.filter
        {
            // The stream is complete: an `async` callback that still waits returns the state.
            if F::USES.asynchronous {
                plugin.tasks.drop_stream(id);
                if let Some(state) = plugin.tasks.take_returned(id) {
                    stream.data = state;
                }
            }
            let cx = Context { tasks: &mut plugin.tasks, position: None, filter: None };
            filter.on_log(&mut AccessLog::new(AccessLogMaps::new(), &mut stream.data, cx));
        }
        self.run_deferred();
    }

    /// Runs a callback that a filter of connections only observes.
    pub(crate) fn observe(
        &self,
        id: u32,
        notify: impl for<'a> FnOnce(&F, &'a mut F::Stream, Context<'a, F>),
    ) {
        if let Ok(mut state) = self.state.try_borrow_mut()
            && let Some((plugin, stream)) = state.stream(id)
            && let Some(filter) = &plugin.filter
        {
            notify(
                filter,
                &mut stream.data,
                Context { tasks: &mut plugin.tasks, position: None, filter: None },
            );
        }
        self.run_deferred();
    }

    /// `proxy_on_delete`: ends a stream or a plugin.
    pub fn on_delete(&self, id: u32) {
        if let Ok(mut state) = self.state.try_borrow_mut() {
            state.end(id);
        }
        self.run_deferred();
    }

    /// `proxy_on_http_call_response`. Returns whether the call was one of this filter.
    pub fn on_http_call_response(
        &self,
        id: u32,
        token: u32,
        headers: usize,
        body: usize,
        trailers: usize,
    ) -> bool {
        let mut found = false;
        if let Ok(mut state) = self.state.try_borrow_mut()
            && let Some((max_body, task)) = state.plugin(id).and_then(|p| p.tasks.take_http(token))
        {
            found = true;
            state.run(id, task, callout::http_response(headers, body, trailers, max_body));
            state.run_woken(id);
        }
        self.run_deferred();
        found
    }

    /// `proxy_on_grpc_receive`: a unary call succeeded, and no other callback follows; or a stream has a
    /// message. Returns whether the call was one of this filter.
    pub fn on_grpc_receive(&self, id: u32, token: u32, size: usize) -> bool {
        let mut found = false;
        if let Ok(mut state) = self.state.try_borrow_mut() {
            found = state.end_grpc(id, token, || callout::grpc_message(size))
                || state.grpc_event(id, token, || GrpcEvent::message(token, size));
        }
        self.run_deferred();
        found
    }

    /// `proxy_on_grpc_receive_initial_metadata`. Returns whether the stream was one of this filter.
    pub fn on_grpc_receive_initial_metadata(&self, id: u32, token: u32, _count: usize) -> bool {
        self.on_grpc_metadata(id, token, Map::GrpcInitialMetadata)
    }

    /// `proxy_on_grpc_receive_trailing_metadata`. Returns whether the stream was one of this filter.
    pub fn on_grpc_receive_trailing_metadata(&self, id: u32, token: u32, _count: usize) -> bool {
        self.on_grpc_metadata(id, token, Map::GrpcTrailingMetadata)
    }

    pub(crate) fn on_grpc_metadata(&self, id: u32, token: u32, map: Map) -> bool {
        let mut found = false;
        if let Ok(mut state) = self.state.try_borrow_mut() {
            found = state.grpc_event(id, token, || GrpcEvent::metadata(token, map));
        }
        self.run_deferred();
        found
    }

    /// `proxy_on_grpc_close`: a unary call failed, or a stream has ended. Returns whether the call was one of
    /// this filter.
    pub fn on_grpc_close(&self, id: u32, token: u32, status: u32) -> bool {
        let found = match self.state.try_borrow_mut() {
            Ok(mut state) => {
                state.end_grpc(id, token, || Err(callout::grpc_error(status)))
                    || state.grpc_event(id, token, || GrpcEvent::Closed(callout::grpc_error(status)))
            }
            // This filter is making the call.
            Err(_) => {
                self.deferred.borrow_mut().push((token, status));
                return true;
            }
        };
        self.run_deferred();
        found
    }

    /// `proxy_on_queue_ready`.
    pub fn on_queue_ready(&self, id: u32, token: u32) {
        if let Ok(mut state) = self.state.try_borrow_mut()
            && let Some(plugin) = state.plugin(id)
            && let Some(filter) = &plugin.filter
            && (!CHAINED || plugin.tasks.has_queue(Queue(token)))
        {
            let mut cx = Context { tasks: &mut plugin.tasks, position: None, filter: None };
            filter.on_queue_ready(Queue(token), &mut cx);
            state.run_woken(id);
        }
        self.run_deferred();
    }

    /// `proxy_on_tick`: runs every timer that is due.
    pub fn on_tick(&self, id: u32) {
        host_log::refresh_level();
        if let Ok(mut state) = self.state.try_borrow_mut() {
            state.run_timers(id);
        }
        self.run_deferred();
    }

    fn run_deferred(&self) {
        // Only failures of gRPC calls are deferred.
        if !F::USES.any_grpc() {
            return;
        }
        loop {
            let Some((token, status)) = self.deferred.borrow_mut().pop() else { return };
            let Ok(mut state) = self.state.try_borrow_mut() else { return };
            // The host no longer has the message of this status.
            let error = || callout::GrpcError { status, message: Vec::new() };
            let owner = state.plugins.iter().find(|p| p.tasks.has_grpc(token)).map(|p| p.id);
            if let Some(id) = owner {
                let _ = state.end_grpc(id, token, || Err(error()))
                    || state.grpc_event(id, token, || GrpcEvent::Closed(error()));
            }
        }
    }
}

/// Returns the result of `proxy_on_configure`.
pub(crate) fn configured(result: Result<(), ConfigError>) -> u32 {
    match result {
        Ok(()) => 1,
        Err(error) => {
            host_log::critical(&format!("configuration rejected: {error}"));
            0
        }
    }
}
