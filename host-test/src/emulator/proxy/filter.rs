//! A Wasm filter in the HTTP chain: Envoy, `source/extensions/common/wasm/context.cc`, and the checks around
//! each callback in `proxy-wasm-cpp-host`, `src/context.cc`.

use super::Direction;
use super::chain::{BodyStatus, HeadersStatus};
use crate::FailurePolicy;
use crate::emulator::Emulator;
use crate::emulator::context::{Access, BufferKind, Context};
use crate::emulator::linking::AbiVersion;
use crate::emulator::world::{Action, LocalReply};

/// The outcome of a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallbackResult {
    /// The module does not export the callback.
    Absent,
    /// The callback returned this value.
    Returned(u32),
    /// The callback returned, and requested a local reply.
    Stopped,
    /// The callback trapped, or the VM had already failed.
    Failed,
}

fn access(context: &mut Context, direction: Direction) -> &mut Access {
    match direction {
        Direction::Request => &mut context.request,
        Direction::Response => &mut context.response,
    }
}

impl Emulator {
    fn slot_of(&mut self, stream: u64, filter: usize) -> (usize, u32) {
        let slot = &self.world.stream_mut(stream).filters[filter];
        (slot.vm, slot.context)
    }

    /// Calls `proxy_on_context_create` for a stream.
    fn create(&mut self, vm: usize, id: u32) {
        let context = self.world.context_mut(vm, id);
        if std::mem::replace(&mut context.created, true) {
            return;
        }
        let parent = context.parent;
        self.enter(vm, id, "proxy_on_context_create", &[parent]);
        self.after_call(vm);
    }

    /// Returns whether a filter is skipped: it has not seen the request, or has failed and the response is
    /// being processed.
    fn is_skipped(&mut self, vm: usize, id: u32, direction: Direction) -> bool {
        let context = self.world.context_mut(vm, id);
        !context.created || (direction == Direction::Response && context.failure_replied)
    }

    /// Sends the local reply for a failed VM, once per stream.
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

    /// Calls a callback of a stream, with the checks before and after it.
    fn call(&mut self, stream: u64, vm: usize, id: u32, name: &str, args: &[u32]) -> CallbackResult {
        let result = self.enter(vm, id, name, args);
        let plugin = self.world.vms[vm].contexts.get(&id).map_or(0, |c| c.plugin);
        let open = self.world.plugins[plugin].filter.failure_policy == FailurePolicy::LegacyFailOpen;
        if result == CallbackResult::Failed && !open {
            self.fail_stream(stream, vm, id);
        }
        let continues = |action: &Action| matches!(action, Action::ContinueEncoding(_));
        let twice = result == CallbackResult::Returned(0)
            && ["proxy_on_response_headers", "proxy_on_response_trailers"].contains(&name)
            && self.world.vms[vm].deferred.iter().any(continues);
        self.after_call(vm);
        if twice {
            self.report_double_continue(stream, vm, id);
        }
        if result == CallbackResult::Failed && open { CallbackResult::Absent } else { result }
    }

    pub(crate) fn call_headers(
        &mut self,
        stream: u64,
        filter: usize,
        direction: Direction,
        end: bool,
    ) -> HeadersStatus {
        let (vm, id) = self.slot_of(stream, filter);
        if direction == Direction::Request {
            self.create(vm, id);
        }
        if self.is_skipped(vm, id, direction) {
            return HeadersStatus::Continue;
        }
        let context = self.world.context_mut(vm, id);
        context.end_of_stream = end;
        access(context, direction).headers = true;
        let s = self.world.stream_mut(stream);
        let (name, count) = match direction {
            Direction::Request => ("proxy_on_request_headers", s.request_headers.len()),
            Direction::Response => {
                let count = s.response_headers.as_ref().map_or(0, |h| h.len());
                ("proxy_on_response_headers", count)
            }
        };
        let args = [count as u32, u32::from(end)];
        let args = if self.world.vms[vm].abi == AbiVersion::V0_1_0 { &args[..1] } else { &args[..] };
        let result = self.call(stream, vm, id, name, args);
        let plugin = self.world.vms[vm].contexts.get(&id).map_or(0, |c| c.plugin);
        let can_stop = self.world.plugins[plugin].filter.allow_on_headers_stop_iteration;
        let status = match result {
            CallbackResult::Absent | CallbackResult::Returned(0 | 2) => HeadersStatus::Continue,
            CallbackResult::Returned(1) if can_stop => HeadersStatus::Stop,
            CallbackResult::Returned(3) => HeadersStatus::StopAllAndBuffer,
            CallbackResult::Returned(_) | CallbackResult::Stopped | CallbackResult::Failed => {
                HeadersStatus::StopAllAndWatermark
            }
        };
        if status == HeadersStatus::Continue {
            self.update_context(vm, id, |c| self::access(c, direction).headers = false);
        }
        status
    }

