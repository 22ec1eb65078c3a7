//! Facts as the attributes of conditions in CEL.

use super::host::Unavailable;
use super::values::spiffe;
use super::{Facts, Slot, claims};
use crate::{Attribute, Condition, Truth};
use std::borrow::Cow;
use std::rc::Rc;
use tollgate_cel::{Attributes, Timestamp, Value};
use tollgate_policy::{Value as Json, config, elements, uri};

/// Maximum number of evaluations of a condition for one request, each with a budget of its own.
const MOST_VIEWS: usize = 16;

/// The values that a condition sees, where a request has several.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct View {
    /// Index of the reading of the path.
    reading: usize,
    /// Index of the view of the attribute with several values.
    value: usize,
    /// Number of views of this attribute.
    values: usize,
    /// The attribute with several values: the place of the header, or `usize::MAX` for the host.
    several: Option<usize>,
    /// Whether the result is unknown, because no view shows all combinations.
    is_unknown: bool,
}

/// Nanoseconds of a second.
const NANOS: i64 = 1_000_000_000;

impl Facts<'_> {
    /// Evaluates a condition for each reading of the path, and for each value of the headers that it reads.
    /// If the results differ, the condition is unknown, so that no spelling and no added value helps a
    /// client.
    pub(super) fn condition(&self, condition: &Condition) -> Truth {
        let mut result = None;
        let mut views: usize = 0;
        for reading in 0..self.readings.len() {
            let mut value = 0;
            loop {
                views += 1;
                self.view.set(View { reading, value, values: 1, ..View::default() });
                let truth = condition.evaluate(self);
                let view = self.view.get();
                let differs = result.is_some_and(|other| other != truth);
                // A request with more views is an attack.
                if differs || truth == Truth::Unknown || view.is_unknown || views >= MOST_VIEWS {
                    let is_last = value + 1 >= view.values && reading + 1 >= self.readings.len();
                    let is_certain = !differs && truth != Truth::Unknown && !view.is_unknown && is_last;
                    return if is_certain { truth } else { Truth::Unknown };
                }
                result = Some(truth);
                value += 1;
                if value >= view.values {
                    break;
                }
            }
        }
        result.unwrap_or(Truth::Unknown)
    }

    /// Returns one of several values of an attribute, for the current view.
    fn several(&self, attribute: usize, values: &[Cow<'_, [u8]>]) -> Option<Value> {
        let mut view = self.view.get();
        if values.len() > 1 {
            view.is_unknown |= view.several.is_some_and(|other| other != attribute);
            (view.several, view.values) = (Some(attribute), values.len());
            self.view.set(view);
        }
        values.get(view.value).or(values.last()).map(|value| Value::from_bytes(value))
    }

    /// Makes the result of the condition unknown.
    fn is_uncertain(&self) {
        self.view.set(View { is_unknown: true, ..self.view.get() });
    }

    fn value(&self, path: &[&str]) -> Result<Option<Value>, Unavailable> {
        Ok(match path {
            ["request", "path"] => self.reading().map(|reading| match self.request.query() {
                b"" => Value::from_bytes(reading),
                query => Value::from_bytes(&[reading, b"?", query].concat()),
            }),
            ["request", "url_path"] => self.reading().map(Value::from_bytes),
            ["request", "query"] => Some(Value::from_bytes(self.request.query())),
            ["request", "host"] => self.host_name(),
            ["request", "method"] => Some(Value::from_bytes(self.request.method)),
            ["request", "scheme"] => self.request.headers.first(":scheme").map(Value::from_bytes),
            ["request", "referer"] => self.header("referer"),
            ["request", "useragent"] => self.header("user-agent"),
            ["request", "id"] => self.header("x-request-id"),
            ["request", "headers"] => Some(self.headers()),
            ["request", "headers", name] => self.header(name),
            ["request", "auth", "claims", path @ ..] => json_at(self.claims()?, path),
            ["request", "auth", "principal"] => self.first(&Attribute::RequestPrincipal)?,
            ["request", "auth", "presenter"] => self.first(&Attribute::Presenter)?,
            ["request", "auth", "audiences"] => self.all(&Attribute::Audience)?,
            ["request", "time"] => {
                let nanos = self.number("request\0time")?;
                let time = |nanos: i64| {
                    let rest = u32::try_from(nanos.rem_euclid(NANOS)).ok()?;
                    Timestamp::from_unix(nanos.div_euclid(NANOS), rest)
                };
                nanos.and_then(time).map(Value::Timestamp)
            }
            ["request", "size"] => self.number("request\0size")?.map(Value::Int),
            ["roles"] => {
                if !self.roles()?.are_certain() {
                    self.is_uncertain();
                }
                Some(self.all(&Attribute::Role)?.unwrap_or(Value::from_list(Vec::new())))
            }
            ["domain"] => {
                let domains = self.list(&Attribute::Domain)?;
                let is_partial = self.domain().is_some_and(|domain| self.is_partial(domain));
                if is_partial || domains.iter().any(|domain| Some(domain) != domains.first()) {
                    self.is_uncertain();
                }
                self.first(&Attribute::Domain)?
            }
            ["source", "principal"] => self.identity(&Attribute::Principal)?,
            ["source", "namespace"] => self.identity(&Attribute::Namespace)?,
            ["source", "service_account"] => self.identity(&Attribute::ServiceAccount)?,
            ["source", "trust_domain"] => self.identity(&Attribute::TrustDomain)?,
            ["source", "port"] => self.host.number(Slot::SourcePort)?.map(Value::Int),
            ["destination", "port"] => self.host.number(Slot::DestinationPort)?.map(Value::Int),
            ["connection", "mtls"] => Some(Value::Bool(self.host.flag(Slot::MutualTls)?)),
            ["connection", "id"] => self.number("connection\0id")?.map(|id| Value::Uint(id.cast_unsigned())),
            ["xds", "listener_direction"] => self.number("xds\0listener_direction")?.map(Value::Int),
            ["metadata", "filter_metadata", path @ ..] => json_at(self.host.metadata()?, path),
            ["xds", "route_metadata", "filter_metadata", path @ ..] => {
                json_at(self.host.route_metadata()?, path)
            }
            [
                "xds",
                kind @ ("cluster_metadata" | "listener_metadata" | "virtual_host_metadata"),
                "filter_metadata",
                path @ ..,
            ] => match self.property(&["xds\0", kind].concat())? {
                Some(bytes) => json_at(&config::metadata(&bytes).ok_or(Unavailable)?, path),
                None => None,
            },
            ["filter_state", name] => self.host.state(name)?.map(Value::String),
            // All others are texts.
            path => self.property(&path.join("\0"))?.map(|text| Value::String(text.into())),
        })
    }

    fn reading(&self) -> Option<&[u8]> {
        self.readings.get(self.view.get().reading).copied().filter(|reading| !reading.is_empty())
    }

    /// Returns the value of a header. With several values, these are views: first all lines, joined with
    /// commas as in Envoy, and then each value.
    fn header(&self, name: &str) -> Option<Value> {
        let name = name.to_ascii_lowercase();
        let place =
            self.request.headers.0.iter().position(|(other, _)| other.eq_ignore_ascii_case(name.as_bytes()));
        let lines: Vec<_> = self.request.headers.all(name.as_bytes()).collect();
        let mut values = vec![Cow::Owned(lines.join(&b","[..]))];
        for line in &lines {
            values.extend(elements(name.as_bytes(), line).map(Cow::Borrowed));
        }
        // A single value is the line.
        if values.len() == 2 {
            values.truncate(1);
        }
        self.several(place?, &values)
    }

    /// Returns the host, without and with the port that the client sent.
    fn host_name(&self) -> Option<Value> {
        let authority = self.authority();
        let host = uri::host(authority);
        let mut values = vec![Cow::Borrowed(authority)];
        if host.len() < authority.len() {
            values.push(Cow::Borrowed(host));
        }
        self.several(usize::MAX, &values)
    }

    fn headers(&self) -> Value {
        let mut entries: Vec<(Rc<[u8]>, Value)> = Vec::new();
        for (name, _) in self.request.headers.0 {
            let name = name.to_ascii_lowercase();
            if let Some(value) = core::str::from_utf8(&name).ok().and_then(|name| self.header(name)) {
                entries.push((name.into(), value));
            }
        }
        Value::from_entries(entries)
    }

    fn first(&self, attribute: &Attribute) -> Result<Option<Value>, Unavailable> {
        Ok(self.list(attribute)?.first().map(|value| Value::from_bytes(value)))
    }

    fn all(&self, attribute: &Attribute) -> Result<Option<Value>, Unavailable> {
        let mut list = Vec::new();
        for value in self.list(attribute)? {
            list.push(Value::from_bytes(&value));
        }
        Ok((!list.is_empty()).then(|| Value::from_list(list)))
    }

    fn identity(&self, part: &Attribute) -> Result<Option<Value>, Unavailable> {
        let text = spiffe(self.host.text(Slot::UriSan)?, part);
        Ok((!text.is_empty()).then(|| Value::from_bytes(&text)))
    }

    fn number(&self, path: &str) -> Result<Option<i64>, Unavailable> {
        let Some(bytes) = self.property(path)? else { return Ok(None) };
        bytes.try_into().map(|bytes| Some(i64::from_le_bytes(bytes))).map_err(|_| Unavailable)
    }
}

/// Returns a member. Without a token or metadata, the whole is null, which does not count as a value.
fn json_at(json: &Json, path: &[&str]) -> Option<Value> {
    claims::nested(json, path).filter(|json| !path.is_empty() || !json.is_null()).map(Value::from)
}

impl Attributes for Facts<'_> {
    fn get(&self, path: &[&str]) -> Result<Option<Value>, tollgate_cel::Unavailable> {
        self.value(path).map_err(|Unavailable| {
            self.failed.set(true);
            tollgate_cel::Unavailable
        })
    }
}
