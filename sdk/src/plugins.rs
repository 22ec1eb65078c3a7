//! The plugins and streams of a VM. Carries out what a filter decided about a stream.

use crate::callout::GrpcResult;
use crate::config::{self, ConfigError};
use crate::context::{Context, StreamPosition};
use crate::filter::{EXPORTS_ALL, HttpFilter};
use crate::grpc_stream::GrpcEvent;
use crate::host::{self, Direction};
use crate::map::IdMap;
use crate::signal::Woken;
use crate::stream_state::{
    AWAIT_WITHOUT_CALLBACK, BODY_OF_PAUSED, CONTINUE, Held, PAUSE, PAUSE_ALL, PAUSE_AT_END, PAUSE_SENDER,
    PAUSE_WITHOUT_TASK, Progress, Stream, StreamCallback,
};
use crate::task::{Due, Task, Timer};
use crate::tasks::Tasks;
use crate::{Error, Failure, Flow, Reply, Status, clock};
use std::collections::VecDeque;
use std::rc::Rc;

/// Maximum number of streams that timers, and that a signal, resume in one callback. The others follow in the
/// next tick.
///
/// Envoy resumes streams after the callback, and each may be answered at once, for example by the router
/// without a healthy host. The answer enters the VM, and before that call returns, Envoy resumes the next
/// stream (`WasmBase::doAfterVmCallActions`): each stream nests in the one before. With several hundred, the
/// VM dies of a stack overflow.
const MAX_RESUMED: usize = 64;

pub(crate) struct State<F: HttpFilter, const CHAINED: bool> {
    pub(crate) plugins: Vec<Plugin<F>>,
    pub(crate) streams: IdMap<Stream<F::Stream>>,
    /// The stream that was created last. Used instead of `streams` by a filter without `proxy_on_delete`:
    /// such a filter has one callback per stream, and the host calls it right after it creates the stream.
    pub(crate) latest: Option<(u32, Stream<F::Stream>)>,
    /// The streams that a filter of a chain has resumed, and that the next filter has not received yet.
    pub(crate) resumed: VecDeque<(u32, Direction)>,
}

pub(crate) struct Plugin<F: HttpFilter> {
    pub(crate) id: u32,
    /// Whether the configuration of a chain leaves this filter out.
    pub(crate) off: bool,
    pub(crate) filter: Option<Rc<F>>,
    pub(crate) tasks: Tasks<F>,
}

impl<F: HttpFilter> Plugin<F> {
    /// Replaces the filter by one for the new configuration. If the configuration is rejected, the current
    /// filter stays.
    pub(crate) fn configure(&mut self, tree: &config::Value) -> std::result::Result<(), ConfigError> {
        let mut tasks = self.tasks.empty();
        let mut cx = Context { tasks: &mut tasks, position: None, filter: None };
        let filter = F::new(config::read(tree)?, &mut cx)?;
        self.tasks.replace_plugin_tasks(tasks)?;
        self.filter = Some(Rc::new(filter));
        Ok(())
    }
}

/// Reads the configuration of a plugin.
pub(crate) fn configuration(size: usize) -> std::result::Result<config::Value, ConfigError> {
    let bytes = if size == 0 { Vec::new() } else { host::buffer(host::Buffer::PluginConfiguration, size)? };
    config::tree(&bytes)
}

impl<F: HttpFilter, const CHAINED: bool> State<F, CHAINED> {
    /// Whether the module has the callback for the end of streams.
    pub(crate) const ON_DELETE: bool = F::USES.on_delete || CHAINED;
    /// Whether the module may have callbacks for bodies.
    const BODIES: bool = F::USES.has_bodies() || EXPORTS_ALL;

    pub(crate) fn plugin(&mut self, id: u32) -> Option<&mut Plugin<F>> {
        self.plugins.iter_mut().find(|plugin| plugin.id == id)
    }

    pub(crate) fn create_plugin(&mut self, id: u32) {
        if self.plugin(id).is_none() {
            self.plugins.push(Plugin { id, off: false, filter: None, tasks: Tasks::default() });
        }
    }

