//! The callbacks for the parts of a stream. Each creates the argument that its method receives.

use crate::HttpFilter;
use crate::body::{Body, Span};
use crate::entry::Vm;
use crate::filter::Part;
use crate::headers::{RequestHeaders, ResponseHeaders, SharedPairs, Trailers};
use crate::host::{self, Buffer, Direction};
use crate::plugins::reject;
use crate::stream::{Request, RequestBody, RequestTrailers, Response, ResponseBody, ResponseTrailers};
use crate::stream_state::{CONTINUE, PAUSE, PAUSE_ALL, StreamCallback};

/// Implements the callbacks of one direction: those that the module exports, and those for a chain of
/// filters.
macro_rules! callbacks {
    ($direction:ident, $buffer:ident:
     $headers:ident $in_chain_headers:ident ($HEADERS:ident, $Headers:ident, $WithHeaders:ident),
     $body:ident $in_chain_body:ident ($WithBody:ident),
     $trailers:ident $in_chain_trailers:ident ($TRAILERS:ident, $WithTrailers:ident)
    ) => {
        impl<F: HttpFilter, const CHAINED: bool> Vm<F, CHAINED> {
            #[doc = concat!("`proxy_", stringify!($headers), "`.")]
            pub fn $headers(&self, id: u32, end_of_stream: bool) -> u32 {
                self.$in_chain_headers(id, end_of_stream, &mut None)
            }

            /// Receives the fields from the filter before, and leaves them for the next.
            pub(crate) fn $in_chain_headers(
                &self,
                id: u32,
                end_of_stream: bool,
                pairs: &mut SharedPairs,
            ) -> u32 {
                let action = self.on_stream(id, StreamCallback::$HEADERS, |filter, stream, cx| {
                    let headers = $Headers::shared(end_of_stream, pairs.take());
                    let mut argument = $WithHeaders::new(headers, stream, cx);
                    let result = filter.$headers(&mut argument);
                    *pairs = argument.headers.share();
                    result
                });
                // No body will come.
                if F::USES.has(Part::$WithBody)
                    && action == PAUSE
                    && end_of_stream
                    && self.awaits_body(id, Direction::$direction).is_some()
                {
                    let action = self.$in_chain_body(id, &mut Span::whole(0), true);
                    // The callback may have edited the held headers.
                    *pairs = None;
                    return if action == CONTINUE { CONTINUE } else { PAUSE_ALL };
                }
                action
            }

            #[doc = concat!("`proxy_", stringify!($body), "`.")]
            pub fn $body(&self, id: u32, size: usize, end_of_stream: bool) -> u32 {
                self.$in_chain_body(id, &mut Span::whole(size), end_of_stream)
            }

            /// Receives a part of the buffer. Leaves the part after the edits of the filter.
            pub(crate) fn $in_chain_body(&self, id: u32, span: &mut Span, end_of_stream: bool) -> u32 {
                let at = StreamCallback::body(Direction::$direction, end_of_stream);
                self.on_stream(id, at, |filter, stream, cx| {
                    let body = Body::new(Direction::$direction, *span, end_of_stream, cx.position);
                    let mut argument = $WithBody::new(body, stream, cx);
                    let result = filter.$body(&mut argument);
                    *span = argument.body.span();
                    result
                })
            }

            #[doc = concat!("`proxy_", stringify!($trailers), "`.")]
            pub fn $trailers(&self, id: u32) -> u32 {
                // With trailers, the host does not say which part of the body was the last.
                if F::USES.has(Part::$WithBody)
                    && let Some(holds_some) = self.awaits_body(id, Direction::$direction)
                {
                    // The host has no buffer before a body arrives.
                    let size = if holds_some { host::buffer_len(Buffer::$buffer) } else { Ok(0) };
                    let Ok(size) = size else { return reject::<F>(StreamCallback::$TRAILERS) };
                    let action = self.$body(id, size, true);
                    if action != CONTINUE {
                        return action;
                    }
                }
                self.$in_chain_trailers(id)
            }

            /// Passes on the trailers, without the end of a body before them.
            pub(crate) fn $in_chain_trailers(&self, id: u32) -> u32 {
                self.on_stream(id, StreamCallback::$TRAILERS, |filter, stream, cx| {
                    let trailers = Trailers::new(Direction::$direction);
                    filter.$trailers(&mut $WithTrailers::new(trailers, stream, cx))
                })
            }
        }
    };
}

callbacks! {
    Request, RequestBody:
    on_request_headers request_headers (REQUEST_HEADERS, RequestHeaders, Request),
    on_request_body request_body (RequestBody),
    on_request_trailers request_trailers (REQUEST_TRAILERS, RequestTrailers)
}

callbacks! {
    Response, ResponseBody:
    on_response_headers response_headers (RESPONSE_HEADERS, ResponseHeaders, Response),
    on_response_body response_body (ResponseBody),
    on_response_trailers response_trailers (RESPONSE_TRAILERS, ResponseTrailers)
}
