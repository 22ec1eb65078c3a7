//! Expectations as sentences.

use super::{Expect, Is, Place};
use std::fmt;

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "the status is {status}"),
            Self::Body(part) => write!(f, "the body holds `{part}`"),
            Self::Reached([]) => write!(f, "no service sees the request"),
            Self::Reached(services) => write!(f, "the request reaches {}", services.join(", then ")),
            Self::Header(place, name, is) => write!(f, "{place}: {name} {is}"),
            Self::Counted(counter, n) => write!(f, "{counter} grows by {n}"),
            Self::Refused(parts) => write!(f, "Envoy refuses it in one line with `{}`", parts.join("`, `")),
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
            Self::Holding(part) => write!(f, "holds `{part}`"),
            Self::Number(first, last) => write!(f, "is a number from {first} to {last}"),
            Self::Uuid => write!(f, "is a UUID"),
            Self::Trace => write!(f, "is valid"),
            Self::Continues(..) => write!(f, "has the caller's trace id, and a span id of its own"),
            Self::NotOfTrace(_) => write!(f, "is valid, and of a new trace"),
            Self::SameAt(place) => write!(f, "is the same as {}", of(*place)),
            Self::NextSpanAfter(place) => write!(f, "is of the same trace as {}, another span", of(*place)),
            Self::Timing(metric, least) => write!(f, "says that `{metric}` took {least} ms or more"),
        }
    }
}

fn of(place: Place) -> String {
    match place {
        Place::Response => "in the response".to_owned(),
        Place::At(service) => format!("at {service}"),
    }
}
