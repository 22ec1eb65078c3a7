//! Location of a document.

use crate::{HeaderName, HttpUri, header_name};

/// Location of a document, which may be known only after other requests.
pub trait Source {
    /// Returns the URL of the document without its query, or another text that identifies it in logs.
    fn place(&self) -> &str;

    /// Returns the first request of an attempt. An error is the reason why there is no document.
    fn begin(&self) -> Result<Step, String>;

    /// Returns the next request, from the body of the response to a [`Step::Locate`].
    fn follow(&self, body: &[u8]) -> Result<Step, String>;
}

/// A step of a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Requests something that [`Source::follow`] needs to locate the document.
    Locate(Target),
    /// Requests the document.
    Document(Target),
}

/// Target of a `GET` request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Cluster of the request.
    pub cluster: String,
    /// Absolute URL.
    pub uri: String,
    /// Headers of the request, besides those of [`Rules::headers`](super::Rules::headers).
    pub headers: Vec<(HeaderName, Vec<u8>)>,
}

impl Target {
    /// Returns a request for JSON.
    pub fn for_json(cluster: &str, uri: &str) -> Self {
        let headers = vec![(header_name!("accept"), b"application/json".to_vec())];
        Self { cluster: cluster.into(), uri: uri.into(), headers }
    }
}

/// A JSON document at a known URL.
impl Source for HttpUri {
    fn place(&self) -> &str {
        // A query may contain a secret.
        self.uri.split_once('?').map_or(&self.uri, |(uri, _)| uri)
    }

    fn begin(&self) -> Result<Step, String> {
        Ok(Step::Document(Target::for_json(&self.cluster, &self.uri)))
    }

    fn follow(&self, _: &[u8]) -> Result<Step, String> {
        Err("the document has no other location".into())
    }
}
