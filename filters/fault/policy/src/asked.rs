//! Faults that a request asks for with the headers of Envoy's fault filter
//! (`source/extensions/filters/common/fault/fault_config.cc`).
//!
//! An invalid value is ignored, as in Envoy. Of several values, the first counts.

use crate::plan::HEADERS;
use crate::rule::Status;
use tollgate_policy::Headers;

/// The values of the headers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    pub abort: Option<Status>,
    pub abort_percentage: Option<u32>,
    /// In milliseconds.
    pub delay: Option<u64>,
    pub delay_percentage: Option<u32>,
    /// In bytes per second.
    pub rate: Option<u64>,
    pub rate_percentage: Option<u32>,
}

impl Asked {
    pub fn read(headers: Headers<'_>) -> Self {
        let [abort, abort_grpc, abort_percentage, delay, delay_percentage, rate, rate_percentage] =
            HEADERS.each_ref().map(|name| headers.first(name).and_then(number));
        let http = abort.and_then(|status| u16::try_from(status).ok()).filter(|s| (200..=599).contains(s));
        let grpc = abort_grpc.and_then(|status| u8::try_from(status).ok());
        let percentage = |value: Option<u64>| value.and_then(|value| u32::try_from(value).ok());
        Self {
            abort: http.map(Status::Http).or(grpc.map(Status::Grpc)),
            abort_percentage: percentage(abort_percentage),
            delay,
            delay_percentage: percentage(delay_percentage),
            // A rate of 0 is invalid.
            rate: rate.filter(|rate| *rate > 0).map(|rate| rate.saturating_mul(1024)),
            rate_percentage: percentage(rate_percentage),
        }
    }
}

/// Parses a number without a sign, with white space around it as in Envoy.
fn number(value: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(value).ok()?.trim_ascii();
    if text.starts_with('+') { None } else { text.parse().ok() }
}
