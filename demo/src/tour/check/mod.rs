//! What may be expected of a step, and whether it came about.

#[cfg(test)]
mod tests;
mod text;

use super::Outcome;

/// One expectation.
#[derive(Clone, Copy, Debug)]
pub enum Expect {
    /// The client gets this status.
    Status(u16),
    /// The body of what the client gets holds this text.
    Body(&'static str),
    /// These services see a request, in this order, and no other does.
    Reached(&'static [&'static str]),
    /// A header is something at a place.
    Header(Place, &'static str, Is),
    /// A counter of a filter grows by this much.
    Counted(&'static str, u64),
    /// Envoy refuses the configuration in a line that holds all of these.
    Refused(&'static [&'static str]),
}

/// Where a header is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the response that the client gets.
    Response,
    /// In the last request that a service sees.
    At(&'static str),
}

/// What a header must be.
#[derive(Clone, Copy, Debug)]
pub enum Is {
    /// Not there.
    Absent,
    /// Once, and this text.
    Text(&'static str),
    /// Once, and this text is part of it.
    Holding(&'static str),
    /// Once, and a number from the first to the last.
    Number(u64, u64),
    /// A UUID.
    Uuid,
    /// A valid `traceparent`.
    Trace,
    /// A `traceparent` of this trace whose parent is not this span: trace id, span id.
    Continues(&'static str, &'static str),
    /// A `traceparent` of any trace but this.
    NotOfTrace(&'static str),
    /// The same value as the header of that name at another place.
    SameAt(Place),
    /// Of the same trace as at another place, with another span.
    NextSpanAfter(Place),
    /// A `Server-Timing` metric of this name of at least so many milliseconds.
    Timing(&'static str, u64),
}

impl Expect {
    /// What differs, if anything does.
    pub fn judge(&self, outcome: &Outcome) -> Result<(), String> {
        match self {
            Self::Status(status) => {
                let got = outcome.reply.as_ref().map(|reply| reply.status.as_u16());
                hold(got == Some(*status), || {
                    got.map_or("there is none".to_owned(), |got| format!("it is {got}"))
                })
            }
            Self::Body(part) => {
                let body = outcome.reply.as_ref().map(|reply| String::from_utf8_lossy(&reply.body));
                let body = body.unwrap_or_default();
                hold(body.contains(part), || format!("it is `{body}`"))
            }
            Self::Reached(services) => {
                let reached: Vec<_> = outcome.seen.iter().map(|seen| seen.service).collect();
                hold(reached == *services, || match reached.as_slice() {
                    [] => "none saw one".to_owned(),
                    some => format!("it was {}", some.join(", then ")),
                })
            }
            Self::Header(place, name, is) => {
                let values = values(outcome, *place, name);
                hold(is.holds(&values, outcome, name), || match values.as_slice() {
                    [] => "it is absent".to_owned(),
                    some => format!("it is `{}`", some.join("`, `")),
                })
            }
            Self::Counted(counter, n) => {
                let of = |name: &str| name.strip_suffix(counter).is_some_and(|prefix| prefix.ends_with('.'));
                let moved = outcome.moved.iter().filter(|(name, _)| of(name)).map(|(_, by)| by).sum::<u64>();
                hold(moved == *n, || format!("it grew by {moved}"))
            }
            Self::Refused(parts) => match &outcome.refusal {
                None => Err("it was accepted".to_owned()),
                Some(line) => {
                    hold(line.lines().count() == 1 && parts.iter().all(|part| line.contains(part)), || {
                        format!("Envoy says `{line}`")
                    })
                }
            },
        }
    }
}

fn hold(holds: bool, differs: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(differs()) }
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
    fn holds(&self, values: &[String], outcome: &Outcome, name: &str) -> bool {
        let value = match values {
            [] => return matches!(self, Self::Absent),
            [value] => value.as_str(),
            // Of those that are expected anywhere, only this one may be repeated.
            _ => return matches!(self, Self::Timing(..)) && self.holds(&[values.join(",")], outcome, name),
        };
        let trace = traceparent(value);
        match self {
            Self::Absent => false,
            Self::Text(text) => value == *text,
            Self::Holding(part) => value.contains(part),
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

/// Trace id and span id of a valid `traceparent` (W3C Trace Context section 3.2).
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

/// The duration of a metric in milliseconds: `upstream;dur=25` among others.
fn timing(value: &str, metric: &str) -> Option<f64> {
    let mut parts = value.split(',').map(|entry| entry.split(';').map(str::trim));
    let parts = parts.find_map(|mut parts| (parts.next() == Some(metric)).then_some(parts))?;
    parts.into_iter().find_map(|parameter| parameter.strip_prefix("dur="))?.parse().ok()
}