    /// Removes the plugins that the host has deleted, for a filter without `proxy_on_delete`. When the
    /// configuration changes, the host creates a new plugin. It deletes the old plugin once the streams of
    /// that plugin have ended.
    pub(crate) fn remove_deleted_plugins(&mut self, current: u32) {
        // No other error tells whether the plugin still exists.
        let deleted = Err(Error::Host { call: "set_effective_context", status: Status::BadArgument });
        self.plugins
            .retain(|plugin| plugin.id == current || host::set_effective_context(plugin.id) != deleted);
        if let Err(error) = host::set_effective_context(current) {
            log::error!("host rejected context {current} of this plugin: {error}");
        }
    }

    pub(crate) fn create_stream(&mut self, id: u32, plugin: u32) {
        if Self::ON_DELETE {
            self.streams.insert(id, Stream::new(plugin));
        } else {
            self.latest = Some((id, Stream::new(plugin)));
        }
    }

    pub(crate) fn stream(&mut self, id: u32) -> Option<(&mut Plugin<F>, &mut Stream<F::Stream>)> {
        let stream = if Self::ON_DELETE {
            self.streams.get_mut(&id)
        } else {
            self.latest.as_mut().and_then(|(latest, stream)| (*latest == id).then_some(stream))
        }?;
        let plugin = self.plugins.iter_mut().find(|plugin| plugin.id == stream.plugin)?;
        Some((plugin, stream))
    }

    pub(crate) fn decide(
        &mut self,
        id: u32,
        at: StreamCallback,
        decide: impl for<'a> FnOnce(&F, &'a mut F::Stream, Context<'a, F>) -> crate::Result,
    ) -> u32 {
        let Some((plugin, stream)) = self.stream(id) else { return reject::<F>(at) };
        let Some(filter) = &plugin.filter else {
            return if CHAINED && plugin.off { CONTINUE } else { reject::<F>(at) };
        };
        let is_body = (Self::BODIES || F::USES.tcp) && at.is_body;
        let replied = stream.replied;
        if F::USES.tcp && replied {
            // The connection is being closed.
            return PAUSE;
        }
        let mut position = StreamPosition::new(id, at.direction);
        if is_body {
            let progress = stream.progress(at.direction);
            if progress.held() == Held::InHeaders && !progress.has(Progress::AWAITS_BODY) && !replied {
                return stream.fail::<F>(at.direction, BODY_OF_PAUSED, "tollgate_body_of_paused_headers");
            }
            progress.receive_body();
            position.headers_held = progress.has(Progress::AWAITS_BODY);
            position.passed_body = progress.has(Progress::PASSED_BODY);
            position.length_is_free = progress.has(Progress::LENGTH_IS_FREE);
        }
        let cx = Context { tasks: &mut plugin.tasks, position: Some(position), filter: Some(filter) };
        let flow = match settled(filter.as_ref(), decide(filter, &mut stream.data, cx), at) {
            // The host holds the body for all filters of a chain, and `proxy-wasm` has no such action.
            Flow::PauseSender if is_body && (CHAINED || EXPORTS_ALL) => Flow::Continue,
            Flow::PauseSender if !is_body => Flow::Pause,
            flow => flow,
        };
        if F::USES.has_bodies() || CHAINED {
            stream.note_lengths();
        }
        let progress = stream.progress(at.direction);
        let in_headers = at.part == Held::InHeaders;
        if is_body {
            let holds = at.more_body && matches!(flow, Flow::Pause | Flow::AwaitBody);
            progress.set(Progress::HOLDS_BODY, holds);
            if !at.more_body {
                progress.set(Progress::AWAITS_BODY, false);
            }
        }
        match flow {
            Flow::Continue => {
                progress.pass_on();
                CONTINUE
            }
            // This callback belongs to the local reply of the filter itself. Nothing could resume it.
            Flow::Pause | Flow::PauseSender | Flow::AwaitBody | Flow::Reply(_) if replied => CONTINUE,
            Flow::PauseSender if plugin.tasks.has_pending_for(id) => {
                progress.hold(at.part);
                PAUSE_SENDER
            }
            Flow::AwaitBody if in_headers => {
                if !F::USES.has(at.body_part()) {
                    return stream.fail::<F>(
                        at.direction,
                        AWAIT_WITHOUT_CALLBACK,
                        "tollgate_await_without_callback",
                    );
                }
                progress.hold(Held::InHeaders);
                progress.set(Progress::AWAITS_BODY, true);
                PAUSE
            }
            Flow::Pause | Flow::AwaitBody
                if F::USES.tcp && at.direction == Direction::Response && !at.more_body =>
            {
                stream.fail::<F>(at.direction, PAUSE_AT_END, "tollgate_upstream_data_paused")
            }
            Flow::Pause | Flow::AwaitBody if at.more_body || plugin.tasks.has_pending_for(id) => {
                progress.hold(at.part);
                if in_headers { PAUSE_ALL } else { PAUSE }
            }
            Flow::Pause | Flow::PauseSender | Flow::AwaitBody => {
                stream.fail::<F>(at.direction, PAUSE_WITHOUT_TASK, "tollgate_pause_without_task")
            }
            Flow::Reply(reply) => {
                stream.replied = true;
                reply.send_for::<F>(at.direction);
                PAUSE
            }
        }
    }

