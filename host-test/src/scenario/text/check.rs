//! Compares an outcome with the expectations of a file. Reports all failures, because one often explains
//! another.

use super::build::level;
use super::each::OneOrEach;
use super::expect::{Expect, ExpectEnd, ExpectExchange, ExpectHistogram, ExpectRequest, LogText};
use super::file::{RequestText, ScenarioFile};
use super::matchers::{BodyMatch, FieldMatch, TextMatch};
use super::number::NumberMatch;
use super::shown::{Count, Each, End, Line, Lines, Names, Number, cut};
use super::tcp::{EndText, ExpectConnection};
use crate::{
    Bucket, ClientView, ConnectionExchange, Exchange, Headers, Histogram, Host, LogLine, Outcome, Received,
    Refused, UpstreamRequest,
};
use std::collections::BTreeMap;
use std::fmt::{self, Display};

/// An expectation that was not met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Path of the expectation, such as `requests[0].expect.status`.
    pub at: String,
    /// The expected value.
    pub expected: String,
    /// The actual value.
    pub seen: String,
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, saw {}", self.at, self.expected, self.seen)
    }
}

pub(super) fn check(file: &ScenarioFile, host: Host, outcome: &Result<Outcome, Refused>) -> Vec<Failure> {
    let mut checker = Checker::default();
    let expect = &file.expect;
    let logs = match outcome {
        Ok(outcome) => &outcome.logs,
        Err(refused) => &refused.logs,
    };
    match outcome {
        Err(refused) if !expect.refused => {
            checker.fail(
                "expect.refused",
                "a proxy that starts",
                format_args!("an error: {}", refused.reason),
            );
            return checker.0;
        }
        Ok(_) if expect.refused => {
            checker.fail("expect.refused", "a proxy that rejects the filters", "one that started")
        }
        _ => {}
    }
    checker.logs(expect, logs);
    let Ok(outcome) = outcome else { return checker.0 };
    for (i, (request, exchange)) in file.requests.iter().zip(&outcome.exchanges).enumerate() {
        checker.exchange(&format!("requests[{i}].expect"), request, exchange);
    }
    for (i, (connection, seen)) in file.connections.iter().zip(&outcome.connections).enumerate() {
        checker.connection(&format!("connections[{i}].expect"), &connection.expect, seen);
    }
    let traps = &outcome.traps;
    let expected = expect.traps.len() == traps.len()
        && expect.traps.iter().zip(traps).all(|(name, trap)| name.holds(trap.callback.as_bytes()));
    checker.that(expected, "expect.traps", Each(&expect.traps, "no trap"), Each(traps, "no trap"));
    for (name, expected) in &expect.metrics {
        let at = format!("expect.metrics.{name}");
        match outcome.metrics.get(name) {
            Some(seen) => checker.that(expected.holds(*seen), at, expected, seen),
            // The name may be misspelt, also if the expected value is 0.
            None => checker.fail(at, expected, "no such metric"),
        }
    }
    for (name, expected) in &expect.histograms {
        let at = format!("expect.histograms.{name}");
        match outcome.histograms.get(name) {
            Some(seen) => checker.histogram(&at, expected, seen),
            None => checker.fail(at, "a histogram", "no such histogram"),
        }
    }
    if host == Host::Emulator {
        for (name, expected) in &expect.host_calls {
            let seen = outcome.host_calls.get(name).copied().unwrap_or_default();
            checker.that(expected.holds(seen), format!("expect.host_calls.{name}"), expected, seen);
        }
        for (name, expected) in &expect.instructions {
            let at = format!("expect.instructions.{name}");
            match outcome.instructions.get(name) {
                Some(seen) => checker.that(expected.holds(seen.most), at, expected, seen.most),
                None => checker.fail(at, expected, "no call of this callback"),
            }
        }
    }
    for (name, expected) in &expect.callouts {
        let none = Vec::new();
        let seen = outcome.callouts.get(name).unwrap_or(&none);
        let at = format!("expect.callouts.{name}");
        checker.that(seen.len() == expected.len(), &at, Count(expected.len()), Count(seen.len()));
        for (i, (expected, seen)) in expected.iter().zip(seen).enumerate() {
            checker.request(&format!("{at}[{i}]"), expected, seen);
        }
    }
    checker.0
}

fn matches(expected: &LogText, seen: &LogLine) -> bool {
    expected.level.is_none_or(|l| level(l) == seen.level) && expected.text.holds(seen.text.as_bytes())
}

#[derive(Default)]
struct Checker(Vec<Failure>);

impl Checker {
    fn fail(&mut self, at: impl Display, expected: impl Display, seen: impl Display) {
        self.0.push(Failure { at: at.to_string(), expected: expected.to_string(), seen: seen.to_string() });
    }

