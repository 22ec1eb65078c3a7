//! A Wasm filter in the chain: Envoy, `source/extensions/common/wasm/context.cc`, and the checks around each callback in
//! `proxy-wasm-cpp-host`, `src/context.cc`.

use super::Way;
use super::chain::{BodyStatus, HeadersStatus};
use crate::FailurePolicy;
use crate::emulator::Emulator;
use crate::emulator::context::{BufferKind, Context, Reach};
use crate::emulator::linking::AbiVersion;
use crate::emulator::world::{Action, LocalReply};

/// What came of a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Came {
    /// The module does not have it.
    Absent,
    /// It returned this.
    Returned(u32),
    /// It returned, and asked for a local reply meanwhile.
    Stopped,
    /// It trapped, or the VM had before.
    Failed,
}

fn reach(context: &mut Context, way: Way) -> &mut Reach {
    match way {
        Way::Request => &mut context.request,
        Way::Response => &mut context.response,
    }
}

impl Emulator {
    fn place_of(&mut self, stream: u64, filter: usize) -> (usize, u32) {
        let slot = &self.world.stream_mut(stream).filters[filter];
        (slot.vm, slot.context)
    }

    /// `on_context_create` of a stream.
    fn create(&mut self, vm: usize, id: u32) {
        let context = self.world.context_mut(vm, id);
        if std::mem::replace(&mut context.created, true) {
            return;
        }
        let parent = context.parent;
        self.enter(vm, id, "proxy_on_context_create", &[parent]);
        self.after_call(vm);
    }

    /// Whether a filter takes part in the response: it does when it has seen the request and has not failed.
    fn sits_out(&mut self, vm: usize, id: u32, way: Way) -> bool {
        let context = self.world.context_mut(vm, id);
        !context.created || (way == Way::Response && context.failure_replied)
    }

    /// Answers for a VM that has failed, once for each stream.
    fn fail_stream(&mut self, stream: u64, vm: usize, id: u32) {
        let Some(context) = self.world.vms[vm].contexts.get_mut(&id) else { return };
        if std::mem::replace(&mut context.stream_failed, true) {
            return;
        }
        context.failure_replied = true;
        let details = "wasm_fail_stream".into();
        let reply = LocalReply { status: 503, details, grpc_status: Some(14), ..LocalReply::default() };
        self.local_reply(stream, reply);
    }

    /// A callback of a stream with the checks around it.
    fn call(&mut self, stream: u64, vm: usize, id: u32, name: &str, args: &[u32]) -> Came {
        let came = self.enter(vm, id, name, args);
        let plugin = self.world.vms[vm].contexts.get(&id).map_or(0, |c| c.plugin);
        let open = self.world.plugins[plugin].filter.failure_policy == FailurePolicy::LegacyFailOpen;
        if came == Came::Failed && !open {
            self.fail_stream(stream, vm, id);
        }
        let goes_on = |action: &Action| matches!(action, Action::ContinueEncoding(_));
        let twice = came == Came::Returned(0)
            && ["proxy_on_response_headers", "proxy_on_response_trailers"].contains(&name)
            && self.world.vms[vm].deferred.iter().any(goes_on);
        self.after_call(vm);
        if twice {
            self.went_on_twice(stream, vm, id);
        }
        if came == Came::Failed && open { Came::Absent } else { came }
    }

    pub(crate) fn call_headers(&mut self, stream: u64, filter: usize, way: Way, end: bool) -> HeadersStatus {
        let (vm, id) = self.place_of(stream, filter);
        if way == Way::Request {
            self.create(vm, id);
        }
        if self.sits_out(vm, id, way) {
            return HeadersStatus::Continue;
        }
        let reach = reach(self.world.context_mut(vm, id), way);
        (reach.headers, reach.end_of_stream) = (true, end);
        let s = self.world.stream_mut(stream);
        let (name, count) = match way {
            Way::Request => ("proxy_on_request_headers", s.request_headers.len()),
            Way::Response => {
                let count = s.response_headers.as_ref().map_or(0, |h| h.len());
                ("proxy_on_response_headers", count)
            }
        };
        let args = [count as u32, u32::from(end)];
        let args = if self.world.vms[vm].abi == AbiVersion::V0_1_0 { &args[..1] } else { &args[..] };
        let came = self.call(stream, vm, id, name, args);
        let plugin = self.world.vms[vm].contexts.get(&id).map_or(0, |c| c.plugin);
        let really_stops = self.world.plugins[plugin].filter.allow_on_headers_stop_iteration;
        let status = match came {
            Came::Absent | Came::Returned(0 | 2) => HeadersStatus::Continue,
            Came::Returned(1) if really_stops => HeadersStatus::Stop,
            Came::Returned(3) => HeadersStatus::StopAllAndBuffer,
            Came::Returned(_) | Came::Stopped | Came::Failed => HeadersStatus::StopAllAndWatermark,
        };
        if status == HeadersStatus::Continue {
            self.leave(vm, id, |c| self::reach(c, way).headers = false);
        }
        status
    }

