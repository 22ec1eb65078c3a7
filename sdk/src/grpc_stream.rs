//! gRPC streams: calls on which the filter and a service exchange any number of messages.
//!
//! ```
//! use tollgate::grpc_stream::{GrpcEvent, GrpcStreamCall};
//! use tollgate::{AsyncRequest, Config, Flow, HttpFilter, Reply, Result};
//!
//! #[derive(Config)]
//! struct Classify {
//!     cluster: String,
//! }
//!
//! #[tollgate::filter(grpc_streams)]
//! impl HttpFilter for Classify {
//!     async fn on_request_headers(&self, request: &mut AsyncRequest<Self>) -> Result {
//!         let call = GrpcStreamCall::new(&self.cluster, "example.Classifier", "Classify");
//!         let mut stream = request.grpc_stream(&call)?;
//!         stream.send_last(request.headers.path()?)?;
//!         while let Some(event) = stream.next().await {
//!             match event {
//!                 GrpcEvent::Message(class) => request.headers.add("x-class", class)?,
//!                 GrpcEvent::Closed(status) if status.status != 0 => {
//!                     return Reply::refuse(503, "classifier_failed").into();
//!                 }
//!                 _ => {}
//!             }
//!         }
//!         Ok(Flow::Continue)
//!     }
//! }
//! # fn main() {}
//! ```
//!
//! A stream has no timeout. Bound the wait with [`first_of`](crate::future::first_of) and a delay, or with
//! the timeout of the cluster. A stream of a request is cancelled when the request ends, and one of the
//! plugin when the plugin is configured again.

use crate::callout::{GrpcError, grpc_message};
use crate::error::Result;
use crate::host::{self, Map};
use crate::{Pairs, abi, headers};

/// A gRPC stream to a cluster that supports HTTP/2, before it is opened.
#[derive(Clone, Debug)]
#[must_use = "a stream is opened by `grpc_stream` or `plugin_grpc_stream`"]
pub struct GrpcStreamCall {
    cluster: String,
    service: String,
    method: String,
    metadata: Vec<(String, Vec<u8>)>,
}

impl GrpcStreamCall {
    /// Creates a stream to `method` of `service`.
    pub fn new(cluster: &str, service: &str, method: &str) -> Self {
        let [cluster, service, method] = [cluster, service, method].map(str::to_owned);
        Self { cluster, service, method, metadata: Vec::new() }
    }

    /// Adds initial metadata.
    pub fn metadata(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.metadata.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    pub(crate) fn open(&self) -> Result<GrpcStream> {
        for (name, value) in &self.metadata {
            headers::check(name.as_bytes(), value)?;
        }
        let target = crate::protobuf::grpc_service(&self.cluster);
        #[cfg(all(feature = "proxy-wasm", target_arch = "wasm32"))]
        let token = crate::proxy_wasm::grpc_stream(
            &self.cluster,
            target,
            &self.service,
            &self.method,
            &self.metadata,
        )?;
        #[cfg(not(all(feature = "proxy-wasm", target_arch = "wasm32")))]
        let token = self.open_at_host(&target)?;
        Ok(GrpcStream { token })
    }

    #[cfg(not(all(feature = "proxy-wasm", target_arch = "wasm32")))]
    fn open_at_host(&self, target: &[u8]) -> Result<u32> {
        let metadata = match self.metadata.as_slice() {
            [] => Vec::new(),
            metadata => crate::pairs::serialize(metadata),
        };
        let mut token = 0;
        // SAFETY: pointers are to live values of the given lengths.
        host::check_callout("grpc_stream", &self.cluster, unsafe {
            abi::proxy_grpc_stream(
                target.as_ptr(),
                target.len(),
                self.service.as_ptr(),
                self.service.len(),
                self.method.as_ptr(),
                self.method.len(),
                metadata.as_ptr(),
                metadata.len(),
                &mut token,
            )
        })?;
        Ok(token)
    }
}

/// An open gRPC stream. Values are copies of one handle: the stream stays open when they are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrpcStream {
    pub(crate) token: u32,
}

impl GrpcStream {
    /// Sends a serialised message.
    pub fn send(self, message: impl AsRef<[u8]>) -> Result<()> {
        self.send_message(message.as_ref(), false)
    }

    /// Sends a serialised message, and ends this side of the stream. The service can still send messages.
    pub fn send_last(self, message: impl AsRef<[u8]>) -> Result<()> {
        self.send_message(message.as_ref(), true)
    }

    /// Ends this side of the stream. The service can still send messages.
    pub fn finish(self) -> Result<()> {
        // SAFETY: numbers only, here and below.
        host::check("grpc_close", unsafe { abi::proxy_grpc_close(self.token) })
    }

    /// Resets the stream. No event follows.
    pub fn cancel(self) {
        crate::callout::grpc_cancel(self.token);
    }

    fn send_message(self, message: &[u8], last: bool) -> Result<()> {
        // SAFETY: the pointer is to a live value of this length.
        host::check("grpc_send", unsafe {
            abi::proxy_grpc_send(self.token, message.as_ptr(), message.len(), last.into())
        })
    }
}

/// An event of a gRPC stream, in the order of the variants. [`Closed`](Self::Closed) is always the last.
#[derive(Clone, Debug)]
pub enum GrpcEvent {
    /// The service sent its initial metadata.
    InitialMetadata(Pairs),
    /// The service sent a message.
    Message(Vec<u8>),
    /// The service sent its trailing metadata.
    TrailingMetadata(Pairs),
    /// The stream has ended: `grpc-status`, 0 for success, and `grpc-message`.
    Closed(GrpcError),
}

impl GrpcEvent {
    /// Reads a message in `proxy_on_grpc_receive`.
    pub(crate) fn message(token: u32, size: usize) -> Self {
        grpc_message(size).map_or_else(|error| Self::unreadable(token, error), Self::Message)
    }

    /// An event that cannot be read ends the stream, also at the host.
    fn unreadable(token: u32, error: GrpcError) -> Self {
        crate::callout::grpc_cancel(token);
        Self::Closed(error)
    }

    /// Reads metadata in its callback.
    pub(crate) fn metadata(token: u32, map: Map) -> Self {
        match host::map_pairs(map).and_then(Pairs::parse) {
            Ok(pairs) if map == Map::GrpcInitialMetadata => Self::InitialMetadata(pairs),
            Ok(pairs) => Self::TrailingMetadata(pairs),
            Err(error) => Self::unreadable(token, GrpcError::internal(&error)),
        }
    }
}
