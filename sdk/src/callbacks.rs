//! The callbacks for the parts of a stream. Each creates the argument that its method receives.

use crate::HttpFilter;
use crate::body::Body;
use crate::entry::Vm;
use crate::headers::{RequestHeaders, ResponseHeaders, Trailers};
use crate::host::{self, Buffer, Direction};
use crate::plugins::{CONTINUE, StreamCallback, reject};
use crate::stream::{Request, RequestBody, RequestTrailers, Response, ResponseBody, ResponseTrailers};

/// `proxy_on_request_headers` and the others.
impl<F: HttpFilter> Vm<F> {
    /// `proxy_on_request_headers`
    pub fn on_request_headers(&self, id: u32, end_of_stream: bool) -> u32 {
        self.on_stream(id, StreamCallback::REQUEST_HEADERS, |filter, stream, cx| {
            filter.on_request_headers(&mut Request::new(RequestHeaders::new(end_of_stream), stream, cx))
        })
    }

    /// `proxy_on_request_body`
    pub fn on_request_body(&self, id: u32, size: usize, end_of_stream: bool) -> u32 {
        self.on_stream(id, StreamCallback::request_body(end_of_stream), |filter, stream, cx| {
            let body = Body::new(Direction::Request, size, end_of_stream);
            filter.on_request_body(&mut RequestBody::new(body, stream, cx))
        })
    }

    /// `proxy_on_request_trailers`
    pub fn on_request_trailers(&self, id: u32) -> u32 {
        // With trailers, the host does not say which part of the body was the last.
        if F::USES.bodies && self.holds_body(id, Direction::Request) {
            let Ok(size) = host::buffer_len(Buffer::RequestBody) else {
                return reject(StreamCallback::REQUEST_TRAILERS);
            };
            let action = self.on_request_body(id, size, true);
            if action != CONTINUE {
                return action;
            }
        }
        self.on_stream(id, StreamCallback::REQUEST_TRAILERS, |filter, stream, cx| {
            let trailers = Trailers::new(Direction::Request);
            filter.on_request_trailers(&mut RequestTrailers::new(trailers, stream, cx))
        })
    }

    /// `proxy_on_response_headers`
    pub fn on_response_headers(&self, id: u32, end_of_stream: bool) -> u32 {
        self.on_stream(id, StreamCallback::RESPONSE_HEADERS, |filter, stream, cx| {
            filter.on_response_headers(&mut Response::new(ResponseHeaders::new(end_of_stream), stream, cx))
        })
    }

    /// `proxy_on_response_body`
    pub fn on_response_body(&self, id: u32, size: usize, end_of_stream: bool) -> u32 {
        self.on_stream(id, StreamCallback::response_body(end_of_stream), |filter, stream, cx| {
            let body = Body::new(Direction::Response, size, end_of_stream);
            filter.on_response_body(&mut ResponseBody::new(body, stream, cx))
        })
    }

    /// `proxy_on_response_trailers`
    pub fn on_response_trailers(&self, id: u32) -> u32 {
        // With trailers, the host does not say which part of the body was the last.
        if F::USES.bodies && self.holds_body(id, Direction::Response) {
            let Ok(size) = host::buffer_len(Buffer::ResponseBody) else {
                return reject(StreamCallback::RESPONSE_TRAILERS);
            };
            let action = self.on_response_body(id, size, true);
            if action != CONTINUE {
                return action;
            }
        }
        self.on_stream(id, StreamCallback::RESPONSE_TRAILERS, |filter, stream, cx| {
            let trailers = Trailers::new(Direction::Response);
            filter.on_response_trailers(&mut ResponseTrailers::new(trailers, stream, cx))
        })
    }
}