    fn leave(&mut self, vm: usize, id: u32, change: impl FnOnce(&mut Context)) {
        if let Some(context) = self.world.vms[vm].contexts.get_mut(&id) {
            change(context);
        }
    }

    pub(crate) fn call_body(
        &mut self,
        stream: u64,
        filter: usize,
        way: Way,
        piece: &mut Vec<u8>,
        end: bool,
    ) -> BodyStatus {
        let (vm, id) = self.place_of(stream, filter);
        if self.sits_out(vm, id, way) {
            return BodyStatus::Continue;
        }
        let buffering = reach(self.world.context_mut(vm, id), way).buffering;
        if buffering {
            self.keep(stream, way, piece);
            // Of a request that is too long the filter is told nonetheless, before that is answered.
            let over = !self.is_alive(stream) || self.world.stream_mut(stream).flow(way).aborted;
            if over && way == Way::Response {
                return BodyStatus::Buffer;
            }
        }
        // To tell its size the host looks at it.
        self.world.context_mut(vm, id).last_buffer = Some(match way {
            Way::Request => BufferKind::RequestBody,
            Way::Response => BufferKind::ResponseBody,
        });
        let reach = reach(self.world.context_mut(vm, id), way);
        (reach.body, reach.end_of_stream) = (true, end);
        let flow = self.world.stream_mut(stream).flow(way);
        let size = if buffering { flow.buffer.as_ref().map_or(0, Vec::len) } else { piece.len() };
        flow.at_hand = Some(std::mem::take(piece));
        let name = match way {
            Way::Request => "proxy_on_request_body",
            Way::Response => "proxy_on_response_body",
        };
        let came = self.call(stream, vm, id, name, &[size as u32, u32::from(end)]);
        if let Some(s) = self.world.streams.get_mut(&stream) {
            *piece = s.flow(way).at_hand.take().unwrap_or_default();
        }
        let status = match came {
            Came::Absent | Came::Returned(0) => BodyStatus::Continue,
            Came::Returned(1) => BodyStatus::Buffer,
            Came::Returned(2) => BodyStatus::Watermark,
            Came::Returned(_) | Came::Stopped | Came::Failed => BodyStatus::NoBuffer,
        };
        self.leave(vm, id, |context| {
            let reach = self::reach(context, way);
            reach.buffering = status == BodyStatus::Buffer;
            if status == BodyStatus::Continue {
                reach.body = false;
            }
        });
        status
    }

    /// Whether the trailers go on.
    pub(crate) fn call_trailers(&mut self, stream: u64, filter: usize, way: Way) -> bool {
        let (vm, id) = self.place_of(stream, filter);
        if self.sits_out(vm, id, way) {
            return true;
        }
        reach(self.world.context_mut(vm, id), way).trailers = true;
        let s = self.world.stream_mut(stream);
        let (name, trailers) = match way {
            Way::Request => ("proxy_on_request_trailers", &s.request_trailers),
            Way::Response => ("proxy_on_response_trailers", &s.response_trailers),
        };
        let count = trailers.as_ref().map_or(0, |t| t.len()) as u32;
        let came = self.call(stream, vm, id, name, &[count]);
        let goes_on = matches!(came, Came::Absent | Came::Returned(0));
        if goes_on {
            self.leave(vm, id, |c| self::reach(c, way).trailers = false);
        }
        goes_on
    }

    /// `on_log` of all filters in the order of the configuration, and then, one filter after the other, `on_done` and
    /// `on_delete`. A filter that never saw the request hears of it here for the first time.
    pub(crate) fn log_and_delete(&mut self, stream: u64) {
        let slots = self.world.stream_mut(stream).filters.clone();
        for slot in &slots {
            self.create(slot.vm, slot.context);
            self.world.context_mut(slot.vm, slot.context).logging = true;
            self.enter(slot.vm, slot.context, "proxy_on_log", &[]);
            self.after_call(slot.vm);
            self.leave(slot.vm, slot.context, |c| c.logging = false);
        }
        for slot in &slots {
            self.leave(slot.vm, slot.context, |c| c.destroyed = true);
            for name in ["proxy_on_done", "proxy_on_delete"] {
                self.enter(slot.vm, slot.context, name, &[]);
                self.after_call(slot.vm);
            }
            self.world.vms[slot.vm].contexts.remove(&slot.context);
        }
    }
}
