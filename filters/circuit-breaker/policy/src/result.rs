//! Results of requests: success, failure or neither.
//!
//! A response with an error status can come from the upstream, from the router because the upstream did not
//! answer, or from the proxy itself because of a limit, another filter or this breaker. The response code
//! details tell them apart (`envoy/stream_info/stream_info.h`, `ResponseCodeDetailValues`).

use crate::config::{Failures, Ignored};
use tollgate_policy::{GrpcStatus, HeaderMatcher, Headers, ResponseFacts, StatusRange};

/// Verdict about the response to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The request succeeded.
    Success,
    /// The request failed.
    Failure,
    /// The result says nothing about the upstream.
    Ignored,
    /// The trailers decide.
    Trailers,
}

/// Origin of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    Upstream,
    Timeout,
    Reset,
    NoHealthyHost,
    Proxy,
}

impl Origin {
    fn new(details: &[u8]) -> Self {
        let is = |name: &str| details == name.as_bytes();
        // Envoy replaces spaces by underscores, and adds the reason in braces.
        if is("via_upstream") || details.is_empty() {
            Self::Upstream
        } else if is("response_timeout")
            || is("upstream_per_try_timeout")
            || is("upstream_per_try_idle_timeout")
            || is("upstream_max_stream_duration_reached")
        {
            Self::Timeout
        } else if is_reset(details, b"upstream_reset_before_response_started") {
            Self::Reset
        } else if is("no_healthy_upstream") {
            Self::NoHealthyHost
        } else {
            Self::Proxy
        }
    }
}

/// Returns whether details report a reset of the upstream. An overflow is a limit of the cluster in the
/// proxy.
fn is_reset(details: &[u8], name: &[u8]) -> bool {
    details.strip_prefix(name).is_some_and(|reason| !reason.starts_with(b"{overflow"))
}

/// Returns whether details of a complete stream report that the response broke off.
pub(crate) fn broke_off(details: &[u8]) -> bool {
    is_reset(details, b"upstream_reset_after_response_started")
}

/// Rules for verdicts.
#[derive(Clone, Debug)]
pub(crate) struct Verdicts {
    pub(crate) failures: Failures,
    pub(crate) ignored: Ignored,
}

impl Verdicts {
    /// Returns the verdict about response headers. `details` returns the response code details; it is only
    /// called for responses that are not successes.
    pub(crate) fn of_headers(
        &self,
        response: &ResponseFacts<'_>,
        details: &mut dyn FnMut() -> Vec<u8>,
    ) -> Verdict {
        let headers = response.headers;
        let is_grpc = headers.first("content-type").is_some_and(is_grpc);
        let grpc = headers.first("grpc-status").map(GrpcStatus::from_header);
        let has_error = response.status >= 400 || grpc.is_some_and(|status| status.code() != 0);
        let marked = any(&self.failures.headers, headers);
        if has_error || marked || contains(&self.failures.statuses, response.status) {
            let counts = match Origin::new(&details()) {
                Origin::Upstream => true,
                Origin::Timeout => return failure_if(self.failures.timeouts),
                Origin::Reset => return failure_if(self.failures.resets),
                Origin::NoHealthyHost => return failure_if(self.failures.no_healthy_upstream),
                Origin::Proxy => false,
            };
            if !counts {
                return Verdict::Ignored;
            }
        }
        if any(&self.ignored.headers, headers) || contains(&self.ignored.statuses, response.status) {
            return Verdict::Ignored;
        }
        if marked || contains(&self.failures.statuses, response.status) {
            return Verdict::Failure;
        }
        match grpc {
            Some(status) => self.of_grpc(status),
            None if is_grpc && response.status == 200 => Verdict::Trailers,
            None => Verdict::Success,
        }
    }

    /// Returns the verdict about response trailers. For clients of gRPC, a missing status is `UNKNOWN`.
    pub(crate) fn of_trailers(&self, trailers: Headers<'_>) -> Verdict {
        let status = trailers.first("grpc-status");
        self.of_grpc(status.map_or(GrpcStatus::UNKNOWN, GrpcStatus::from_header))
    }

    fn of_grpc(&self, status: GrpcStatus) -> Verdict {
        if self.failures.grpc_statuses.contains(&status) {
            Verdict::Failure
        } else if self.ignored.grpc_statuses.contains(&status) {
            Verdict::Ignored
        } else {
            Verdict::Success
        }
    }
}

/// Returns whether a content type is that of gRPC. The trailers of gRPC-Web are in the body.
fn is_grpc(content_type: &[u8]) -> bool {
    let rest = content_type.strip_prefix(b"application/grpc");
    rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';')))
}

fn failure_if(counts: bool) -> Verdict {
    if counts { Verdict::Failure } else { Verdict::Ignored }
}

fn any(matchers: &[HeaderMatcher], headers: Headers<'_>) -> bool {
    matchers.iter().any(|matcher| matcher.matches(headers))
}

fn contains(ranges: &[StatusRange], status: u16) -> bool {
    ranges.iter().any(|range| range.contains(status))
}
