//! The plugins and streams of a VM, and what becomes of a stream when its filter has decided.

use crate::callout::GrpcResult;
use crate::config::{self, ConfigError};
use crate::context::{Context, Place};
use crate::filter::{HttpFilter, Phase};
use crate::host::{self, Direction};
use crate::map::IdMap;
use crate::signal::Woken;
use crate::tasks::{Due, Task, Tasks, Timer};
use crate::{Error, Flow, Reply, Result, Status, clock};

pub(crate) struct State<F: HttpFilter> {
    pub(crate) plugins: Vec<Plugin<F>>,
    pub(crate) streams: IdMap<Stream<F::Stream>>,
    /// The stream that began last, in place of those above, for a filter that does not hear when one ends. It is entered for
    /// it but once, and right after it was told that it began.
    pub(crate) last: Option<(u32, Stream<F::Stream>)>,
}

pub(crate) struct Plugin<F: HttpFilter> {
    pub(crate) id: u32,
    pub(crate) filter: Option<F>,
    pub(crate) tasks: Tasks<F>,
}

pub(crate) struct Stream<S> {
    pub(crate) plugin: u32,
    pub(crate) data: S,
    held_request: Held,
    held_response: Held,
    replied: bool,
}

/// Whether one direction of a stream is paused, and where.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held {
    No,
    InHeaders,
    Later,
}

/// The callback's place in the stream.
#[derive(Clone, Copy)]
pub(crate) struct At {
    direction: Direction,
    part: Held,
    /// Whether the host itself will call again and so end a pause: more body is to come.
    more_comes: bool,
}

impl At {
    /// `on_request_headers`.
    pub(crate) const REQUEST_HEADERS: Self = Self::new(Direction::Request, Held::InHeaders);
    /// `on_request_trailers`.
    pub(crate) const REQUEST_TRAILERS: Self = Self::new(Direction::Request, Held::Later);
    /// `on_response_headers`.
    pub(crate) const RESPONSE_HEADERS: Self = Self::new(Direction::Response, Held::InHeaders);
    /// `on_response_trailers`.
    pub(crate) const RESPONSE_TRAILERS: Self = Self::new(Direction::Response, Held::Later);

    /// `on_request_body`.
    pub(crate) const fn request_body(end_of_stream: bool) -> Self {
        Self { more_comes: !end_of_stream, ..Self::REQUEST_TRAILERS }
    }

    /// `on_response_body`.
    pub(crate) const fn response_body(end_of_stream: bool) -> Self {
        Self { more_comes: !end_of_stream, ..Self::RESPONSE_TRAILERS }
    }

    const fn new(direction: Direction, part: Held) -> Self {
        Self { direction, part, more_comes: false }
    }

    fn phase(self) -> Phase {
        match self.direction {
            Direction::Request => Phase::Request,
            Direction::Response => Phase::Response,
        }
    }
}

/// `Action::Continue` and `Action::Pause` of the ABI.
const CONTINUE: u32 = 0;
const PAUSE: u32 = 1;

impl<F: HttpFilter> Plugin<F> {
    /// Puts a filter of the new configuration in place of the one that is there, which stays if it is refused.
    pub(crate) fn configure(&mut self, size: usize) -> std::result::Result<(), ConfigError> {
        let bytes =
            if size == 0 { Vec::new() } else { host::buffer(host::Buffer::PluginConfiguration, size)? };
        let mut tasks = Tasks::default();
        let mut cx = Context { tasks: &mut tasks, place: None };
        let filter = F::new(config::parse(&bytes)?, &mut cx)?;
        self.tasks.replace_those_of_the_plugin(tasks)?;
        self.filter = Some(filter);
        Ok(())
    }
}

impl<F: HttpFilter> State<F> {
    pub(crate) fn plugin(&mut self, id: u32) -> Option<&mut Plugin<F>> {
        self.plugins.iter_mut().find(|plugin| plugin.id == id)
    }

    pub(crate) fn create_plugin(&mut self, id: u32) {
        if self.plugin(id).is_none() {
            self.plugins.push(Plugin { id, filter: None, tasks: Tasks::default() });
        }
    }

    /// Forgets the plugins that are no more, of a filter that does not hear when one ends: a change of the configuration
    /// brings a new plugin, and takes the old one away once its streams are over.
    pub(crate) fn forget_gone_plugins(&mut self, now: u32) {
        // Any other error says nothing of whether it is there.
        let gone = Err(Error::Host { call: "set_effective_context", status: Status::BadArgument });
        self.plugins.retain(|plugin| plugin.id == now || host::set_effective_context(plugin.id) != gone);
        if let Err(error) = host::set_effective_context(now) {
            log::error!("a plugin is not known to the host: {error}");
        }
    }

    pub(crate) fn create_stream(&mut self, id: u32, plugin: u32) {
        if F::USES.ends {
            self.streams.insert(id, Stream::new(plugin));
        } else {
            self.last = Some((id, Stream::new(plugin)));
        }
    }

    pub(crate) fn stream(&mut self, id: u32) -> Option<(&mut Plugin<F>, &mut Stream<F::Stream>)> {
        let stream = if F::USES.ends {
            self.streams.get_mut(&id)
        } else {
            self.last.as_mut().and_then(|(last, stream)| (*last == id).then_some(stream))
        }?;
        let plugin = self.plugins.iter_mut().find(|plugin| plugin.id == stream.plugin)?;
        Some((plugin, stream))
    }

