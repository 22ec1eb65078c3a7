//! Rejects a request with 403 unless a header has one of the configured values.
use tollgate::{Config, Flow, HeaderName, HttpFilter, Reply, Request, Result};

/// The filter, which is its own configuration.
#[derive(Config)]
pub struct Hello {
    header: HeaderName,
    allowed: Vec<String>,
}

#[tollgate::filter]
impl HttpFilter for Hello {
    fn on_request_headers(&self, request: &mut Request<'_, Self>) -> Result {
        let mut values = request.headers.get_all(self.header.as_str())?;
        let allowed = values.any(|value| self.allowed.iter().any(|a| a.as_bytes() == value));
        Ok(if allowed { Flow::Continue } else { Reply::refuse(403, "not_allowed").into() })
    }
}
