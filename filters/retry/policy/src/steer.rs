//! The headers that control the retries of Envoy's router.

use crate::config::{Rule, common};
use crate::duration::{MILLISECOND, number};
use crate::plan::PlannedRule;
use std::borrow::Cow;
use tollgate_policy::{Duration, HeaderEdit, HeaderName, Headers, header_name};

const RETRY_ON: &HeaderName = &header_name!("x-envoy-retry-on");
const RETRY_GRPC_ON: &HeaderName = &header_name!("x-envoy-retry-grpc-on");
pub(crate) const MAX_RETRIES: &HeaderName = &header_name!("x-envoy-max-retries");
const STATUS_CODES: &HeaderName = &header_name!("x-envoy-retriable-status-codes");
const HEADER_NAMES: &HeaderName = &header_name!("x-envoy-retriable-header-names");
pub(crate) const TIMEOUT: &HeaderName = &header_name!("x-envoy-upstream-rq-timeout-ms");
const PER_TRY_TIMEOUT: &HeaderName = &header_name!("x-envoy-upstream-rq-per-try-timeout-ms");
const HEDGE: &HeaderName = &header_name!("x-envoy-hedge-on-per-try-timeout");
const EXPECTED_TIMEOUT: &HeaderName = &header_name!("x-envoy-expected-rq-timeout-ms");
const ALT_RESPONSE: &HeaderName = &header_name!("x-envoy-upstream-rq-timeout-alt-response");
const STREAM_DURATION: &HeaderName = &header_name!("x-envoy-upstream-stream-duration-ms");

/// Headers that control the retries and the timeouts of the router. The filter removes those of a client, and
/// the router removes those of the filter before it sends the request. The last three can only be removed:
/// they replace the timeout, or the response to a timeout (`source/common/router/router.cc`).
pub const CONTROLS: [&HeaderName; 11] = [
    RETRY_ON,
    RETRY_GRPC_ON,
    MAX_RETRIES,
    STATUS_CODES,
    HEADER_NAMES,
    TIMEOUT,
    PER_TRY_TIMEOUT,
    HEDGE,
    EXPECTED_TIMEOUT,
    ALT_RESPONSE,
    STREAM_DURATION,
];

/// The headers with lists, in the order of [`Values::lists`].
const LISTS: [&HeaderName; 4] = [RETRY_ON, RETRY_GRPC_ON, STATUS_CODES, HEADER_NAMES];

/// Values of the headers that a rule sets, for a request that nothing limits further.
#[derive(Clone, Debug)]
pub(crate) struct Values {
    lists: [String; 4],
    timeout: Option<Time>,
    per_try_timeout: Option<Time>,
}

/// A time in nanoseconds, and the value of its header.
#[derive(Clone, Debug)]
struct Time(u64, String);

impl Values {
    /// Returns the values of a rule.
    pub fn new(rule: &Rule) -> Self {
        let codes = rule.retry_on.status_codes.iter().chain(&rule.retriable_status_codes);
        let codes: Vec<_> = codes.map(u16::to_string).collect();
        let names: Vec<_> = rule.retriable_headers.iter().map(HeaderName::as_str).collect();
        let time = |time: Duration| Time(time.as_nanos(), milliseconds(time.as_nanos()));
        Self {
            lists: [
                rule.retry_on.http.join(","),
                rule.retry_on.grpc.join(","),
                codes.join(","),
                names.join(","),
            ],
            timeout: rule.timeout.map(time),
            per_try_timeout: rule.per_try_timeout.map(time),
        }
    }
}

/// The retries of one request by the router.
#[derive(Debug)]
pub(crate) struct Steering<'p> {
    values: &'p Values,
    /// Lists that are shorter than those of the rule.
    lists: Option<[String; 4]>,
    pub retries: u32,
    /// In nanoseconds.
    timeout: Option<u64>,
    /// In nanoseconds.
    per_try_timeout: Option<u64>,
    hedge: bool,
}

impl<'p> Steering<'p> {
    /// Returns what a rule allows, for a request with a deadline in `remaining` nanoseconds.
    pub fn new(rule: &'p PlannedRule, remaining: Option<u64>) -> Self {
        let values = &rule.values;
        let timeout = values.timeout.as_ref().map(|time| time.0);
        Self {
            values,
            lists: None,
            retries: rule.rule.num_retries,
            timeout: timeout.into_iter().chain(remaining).min(),
            per_try_timeout: values.per_try_timeout.as_ref().map(|time| time.0),
            hedge: rule.rule.hedge_on_per_try_timeout,
        }
    }