    fn that(&mut self, holds: bool, at: impl Display, expected: impl Display, seen: impl Display) {
        if !holds {
            self.fail(at, expected, seen);
        }
    }

    fn logs(&mut self, expect: &Expect, logs: &[LogLine]) {
        for (i, line) in expect.logs.iter().enumerate() {
            let count = logs.iter().filter(|seen| matches(line, seen)).count() as u64;
            let expected = line.count.unwrap_or(NumberMatch::at_least(1));
            if !expected.holds(count) && line.count.is_none() {
                self.fail(format!("expect.logs[{i}]"), Line("a", line), Lines(logs));
            } else if !expected.holds(count) {
                self.fail(format!("expect.logs[{i}].count"), Number(&expected, "line"), count);
            }
        }
        let mut rest = logs.iter();
        if let Some(i) = expect.log_order.iter().position(|line| !rest.any(|seen| matches(line, seen))) {
            let line = &expect.log_order[i];
            let after = if i == 0 { "a" } else { "then a" };
            self.fail(format!("expect.log_order[{i}]"), Line(after, line), Lines(logs));
        }
        for (i, line) in expect.not_logged.iter().enumerate() {
            if let Some(seen) = logs.iter().find(|seen| matches(line, seen)) {
                self.fail(format!("expect.not_logged[{i}]"), Line("no", line), cut(seen.text.as_bytes()));
            }
        }
    }

    fn histogram(&mut self, at: &str, expected: &ExpectHistogram, seen: &Histogram) {
        if let Some(count) = &expected.count {
            self.that(count.holds(seen.count()), format!("{at}.count"), count, seen.count());
        }
        if let Some(sum) = &expected.sum {
            let (lower, upper) = seen.sum();
            self.that(sum.holds_in(lower, upper), format!("{at}.sum"), sum, Range(lower, upper));
        }
        for (name, part, expected) in [
            ("min", 0.0, &expected.min),
            ("p50", 0.5, &expected.p50),
            ("p90", 0.9, &expected.p90),
            ("p95", 0.95, &expected.p95),
            ("p99", 0.99, &expected.p99),
            ("max", 1.0, &expected.max),
        ] {
            let Some(expected) = expected else { continue };
            match seen.quantile(part) {
                Some(Bucket { lower, width, .. }) => {
                    let upper = lower + width;
                    self.that(
                        expected.holds_in(lower, upper),
                        format!("{at}.{name}"),
                        expected,
                        Range(lower, upper),
                    );
                }
                None => self.fail(format!("{at}.{name}"), expected, "no value"),
            }
        }
    }

    fn connection(&mut self, at: &str, expected: &ExpectConnection, seen: &ConnectionExchange) {
        self.received(at, ("received", &expected.received), ("end", expected.end), &seen.client);
        if let Some(count) = &expected.upstream_connections {
            let opened = seen.upstream.len();
            let at = format!("{at}.upstream_connections");
            self.that(count.holds(opened as u64), at, Number(count, "connection"), opened);
        }
        let (received, end) = (&expected.upstream_received, expected.upstream_end);
        match seen.upstream.as_slice() {
            _ if received.is_none() && end.is_none() => {}
            [one] => self.received(at, ("upstream_received", received), ("upstream_end", end), one),
            others => {
                let seen = format_args!("{} connections", others.len());
                self.fail(format!("{at}.upstream_received"), "1 connection to the upstream", seen);
            }
        }
        self.text(&format!("{at}.flags"), expected.flags.as_ref(), &seen.flags);
    }

    fn received(
        &mut self,
        at: &str,
        (bytes, expected): (&str, &Option<BodyMatch>),
        (ended, end): (&str, Option<EndText>),
        seen: &Received,
    ) {
        if let Some(expected) = expected {
            self.that(expected.holds(&seen.bytes), format!("{at}.{bytes}"), expected, cut(&seen.bytes));
        }
        if let Some(end) = end {
            let seen = EndText::of(seen.end);
            self.that(seen == end, format!("{at}.{ended}"), end.name(), seen.name());
        }
    }

