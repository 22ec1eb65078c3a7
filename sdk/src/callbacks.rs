//! The callbacks for the parts of a stream. Each creates the view that its method receives.

use crate::entry::Vm;
use crate::plugins::StreamCallback;
use crate::{
    HttpFilter, RequestBody, RequestHeaders, RequestTrailers, ResponseBody, ResponseHeaders, ResponseTrailers,
};

macro_rules! callbacks {
    (headers { $($headers:ident($headers_view:ident, $headers_at:ident);)* }
     body { $($body:ident($body_view:ident, $body_at:ident);)* }
     trailers { $($trailers:ident($trailers_view:ident, $trailers_at:ident);)* }) => {
        impl<F: HttpFilter> Vm<F> {
            $(#[doc = concat!("`proxy_", stringify!($headers), "`")]
            pub fn $headers(&self, id: u32, end_of_stream: bool) -> u32 {
                self.on_stream(id, StreamCallback::$headers_at, |filter, stream, cx| {
                    filter.$headers(stream, &mut $headers_view::new(end_of_stream), cx)
                })
            })*

            $(#[doc = concat!("`proxy_", stringify!($body), "`")]
            pub fn $body(&self, id: u32, size: usize, end_of_stream: bool) -> u32 {
                self.on_stream(id, StreamCallback::$body_at(end_of_stream), |filter, stream, cx| {
                    filter.$body(stream, &mut $body_view::new(size, end_of_stream), cx)
                })
            })*

            $(#[doc = concat!("`proxy_", stringify!($trailers), "`")]
            pub fn $trailers(&self, id: u32) -> u32 {
                self.on_stream(id, StreamCallback::$trailers_at, |filter, stream, cx| {
                    filter.$trailers(stream, &mut $trailers_view::new(true), cx)
                })
            })*
        }
    };
}

callbacks! {
    headers {
        on_request_headers(RequestHeaders, REQUEST_HEADERS);
        on_response_headers(ResponseHeaders, RESPONSE_HEADERS);
    }
    body {
        on_request_body(RequestBody, request_body);
        on_response_body(ResponseBody, response_body);
    }
    trailers {
        on_request_trailers(RequestTrailers, REQUEST_TRAILERS);
        on_response_trailers(ResponseTrailers, RESPONSE_TRAILERS);
    }
}
