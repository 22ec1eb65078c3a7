//! Facts about one request. Each is read when a test first needs it, and then kept.

mod claims;
mod condition;
mod host;
mod roles;
mod values;

pub use claims::ClaimsSource;
pub use host::{Environment, Unavailable};
pub use roles::{Binding, Bindings, Roles};

use crate::expr::{Predicate, Test, Value};
use crate::{Attribute, Expr, Truth};
use core::cell::{Cell, OnceCell};
use host::{Attributes, Slot};
use std::borrow::Cow;
use tollgate_policy::{Many, RequestFacts, Value as Json, elements, percent_decoded, uri};
use values::{bytes, lower_case, segment, some_address, some_number, some_text, spiffe};

/// Sources of facts, from the configuration.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Sources of claims, tried in order.
    pub claims: Vec<ClaimsSource>,
    /// Filter state with the address of the peer. Without it, the peer is unknown if Envoy took the address
    /// of the client from a header.
    pub peer_address: Option<Box<str>>,
    /// Attribute that names the tenant.
    pub domain: Option<Attribute>,
    /// Bindings of roles.
    pub bindings: Bindings,
}

/// Facts about one request.
pub struct Facts<'f> {
    request: &'f RequestFacts<'f>,
    /// Readings of the path; the first one is normalised.
    readings: &'f [&'f [u8]],
    sources: &'f Sources,
    /// The authority in lower case.
    authority: Cow<'f, [u8]>,
    host: Attributes<'f>,
    claims: OnceCell<Json>,
    roles: OnceCell<Roles>,
    /// The values that a condition sees.
    view: Cell<condition::View>,
    /// Whether a test could not be evaluated because the host failed.
    failed: Cell<bool>,
}

