//! The whole state of an emulator, including its VMs: plain data that host calls read and change.
//!
//! A host call never calls back into a VM, except to allocate memory. What must happen as a consequence is
//! stored as an [`Action`], which runs when the callback returns, or as an [`Event`], which runs when its
//! time comes. Envoy works in the same way, and this keeps the emulator free of re-entrance.

use super::clock::Clock;
use super::context::{BufferKind, Context, MapKind};
use super::faults::Faults;
use super::header_map::{HeaderMap, Kind};
use super::linking::AbiVersion;
use super::meters::Meters;
use super::proxy::connection::Connection;
use super::proxy::network;
use super::proxy::stream::{FilterState, Stream};
use super::random::Random;
use super::schedule::Interleaving;
use super::state::{Metrics, Queues, SharedData};
use super::trace::Trace;
use super::traps::Trap;
use super::vm::Vm;
use crate::scenario::Turns;
use crate::{Exchange, Filter, LogLevel, LogLine, Scenario, Settings, Upstream, UpstreamRequest};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

pub(crate) use super::event::{Event, Part};

/// An action that runs when the current callback has returned.
#[derive(Debug)]
pub(crate) enum Action {
    ContinueDecoding(u32),
    ContinueEncoding(u32),
    ContinueReading(u32),
    CloseConnection(u32),
    Reset(u32),
    Reply(u32, LocalReply),
    /// Deletes a root context whose `proxy_on_done` returned false, after it called `proxy_done`.
    Delete(u32),
    /// Delivers the result of a gRPC call that failed while it was being started.
    Grpc {
        root: u32,
        token: u32,
        what: super::callouts::grpc::GrpcEvent,
    },
    /// Drops the buffers and maps of a callout's callback.
    ClearCalloutData(u32),
}

/// A response that the proxy generates itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct LocalReply {
    pub status: u32,
    pub details: String,
    pub body: Vec<u8>,
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
    pub grpc_status: Option<u32>,
}

/// The VM and root context that are notified of items in a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub thread: usize,
    pub key: String,
    pub root: u32,
}

/// A filter of the configuration.
#[derive(Debug)]
pub(crate) struct Plugin {
    pub filter: Filter,
    pub configuration: Vec<u8>,
    pub vm_key: String,
    /// Plugins of one VM with the same name and configuration share a root context.
    pub key: String,
}

/// The state of a VM, apart from its Wasm instance.
#[derive(Debug)]
pub(crate) struct VmState {
    /// 0 is the main thread.
    pub thread: usize,
    pub key: String,
    pub vm_id: String,
    pub configuration: Vec<u8>,
    pub environment: Vec<(String, String)>,
    pub abi: AbiVersion,
    pub contexts: BTreeMap<u32, Context>,
    pub next_context: u32,
    pub deferred: VecDeque<Action>,
    /// A local reply was requested: the iteration stops, whatever the callback returns.
    pub stop_iteration: bool,
    pub failed: bool,
    pub metrics: HashMap<u32, u32>,
    /// The last tokens of HTTP calls, gRPC calls and gRPC streams, in this order.
    pub tokens: [u32; 3],
    /// The earliest time at which a failed VM may be reloaded.
    pub reload_at: Option<Duration>,
}

impl VmState {
    /// Returns the next token of a kind: 0 HTTP call, 1 gRPC call, 2 gRPC stream. The two lowest bits are the
    /// kind.
    pub fn token(&mut self, kind: u32) -> u32 {
        let last = &mut self.tokens[kind as usize];
        *last = if *last == 0 { kind + 4 } else { last.wrapping_add(4) };
        *last
    }

    /// Adds a context and returns its id.
    pub fn add(&mut self, context: Context) -> u32 {
        let id = self.next_context;
        self.next_context += 1;
        self.contexts.insert(id, context);
        id
    }
}

/// An upstream, and the requests that it received.
#[derive(Debug)]
pub(crate) struct UpstreamState {
    pub spec: Upstream,
    pub turns: Turns,
    pub received: Vec<UpstreamRequest>,
    /// The received requests that came from callouts, not from a stream.
    pub called: Vec<UpstreamRequest>,
    /// Idle HTTP/1.1 connections, by thread.
    pub idle: BTreeMap<usize, Vec<Connection>>,
    /// Threads with an HTTP/2 connection, which all their requests share.
    pub http2: BTreeSet<usize>,
}

