//! Expectations of steps.

#[cfg(test)]
mod tests;
mod text;

use super::Outcome;

/// An expectation of a step.
#[derive(Clone, Copy, Debug)]
pub enum Expect {
    /// The client receives this status.
    Status(u16),
    /// The body of the response contains this text.
    Body(&'static str),
    /// Exactly these services receive a request, in this order.
    Reached(&'static [&'static str]),
    /// A header has a property.
    Header(Place, &'static str, Is),
    /// A counter of a filter grows by this much.
    Counted(&'static str, u64),
    /// Envoy rejects the configuration with a log line that contains all of these texts.
    Rejected(&'static [&'static str]),
}

/// The message whose headers are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The response to the client.
    Response,
    /// The last request that a service received.
    At(&'static str),
}

/// A property of a header.
#[derive(Clone, Copy, Debug)]
pub enum Is {
    /// The header is absent.
    Absent,
    /// The header occurs once, with this value.
    Text(&'static str),
    /// The header occurs once, and its value contains this text.
    Containing(&'static str),
    /// The header occurs once, with a number in this inclusive range.
    Number(u64, u64),
    /// The value is a UUID.
    Uuid,
    /// The value is a valid `traceparent`.
    Trace,
    /// The value is a `traceparent` with this trace id and another span id than this one.
    Continues(&'static str, &'static str),
    /// The value is a `traceparent` with another trace id than this one.
    NotOfTrace(&'static str),
    /// The value equals that of the same header in another message.
    SameAt(Place),
    /// The value has the trace id of the same header in another message, with another span id.
    NextSpanAfter(Place),
    /// The value has a `Server-Timing` metric of this name with at least this number of milliseconds.
    Timing(&'static str, u64),
}

impl Expect {
    /// Checks the expectation. An error describes the difference.
    pub fn check(&self, outcome: &Outcome) -> Result<(), String> {
        match self {
            Self::Status(status) => {
                let got = outcome.reply.as_ref().map(|reply| reply.status.as_u16());
                ensure(got == Some(*status), || {
                    got.map_or("there is no response".to_owned(), |got| format!("it is {got}"))
                })
            }
            Self::Body(part) => {
                let body = outcome.reply.as_ref().map(|reply| String::from_utf8_lossy(&reply.body));
                let body = body.unwrap_or_default();
                ensure(body.contains(part), || format!("it is `{body}`"))
            }
            Self::Reached(services) => {
                let reached: Vec<_> = outcome.seen.iter().map(|seen| seen.service).collect();
                ensure(reached == *services, || match reached.as_slice() {
                    [] => "no service received it".to_owned(),
                    some => format!("it was {}", some.join(", then ")),
                })
            }
            Self::Header(place, name, is) => {
                let values = values(outcome, *place, name);
                ensure(is.matches(&values, outcome, name), || match values.as_slice() {
                    [] => "it is absent".to_owned(),
                    some => format!("it is `{}`", some.join("`, `")),
                })
            }
            Self::Counted(counter, n) => {
                let is_end = |prefix: &str| prefix.is_empty() || prefix.ends_with('.');
                let of = |name: &str| name.strip_suffix(counter).is_some_and(is_end);
                let counted =
                    outcome.counted.iter().filter(|(name, _)| of(name)).map(|(_, by)| by).sum::<u64>();
                ensure(counted == *n, || format!("it grew by {counted}"))
            }
            Self::Rejected(parts) => match &outcome.rejection {
                None => Err("it was accepted".to_owned()),
                Some(line) => {
                    ensure(line.lines().count() == 1 && parts.iter().all(|part| line.contains(part)), || {
                        format!("Envoy logged `{line}`")
                    })
                }
            },
        }
    }
}

fn ensure(met: bool, difference: impl FnOnce() -> String) -> Result<(), String> {
    if met { Ok(()) } else { Err(difference()) }
}

fn values(outcome: &Outcome, place: Place, name: &str) -> Vec<String> {
    let headers = match place {
        Place::Response => outcome.reply.as_ref().map(|reply| &reply.headers),
        Place::At(service) => outcome.seen_by(service).map(|seen| &seen.headers),
    };
    headers
        .into_iter()
        .flat_map(|h| h.get_all(name))
        .map(|v| String::from_utf8_lossy(v).into_owned())
        .collect()
}

impl Is {
    fn matches(&self, values: &[String], outcome: &Outcome, name: &str) -> bool {
        let value = match values {
            [] => return matches!(self, Self::Absent),
            [value] => value.as_str(),
            // Only a timing header may be repeated.
            _ => return matches!(self, Self::Timing(..)) && self.matches(&[values.join(",")], outcome, name),
        };
        let trace = traceparent(value);
        match self {
            Self::Absent => false,
            Self::Text(text) => value == *text,
            Self::Containing(part) => value.contains(part),
            Self::Number(first, last) => value.parse().is_ok_and(|n: u64| (*first..=*last).contains(&n)),
            Self::Uuid => is_uuid(value),
            Self::Trace => trace.is_some(),
            Self::Continues(id, span) => trace.is_some_and(|(t, s)| t == *id && s != *span),
            Self::NotOfTrace(id) => trace.is_some_and(|(t, _)| t != *id),
            Self::SameAt(place) => self::values(outcome, *place, name) == values,
            Self::NextSpanAfter(place) => {
                let before = self::values(outcome, *place, name);
                let before = before.first().and_then(|value| traceparent(value));
                matches!((before, trace), (Some((t0, s0)), Some((t1, s1))) if t0 == t1 && s0 != s1)
            }
            Self::Timing(metric, least) => timing(value, metric).is_some_and(|ms| ms >= *least as f64),
        }
    }
}

/// Returns the trace id and the span id of a valid `traceparent` (W3C Trace Context section 3.2).
fn traceparent(value: &str) -> Option<(&str, &str)> {
    let [version, trace, span, flags] = value.split('-').collect::<Vec<_>>().try_into().ok()?;
    let hex =
        |text: &str, length| text.len() == length && text.bytes().all(|b| b"0123456789abcdef".contains(&b));
    let zero = |text: &str| text.bytes().all(|b| b == b'0');
    let valid = version == "00" && hex(trace, 32) && hex(span, 16) && hex(flags, 2);
    (valid && !zero(trace) && !zero(span)).then_some((trace, span))
}

fn is_uuid(value: &str) -> bool {
    let hyphen = |at| matches!(at, 8 | 13 | 18 | 23);
    let fits = |(at, b): (usize, u8)| if hyphen(at) { b == b'-' } else { b.is_ascii_hexdigit() };
    value.len() == 36 && value.bytes().enumerate().all(fits)
}

/// Returns the duration of a metric in milliseconds, such as 25 from `upstream;dur=25`.
fn timing(value: &str, metric: &str) -> Option<f64> {
    let mut parts = value.split(',').map(|entry| entry.split(';').map(str::trim));
    let parts = parts.find_map(|mut parts| (parts.next() == Some(metric)).then_some(parts))?;
    parts.into_iter().find_map(|parameter| parameter.strip_prefix("dur="))?.parse().ok()
}
