//! Local replies: Envoy, `filter_manager.cc`, `sendLocalReply`, and `source/common/http/utility.cc`.

use super::Direction;
use crate::emulator::Emulator;
use crate::emulator::callouts::grpc;
use crate::emulator::header_map::{HeaderMap, Kind};
use crate::emulator::world::LocalReply;

impl Emulator {
    /// Sends a local reply. If the stream has no response yet, the reply passes through the filters. If the
    /// filters are processing a response, the reply replaces it and bypasses them. If the client has already
    /// received headers, the stream is reset instead.
    pub(crate) fn local_reply(&mut self, stream: u64, reply: LocalReply) {
        if !self.is_alive(stream) {
            return;
        }
        self.refresh_route(stream);
        self.give_up(stream);
        let s = self.world.stream_mut(stream);
        s.details.clone_from(&reply.details);
        s.has_details = true;
        // This status means that the client has not kept to the protocol (`conn_manager_impl.cc`,
        // `onLocalReply`).
        s.wants_close |= reply.status as u16 == 400;
        let in_request = s.request.calling;
        if in_request {
            s.request.aborted = true;
        } else if s.response.calling {
            s.response.aborted = true;
        }
        if s.response_headers.is_none() {
            if in_request {
                // The first local reply counts. It is sent when the callback's iteration has ended.
                s.prepared.get_or_insert(reply);
            } else if s.prepared.is_none() {
                self.reply_through_filters(stream, reply);
            }
        } else if !s.headers_sent {
            let (headers, body) = self.compose(stream, &reply);
            let s = self.world.stream_mut(stream);
            s.response.aborted = true;
            let replaced = s.response_headers.replace(headers);
            s.replaced_headers = s.replaced_headers.take().or(replaced);
            s.response_trailers = None;
            s.response.ended = true;
            self.send_headers(stream, body.is_empty());
            if self.is_alive(stream) && !body.is_empty() {
                self.send_body(stream, body, true);
            }
        } else {
            self.reset(stream);
        }
    }

    pub(crate) fn reply_through_filters(&mut self, stream: u64, reply: LocalReply) {
        let (headers, body) = self.compose(stream, &reply);
        let s = self.world.stream_mut(stream);
        s.response_headers = Some(headers);
        s.response.ended = body.is_empty();
        self.iterate_headers(stream, Direction::Response, None, body.is_empty());
        if self.is_alive(stream) && !body.is_empty() {
            let s = self.world.stream_mut(stream);
            s.response.ended = true;
            s.response.seen += body.len();
            self.iterate_body(stream, Direction::Response, None, body, true);
        }
    }

    /// Builds the headers and the body of a local reply.
    fn compose(&mut self, stream: u64, reply: &LocalReply) -> (HeaderMap, Vec<u8>) {
        let s = self.world.stream_mut(stream);
        let mut headers = HeaderMap::new(Kind::Response);
        let add = |headers: &mut HeaderMap| {
            reply.headers.iter().for_each(|(name, value)| headers.add(name, value));
        };
        if s.is_grpc {
            let status = reply.grpc_status.unwrap_or_else(|| grpc::from_http(reply.status as u16));
            headers.add(b":status", b"200");
            add(&mut headers);
            headers.set(b"content-type", b"application/grpc");
            headers.set(b"grpc-status", status.to_string().as_bytes());
            if !reply.body.is_empty() && !s.is_head {
                headers.set(b"grpc-message", &percent_encoded(&reply.body));
            }
            s.code = Some(200);
            return (headers, Vec::new());
        }
        // Envoy truncates the status to 16 bits, and ignores a `:status` among the headers.
        let status = reply.status as u16;
        headers.add(b":status", status.to_string().as_bytes());
        add(&mut headers);
        headers.set(b":status", status.to_string().as_bytes());
        headers.remove(b"content-length");
        if !reply.body.is_empty() {
            headers.set(b"content-length", reply.body.len().to_string().as_bytes());
            if headers.first(b"content-type").is_none() {
                headers.add(b"content-type", b"text/plain");
            }
        } else {
            headers.remove(b"content-type");
        }
        s.code = Some(status);
        let body = if s.is_head { Vec::new() } else { reply.body.clone() };
        (headers, body)
    }
}

/// Percent-encodes a `grpc-message`: gRPC over HTTP/2, "Responses".
fn percent_encoded(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            b'%' | 0..=0x1f | 0x7f.. => out.extend(format!("%{byte:02X}").bytes()),
            _ => out.push(*byte),
        }
    }
    out
}
