//! One try to fetch a document: what is asked, and what an answer is worth.

use super::{Body, Rules, cache_control};
use crate::config::Url;
use crate::plan::From;
use core::fmt;
use tollgate_jose::Json;
use tollgate_policy::Duration;

/// A request that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The cluster that it is sent to.
    pub cluster: String,
    /// `:authority`.
    pub authority: String,
    /// `:path`.
    pub path: String,
    /// `if-none-match`; empty for none.
    pub etag: Vec<u8>,
    /// How long to wait for the whole answer.
    pub timeout: Duration,
    /// The largest answer.
    pub max_bytes: usize,
}

/// An answer.
#[derive(Clone, Copy)]
pub struct Response<'r> {
    /// `:status`.
    pub status: u16,
    /// All header fields, their names in lower case.
    pub headers: &'r [(&'r [u8], &'r [u8])],
    /// The body.
    pub body: &'r [u8],
}

impl<'r> Response<'r> {
    fn header(&self, name: &'static str) -> impl Iterator<Item = &'r [u8]> + use<'r> {
        self.headers.iter().filter(move |(n, _)| *n == name.as_bytes()).map(|(_, value)| *value)
    }
}

/// Why a try has failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No whole answer in time.
    Timeout,
    /// Nobody could be asked.
    Unavailable,
    /// The connection broke.
    Reset,
    /// The answer is larger than was allowed.
    TooLarge,
    /// The answer is not 200; redirects are not followed.
    Status(u16),
    /// The issuer's configuration is not one, for this reason.
    Discovery(&'static str),
    /// The issuer's configuration is another issuer's (OpenID Connect Discovery 1.0 section 4.3).
    OtherIssuer,
    /// The answer is not a document, for this reason.
    Document(String),
    /// The host refused.
    Host(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout => f.write_str("no answer in time"),
            Self::Unavailable => f.write_str("no host of the cluster could be reached"),
            Self::Reset => f.write_str("the connection broke"),
            Self::TooLarge => f.write_str("the answer is larger than `max_bytes`"),
            Self::Status(status @ 300..=399) => {
                write!(f, "the answer is {status}, and redirects are not followed")
            }
            Self::Status(status) => write!(f, "the answer is {status}"),
            Self::Discovery(what) => write!(f, "the issuer's configuration {what}"),
            Self::OtherIssuer => f.write_str("the issuer's configuration names another `issuer`"),
            Self::Document(why) => f.write_str(why),
            Self::Host(error) => f.write_str(error),
        }
    }
}

/// What comes next in a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// This is to be asked too.
    Ask(Request),
    /// The body of the answer is the document.
    Document {
        /// How long it may be used.
        life: Duration,
        /// Where it was.
        uri: String,
        /// Its `ETag`; empty for none.
        etag: Vec<u8>,
    },
    /// The document is as it was.
    Unchanged {
        /// How long it may be used.
        life: Duration,
    },
    /// There is none.
    Failed(Failure),
}

/// One try.
#[derive(Clone, Debug)]
pub struct Exchange {
    at: At,
    /// The URL and `ETag` of the document that is there.
    known: Option<(String, Vec<u8>)>,
}

#[derive(Clone, Debug)]
enum At {
    Discovery,
    /// At this URL.
    Document(String),
}

/// The largest configuration of an issuer. They are some 2 KB.
const MAX_DISCOVERY: usize = 64 << 10;
/// A longer `ETag` is not kept.
const MAX_ETAG: usize = 256;

impl Exchange {
    /// Begins a try, with the document that is there.
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

    /// What the answer to the request is worth.
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
            return Next::Failed(Failure::Discovery("was not asked for"));
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

/// The authority and path of an issuer's configuration: its own path comes first, without a slash at its end (OpenID
/// Connect Discovery 1.0 section 4.1).
fn discovery_path(issuer: &str) -> Result<(String, String), &'static str> {
    let url = Url::parse(issuer)?;
    let path = url.path_and_query.strip_suffix('/').unwrap_or(url.path_and_query);
    Ok((url.authority.to_owned(), format!("{path}/.well-known/openid-configuration")))
}