    pub(crate) fn decide(
        &mut self,
        id: u32,
        at: At,
        decide: impl FnOnce(&mut F, &mut F::Stream, &mut Context<'_, F>) -> Result<Flow>,
    ) -> u32 {
        let Some((plugin, stream)) = self.stream(id) else { return refuse(at) };
        let Some(filter) = &mut plugin.filter else { return refuse(at) };
        let place = Place { stream: id, direction: at.direction, headers_held: at.part == Held::InHeaders };
        let mut cx = Context { tasks: &mut plugin.tasks, place: Some(place) };
        let flow = decide(filter, &mut stream.data, &mut cx)
            .unwrap_or_else(|error| filter.on_error(error, at.phase()));
        let replied = stream.replied;
        let held = stream.held(at.direction);
        match flow {
            Flow::Continue => {
                *held = Held::No;
                CONTINUE
            }
            // The filter's own reply comes by here; there is nothing that would make it go on.
            Flow::Pause if replied => CONTINUE,
            Flow::Pause if at.more_comes || plugin.tasks.are_awaited_by(id) => {
                if *held == Held::No {
                    *held = at.part;
                }
                PAUSE
            }
            Flow::Pause => {
                log::error!("a stream was paused with nothing under way that could make it go on");
                stream.replied = true;
                Reply::refuse(500, "tollgate_paused_for_nothing").send(at.direction);
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

    /// Ends a stream; or a plugin, after the streams that it still has.
    pub(crate) fn end(&mut self, id: u32) {
        if let Some(stream) = self.streams.remove(&id) {
            self.end_stream(id, stream);
            return;
        }
        // Envoy keeps a plugin for as long as it has streams.
        let left: Vec<_> =
            self.streams.iter().filter(|(_, stream)| stream.plugin == id).map(|(id, _)| *id).collect();
        for id in left {
            if let Some(stream) = self.streams.remove(&id) {
                self.end_stream(id, stream);
            }
        }
        self.plugins.retain(|plugin| plugin.id != id);
    }

    fn end_stream(&mut self, id: u32, stream: Stream<F::Stream>) {
        let Some(plugin) = self.plugin(stream.plugin) else { return };
        if F::USES.any() {
            plugin.tasks.forget(id);
        }
        if let Some(filter) = &mut plugin.filter {
            filter.on_end(stream.data, &mut Context { tasks: &mut plugin.tasks, place: None });
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
                        log::error!("a timer was lost: {error}");
                    }
                }
            }
        }
        self.run_woken(id);
        if let Some(plugin) = self.plugin(id)
            && let Err(error) = plugin.tasks.arm(now)
        {
            log::error!("timers were not armed: {error}");
        }
    }

    /// Asks the streams that were woken. Those that are woken meanwhile wait for the next tick, or two that wake each
    /// other would never let this one end.
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

    pub(crate) fn end_grpc(&mut self, id: u32, token: u32, result: impl FnOnce() -> GrpcResult) {
        if let Some(task) = self.plugin(id).and_then(|plugin| plugin.tasks.take_grpc(token)) {
            self.run(id, task, result());
            self.run_woken(id);
        }
    }

    fn run_for_plugin(&mut self, id: u32, then: impl FnOnce(&mut F, &mut Context<'_, F>)) {
        if let Some(plugin) = self.plugin(id)
            && let Some(filter) = &mut plugin.filter
        {
            then(filter, &mut Context { tasks: &mut plugin.tasks, place: None });
        }
    }

    pub(crate) fn run<T>(&mut self, plugin: u32, task: Task<F, T>, result: T) {
        match task {
            Task::Plugin(then) => self.run_for_plugin(plugin, |filter, cx| then(filter, result, cx)),
            Task::Stream(id, direction, then) => {
                let Some((plugin, stream)) = self.stream(id) else { return };
                let Some(filter) = &mut plugin.filter else { return };
                // Refused when the stream is gone for the host already.
                if stream.replied || host::set_effective_context(id).is_err() {
                    return;
                }
                let held = *stream.held(direction);
                let place = Place { stream: id, direction, headers_held: held == Held::InHeaders };
                let mut cx = Context { tasks: &mut plugin.tasks, place: Some(place) };
                let at = At::new(direction, held);
                let flow = then(filter, &mut stream.data, result, &mut cx)
                    .unwrap_or_else(|error| filter.on_error(error, at.phase()));
                stream.resume(direction, flow, plugin.tasks.are_awaited_by(id));
            }
        }
    }
}

impl<S: Default> Stream<S> {
    pub(crate) fn new(plugin: u32) -> Self {
        Self { plugin, data: S::default(), held_request: Held::No, held_response: Held::No, replied: false }
    }
}

impl<S> Stream<S> {
    fn held(&mut self, direction: Direction) -> &mut Held {
        match direction {
            Direction::Request => &mut self.held_request,
            Direction::Response => &mut self.held_response,
        }
    }

    /// Carries out what a task decided.
    fn resume(&mut self, direction: Direction, flow: Flow, awaits_more: bool) {
        let held = std::mem::replace(self.held(direction), Held::No);
        match flow {
            Flow::Continue if held == Held::No => {}
            Flow::Continue => {
                if let Err(error) = host::continue_stream(direction) {
                    log::error!("stream not resumed: {error}");
                }
            }
            Flow::Pause if awaits_more || held == Held::No => *self.held(direction) = held,
            Flow::Pause => {
                log::error!("a stream stayed paused with nothing under way that could make it go on");
                self.replied = true;
                Reply::refuse(500, "tollgate_paused_for_nothing").send(direction);
            }
            Flow::Reply(reply) => {
                self.replied = true;
                reply.send(direction);
            }
        }
    }
}

/// A stream that no configured filter can decide on must not pass.
pub(crate) fn refuse(at: At) -> u32 {
    Reply::refuse(500, "tollgate_not_configured").send(at.direction);
    PAUSE
}
