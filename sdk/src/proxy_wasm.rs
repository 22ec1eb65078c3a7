//! Runs filters as contexts of the `proxy-wasm` crate, so that a module can contain an author's existing
//! contexts besides. Needs the feature `proxy-wasm`.
//!
//! The module calls the macro of that crate in place of [`module!`](crate::module), and creates a [`Root`]
//! for each plugin that the filter serves:
//!
//! ```no_run
//! # #[derive(tollgate::Config)]
//! # struct Hello {}
//! # #[tollgate::filter]
//! # impl tollgate::HttpFilter for Hello {}
//! proxy_wasm::main! {{
//!     proxy_wasm::set_root_context(|id| Box::new(tollgate::proxy_wasm::Root::<Hello>::new(id)));
//! }}
//! # fn main() {}
//! ```
//!
//! The module then has the exports and the dispatcher of that crate:
//! - Envoy enters the VM for every callback, not only for those that the filter defines.
//! - The dispatcher traps in the cases that `ARCHITECTURE.md` lists.
//! - The crate passes the headers of a callout as `str`. A call with a header value that is not UTF-8, and a
//!   gRPC call to a cluster with a name of more than 125 bytes, return an [`Error`].
//!
//! Call `proxy_wasm::set_log_level` in `main!` or not at all. A later call panics, because this SDK has set
//! the logger.

use crate::entry::Vm;
use crate::error::{Name, Result};
use crate::{Error, HttpFilter, Status};
use ::proxy_wasm::hostcalls;
use ::proxy_wasm::traits::{Context, HttpContext, RootContext};
use ::proxy_wasm::types::{self, Action, ContextType};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

/// The root context of a plugin that a filter serves.
pub struct Root<F: HttpFilter>(Rc<Plugin<F>>);

impl<F: HttpFilter> Root<F> {
    /// Creates the root context with this context id.
    pub fn new(id: u32) -> Self {
        const { assert!(!F::USES.tcp, "a TCP filter needs `tollgate::module!`") };
        let vm = Vm::new();
        vm.on_context_create(id, 0);
        Self(Rc::new(Plugin { id, vm }))
    }
}

/// A plugin, and the state of its streams.
struct Plugin<F: HttpFilter> {
    id: u32,
    vm: Vm<F>,
}

/// The context of a stream.
struct Stream<F: HttpFilter> {
    id: u32,
    plugin: Rc<Plugin<F>>,
}

impl<F: HttpFilter> Context for Root<F> {
    fn on_http_call_response(&mut self, token: u32, headers: usize, body: usize, trailers: usize) {
        self.0.vm.on_http_call_response(self.0.id, token, headers, body, trailers);
    }

    fn on_grpc_call_response(&mut self, token: u32, status: u32, size: usize) {
        match status {
            0 => self.0.vm.on_grpc_receive(self.0.id, token, size),
            _ => self.0.vm.on_grpc_close(self.0.id, token, status),
        };
    }

    fn on_grpc_stream_initial_metadata(&mut self, token: u32, count: u32) {
        self.0.vm.on_grpc_receive_initial_metadata(self.0.id, token, count as usize);
    }

    fn on_grpc_stream_message(&mut self, token: u32, size: usize) {
        self.0.vm.on_grpc_receive(self.0.id, token, size);
    }

    fn on_grpc_stream_trailing_metadata(&mut self, token: u32, count: u32) {
        self.0.vm.on_grpc_receive_trailing_metadata(self.0.id, token, count as usize);
    }

    fn on_grpc_stream_close(&mut self, token: u32, status: u32) {
        self.0.vm.on_grpc_close(self.0.id, token, status);
    }
}

impl<F: HttpFilter> RootContext for Root<F> {
    fn on_vm_start(&mut self, _: usize) -> bool {
        if let Some(call) = DISPATCHED.take() {
            call();
        }
        true
    }

    fn on_configure(&mut self, size: usize) -> bool {
        self.0.vm.on_configure(self.0.id, size) != 0
    }

    fn on_tick(&mut self) {
        self.0.vm.on_tick(self.0.id);
    }

    fn on_queue_ready(&mut self, queue: u32) {
        self.0.vm.on_queue_ready(self.0.id, queue);
    }

    fn create_http_context(&self, id: u32) -> Option<Box<dyn HttpContext>> {
        self.0.vm.on_context_create(id, self.0.id);
        Some(Box::new(Stream { id, plugin: Rc::clone(&self.0) }))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

impl<F: HttpFilter> Drop for Root<F> {
    fn drop(&mut self) {
        // No answer could arrive, and the dispatcher has borrowed the root contexts.
        calling(Caller::Deleted, || self.0.vm.on_delete(self.0.id));
    }
}

impl<F: HttpFilter> Stream<F> {
    fn run<T>(&self, callback: impl FnOnce(&Vm<F>, u32) -> T) -> T {
        calling(Caller::StreamOf(self.plugin.id), || callback(&self.plugin.vm, self.id))
    }

    fn decide(&self, callback: impl FnOnce(&Vm<F>, u32) -> u32) -> Action {
        match self.run(callback) {
            0 => Action::Continue,
            _ => Action::Pause,
        }
    }
}

impl<F: HttpFilter> Context for Stream<F> {}

impl<F: HttpFilter> HttpContext for Stream<F> {
    fn on_http_request_headers(&mut self, _: usize, end_of_stream: bool) -> Action {
        self.decide(|vm, id| vm.on_request_headers(id, end_of_stream))
    }

    fn on_http_request_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        self.decide(|vm, id| vm.on_request_body(id, size, end_of_stream))
    }

    fn on_http_request_trailers(&mut self, _: usize) -> Action {
        self.decide(Vm::on_request_trailers)
    }

    fn on_http_response_headers(&mut self, _: usize, end_of_stream: bool) -> Action {
        self.decide(|vm, id| vm.on_response_headers(id, end_of_stream))
    }

    fn on_http_response_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        self.decide(|vm, id| vm.on_response_body(id, size, end_of_stream))
    }

