//! The headers that control the retries of Envoy's router.

use crate::config::{ClientHeaders, common};
use crate::duration::{MILLISECOND, number};
use crate::plan::PlannedRule;
use std::borrow::Cow;
use tollgate_policy::{HeaderEdit, HeaderName, Headers, header_name};

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

/// The retries of one request by the router.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Steering<'p> {
    pub retry_on: Vec<&'p str>,
    pub retry_grpc_on: Vec<&'p str>,
    pub statuses: Vec<&'p str>,
    pub headers: Vec<&'p str>,
    pub retries: u32,
    /// In nanoseconds.
    pub timeout: Option<u64>,
    /// In nanoseconds.
    pub per_try_timeout: Option<u64>,
    pub hedge: bool,
}

impl<'p> Steering<'p> {
    /// Returns what a rule allows, for a request with a deadline in `remaining` nanoseconds.
    pub fn new(rule: &'p PlannedRule, remaining: Option<u64>) -> Self {
        let own = &rule.rule;
        let timeout = own.timeout.map(|time| time.as_nanos());
        Self {
            retry_on: own.retry_on.http.clone(),
            retry_grpc_on: own.retry_on.grpc.clone(),
            statuses: rule.statuses.iter().map(String::as_str).collect(),
            headers: own.retriable_headers.iter().map(HeaderName::as_str).collect(),
            retries: own.num_retries,
            timeout: timeout.into_iter().chain(remaining).min(),
            per_try_timeout: own.per_try_timeout.map(|time| time.as_nanos()),
            hedge: own.hedge_on_per_try_timeout,
        }
    }

    /// Reduces it to what a client asks for. Values that are invalid, or exceed what the rule allows, have no
    /// effect.
    pub fn cap(&mut self, headers: Headers<'_>) {
        for (list, name) in [
            (&mut self.retry_on, RETRY_ON),
            (&mut self.retry_grpc_on, RETRY_GRPC_ON),
            (&mut self.statuses, STATUS_CODES),
            (&mut self.headers, HEADER_NAMES),
        ] {
            let mut asked = headers.all(name.as_ref()).peekable();
            if asked.peek().is_some() {
                let known = common(list, asked);
                list.retain(|value| known.contains(value));
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
        if self.retry_on.is_empty() && self.retry_grpc_on.is_empty() {
            self.retries = 0;
        }
    }

    /// Appends the edits of the headers.
    pub fn edit(&self, edits: &mut Vec<HeaderEdit<'p>>, rule: &'p PlannedRule) {
        edits.push(HeaderEdit::Set(MAX_RETRIES, text(self.retries.into())));
        if let Some(time) = self.timeout {
            edits.push(HeaderEdit::Set(TIMEOUT, milliseconds(time)));
        }
        // Without a retry, an attempt that hedging would keep has the whole time.
        if let Some(time) = self.per_try_timeout.filter(|_| self.retries > 0 || !self.hedge) {
            edits.push(HeaderEdit::Set(PER_TRY_TIMEOUT, milliseconds(time)));
        }
        if self.retries == 0 {
            return;
        }
        if self.hedge {
            edits.push(HeaderEdit::Set(HEDGE, Cow::Borrowed(b"true")));
        }
        let all = &rule.rule.retry_on;
        let known = |whole: &'p str, is_whole: bool, list: &[&str]| match is_whole {
            true => Cow::Borrowed(whole.as_bytes()),
            false => Cow::Owned(list.join(",").into_bytes()),
        };
        let on = known(&rule.retry_on, self.retry_on.len() == all.http.len(), &self.retry_on);
        let grpc =
            known(&rule.retry_grpc_on, self.retry_grpc_on.len() == all.grpc.len(), &self.retry_grpc_on);
        let statuses = Cow::Owned(self.statuses.join(",").into_bytes());
        let headers = Cow::Owned(self.headers.join(",").into_bytes());
        let lists =
            [(RETRY_ON, on), (RETRY_GRPC_ON, grpc), (STATUS_CODES, statuses), (HEADER_NAMES, headers)];
        edits.extend(
            lists.into_iter().filter(|(_, list)| !list.is_empty()).map(|(n, v)| HeaderEdit::Set(n, v)),
        );
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

/// Returns whether a client sent one of the headers. Most requests have none, and one comparison per header
/// is enough to see that.
pub(crate) fn any(headers: Headers<'_>) -> bool {
    headers.0.iter().any(|(name, _)| name.starts_with(b"x-envoy-"))
}

/// Whether the values of a client limit the retries.
pub(crate) fn caps(mode: ClientHeaders, is_any: bool) -> bool {
    mode == ClientHeaders::Cap && is_any
}

fn least(headers: Headers<'_>, name: &HeaderName) -> Option<u64> {
    headers.all(name.as_ref()).filter_map(|value| number(value.trim_ascii())).min()
}

/// Rounds down, because a deadline must not be exceeded. For the router, 0 disables the timeout.
fn milliseconds<'p>(nanos: u64) -> Cow<'p, [u8]> {
    text((nanos / MILLISECOND).max(1))
}

fn text<'p>(number: u64) -> Cow<'p, [u8]> {
    Cow::Owned(number.to_string().into_bytes())
}