    /// Ends a stream, or ends a plugin after all of its remaining streams.
    pub(crate) fn end(&mut self, id: u32) {
        if let Some(stream) = self.streams.remove(&id) {
            self.end_stream(id, stream);
            return;
        }
        // Envoy keeps a plugin while it has streams.
        let remaining: Vec<_> =
            self.streams.iter().filter(|(_, stream)| stream.plugin == id).map(|(id, _)| *id).collect();
        for id in remaining {
            if let Some(stream) = self.streams.remove(&id) {
                self.end_stream(id, stream);
            }
        }
        self.plugins.retain(|plugin| plugin.id != id);
    }

    fn end_stream(&mut self, id: u32, stream: Stream<F::Stream>) {
        let Some(plugin) = self.plugin(stream.plugin) else { return };
        if F::USES.any() {
            plugin.tasks.drop_stream(id);
        }
        if F::USES.has_bodies() {
            stream.warn_about_missing_body();
        }
        let data = plugin.tasks.take_returned(id).unwrap_or(stream.data);
        if let Some(filter) = &plugin.filter {
            filter.on_end(data, &mut Context { tasks: &mut plugin.tasks, position: None, filter: None });
        }
    }

    pub(crate) fn run_timers(&mut self, id: u32) {
        let Ok(now) = clock::now() else { return };
        for _ in 0..MAX_RESUMED {
            let Some(due) = self.plugin(id).and_then(|plugin| plugin.tasks.take_due(now)) else { break };
            match due {
                Due::TimedOut(task) => self.run(id, task, Woken::TimedOut),
                Due::Timer(Timer::Once(task)) => self.run(id, task, ()),
                Due::Timer(Timer::Every(period, mut then)) => {
                    self.run_for_plugin(id, |filter, cx| then(filter, cx));
                    if let Some(plugin) = self.plugin(id)
                        && let Err(error) = plugin.tasks.add_timer(period, Timer::Every(period, then))
                    {
                        log::error!("cannot set the next run of a periodic timer: {error}");
                    }
                }
            }
        }
        self.run_woken(id);
        if let Some(plugin) = self.plugin(id)
            && let Err(error) = plugin.tasks.arm(now)
        {
            log::error!("cannot set the tick period: {error}");
        }
    }

    /// Resumes the streams that were woken, up to [`MAX_RESUMED`]. Streams that are woken during this call
    /// wait for the next tick; otherwise two streams that wake each other would keep this call from ending.
    pub(crate) fn run_woken(&mut self, id: u32) {
        if !F::USES.timers {
            return;
        }
        for _ in 0..self.plugin(id).map_or(0, |plugin| plugin.tasks.woken().min(MAX_RESUMED)) {
            if let Some(task) = self.plugin(id).and_then(|plugin| plugin.tasks.take_woken()) {
                self.run(id, task, Woken::Signalled);
            }
        }
    }