    fn update_context(&mut self, vm: usize, id: u32, change: impl FnOnce(&mut Context)) {
        if let Some(context) = self.world.vms[vm].contexts.get_mut(&id) {
            change(context);
        }
    }

    pub(crate) fn call_body(
        &mut self,
        stream: u64,
        filter: usize,
        direction: Direction,
        piece: &mut Vec<u8>,
        end: bool,
    ) -> BodyStatus {
        let (vm, id) = self.slot_of(stream, filter);
        if self.is_skipped(vm, id, direction) {
            return BodyStatus::Continue;
        }
        let buffering = access(self.world.context_mut(vm, id), direction).buffering;
        if buffering {
            self.keep(stream, direction, piece);
            // A filter still receives the last piece of a request that is over the limit, before the local
            // response is sent.
            let over = !self.is_alive(stream) || self.world.stream_mut(stream).flow(direction).aborted;
            if over && direction == Direction::Response {
                return BodyStatus::Buffer;
            }
        }
        // The host looks at the buffer to get its size.
        self.world.context_mut(vm, id).last_buffer = Some(match direction {
            Direction::Request => BufferKind::RequestBody,
            Direction::Response => BufferKind::ResponseBody,
        });
        let context = self.world.context_mut(vm, id);
        context.end_of_stream = end;
        access(context, direction).body = true;
        let flow = self.world.stream_mut(stream).flow(direction);
        let size = if buffering { flow.buffer.as_ref().map_or(0, Vec::len) } else { piece.len() };
        flow.current_piece = Some(std::mem::take(piece));
        let name = match direction {
            Direction::Request => "proxy_on_request_body",
            Direction::Response => "proxy_on_response_body",
        };
        let result = self.call(stream, vm, id, name, &[size as u32, u32::from(end)]);
        if let Some(s) = self.world.streams.get_mut(&stream) {
            let flow = s.flow(direction);
            *piece = flow.current_piece.take().unwrap_or_default();
            if result == CallbackResult::Stopped {
                // The filter can still read it in `proxy_on_log`.
                flow.current_piece = Some(piece.clone());
            }
        }
        let status = match result {
            CallbackResult::Absent | CallbackResult::Returned(0) => BodyStatus::Continue,
            CallbackResult::Returned(1) => BodyStatus::Buffer,
            CallbackResult::Returned(2) => BodyStatus::Watermark,
            CallbackResult::Returned(_) | CallbackResult::Stopped | CallbackResult::Failed => {
                BodyStatus::NoBuffer
            }
        };
        self.update_context(vm, id, |context| {
            let access = self::access(context, direction);
            access.buffering = status == BodyStatus::Buffer;
            access.dangles = matches!(result, CallbackResult::Returned(2..));
            if status == BodyStatus::Continue {
                access.body = false;
            }
        });
        status
    }

    /// Calls the trailers callback. Returns whether the trailers continue.
    pub(crate) fn call_trailers(&mut self, stream: u64, filter: usize, direction: Direction) -> bool {
        let (vm, id) = self.slot_of(stream, filter);
        if self.is_skipped(vm, id, direction) {
            return true;
        }
        access(self.world.context_mut(vm, id), direction).trailers = true;
        let s = self.world.stream_mut(stream);
        let (name, trailers) = match direction {
            Direction::Request => ("proxy_on_request_trailers", &s.request_trailers),
            Direction::Response => ("proxy_on_response_trailers", &s.response_trailers),
        };
        let count = trailers.as_ref().map_or(0, |t| t.len()) as u32;
        let result = self.call(stream, vm, id, name, &[count]);
        let continues = matches!(result, CallbackResult::Absent | CallbackResult::Returned(0));
        if continues {
            self.update_context(vm, id, |c| self::access(c, direction).trailers = false);
        }
        continues
    }

    /// Calls `proxy_on_log` of all filters in the order of the configuration; then, for each filter,
    /// `proxy_on_done` and `proxy_on_delete`. A filter that never saw the request is first created here.
    pub(crate) fn log_and_delete(&mut self, stream: u64) {
        let slots = self.world.stream_mut(stream).filters.clone();
        for slot in &slots {
            self.create(slot.vm, slot.context);
            self.world.context_mut(slot.vm, slot.context).logging = true;
            self.enter(slot.vm, slot.context, "proxy_on_log", &[]);
            self.after_call(slot.vm);
            self.update_context(slot.vm, slot.context, |c| c.logging = false);
        }
        for slot in &slots {
            self.update_context(slot.vm, slot.context, |c| c.destroyed = true);
            for name in ["proxy_on_done", "proxy_on_delete"] {
                self.enter(slot.vm, slot.context, name, &[]);
                self.after_call(slot.vm);
            }
            self.world.vms[slot.vm].contexts.remove(&slot.context);
        }
    }
}
