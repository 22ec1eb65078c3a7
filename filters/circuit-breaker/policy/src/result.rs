//! Results of requests: success, failure or neither.
//!
//! A response with an error status can come from the upstream, from the router because the upstream did not
//! answer, or from the proxy itself because of a limit, another filter or this breaker. The response code
//! details tell them apart (`envoy/stream_info/stream_info.h`, `ResponseCodeDetailValues`).

use crate::config::{Failures, Ignored};
use tollgate_policy::{GrpcStatus, HeaderMatcher, Headers, ResponseFacts, StatusRange};

/// Header of responses from an upstream, which Envoy adds: the milliseconds from the end of the request to
/// these headers. Envoy adds no header if the response begins before the request has ended.
pub(crate) const SERVICE_TIME: &str = "x-envoy-upstream-service-time";

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
    /// Response that the retry filter sends when all attempts have failed.
    RetryFallback,
    Proxy,
}

impl Origin {
    /// Returns the origin. `has_timed_out` tells whether the response is an error because of a timeout of the
    /// upstream: a stream that is idle can also wait for the client.
    fn new(details: &[u8], has_timed_out: bool) -> Self {
        let is = |name: &str| details == name.as_bytes();
        // Envoy replaces spaces by underscores, and adds the reason in braces.
        if is("via_upstream") || is("retry_replayed") || is("retry_hedged") || details.is_empty() {
            Self::Upstream
        } else if is("response_timeout")
            || is("upstream_per_try_timeout")
            || is("upstream_per_try_idle_timeout")
            || is("upstream_max_stream_duration_reached")
            || has_timed_out && (is("stream_idle_timeout") || is("max_duration_timeout"))
        {
            Self::Timeout
        } else if is_reset(details) {
            Self::Reset
        } else if is("no_healthy_upstream") {
            Self::NoHealthyHost
        } else if is("retry_fallback_response") {
            Self::RetryFallback
        } else {
            Self::Proxy
        }
    }
}

/// Returns whether details report a reset of the upstream. An overflow is a limit of the cluster in the
/// proxy.
fn is_reset(details: &[u8]) -> bool {
    let names = [&b"upstream_reset_before_response_started"[..], b"upstream_reset_after_response_started"];
    let mut reasons = names.into_iter().filter_map(|name| details.strip_prefix(name));
    reasons.any(|reason| !reason.starts_with(b"{overflow"))
}

/// Rules for verdicts.
#[derive(Clone, Debug)]
pub(crate) struct Verdicts {
    pub(crate) failures: Failures,
    pub(crate) ignored: Ignored,
}

impl Verdicts {
    /// Returns the verdict about response headers. `details` returns the response code details; it is only
    /// called without [`SERVICE_TIME`].
    pub(crate) fn of_headers(
        &self,
        response: &ResponseFacts<'_>,
        details: &mut dyn FnMut() -> Vec<u8>,
    ) -> Verdict {
        let headers = response.headers;
        let grpc = headers.first("grpc-status").map(GrpcStatus::from_header);
        // 504 is `UNAVAILABLE` for clients of gRPC.
        let has_timed_out = response.status == 504 || grpc == Some(GrpcStatus::UNAVAILABLE);
        if !headers.has(SERVICE_TIME)
            && let Some(verdict) = self.of_origin(Origin::new(&details(), has_timed_out))
        {
            return verdict;
        }
        let fails =
            any(&self.failures.headers, headers) || contains(&self.failures.statuses, response.status);
        let is_ignored = match &self.ignored.statuses {
            Some(statuses) => contains(statuses, response.status),
            None => (400..500).contains(&response.status) && !fails,
        };
        if is_ignored || any(&self.ignored.headers, headers) {
            return Verdict::Ignored;
        }
        if fails {
            return Verdict::Failure;
        }
        match grpc {
            Some(status) => self.of_grpc(status),
            None if response.status == 200 && self.reads_trailers() && is_grpc(headers) => Verdict::Trailers,
            None => Verdict::Success,
        }
    }

    /// Returns the verdict about a response that did not come from the upstream.
    fn of_origin(&self, origin: Origin) -> Option<Verdict> {
        let counts = match origin {
            Origin::Upstream => return None,
            Origin::Timeout => self.failures.timeouts,
            Origin::Reset => self.failures.resets,
            Origin::NoHealthyHost => self.failures.no_healthy_upstream,
            Origin::RetryFallback => true,
            Origin::Proxy => false,
        };
        Some(if counts { Verdict::Failure } else { Verdict::Ignored })
    }

    /// Returns the verdict about response trailers. For clients of gRPC, a missing status is `UNKNOWN`.
    pub(crate) fn of_trailers(&self, grpc_status: Option<&[u8]>) -> Verdict {
        self.of_grpc(grpc_status.map_or(GrpcStatus::UNKNOWN, GrpcStatus::from_header))
    }

    /// Returns the verdict about a response that has ended, with the response code details, after a verdict
    /// about its headers. If it has not come to its end, it is ignored, unless the upstream is the cause.
    pub(crate) fn of_end(&self, of_headers: Verdict, details: &[u8]) -> Verdict {
        match self.of_origin(Origin::new(details, false)) {
            Some(verdict) => verdict,
            None if of_headers == Verdict::Trailers => self.of_trailers(None),
            None => of_headers,
        }
    }

    /// Returns whether a status of gRPC can be anything else than a success.
    fn reads_trailers(&self) -> bool {
        !self.failures.grpc_statuses.is_empty() || !self.ignored.grpc_statuses.is_empty()
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
fn is_grpc(headers: Headers<'_>) -> bool {
    let content_type = headers.first("content-type");
    let rest = content_type.and_then(|value| value.strip_prefix(b"application/grpc"));
    rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';')))
}

fn any(matchers: &[HeaderMatcher], headers: Headers<'_>) -> bool {
    matchers.iter().any(|matcher| matcher.matches(headers))
}

fn contains(ranges: &[StatusRange], status: u16) -> bool {
    ranges.iter().any(|range| range.contains(status))
}
