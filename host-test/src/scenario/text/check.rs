//! Compares an outcome with the expectations of a file. Reports all failures, because one often explains
//! another.

use super::build::level;
use super::expect::{BodyMatch, ExpectEnd, ExpectExchange, ExpectRequest, FieldMatch, LogText, TextMatch};
use super::file::ScenarioFile;
use crate::{ClientView, Exchange, Headers, LogLine, Outcome, Refused, UpstreamRequest};
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

/// Maximum number of bytes of a value that a failure shows.
const SHOWN: usize = 400;

/// Shows bytes as an escaped string, truncated if long.
pub(super) fn cut(bytes: &[u8]) -> String {
    match bytes.get(..SHOWN) {
        Some(start) if bytes.len() > SHOWN => {
            format!("\"{}\"... ({} bytes)", start.escape_ascii(), bytes.len())
        }
        _ => format!("\"{}\"", bytes.escape_ascii()),
    }
}

pub(super) fn check(file: &ScenarioFile, outcome: &Result<Outcome, Refused>) -> Vec<Failure> {
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
    for (i, line) in expect.logs.iter().enumerate() {
        if !logs.iter().any(|seen| matches(line, seen)) {
            checker.fail(format!("expect.logs[{i}]"), Line("a", line), Lines(logs));
        }
    }
    for (i, line) in expect.not_logged.iter().enumerate() {
        if let Some(seen) = logs.iter().find(|seen| matches(line, seen)) {
            checker.fail(format!("expect.not_logged[{i}]"), Line("no", line), cut(seen.text.as_bytes()));
        }
    }
    let Ok(outcome) = outcome else { return checker.0 };
    for (i, (request, exchange)) in file.requests.iter().zip(&outcome.exchanges).enumerate() {
        checker.exchange(&format!("requests[{i}].expect"), &request.expect, exchange);
    }
    let traps = &outcome.traps;
    let expected = expect.traps.len() == traps.len()
        && expect.traps.iter().zip(traps).all(|(name, trap)| name.holds(trap.callback.as_bytes()));
    checker.that(expected, "expect.traps", Each(&expect.traps, "no trap"), Each(traps, "no trap"));
    for (name, expected) in &expect.metrics {
        let at = format!("expect.metrics.{name}");
        match outcome.metrics.get(name) {
            Some(seen) => checker.that(seen == expected, at, expected, seen),
            // The name may be misspelt, also if the expected value is 0.
            None => checker.fail(at, expected, "no such metric"),
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

    fn exchange(&mut self, at: &str, expected: &ExpectExchange, seen: &Exchange) {
        match &seen.client {
            ClientView::Response(response) => {
                if let Some(status) = expected.status {
                    let seen = format!("{} ({})", response.status, seen.details);
                    self.that(response.status == status, format!("{at}.status"), status, seen);
                }
                if let Some(end) = expected.end {
                    self.fail(
                        format!("{at}.end"),
                        End(end),
                        format_args!("a response with status {}", response.status),
                    );
                }
                self.message(at, &expected.headers, &response.headers, "headers");
                self.body(at, expected.body.as_ref(), &response.body());
                self.message(at, &expected.trailers, &response.trailers, "trailers");
            }
            ClientView::Reset => self.no_response(at, expected, ExpectEnd::Reset),
            ClientView::Hang => self.no_response(at, expected, ExpectEnd::Hang),
        }
        self.text(&format!("{at}.details"), expected.details.as_ref(), &seen.details);
        self.text(&format!("{at}.flags"), expected.flags.as_ref(), &seen.flags);
        if let Some(count) = expected.upstream_requests {
            let reached = seen.upstream.len();
            self.that(reached == count, format!("{at}.upstream_requests"), Count(count), Count(reached));
        }
        match (&expected.upstream, seen.upstream.as_slice()) {
            (None, _) => {}
            (Some(expected), [request]) => self.request(&format!("{at}.upstream"), expected, request),
            (Some(_), others) => self.fail(format!("{at}.upstream"), Count(1), Count(others.len())),
        }
    }

    fn no_response(&mut self, at: &str, expected: &ExpectExchange, seen: ExpectEnd) {
        if let Some(status) = expected.status {
            self.fail(format!("{at}.status"), status, End(seen));
        } else if expected.end != Some(seen) {
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
        self.body(at, expected.body.as_ref(), &seen.body);
        self.message(at, &expected.trailers, &seen.trailers, "trailers");
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

struct Count(usize);

impl Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => write!(f, "no request"),
            1 => write!(f, "1 request"),
            n => write!(f, "{n} requests"),
        }
    }
}

struct End(ExpectEnd);

impl Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            ExpectEnd::Reset => "a closed connection",
            ExpectEnd::Hang => "no response within `client_patience`",
        })
    }
}

struct Names<'a>(&'a Headers);

impl Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.0.iter().map(|(name, _)| format!("`{}`", name.escape_ascii())).collect();
        if names.is_empty() { f.write_str("none") } else { f.write_str(&names.join(", ")) }
    }
}

/// A list, or a text if it is empty.
struct Each<'a, T>(&'a [T], &'static str);

impl<T: Display> Display for Each<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let items: Vec<_> = self.0.iter().map(T::to_string).collect();
        f.write_str(if items.is_empty() { self.1.to_owned() } else { items.join(", ") }.trim_end())
    }
}

/// An article and the line that it belongs to.
struct Line<'a>(&'static str, &'a LogText);

impl Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(article, line) = self;
        match line.level {
            Some(level) => write!(f, "{article} line at {level:?}: {}", line.text),
            None => write!(f, "{article} line: {}", line.text),
        }
    }
}

struct Lines<'a>(&'a [LogLine]);

impl Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> =
            self.0.iter().map(|line| format!("{:?}: {}", line.level, cut(line.text.as_bytes()))).collect();
        if lines.is_empty() { f.write_str("an empty log") } else { f.write_str(&lines.join(", ")) }
    }
}
