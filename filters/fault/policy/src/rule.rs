//! Rules: the form to which all formats are compiled.

use crate::Distribution;
use crate::config::{Combine, DrawBy};
use crate::draw::part_of_million;
use crate::envoy::EnvoyHeader;
use std::borrow::Cow;
use tollgate_policy::{Cidr, HeaderName, Percent, RequestMatch, StringMatcher, Template};

/// A rule.
#[derive(Clone, Debug, Default)]
pub struct Rule {
    /// Name, for marks.
    pub name: Box<str>,
    /// Index of its statistics.
    pub statistic: usize,
    pub(crate) condition: Condition,
    pub(crate) draw: DrawPlan,
    pub(crate) delay: Option<Delay>,
    pub(crate) abort: Option<Abort>,
    pub(crate) reset: Option<Share>,
    pub(crate) response: Option<ResponseFault>,
    /// JSON object for a filter state.
    pub(crate) metadata: Option<Box<str>>,
}

/// The condition of a rule.
#[derive(Clone, Debug, Default)]
pub(crate) struct Condition {
    pub request: RequestMatch,
    pub headers: Vec<EnvoyHeader>,
    pub clusters: Vec<StringMatcher>,
    pub nodes: Vec<StringMatcher>,
    pub principals: Vec<StringMatcher>,
    pub namespaces: Vec<Box<str>>,
    pub networks: Vec<Cidr>,
}

/// Draws of a rule.
#[derive(Clone, Debug, Default)]
pub(crate) struct DrawPlan {
    pub by: DrawBy,
    /// The header of [`DrawBy::Header`] and [`DrawBy::RequestId`].
    pub header: Option<HeaderName>,
    pub salt: Box<[u8]>,
    pub faults: Combine,
}

/// Share of the requests that get a fault.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Share {
    pub percent: Percent,
    /// Parts per million of a numerator of 1 in a request header.
    pub unit: u32,
    /// With [`Combine::Exclusive`]: the sum of the shares of the faults before this one.
    pub after: u32,
}

impl Share {
    /// Returns a share whose numerator is in percent.
    pub fn new(percent: Percent) -> Self {
        Self { percent, unit: 10_000, after: 0 }
    }

    /// Returns whether a draw falls into the share. The numerator of a request header can only make it
    /// smaller.
    pub fn holds(self, draw: u64, numerator: Option<u32>) -> bool {
        let asked = numerator.map_or(u32::MAX, |numerator| numerator.saturating_mul(self.unit));
        let share = asked.min(self.percent.per_million());
        part_of_million(draw).checked_sub(self.after).is_some_and(|part| part < share)
    }
}

/// Delay of requests.
#[derive(Clone, Debug)]
pub(crate) struct Delay {
    pub share: Share,
    /// Length; `None` if a request header has it.
    pub length: Option<Distribution>,
}

/// Answer in place of the upstream.
#[derive(Clone, Debug)]
pub(crate) struct Abort {
    pub share: Share,
    /// Status; `None` if a request header has it.
    pub status: Option<Status>,
    pub reply: ReplyPlan,
}

/// Status of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// HTTP status. Envoy derives the status for gRPC clients.
    Http(u16),
    /// gRPC status, with the HTTP status 200.
    Grpc(u8),
}

/// Body and headers of a response.
#[derive(Clone, Debug)]
pub(crate) struct ReplyPlan {
    pub body: Cow<'static, str>,
    pub headers: Vec<(HeaderName, Template)>,
}

/// Body of Envoy's fault filter.
const BODY: &str = "fault filter abort";

impl ReplyPlan {
    pub fn new(body: Option<String>, headers: Vec<(HeaderName, Template)>) -> Self {
        Self { body: body.map_or(Cow::Borrowed(BODY), Cow::Owned), headers }
    }
}

/// Changes of a response.
#[derive(Clone, Debug)]
pub(crate) struct ResponseFault {
    pub share: Share,
    pub delay: Option<Distribution>,
    pub replace: Option<(Status, ReplyPlan)>,
    pub set: Vec<(HeaderName, Box<[u8]>)>,
    pub remove: Vec<HeaderName>,
    pub truncate_after: Option<u64>,
    pub reset_after: Option<u64>,
    pub corrupt: Percent,
    pub rate: Option<Rate>,
}

/// Rate limit of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rate {
    /// Bytes per second, at least 1.
    Fixed(u64),
    /// From a request header.
    Header,
}

impl ResponseFault {
    /// Returns whether the fault only limits the rate.
    pub fn is_rate_only(&self) -> bool {
        self.rate.is_some()
            && self.delay.is_none()
            && self.replace.is_none()
            && self.set.is_empty()
            && self.remove.is_empty()
            && !self.changes_body()
    }

    /// Returns whether the fault changes bytes or the length of the body.
    pub fn changes_body(&self) -> bool {
        self.truncate_after.is_some() || self.reset_after.is_some() || self.corrupt > Percent::ZERO
    }
}
