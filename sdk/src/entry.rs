//! Where the host enters: callbacks by context id on one side, a filter's methods on the other.
//!
//! The `proxy-wasm` crate has a dispatcher too. It traps when a callback names a token it does not know, when the
//! host refuses an effective context, and when the host calls back from within a host call, and its exports cannot
//! be linked beside others. Here a callback that fits nothing is dropped, and one that comes while another runs
//! (Envoy closes a gRPC call that it cannot open from within `proxy_grpc_call`) waits for its end.

use crate::callout;
use crate::context::Context;
use crate::filter::HttpFilter;
use crate::map::IdMap;
use crate::plugins::{At, State, refuse};
use crate::{AccessLog, Flow, Result, log as host_log, queue::Queue};
use std::cell::RefCell;
use std::hash::BuildHasherDefault;

/// All that a VM holds of the plugins that it runs. Envoy runs plugins with the same code in the same VM.
pub struct Vm<F: HttpFilter> {
    state: RefCell<State<F>>,
    /// Ends of gRPC calls that came from within a host call.
    late: RefCell<Vec<(u32, u32)>>,
}

impl<F: HttpFilter> Vm<F> {
    /// One that runs nothing yet. Constant, so that no callback has to ask whether it is there.
    #[expect(clippy::new_without_default, reason = "a default would not be constant")]
    pub const fn new() -> Self {
        let streams = IdMap::with_hasher(BuildHasherDefault::new());
        let state = State { plugins: Vec::new(), streams, last: None };
        Self { state: RefCell::new(state), late: RefCell::new(Vec::new()) }
    }

    /// `proxy_on_context_create`: a plugin if `parent` is 0, else a stream.
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
        // A filter without callbacks of streams is not told that its context was created.
        state.create_plugin(id);
        if !F::USES.ends {
            state.forget_gone_plugins(id);
        }
        let Some(plugin) = state.plugin(id) else { return 0 };
        match plugin.configure(size) {
            Ok(()) => 1,
            Err(error) => {
                host_log::critical(&format!("configuration refused: {error}"));
                0
            }
        }
    }

    /// A callback of a stream in which the filter decides.
    pub(crate) fn on_stream(
        &self,
        id: u32,
        at: At,
        decide: impl FnOnce(&mut F, &mut F::Stream, &mut Context<'_, F>) -> Result<Flow>,
    ) -> u32 {
        let action = match self.state.try_borrow_mut() {
            Ok(mut state) => state.decide(id, at, decide),
            Err(_) => refuse(at),
        };
        self.run_late();
        action
    }

    /// `proxy_on_log`.
    pub fn on_log(&self, id: u32) {
        if let Ok(mut state) = self.state.try_borrow_mut()
            && let Some((plugin, stream)) = state.stream(id)
            && let Some(filter) = &mut plugin.filter
        {
            let mut cx = Context { tasks: &mut plugin.tasks, place: None };
            filter.on_log(&mut stream.data, &AccessLog::new(), &mut cx);
        }
        self.run_late();
    }

    /// `proxy_on_delete`, of a stream or of a plugin.
    pub fn on_delete(&self, id: u32) {
        if let Ok(mut state) = self.state.try_borrow_mut() {
            state.end(id);
        }
        self.run_late();
    }

    /// `proxy_on_http_call_response`.
    pub fn on_http_call_response(&self, id: u32, token: u32, headers: usize, body: usize, trailers: usize) {
        if let Ok(mut state) = self.state.try_borrow_mut()
            && let Some((max_body, task)) = state.plugin(id).and_then(|p| p.tasks.take_http(token))
        {
            state.run(id, task, callout::http_response(headers, body, trailers, max_body));
            state.run_woken(id);
        }
        self.run_late();
    }

    /// `proxy_on_grpc_receive`: a unary call that succeeded. Nothing follows it.
    pub fn on_grpc_receive(&self, id: u32, token: u32, size: usize) {
        if let Ok(mut state) = self.state.try_borrow_mut() {
            state.end_grpc(id, token, || callout::grpc_message(size));
        }
        self.run_late();
    }

    /// `proxy_on_grpc_close`: a unary call that failed.
    pub fn on_grpc_close(&self, id: u32, token: u32, status: u32) {
        match self.state.try_borrow_mut() {
            Ok(mut state) => state.end_grpc(id, token, || Err(callout::grpc_error(status))),
            Err(_) => {
                self.late.borrow_mut().push((token, status));
                return;
            }
        }
        self.run_late();
    }

    /// `proxy_on_queue_ready`.
    pub fn on_queue_ready(&self, id: u32, token: u32) {
        if let Ok(mut state) = self.state.try_borrow_mut()
            && let Some(plugin) = state.plugin(id)
            && let Some(filter) = &mut plugin.filter
        {
            let mut cx = Context { tasks: &mut plugin.tasks, place: None };
            filter.on_queue_ready(Queue(token), &mut cx);
            state.run_woken(id);
        }
        self.run_late();
    }

    /// `proxy_on_tick`: runs every timer that is due.
    pub fn on_tick(&self, id: u32) {
        host_log::refresh_level();
        if let Ok(mut state) = self.state.try_borrow_mut() {
            state.run_timers(id);
        }
        self.run_late();
    }

    fn run_late(&self) {
        // Nothing else comes late.
        if !F::USES.grpc {
            return;
        }
        loop {
            let Some((token, status)) = self.late.borrow_mut().pop() else { return };
            let Ok(mut state) = self.state.try_borrow_mut() else { return };
            // The host's text for it is gone by now.
            let ended = || Err(callout::GrpcError { status, message: Vec::new() });
            let owner = state.plugins.iter().find(|p| p.tasks.has_grpc(token)).map(|p| p.id);
            if let Some(id) = owner {
                state.end_grpc(id, token, ended);
            }
        }
    }
}
