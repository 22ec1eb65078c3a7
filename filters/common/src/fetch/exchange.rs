//! An attempt of a fetch: its requests, and the evaluation of their responses.

use super::{Body, Rules, Source, Step, Target, cache_control};
use crate::{Duration, HeaderName, Url, header_name};
use core::fmt;

/// A `GET` request to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Cluster of the request.
    pub cluster: String,
    /// `:authority`.
    pub authority: String,
    /// `:path`.
    pub path: String,
    /// Other headers.
    pub headers: Vec<(HeaderName, Vec<u8>)>,
    /// Time for the whole response.
    pub timeout: Duration,
    /// Maximum size of the response.
    pub max_bytes: usize,
}

/// A response.
#[derive(Clone, Copy)]
pub struct Response<'r> {
    /// `:status`.
    pub status: u16,
    /// All header fields, with names in lower case.
    pub headers: &'r [(&'r [u8], &'r [u8])],
    /// Body.
    pub body: &'r [u8],
}

impl<'r> Response<'r> {
    fn header(&self, name: &'static str) -> impl Iterator<Item = &'r [u8]> + use<'r> {
        self.headers.iter().filter(move |(n, _)| *n == name.as_bytes()).map(|(_, value)| *value)
    }
}

/// Reason for a failed attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The response was not complete in time.
    Timeout,
    /// No host of the cluster was available.
    Unavailable,
    /// The connection was reset.
    Reset,
    /// The response is larger than `max_bytes`.
    TooLarge,
    /// The status is not 200. Redirects are not followed.
    Status(u16),
    /// The document is invalid, or its location unknown, for this reason.
    Document(String),
    /// A host call failed.
    Host(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout => f.write_str("timeout"),
            Self::Unavailable => f.write_str("no host of the cluster is available"),
            Self::Reset => f.write_str("connection reset"),
            Self::TooLarge => f.write_str("the response is larger than `max_bytes`"),
            Self::Status(status @ 300..=399) => {
                write!(f, "unexpected status `{status}`, expected `200`; redirects are not followed")
            }
            Self::Status(status) => write!(f, "unexpected status `{status}`, expected `200`"),
            Self::Document(why) => f.write_str(why),
            Self::Host(error) => f.write_str(error),
        }
    }
}

/// Next step of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Send this request.
    Ask(Request),
    /// The body of the response is the document.
    Document {
        /// Lifetime.
        life: Duration,
        /// Its URL.
        uri: String,
        /// Its `ETag`; empty for none.
        etag: Vec<u8>,
    },
    /// The document has not changed.
    Unchanged {
        /// Lifetime.
        life: Duration,
    },
    /// The attempt failed.
    Failed(Failure),
}

/// An attempt of a fetch.
#[derive(Clone, Debug)]
pub struct Exchange {
    at: At,
    /// URL and `ETag` of the current document.
    known: Option<(String, Vec<u8>)>,
}

#[derive(Clone, Debug)]
enum At {
    /// Locating the document.
    Location,
    /// Fetching the document from this URL.
    Document(String),
}

/// Maximum size of the response to a [`Step::Locate`]. A typical discovery document has 2 KB.
const MAX_LOCATION: usize = 64 << 10;
/// Default of `User-Agent`, which a request should have (RFC 9110 section 10.1.5). Some firewalls reject
/// requests without it.
const USER_AGENT: &str = concat!("tollgate/", env!("CARGO_PKG_VERSION"));
/// Maximum length of an `ETag`. Longer ones are ignored.
const MAX_ETAG: usize = 256;

impl Exchange {
    /// Begins an attempt. `known` is the current document.
    pub fn begin(rules: &Rules, source: &impl Source, known: Option<&Body>) -> (Self, Next) {
        let known = known.filter(|body| !body.etag.is_empty());
        let known = known.map(|body| (body.uri.clone(), body.etag.clone()));
        let mut exchange = Self { at: At::Location, known };
        let next = exchange.take(rules, source.begin());
        (exchange, next)
    }

    /// Evaluates the response to the request.
    pub fn answered(&mut self, rules: &Rules, source: &impl Source, response: Response<'_>) -> Next {
        let life = || cache_control::life(rules, response.header("cache-control"), response.header("age"));
        match (&self.at, response.status) {
            (At::Location, 200) => self.take(rules, source.follow(response.body)),
            (At::Document(uri), 304) if self.known.as_ref().is_some_and(|(known, _)| known == uri) => {
                Next::Unchanged { life: life() }
            }
            (At::Document(uri), 200) => {
                let etag = response.header("etag").next().filter(|etag| etag.len() <= MAX_ETAG);
                Next::Document { life: life(), uri: uri.clone(), etag: etag.unwrap_or_default().into() }
            }
            (_, status) => Next::Failed(Failure::Status(status)),
        }
    }

    fn take(&mut self, rules: &Rules, step: Result<Step, String>) -> Next {
        let (target, max_bytes) = match step {
            Ok(Step::Locate(target)) => {
                self.at = At::Location;
                (target, MAX_LOCATION)
            }
            Ok(Step::Document(mut target)) => {
                if let Some((_, etag)) = self.known.as_ref().filter(|(known, _)| *known == target.uri) {
                    target.headers.push((header_name!("if-none-match"), etag.clone()));
                }
                self.at = At::Document(target.uri.clone());
                (target, rules.max_bytes)
            }
            Err(why) => return Next::Failed(Failure::Document(why)),
        };
        let Target { cluster, uri, mut headers } = target;
        headers.push((header_name!("user-agent"), USER_AGENT.into()));
        for (name, value) in &rules.headers {
            headers.retain(|(other, _)| other != name);
            headers.push((name.clone(), value.as_bytes().into()));
        }
        match Url::parse(&uri) {
            Ok(url) => Next::Ask(Request {
                cluster,
                authority: url.authority.into(),
                path: url.path().into(),
                headers,
                timeout: rules.timeout,
                max_bytes,
            }),
            Err(what) => Next::Failed(Failure::Document(format!("the URL of the document {what}"))),
        }
    }
}