/// Visits values until one of them returns `false`.
type Visit<'v> = &'v mut dyn FnMut(Value<'_>) -> bool;

impl<'f> Facts<'f> {
    /// Returns the facts of a request. `readings` are the readings of its path, at least one.
    pub fn new(
        request: &'f RequestFacts<'f>,
        readings: &'f [&'f [u8]],
        sources: &'f Sources,
        environment: &'f dyn Environment,
    ) -> Self {
        let host = Attributes::new(environment);
        let authority = lower_case(request.authority);
        let (claims, roles) = (OnceCell::new(), OnceCell::new());
        Self {
            request,
            readings,
            sources,
            authority,
            host,
            claims,
            roles,
            view: Cell::default(),
            failed: Cell::new(false),
        }
    }

    /// Returns whether the host failed to provide a value that a test needed.
    pub fn failed(&self) -> bool {
        self.failed.get()
    }

    /// Returns the authority of the request in lower case.
    pub fn authority(&self) -> &[u8] {
        &self.authority
    }

    /// Returns the readings of the path.
    pub fn readings(&self) -> &'f [&'f [u8]] {
        self.readings
    }

    /// Returns the first value of an attribute as text, for an explanation.
    pub fn text(&self, attribute: &Attribute) -> Option<Vec<u8>> {
        let mut found = None;
        let visited = self.each(attribute, &mut |value| {
            found = Some(bytes(value));
            false
        });
        visited.ok().and(found)
    }

    /// Evaluates an expression.
    pub fn evaluate(&self, expr: &Expr) -> Truth {
        match expr {
            Expr::All(parts) => Truth::all(parts.iter().map(|part| self.evaluate(part))),
            Expr::Any(parts) => Truth::any(parts.iter().map(|part| self.evaluate(part))),
            Expr::Not(part) => !self.evaluate(part),
            Expr::Test(test) => self.test(test),
            Expr::Condition(condition) => self.condition(condition),
        }
    }

    fn test(&self, test: &Test) -> Truth {
        let result = match &test.predicate {
            Predicate::Typed(typed) => {
                self.json(&test.attribute).map(|json| json.is_some_and(|json| typed.matches(json)).into())
            }
            Predicate::SameAs(other) => self.same(&test.attribute, other, test.many == Some(Many::All)),
            predicate => self.matches(test, predicate),
        };
        result.unwrap_or_else(|Unavailable| {
            self.failed.set(true);
            Truth::Unknown
        })
    }

    fn matches(&self, test: &Test, predicate: &Predicate) -> Result<Truth, Unavailable> {
        if test.attribute == Attribute::PeerAddress && self.is_peer_hidden()? {
            return Ok(Truth::Unknown);
        }
        if test.attribute == Attribute::Role {
            let mut result = false;
            self.roles()?.each(test.many == Some(Many::All), &mut |value| {
                result |= predicate.matches(value);
                !result
            });
            return Ok(result.into());
        }
        let need_all = test.many == Some(Many::All) && test.attribute.is_repeatable();
        if need_all && self.is_partial(&test.attribute) {
            return Ok(Truth::False);
        }
        let (mut found, mut result) = (false, need_all);
        let mut visit = |value: Value<'_>| {
            found = true;
            let matches = predicate.matches(value);
            if matches != need_all {
                result = matches;
            }
            // Stops as soon as the result cannot change.
            matches == need_all
        };
        // The whole lines too, because a matcher may contain the separator of their elements.
        if let Attribute::Header(name) = &test.attribute
            && !need_all
        {
            let mut lines = self.request.headers.all(name.as_ref());
            let _ = lines.all(|line| visit(Value::Text(line)));
        }
        self.each(&test.attribute, &mut visit)?;
        Ok((found && result).into())
    }

    /// Returns whether the address of the peer is unknown. If Envoy took the address of the client from a
    /// header, it has no port, and no attribute has the address of the peer.
    fn is_peer_hidden(&self) -> Result<bool, Unavailable> {
        match self.sources.peer_address.as_deref() {
            // The configuration names a filter state that no filter has set.
            Some(name) => Ok(self.host.state(name)?.is_none()),
            None => Ok(self.host.number(Slot::SourcePort)? == Some(0)),
        }
    }

    /// Returns whether an attribute is a part of the path that only some readings have.
    pub(crate) fn is_partial(&self, attribute: &Attribute) -> bool {
        let has = |reading: &[u8]| match attribute {
            Attribute::PathSegment(index) => segment(reading, *index).is_some(),
            Attribute::GrpcService | Attribute::GrpcMethod => self.grpc(reading).is_some(),
            _ => false,
        };
        let count = self.readings.iter().filter(|reading| has(reading)).count();
        count > 0 && count < self.readings.len()
    }

    /// Compares two attributes. One pair of equal values is enough; if all values must match, each value that
    /// a client can add must have an equal one.
    fn same(&self, left: &Attribute, right: &Attribute, all: bool) -> Result<Truth, Unavailable> {
        let is_peer = |attribute: &Attribute| *attribute == Attribute::PeerAddress;
        if (is_peer(left) || is_peer(right)) && self.is_peer_hidden()? {
            return Ok(Truth::Unknown);
        }
        if all && (self.is_partial(left) || self.is_partial(right)) {
            return Ok(Truth::False);
        }
        let (a, b) = (self.list_of(left, all)?, self.list_of(right, all)?);
        let has = |list: &[Vec<u8>], value: &Vec<u8>| list.contains(value);
        let complete = |list: &[Vec<u8>], other: &[Vec<u8>], attribute: &Attribute| {
            !all || !attribute.is_repeatable() || list.iter().all(|value| has(other, value))
        };
        let pair = a.iter().any(|value| has(&b, value));
        Ok((pair && complete(&a, &b, left) && complete(&b, &a, right)).into())
    }

    fn list_of(&self, attribute: &Attribute, all: bool) -> Result<Vec<Vec<u8>>, Unavailable> {
        if *attribute != Attribute::Role {
            return self.list(attribute);
        }
        let mut list = Vec::new();
        self.roles()?.each(all, &mut |value| {
            list.push(bytes(value));
            true
        });
        Ok(list)
    }

    /// Returns the values of an attribute, as texts.
    pub(crate) fn list(&self, attribute: &Attribute) -> Result<Vec<Vec<u8>>, Unavailable> {
        let mut list = Vec::new();
        self.each(attribute, &mut |value| {
            list.push(bytes(value));
            true
        })?;
        Ok(list)
    }

    /// Visits the values of an attribute.
    pub(crate) fn each(&self, attribute: &Attribute, visit: Visit<'_>) -> Result<(), Unavailable> {
        match attribute {
            Attribute::Method => some_text(self.request.method, visit),
            Attribute::PathAndQuery => {
                some_text(self.request.path, visit);
                let path = self.request.path_only();
                let tail = self.request.path.get(path.len()..).unwrap_or_default();
                let _ = self.readings.iter().all(|reading| {
                    *reading == path || reading.is_empty() || visit(Value::Text(&[reading, tail].concat()))
                });
            }
            Attribute::Path => {
                // A CONNECT request has no path.
                let _ = self.readings.iter().all(|reading| reading.is_empty() || visit(Value::Text(reading)));
            }
            Attribute::PathSegment(index) => {
                let _ = self.readings.iter().all(|reading| {
                    let segment = segment(reading, *index);
                    segment.is_none_or(|segment| visit(Value::Text(&percent_decoded(segment))))
                });
            }
            Attribute::Host => self.hosts(visit),
            Attribute::Scheme => {
                some_text(self.request.headers.first(":scheme").unwrap_or_default(), visit);
            }
            Attribute::QueryParameter(name) => {
                let _ =
                    uri::query_values(self.request.query(), name.as_bytes()).all(|v| visit(Value::Text(&v)));
            }
            Attribute::Header(name) => {
                let mut lines = self.request.headers.all(name.as_ref());
                let _ =
                    lines.all(|line| elements(name.as_ref(), line).all(|value| visit(Value::Text(value))));
            }
            Attribute::GrpcService | Attribute::GrpcMethod => {
                let part =
                    |(service, method)| if *attribute == Attribute::GrpcMethod { method } else { service };
                let _ = self
                    .readings
                    .iter()
                    .filter_map(|reading| self.grpc(reading))
                    .all(|names| visit(Value::Text(part(names))));
            }
            Attribute::PeerAddress => match self.sources.peer_address.as_deref() {
                Some(name) => some_address(self.host.state_address(name)?, visit),
                None => some_address(self.host.address(Slot::SourceAddress)?, visit),
            },
            Attribute::RemoteAddress => some_address(self.host.address(Slot::SourceAddress)?, visit),
            Attribute::DestinationAddress => {
                some_address(self.host.address(Slot::DestinationAddress)?, visit)
            }
            Attribute::SourcePort => some_number(self.host.number(Slot::SourcePort)?, visit),
            Attribute::DestinationPort => some_number(self.host.number(Slot::DestinationPort)?, visit),
            Attribute::TlsVersion => some_text(self.host.text(Slot::TlsVersion)?, visit),
            Attribute::MutualTls => {
                let text: &[u8] = if self.host.flag(Slot::MutualTls)? { b"true" } else { b"false" };
                visit(Value::Text(text));
            }
            Attribute::ServerName => some_text(self.host.text(Slot::ServerName)?, visit),
            Attribute::UriSan => some_text(self.host.text(Slot::UriSan)?, visit),
            Attribute::DnsSan => some_text(self.host.text(Slot::DnsSan)?, visit),
            Attribute::Subject => some_text(self.host.text(Slot::Subject)?, visit),
            Attribute::Principal
            | Attribute::TrustDomain
            | Attribute::Namespace
            | Attribute::ServiceAccount => {
                some_text(&spiffe(self.host.text(Slot::UriSan)?, attribute), visit);
            }
            Attribute::RequestPrincipal => claims::principal(self.claims()?, visit),
            Attribute::Audience => claims::each(self.claims()?, &["aud"], visit),
            Attribute::Presenter => claims::each(self.claims()?, &["azp"], visit),
            Attribute::Claim(path) => {
                let mut names = Vec::new();
                path.iter().for_each(|name| names.push(&**name));
                claims::each(self.claims()?, &names, visit);
            }
            Attribute::Metadata(namespace, path) => {
                claims::member(self.host.metadata()?, namespace, path, visit)
            }
            Attribute::RouteMetadata(namespace, path) => {
                claims::member(self.host.route_metadata()?, namespace, path, visit);
            }
            Attribute::FilterState(name) => {
                if let Some(value) = self.host.state(name)? {
                    visit(Value::Text(&value));
                }
            }
            Attribute::Domain => {
                // `Plan` rejects a domain that depends on roles or on the domain.
                if let Some(domain) = &self.sources.domain {
                    self.each(domain, visit)?;
                }
            }
            Attribute::Role => self.roles()?.each(true, visit),
        }
        Ok(())
    }

    /// Returns the value of an attribute with its type, for metadata and claims.
    fn json(&self, attribute: &Attribute) -> Result<Option<&Json>, Unavailable> {
        let (mut json, path) = match attribute {
            Attribute::Metadata(namespace, path) => (self.host.metadata()?.get(&**namespace), path),
            Attribute::RouteMetadata(namespace, path) => {
                (self.host.route_metadata()?.get(&**namespace), path)
            }
            Attribute::Claim(path) => (Some(self.claims()?), path),
            _ => return Ok(None),
        };
        for name in path {
            json = json.and_then(|json| json.get(&**name));
        }
        Ok(json)
    }

    /// Visits the host without its port, and with it if the client sent one.
    fn hosts(&self, visit: Visit<'_>) {
        let authority = &*self.authority;
        let host = uri::host(authority);
        if !host.is_empty() && visit(Value::Text(host)) && host.len() < authority.len() {
            visit(Value::Text(authority));
        }
    }

    /// Returns the service and the method of a gRPC request with this path.
    fn grpc<'r>(&self, reading: &'r [u8]) -> Option<(&'r [u8], &'r [u8])> {
        let content_type = self.request.headers.first("content-type")?;
        let start = content_type.get(..b"application/grpc".len())?;
        start.eq_ignore_ascii_case(b"application/grpc").then_some(())?;
        let path = reading.strip_prefix(b"/")?;
        let slash = path.iter().rposition(|byte| *byte == b'/')?;
        let (service, method) = path.split_at_checked(slash)?;
        Some((service, method.strip_prefix(b"/")?))
    }

    /// Returns the claims of the verified token; `Null` without a token.
    pub(crate) fn claims(&self) -> Result<&Json, Unavailable> {
        if let Some(claims) = self.claims.get() {
            return Ok(claims);
        }
        let claims = claims::read(&self.sources.claims, &self.host)?;
        Ok(self.claims.get_or_init(|| claims))
    }

    pub(crate) fn roles(&self) -> Result<&Roles, Unavailable> {
        if let Some(roles) = self.roles.get() {
            return Ok(roles);
        }
        let roles = self.sources.bindings.roles(self)?;
        Ok(self.roles.get_or_init(|| roles))
    }

    /// Returns the request.
    pub(crate) fn request(&self) -> &'f RequestFacts<'f> {
        self.request
    }

    /// Returns the attribute that names the tenant.
    pub(crate) fn domain(&self) -> Option<&'f Attribute> {
        self.sources.domain.as_ref()
    }

    pub(crate) fn environment(&self) -> &'f dyn Environment {
        self.host.environment()
    }

    /// Returns an attribute of the host at a path.
    pub(crate) fn property(&self, path: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        self.host.property(path)
    }
}
