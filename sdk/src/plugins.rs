//! The plugins and streams of a VM. Carries out what a filter decided about a stream.

use crate::callout::GrpcResult;
use crate::config::{self, ConfigError};
use crate::context::{Context, StreamPosition};
use crate::filter::{HttpFilter, Phase};
use crate::host::{self, Direction};
use crate::map::IdMap;
use crate::signal::Woken;
use crate::task::{Task, Timer};
use crate::tasks::{Due, Tasks};
use crate::{Error, Failure, Flow, Reply, Status, clock};
use std::collections::VecDeque;
use std::rc::Rc;

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

pub(crate) struct Stream<S> {
    pub(crate) plugin: u32,
    pub(crate) data: S,
    held_request: Held,
    held_response: Held,
    /// Directions whose body the filter holds until more of it arrives, one bit each.
    held_bodies: u8,
    replied: bool,
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
    direction: Direction,
    part: Held,
    /// Whether the host will call again because more of the body is to come. This ends a pause too.
    more_body: bool,
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
        Self { direction, part: Held::AfterHeaders, more_body: !end_of_stream }
    }

    const fn new(direction: Direction, part: Held) -> Self {
        Self { direction, part, more_body: false }
    }

    fn phase(self) -> Phase {
        match self.direction {
            Direction::Request => Phase::Request,
            Direction::Response => Phase::Response,
        }
    }
}

/// `Action::Continue` and `Action::Pause` of the ABI.
pub(crate) const CONTINUE: u32 = 0;
pub(crate) const PAUSE: u32 = 1;

const PAUSE_WITHOUT_TASK: &str =
    "filter returned `Pause` with no pending callout, timer or wait; rejecting the request";

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
        let Some((plugin, stream)) = self.stream(id) else { return reject(at) };
        let Some(filter) = &plugin.filter else {
            return if CHAINED && plugin.off { CONTINUE } else { reject(at) };
        };
        let position = StreamPosition { stream: id, direction: at.direction, headers_held: false };
        let cx = Context { tasks: &mut plugin.tasks, position: Some(position), filter: Some(filter) };
        let flow = settled(filter.as_ref(), decide(filter, &mut stream.data, cx), at);
        let replied = stream.replied;
        if F::USES.has_bodies() {
            stream.hold_body(at.direction, at.more_body && matches!(flow, Flow::Pause));
        }
        let held = stream.held(at.direction);
        match flow {
            Flow::Continue => {
                *held = Held::No;
                CONTINUE
            }
            // This callback belongs to the local reply of the filter itself. Nothing could resume it.
            Flow::Pause if replied => CONTINUE,
            Flow::Pause if at.more_body || plugin.tasks.has_pending_for(id) => {
                if *held == Held::No {
                    *held = at.part;
                }
                PAUSE
            }
            Flow::Pause => {
                log::error!("{PAUSE_WITHOUT_TASK}");
                stream.replied = true;
                Reply::refuse(500, "tollgate_pause_without_task").send(at.direction);
                PAUSE
            }
            Flow::Reply(_) if replied => CONTINUE,
            Flow::Reply(reply) => {
                stream.replied = true;
                reply.send(at.direction);
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
        let data = plugin.tasks.take_returned(id).unwrap_or(stream.data);
        if let Some(filter) = &plugin.filter {
            filter.on_end(data, &mut Context { tasks: &mut plugin.tasks, position: None, filter: None });
        }
    }

    pub(crate) fn run_timers(&mut self, id: u32) {
        let Ok(now) = clock::now() else { return };
        while let Some(due) = self.plugin(id).and_then(|plugin| plugin.tasks.take_due(now)) {
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

    /// Resumes the streams that were woken. Streams that are woken during this call wait for the next tick;
    /// otherwise two streams that wake each other would keep this call from ending.
    pub(crate) fn run_woken(&mut self, id: u32) {
        if !F::USES.timers {
            return;
        }
        for _ in 0..self.plugin(id).map_or(0, |plugin| plugin.tasks.woken()) {
            if let Some(task) = self.plugin(id).and_then(|plugin| plugin.tasks.take_woken()) {
                self.run(id, task, Woken::Signalled);
            }
        }
    }

    /// Returns whether the call was one of this filter.
    pub(crate) fn end_grpc(&mut self, id: u32, token: u32, result: impl FnOnce() -> GrpcResult) -> bool {
        let Some(task) = self.plugin(id).and_then(|plugin| plugin.tasks.take_grpc(token)) else {
            return false;
        };
        self.run(id, task, result());
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
                let held = *stream.held(direction);
                let position =
                    StreamPosition { stream: id, direction, headers_held: held == Held::InHeaders };
                let mut cx =
                    Context { tasks: &mut plugin.tasks, position: Some(position), filter: Some(filter) };
                let at = StreamCallback::new(direction, held);
                let flow = settled(filter.as_ref(), then(filter, &mut stream.data, result, &mut cx), at);
                if stream.settle(direction, flow, plugin.tasks.has_pending_for(id)) {
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

impl<S: Default> Stream<S> {
    pub(crate) fn new(plugin: u32) -> Self {
        Self {
            plugin,
            data: S::default(),
            held_request: Held::No,
            held_response: Held::No,
            held_bodies: 0,
            replied: false,
        }
    }
}

impl<S> Stream<S> {
    fn held(&mut self, direction: Direction) -> &mut Held {
        match direction {
            Direction::Request => &mut self.held_request,
            Direction::Response => &mut self.held_response,
        }
    }

    fn hold_body(&mut self, direction: Direction, holds: bool) {
        let bit = 1 << direction as u32;
        if holds {
            self.held_bodies |= bit;
        } else {
            self.held_bodies &= !bit;
        }
    }

    /// Whether the filter waits for more of a body, of which no more will come if trailers arrive.
    pub(crate) fn holds_body(&self, direction: Direction) -> bool {
        self.held_bodies & (1 << direction as u32) != 0
    }

    /// Carries out what a task decided. Returns whether a paused stream continues.
    fn settle(&mut self, direction: Direction, flow: Flow, awaits_more: bool) -> bool {
        let held = std::mem::replace(self.held(direction), Held::No);
        match flow {
            Flow::Continue => return held != Held::No,
            Flow::Pause if awaits_more || held == Held::No => *self.held(direction) = held,
            Flow::Pause => {
                log::error!("{PAUSE_WITHOUT_TASK}");
                self.replied = true;
                Reply::refuse(500, "tollgate_pause_without_task").send(direction);
            }
            Flow::Reply(reply) => {
                self.replied = true;
                reply.send(direction);
            }
        }
        false
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
pub(crate) fn reject(at: StreamCallback) -> u32 {
    Reply::refuse(500, "tollgate_not_configured").send(at.direction);
    PAUSE
}