    /// Returns whether the call was one of this filter.
    pub(crate) fn end_grpc(&mut self, id: u32, token: u32, result: impl FnOnce() -> GrpcResult) -> bool {
        if !F::USES.grpc {
            return false;
        }
        let Some(task) = self.plugin(id).and_then(|plugin| plugin.tasks.take_grpc(token)) else {
            return false;
        };
        self.run(id, task, result());
        self.run_woken(id);
        true
    }

    /// Passes on an event of a gRPC stream. Returns whether the stream was one of this filter.
    pub(crate) fn grpc_event(&mut self, id: u32, token: u32, event: impl FnOnce() -> GrpcEvent) -> bool {
        if !F::USES.grpc_streams || !self.plugin(id).is_some_and(|plugin| plugin.tasks.has_grpc(token)) {
            return false;
        }
        let event = event();
        let Some(task) = self.plugin(id).and_then(|plugin| plugin.tasks.take_event(token, &event)) else {
            return false;
        };
        self.run(id, task, event);
        self.run_woken(id);
        true
    }

    fn run_for_plugin(&mut self, id: u32, then: impl FnOnce(&F, &mut Context<'_, F>)) {
        if let Some(plugin) = self.plugin(id)
            && let Some(filter) = &plugin.filter
        {
            then(filter, &mut Context { tasks: &mut plugin.tasks, position: None, filter: None });
        }
    }

    pub(crate) fn run<T>(&mut self, plugin: u32, task: Task<F, T>, result: T) {
        match task {
            Task::Plugin(then) => self.run_for_plugin(plugin, |filter, cx| then(filter, result, cx)),
            Task::Stream(id, direction, then) => {
                let Some((plugin, stream)) = self.stream(id) else { return };
                let Some(filter) = &plugin.filter else { return };
                // The host returns an error if it has already deleted the stream.
                if stream.replied || host::set_effective_context(id).is_err() {
                    return;
                }
                let held = stream.progress(direction).held();
                let mut position = StreamPosition::new(id, direction);
                position.headers_held = held == Held::InHeaders;
                let mut cx =
                    Context { tasks: &mut plugin.tasks, position: Some(position), filter: Some(filter) };
                let at = StreamCallback::new(direction, held);
                let flow = settled(filter.as_ref(), then(filter, &mut stream.data, result, &mut cx), at);
                if F::USES.has_bodies() || CHAINED {
                    stream.note_lengths();
                }
                if stream.settle::<F>(direction, flow, plugin.tasks.has_pending_for(id)) {
                    self.go_on(id, direction);
                }
            }
        }
    }
}

impl<F: HttpFilter, const CHAINED: bool> State<F, CHAINED> {
    /// Resumes a stream that was paused: the next filter of a chain receives it, or the host.
    fn go_on(&mut self, id: u32, direction: Direction) {
        if CHAINED {
            self.resumed.push_back((id, direction));
        } else if F::USES.tcp {
            crate::tcp::resume(direction);
        } else {
            resume(direction);
        }
    }
}

/// Makes the host resume a stream.
pub(crate) fn resume(direction: Direction) {
    if let Err(error) = host::continue_stream(direction) {
        log::error!("cannot resume the stream: {error}");
    }
}

/// Returns what a callback decided. After an error, the filter decides.
fn settled<F: HttpFilter>(filter: &F, result: crate::Result, at: StreamCallback) -> Flow {
    match result {
        Ok(flow) => flow,
        Err(Failure::Reply(reply)) => Flow::Reply(reply),
        Err(Failure::Error(error)) => filter.on_error(error, at.phase()),
    }
}

/// Rejects a stream that no configured filter can decide on: such a stream must not pass.
pub(crate) fn reject<F: HttpFilter>(at: StreamCallback) -> u32 {
    Reply::refuse(500, "tollgate_not_configured").send_for::<F>(at.direction);
    PAUSE
}