    /// Reduces it to what a client asks for. Values that are invalid, or exceed what the rule allows, have no
    /// effect.
    pub fn cap(&mut self, headers: Headers<'_>) {
        let mut lists = self.values.lists.clone();
        for (list, name) in lists.iter_mut().zip(LISTS) {
            let asked: Vec<_> = headers.all(name.as_ref()).collect();
            if !asked.is_empty() {
                *list = common(list, &asked);
            }
        }
        if let Some(asked) = least(headers, MAX_RETRIES) {
            self.retries = self.retries.min(u32::try_from(asked).unwrap_or(u32::MAX));
        }
        for (time, name) in [(&mut self.timeout, TIMEOUT), (&mut self.per_try_timeout, PER_TRY_TIMEOUT)] {
            // Without a time of the rule, that of the route applies, which may be shorter. For the router, 0
            // disables the timeout.
            if let (Some(time), Some(asked)) = (time, least(headers, name).filter(|asked| *asked > 0)) {
                *time = (*time).min(asked.saturating_mul(MILLISECOND));
            }
        }
        if headers.all(HEDGE.as_ref()).any(|value| value != b"true") {
            self.hedge = false;
        }
        if let [http, grpc, ..] = &lists
            && http.is_empty()
            && grpc.is_empty()
        {
            self.retries = 0;
        }
        self.lists = Some(lists);
    }

    /// Returns the edits of the headers. The number of retries is first: if a later edit fails, the request
    /// is not sent too often.
    pub fn edits(self) -> Vec<HeaderEdit<'p>> {
        let Self { values, lists, retries, timeout, per_try_timeout, hedge } = self;
        let mut edits = Vec::with_capacity(LISTS.len() + 4);
        edits.push(HeaderEdit::Set(MAX_RETRIES, number_of(retries)));
        if let Some(time) = timeout {
            edits.push(HeaderEdit::Set(TIMEOUT, value(time, values.timeout.as_ref())));
        }
        // Without a retry, an attempt that hedging would keep has the whole time.
        if let Some(time) = per_try_timeout.filter(|_| retries > 0 || !hedge) {
            edits.push(HeaderEdit::Set(PER_TRY_TIMEOUT, value(time, values.per_try_timeout.as_ref())));
        }
        if retries == 0 {
            return edits;
        }
        if hedge {
            edits.push(HeaderEdit::Set(HEDGE, Cow::Borrowed(b"true")));
        }
        let whole = || values.lists.each_ref().map(|list| Cow::Borrowed(list.as_bytes()));
        let lists = lists.map_or_else(whole, |lists| lists.map(|list| Cow::Owned(list.into_bytes())));
        for (name, list) in LISTS.into_iter().zip(lists) {
            if !list.is_empty() {
                edits.push(HeaderEdit::Set(name, list));
            }
        }
        edits
    }
}

/// Appends edits that remove the headers of a client that no other edit replaces. Returns whether it sent
/// any.
pub(crate) fn remove<'p>(edits: &mut Vec<HeaderEdit<'p>>, headers: Headers<'_>) -> bool {
    let mut found = false;
    for name in CONTROLS {
        if headers.has(name.as_ref()) {
            found = true;
            if !edits.iter().any(|edit| edit.name() == name) {
                edits.push(HeaderEdit::Remove(name));
            }
        }
    }
    found
}

fn least(headers: Headers<'_>, name: &HeaderName) -> Option<u64> {
    headers.all(name.as_ref()).filter_map(|value| number(value.trim_ascii())).min()
}

/// Rounds down, because a deadline must not be exceeded. For the router, 0 disables the timeout.
fn milliseconds(nanos: u64) -> String {
    (nanos / MILLISECOND).max(1).to_string()
}

/// Returns the value of a time, which is nearly always that of the rule.
fn value<'p>(time: u64, planned: Option<&'p Time>) -> Cow<'p, [u8]> {
    match planned {
        Some(Time(nanos, text)) if *nanos == time => Cow::Borrowed(text.as_bytes()),
        _ => Cow::Owned(milliseconds(time).into_bytes()),
    }
}

/// Returns the value of a number of retries, which nearly always has one digit.
fn number_of<'p>(retries: u32) -> Cow<'p, [u8]> {
    const DIGITS: [&[u8]; 10] = [b"0", b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"8", b"9"];
    let digit = DIGITS.get(retries as usize).copied();
    digit.map_or_else(|| Cow::Owned(retries.to_string().into_bytes()), Cow::Borrowed)
}
