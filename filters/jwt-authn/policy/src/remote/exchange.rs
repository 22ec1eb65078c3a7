//! One try of a fetch: its requests, and the evaluation of their responses.

use super::{Body, Rules, cache_control};
use crate::config::Url;
use crate::plan::From;
use core::fmt;
use tollgate_jose::Json;
use tollgate_policy::Duration;

/// A request to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Cluster of the request.
    pub cluster: String,
    /// `:authority`.
    pub authority: String,
    /// `:path`.
    pub path: String,
    /// Value of `if-none-match`; empty for none.
    pub etag: Vec<u8>,
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

/// Reason for a failed try.
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
    /// The issuer's discovery document is invalid, for this reason.
    Discovery(&'static str),
    /// The discovery document is that of another issuer (OpenID Connect Discovery 1.0 section 4.3).
    OtherIssuer,
    /// The document is invalid, for this reason.
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
            Self::Discovery(what) => write!(f, "the issuer's discovery document {what}"),
            Self::OtherIssuer => {
                f.write_str("the `issuer` of the discovery document differs from the provider's")
            }
            Self::Document(why) => f.write_str(why),
            Self::Host(error) => f.write_str(error),
        }
    }
}

/// Next step of a try.
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
    /// The try failed.
    Failed(Failure),
}

/// One try of a fetch.
#[derive(Clone, Debug)]
pub struct Exchange {
    at: At,
    /// URL and `ETag` of the current document.
    known: Option<(String, Vec<u8>)>,
}

#[derive(Clone, Debug)]
enum At {
    /// Fetching the discovery document.
    Discovery,
    /// Fetching the document from this URL.
    Document(String),
}

/// Maximum size of a discovery document. Typical ones have 2 KB.
const MAX_DISCOVERY: usize = 64 << 10;
/// Maximum length of an `ETag`. Longer ones are ignored.
const MAX_ETAG: usize = 256;

impl Exchange {
    /// Begins a try. `known` is the current document.
    pub fn begin(rules: &Rules, known: Option<&Body>) -> (Self, Next) {
        let known = known.filter(|body| !body.etag.is_empty());
        let known = known.map(|body| (body.uri.clone(), body.etag.clone()));
        let mut exchange = Self { at: At::Discovery, known };
        let next = match &rules.from {
            From::Uri(uri) => exchange.ask_for_document(rules, &uri.cluster, uri.uri.clone()),
            From::Discovery { issuer, discovery } => match discovery_path(issuer) {
                Ok((authority, path)) => Next::Ask(Request {
                    cluster: discovery.cluster.clone(),
                    authority,
                    path,
                    etag: Vec::new(),
                    timeout: rules.timeout(),
                    max_bytes: MAX_DISCOVERY,
                }),
                Err(what) => Next::Failed(Failure::Discovery(what)),
            },
        };
        (exchange, next)
    }

    /// Evaluates the response to the request.
    pub fn answered(&mut self, rules: &Rules, response: Response<'_>) -> Next {
        let life = || cache_control::life(rules, response.header("cache-control"), response.header("age"));
        match (&self.at, response.status) {
            (At::Discovery, 200) => self.discovered(rules, response.body),
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

    fn discovered(&mut self, rules: &Rules, body: &[u8]) -> Next {
        let From::Discovery { issuer, discovery } = &rules.from else {
            return Next::Failed(Failure::Discovery("was not requested"));
        };
        let configuration = Json::parse(body);
        let member = |name: &str| configuration.as_ref()?.get(name)?.as_str();
        let (Some(said), Some(jwks_uri)) = (member("issuer"), member("jwks_uri")) else {
            return Next::Failed(Failure::Discovery("is not JSON with an `issuer` and a `jwks_uri`"));
        };
        if said != issuer {
            return Next::Failed(Failure::OtherIssuer);
        }
        let keys = match Url::parse(jwks_uri) {
            Ok(url) => url,
            Err(_) => {
                return Next::Failed(Failure::Discovery("has a `jwks_uri` that is not an absolute URL"));
            }
        };
        if !keys.secure && Url::parse(issuer).is_ok_and(|issuer| issuer.secure) {
            return Next::Failed(Failure::Discovery("has a `jwks_uri` without TLS for an issuer with TLS"));
        }
        let cluster = discovery.cluster_of(&keys).into_owned();
        self.ask_for_document(rules, &cluster, jwks_uri.into())
    }

    fn ask_for_document(&mut self, rules: &Rules, cluster: &str, uri: String) -> Next {
        let (authority, path) = match Url::parse(&uri) {
            Ok(url) => (url.authority.to_owned(), url.path().to_owned()),
            Err(what) => return Next::Failed(Failure::Document(format!("the URL of the document {what}"))),
        };
        let etag = self.known.as_ref().filter(|(known, _)| *known == uri).map(|(_, etag)| etag.clone());
        self.at = At::Document(uri);
        Next::Ask(Request {
            cluster: cluster.into(),
            authority,
            path,
            etag: etag.unwrap_or_default(),
            timeout: rules.timeout(),
            max_bytes: rules.max_bytes,
        })
    }
}

/// Returns the authority and path of an issuer's discovery document. The issuer's own path comes first,
/// without a final slash (OpenID Connect Discovery 1.0 section 4.1).
fn discovery_path(issuer: &str) -> Result<(String, String), &'static str> {
    let url = Url::parse(issuer)?;
    let path = url.path_and_query.strip_suffix('/').unwrap_or(url.path_and_query);
    Ok((url.authority.to_owned(), format!("{path}/.well-known/openid-configuration")))
}