    fn on_http_response_trailers(&mut self, _: usize) -> Action {
        self.decide(Vm::on_response_trailers)
    }

    fn on_log(&mut self) {
        self.run(Vm::on_log);
    }
}

impl<F: HttpFilter> Drop for Stream<F> {
    fn drop(&mut self) {
        self.run(Vm::on_delete);
    }
}

/// The context whose callback runs.
#[derive(Clone, Copy)]
enum Caller {
    /// A root context, or none of this module.
    Root,
    /// A stream of this root context.
    StreamOf(u32),
    /// A root context that is being deleted.
    Deleted,
}

thread_local! {
    static CALLER: Cell<Caller> = const { Cell::new(Caller::Root) };
    /// The call that the next `on_vm_start` makes.
    static DISPATCHED: RefCell<Option<Box<dyn FnOnce()>>> = const { RefCell::new(None) };
}

fn calling<T>(caller: Caller, callback: impl FnOnce() -> T) -> T {
    let before = CALLER.replace(caller);
    let answer = callback();
    CALLER.set(before);
    answer
}

/// Makes a call in a callback of the root context. The dispatcher passes an answer to the context in whose
/// callback the call was made, and drops the answer if that context is gone. A stream can start calls that
/// outlive it, so the dispatcher has to enter the root context: here through a callback without another use.
fn dispatch(call: impl FnOnce() -> Result<u32> + 'static) -> Result<u32> {
    let failed = Err(Error::Host { call: "dispatch", status: Status::InternalFailure });
    match CALLER.get() {
        Caller::Root => call(),
        Caller::Deleted => failed,
        Caller::StreamOf(root) => {
            let token = Rc::new(Cell::new(failed));
            let returned = Rc::clone(&token);
            DISPATCHED.set(Some(Box::new(move || returned.set(call()))));
            // SAFETY: the export of the crate, which takes numbers.
            unsafe { proxy_on_vm_start(root, 0) };
            token.get()
        }
    }
}

unsafe extern "C" {
    fn proxy_on_vm_start(root: u32, size: usize) -> bool;
}

type Headers = [(String, Vec<u8>)];

/// Makes an HTTP call.
#[cfg_attr(not(target_arch = "wasm32"), expect(dead_code, reason = "there is no host"))]
pub(crate) fn http_call(
    cluster: &str,
    headers: &Headers,
    body: &[u8],
    trailers: &Headers,
    milliseconds: u32,
) -> Result<u32> {
    let (cluster, headers, body) = (cluster.to_owned(), headers.to_vec(), body.to_vec());
    let trailers = trailers.to_vec();
    dispatch(move || {
        let not_text = || rejected("http_call", &cluster);
        let headers = texts(&headers).ok_or_else(not_text)?;
        let trailers = texts(&trailers).ok_or_else(not_text)?;
        let timeout = Duration::from_millis(milliseconds.into());
        hostcalls::dispatch_http_call(&cluster, headers, Some(&body), trailers, timeout)
            .map_err(|status| error("http_call", &cluster, status))
    })
}

/// Makes a gRPC call.
#[cfg_attr(not(target_arch = "wasm32"), expect(dead_code, reason = "there is no host"))]
pub(crate) fn grpc_call(
    cluster: &str,
    target: Vec<u8>,
    service: &str,
    method: &str,
    metadata: &Headers,
    message: &[u8],
    milliseconds: u32,
) -> Result<u32> {
    let target = String::from_utf8(target).map_err(|_| rejected("grpc_call", cluster))?;
    let cluster = cluster.to_owned();
    let (service, method) = (service.to_owned(), method.to_owned());
    let (metadata, message) = (metadata.to_vec(), message.to_vec());
    dispatch(move || {
        let metadata = metadata.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
        let timeout = Duration::from_millis(milliseconds.into());
        hostcalls::dispatch_grpc_call(&target, &service, &method, metadata, Some(&message), timeout)
            .map_err(|status| error("grpc_call", &cluster, status))
    })
}

fn texts(fields: &Headers) -> Option<Vec<(&str, &str)>> {
    let text = |bytes| std::str::from_utf8(bytes).ok();
    fields.iter().map(|(name, value)| Some((name.as_str(), text(value)?))).collect()
}

/// Opens a gRPC stream.
#[cfg_attr(not(target_arch = "wasm32"), expect(dead_code, reason = "there is no host"))]
pub(crate) fn grpc_stream(
    cluster: &str,
    target: Vec<u8>,
    service: &str,
    method: &str,
    metadata: &Headers,
) -> Result<u32> {
    let target = String::from_utf8(target).map_err(|_| rejected("grpc_stream", cluster))?;
    let cluster = cluster.to_owned();
    let (service, method, metadata) = (service.to_owned(), method.to_owned(), metadata.to_vec());
    dispatch(move || {
        let metadata = metadata.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
        hostcalls::open_grpc_stream(&target, &service, &method, metadata)
            .map_err(|status| error("grpc_stream", &cluster, status))
    })
}

fn rejected(call: &'static str, cluster: &str) -> Error {
    error(call, cluster, types::Status::BadArgument)
}

fn error(call: &'static str, cluster: &str, status: types::Status) -> Error {
    let status = Status::from_raw(status as u32);
    Error::Callout { call, cluster: Name::new(cluster.as_bytes()), status }
}
