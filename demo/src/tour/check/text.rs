//! Displays expectations as sentences.

use super::{Expect, Is, Place};
use std::fmt;

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "the status is {status}"),
            Self::Body(part) => write!(f, "the body contains `{part}`"),
            Self::Reached([]) => write!(f, "the request reaches no service"),
            Self::Reached(services) => write!(f, "the request reaches {}", services.join(", then ")),
            Self::Header(place, name, is) => write!(f, "{place}: {name} {is}"),
            Self::Counted(counter, n) => write!(f, "{counter} grows by {n}"),
            Self::Rejected(parts) => {
                write!(f, "Envoy rejects it with one line that contains `{}`", parts.join("`, `"))
            }
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Response => "response",
            Self::At(service) => service,
        })
    }
}

impl fmt::Display for Is {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => write!(f, "is absent"),
            Self::Text(text) => write!(f, "is `{text}`"),
            Self::Containing(part) => write!(f, "contains `{part}`"),
            Self::Number(first, last) => write!(f, "is a number from {first} to {last}"),
            Self::Uuid => write!(f, "is a UUID"),
            Self::Trace => write!(f, "is valid"),
            Self::Continues(..) => write!(f, "has the caller's trace id and a new span id"),
            Self::NotOfTrace(_) => write!(f, "is valid and has a new trace id"),
            Self::SameAt(place) => write!(f, "is the same as {}", of(*place)),
            Self::NextSpanAfter(place) => {
                write!(f, "has the same trace id as {} and another span id", of(*place))
            }
            Self::Timing(metric, least) => write!(f, "reports at least {least} ms for `{metric}`"),
        }
    }
}

fn of(place: Place) -> String {
    match place {
        Place::Response => "in the response".to_owned(),
        Place::At(service) => format!("at {service}"),
    }
}