    fn exchange(&mut self, at: &str, request: &RequestText, seen: &Exchange) {
        let expected = &request.expect;
        match &seen.client {
            ClientView::Response(response) => {
                if let Some(status) = &expected.status {
                    let seen = format!("{} ({})", response.status, seen.details);
                    self.that(status.holds(response.status.into()), format!("{at}.status"), status, seen);
                }
                if let Some(end) = expected.end {
                    self.fail(
                        format!("{at}.end"),
                        End(end),
                        format_args!("a response with status {}", response.status),
                    );
                }
                self.message(at, &expected.headers, &response.headers, "headers");
                self.order(at, &expected.header_order, &response.headers);
                self.body(at, expected.body.as_ref(), &response.body());
                self.message(at, &expected.trailers, &response.trailers, "trailers");
            }
            ClientView::Reset => {
                let disconnects = request.disconnect_after.is_some();
                self.no_response(at, expected, ExpectEnd::Reset, disconnects);
            }
            ClientView::Hang => self.no_response(at, expected, ExpectEnd::Hang, false),
        }
        self.text(&format!("{at}.details"), expected.details.as_ref(), &seen.details);
        self.text(&format!("{at}.flags"), expected.flags.as_ref(), &seen.flags);
        if let Some(count) = &expected.upstream_requests {
            let (reached, at) = (seen.upstream.len(), format!("{at}.upstream_requests"));
            self.that(count.holds(reached as u64), at, Number(count, "request"), Count(reached));
        }
        if let Some(upstream) = &expected.upstream {
            let at = format!("{at}.upstream");
            match (upstream, seen.upstream.as_slice()) {
                (OneOrEach::One(expected), [request]) => self.request(&at, expected, request),
                (OneOrEach::Each(each), seen) => {
                    self.that(each.len() == seen.len(), &at, Count(each.len()), Count(seen.len()));
                    for (i, (expected, request)) in each.iter().zip(seen).enumerate() {
                        self.request(&format!("{at}[{i}]"), expected, request);
                    }
                }
                (OneOrEach::One(_), others) => self.fail(at, Count(1), Count(others.len())),
            }
        }
    }

    /// `default` tells whether this end is expected if none is given.
    fn no_response(&mut self, at: &str, expected: &ExpectExchange, seen: ExpectEnd, default: bool) {
        if let Some(status) = &expected.status {
            self.fail(format!("{at}.status"), status, End(seen));
        } else if expected.end != Some(seen) && (expected.end.is_some() || !default) {
            let wanted = expected.end.map_or("a response".to_owned(), |end| End(end).to_string());
            self.fail(format!("{at}.end"), wanted, End(seen));
        }
    }

    fn request(&mut self, at: &str, expected: &ExpectRequest, seen: &UpstreamRequest) {
        self.text(&format!("{at}.cluster"), expected.cluster.as_ref(), &seen.cluster);
        self.text(&format!("{at}.method"), expected.method.as_ref(), &seen.method);
        self.text(&format!("{at}.path"), expected.path.as_ref(), &seen.path);
        self.text(&format!("{at}.authority"), expected.authority.as_ref(), &seen.authority);
        self.message(at, &expected.headers, &seen.headers, "headers");
        self.order(at, &expected.header_order, &seen.headers);
        self.body(at, expected.body.as_ref(), &seen.body);
        self.message(at, &expected.trailers, &seen.trailers, "trailers");
        if let Some(ended) = expected.ended {
            let show = |ended| if ended { "a whole request" } else { "a part of a request" };
            self.that(seen.ended == ended, format!("{at}.ended"), show(ended), show(seen.ended));
        }
    }

    fn text(&mut self, at: &str, expected: Option<&TextMatch>, seen: &str) {
        if let Some(expected) = expected {
            self.that(expected.holds(seen.as_bytes()), at, expected, cut(seen.as_bytes()));
        }
    }

    fn body(&mut self, at: &str, expected: Option<&BodyMatch>, seen: &[u8]) {
        if let Some(expected) = expected {
            self.that(expected.holds(seen), format!("{at}.body"), expected, cut(seen));
        }
    }

    /// Checks the order of some fields.
    fn order(&mut self, at: &str, expected: &[String], seen: &Headers) {
        let mut rest = seen.0.iter();
        let found = |name: &String| rest.any(|(n, _)| n.eq_ignore_ascii_case(name.as_bytes()));
        if !expected.iter().all(found) {
            self.fail(format!("{at}.header_order"), Each(expected, ""), Names(seen));
        }
    }

    fn message(&mut self, at: &str, expected: &BTreeMap<String, FieldMatch>, seen: &Headers, part: &str) {
        for (name, expected) in expected {
            let values: Vec<_> = seen.get_all(name).collect();
            let holds = match (expected, values.as_slice()) {
                (FieldMatch::Absent, values) => values.is_empty(),
                (FieldMatch::One(text), values) => matches!(values, [value] if text.holds(value)),
                (FieldMatch::Each(texts), values) => {
                    texts.len() == values.len()
                        && texts.iter().zip(values).all(|(text, value)| text.holds(value))
                }
            };
            let shown: Vec<_> = values.iter().map(|value| cut(value)).collect();
            let shown = match shown.as_slice() {
                [] => format!("no such field (fields: {})", Names(seen)),
                [one] => one.clone(),
                several => format!("[{}]", several.join(", ")),
            };
            self.that(holds, format!("{at}.{part}.{name}"), expected, shown);
        }
    }
}

/// A number, or the bucket that contains it.
struct Range(f64, f64);

impl Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(lower, upper) = self;
        if lower == upper { write!(f, "{lower}") } else { write!(f, "{lower} to {upper}") }
    }
}