/// All state. Its current owner is the part that runs: the emulator, or the VM whose callback runs.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub scenario: Scenario,
    pub settings: Settings,
    pub clock: Clock<Event>,
    pub plugins: Vec<Plugin>,
    /// Number of worker threads, which serve requests.
    pub workers: usize,
    pub vms: Vec<VmState>,
    /// The Wasm instances, indexed like `vms`. `None` while the instance runs, and after it is dropped.
    pub instances: Vec<Option<Vm>>,
    /// The VM and root context of a plugin on a thread, keyed by thread and plugin.
    pub roots: BTreeMap<(usize, usize), (usize, u32)>,
    pub next_stream: u64,
    pub done: BTreeMap<u64, Exchange>,
    /// Limit on the run time of a callback, in wall-clock time.
    pub patience: Duration,
    pub streams: BTreeMap<u64, Box<Stream>>,
    pub next_connection: u64,
    pub connections: BTreeMap<u64, network::Connection>,
    pub upstreams: Vec<UpstreamState>,
    pub shared: SharedData,
    pub queues: Queues<Owner>,
    pub metrics: Metrics,
    pub random: Random,
    /// Present when threads take turns.
    pub interleaving: Option<Interleaving>,
    pub trace: Trace,
    pub faults: Faults,
    pub meters: Meters,
    pub logs: Vec<LogLine>,
    pub traps: Vec<Trap>,
}

impl World {
    pub fn thread_of(&self, vm: usize) -> usize {
        self.vms.get(vm).map_or(0, |vm| vm.thread)
    }

    /// Returns the next event of a thread that is due now.
    pub fn due_on(&mut self, thread: usize) -> Option<Event> {
        let Self { clock, vms, streams, connections, .. } = self;
        clock.due(|event| event.thread(vms, streams, connections) == thread)
    }

    /// Returns the random numbers of a thread. All threads share one sequence, unless they take turns: then
    /// each has its own, so that the numbers do not depend on the order of threads.
    pub fn random_of(&mut self, thread: usize) -> &mut Random {
        match &mut self.interleaving {
            Some(interleaving) => {
                interleaving.randoms.entry(thread).or_insert_with(|| self.random.fork(thread))
            }
            None => &mut self.random,
        }
    }

    pub fn log(&mut self, level: LogLevel, text: String) {
        if level >= self.settings.log_level {
            self.logs.push(LogLine { level, text });
        }
    }

    pub fn context(&self, vm: usize, id: u32) -> Option<&Context> {
        self.vms.get(vm)?.contexts.get(&id)
    }

    /// Returns a context that must exist. Context 0, the VM's own, is created on first use: calls made while
    /// the module starts belong to it.
    pub fn context_mut(&mut self, vm: usize, id: u32) -> &mut Context {
        self.vms[vm].contexts.entry(id).or_default()
    }

    /// Returns the live stream of a context, if it has one.
    pub fn stream_of(&self, vm: usize, id: u32) -> Option<u64> {
        self.context(vm, id)?.stream.filter(|stream| self.streams.contains_key(stream))
    }

    /// Returns a stream that must exist.
    pub fn stream_mut(&mut self, id: u64) -> &mut Stream {
        self.streams.get_mut(&id).unwrap_or_else(|| panic!("stream {id} is gone"))
    }

    /// Returns the live connection of a context, if it has one.
    pub fn connection_of(&self, vm: usize, id: u32) -> Option<u64> {
        self.context(vm, id)?.connection.filter(|connection| self.connections.contains_key(connection))
    }

    /// Returns a connection that must exist.
    pub fn connection_mut(&mut self, id: u64) -> &mut network::Connection {
        self.connections.get_mut(&id).unwrap_or_else(|| panic!("connection {id} is gone"))
    }

    /// Returns the filter state of the connection or stream of a context.
    pub fn filter_state(&mut self, vm: usize, id: u32) -> Option<&mut BTreeMap<String, FilterState>> {
        if let Some(connection) = self.connection_of(vm, id) {
            return Some(&mut self.connection_mut(connection).filter_state);
        }
        self.stream_of(vm, id).map(|stream| &mut self.stream_mut(stream).filter_state)
    }

    /// Returns the root context of a context.
    pub fn root_of(&self, vm: usize, id: u32) -> u32 {
        self.context(vm, id).map_or(id, |c| if c.parent == 0 { id } else { c.parent })
    }

    /// Returns a header map for reading. Envoy: `context.cc`, `getConstMap`.
    pub fn map(&self, vm: usize, id: u32, kind: MapKind) -> Option<&HeaderMap> {
        let context = self.context(vm, id)?;
        let root = self.context(vm, self.root_of(vm, id)).map(|c| &c.root);
        let answer = || root.and_then(|r| r.call_answer.as_ref());
        match kind {
            MapKind::GrpcInitialMetadata => return root.and_then(|r| r.grpc_initial.as_ref()),
            MapKind::GrpcTrailingMetadata => return root.and_then(|r| r.grpc_trailing.as_ref()),
            MapKind::CallHeaders => return answer().map(|a| &a.headers),
            MapKind::CallTrailers => return answer().and_then(|a| a.trailers.as_ref()),
            _ => {}
        }
        let stream = self.streams.get(&context.stream?)?;
        if context.logging {
            return match kind {
                MapKind::RequestHeaders => Some(&stream.request_headers),
                MapKind::ResponseHeaders => stream.response_headers.as_ref(),
                MapKind::ResponseTrailers => stream.response_trailers.as_ref(),
                _ => None,
            };
        }
        match kind {
            MapKind::RequestHeaders if context.request.headers => Some(&stream.request_headers),
            MapKind::RequestTrailers if context.request.trailers => stream.request_trailers.as_ref(),
            MapKind::ResponseHeaders if context.response.headers => stream.called_headers(),
            MapKind::ResponseTrailers if context.response.trailers => stream.response_trailers.as_ref(),
            _ => None,
        }
    }

    /// Returns a header map for changing. Envoy: `context.cc`, `getMap`. Trailers are created in the last
    /// callback of a body.
    pub fn map_mut(&mut self, vm: usize, id: u32, kind: MapKind) -> Option<&mut HeaderMap> {
        let context = self.vms.get_mut(vm)?.contexts.get_mut(&id)?;
        let stream = self.streams.get_mut(&context.stream?)?;
        match kind {
            MapKind::RequestHeaders if context.request.headers => Some(&mut stream.request_headers),
            MapKind::ResponseHeaders if context.response.headers => {
                stream.replaced_headers.as_mut().or(stream.response_headers.as_mut())
            }
            MapKind::RequestTrailers => {
                if !context.request.trailers && context.end_of_stream && context.request.body {
                    stream.request_trailers.get_or_insert_with(|| HeaderMap::new(Kind::RequestTrailers));
                    context.request.trailers = true;
                }
                context.request.trailers.then_some(stream.request_trailers.as_mut()).flatten()
            }
            MapKind::ResponseTrailers => {
                if !context.response.trailers && context.end_of_stream && context.response.body {
                    stream.response_trailers.get_or_insert_with(|| HeaderMap::new(Kind::ResponseTrailers));
                    context.response.trailers = true;
                }
                context.response.trailers.then_some(stream.response_trailers.as_mut()).flatten()
            }
            _ => None,
        }
    }

    /// Returns the contents of a buffer, or `None` if no such buffer exists now. A body that is not
    /// accessible is empty.
    pub fn buffer(&mut self, vm: usize, id: u32, kind: BufferKind) -> Option<Vec<u8>> {
        let root = self.root_of(vm, id);
        let roots = &self.context(vm, root)?.root;
        match kind {
            BufferKind::VmConfiguration => Some(self.vms[vm].configuration.clone()),
            BufferKind::PluginConfiguration => {
                let context = self.context(vm, id)?;
                context.root.configuring.then(|| self.plugins[context.plugin].configuration.clone())
            }
            BufferKind::CallBody => roots.call_answer.as_ref().map(|a| a.body.clone()),
            BufferKind::GrpcMessage => Some(roots.grpc_message.clone().unwrap_or_default()),
            BufferKind::CallData => Some(Vec::new()),
            BufferKind::RequestBody
            | BufferKind::ResponseBody
            | BufferKind::DownstreamData
            | BufferKind::UpstreamData => {
                Some(self.buffer_mut(vm, id, kind).map(|b| b.clone()).unwrap_or_default())
            }
        }
    }

    /// Returns a buffer for changing.
    pub fn buffer_mut(&mut self, vm: usize, id: u32, kind: BufferKind) -> Option<&mut Vec<u8>> {
        let context = self.vms.get(vm)?.contexts.get(&id)?;
        if let Some(connection) = context.connection.and_then(|c| self.connections.get_mut(&c)) {
            return match kind {
                BufferKind::DownstreamData if context.downstream_data => Some(&mut connection.down.buffer),
                BufferKind::UpstreamData if context.upstream_data => Some(&mut connection.up.buffer),
                _ => None,
            };
        }
        let stream = self.streams.get_mut(&context.stream?)?;
        match kind {
            BufferKind::RequestBody if context.request.buffering => stream.request.buffer.as_mut(),
            BufferKind::RequestBody if context.request.body => stream.request.current_piece.as_mut(),
            BufferKind::ResponseBody if context.response.buffering => stream.response.buffer.as_mut(),
            BufferKind::ResponseBody if context.response.body => stream.response.current_piece.as_mut(),
            _ => None,
        }
    }

    /// Makes the router look up the route again. Until then, filters still read the properties of the old
    /// route.
    pub fn clear_route_cache(&mut self, vm: usize, id: u32) {
        if let Some(stream) = self.stream_of(vm, id) {
            self.stream_mut(stream).route_is_known = false;
        }
    }

    /// Sets the tick period of a root context; zero stops the tick. Cancels the tick scheduled with the old
    /// period.
    pub fn set_tick(&mut self, vm: usize, root: u32, period: Duration) {
        let context = &mut self.vms[vm].contexts.entry(root).or_default().root;
        if let Some(event) = context.tick_event.take() {
            self.clock.cancel(event);
        }
        context.tick = (!period.is_zero()).then_some(period);
        if context.tick.is_some() {
            context.tick_event = Some(self.clock.after(period, Event::Tick { vm, root }));
        }
    }

    /// Returns the VM with this key on a thread, unless it was discarded.
    pub fn serving(&self, thread: usize, key: &str) -> Option<usize> {
        self.vms.iter().rposition(|vm| vm.thread == thread && vm.key == key && !vm.contexts.is_empty())
    }
}
