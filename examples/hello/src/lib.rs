//! Rejects a request with 403 unless a header has one of the configured values.
use tollgate::{Config, Context, Flow, HttpFilter, Reply, RequestHeaders, Result};

#[derive(Config)]
struct Hello {
    header: String,
    allowed: Vec<String>,
}

#[tollgate::filter]
impl HttpFilter for Hello {
    fn on_request_headers(
        &mut self,
        _: &mut (),
        headers: &mut RequestHeaders<'_>,
        _: &mut Context<'_, Self>,
    ) -> Result {
        let mut values = headers.get_all(&self.header)?;
        let allowed = values.any(|value| self.allowed.iter().any(|a| a.as_bytes() == value));
        Ok(if allowed { Flow::Continue } else { Reply::refuse(403, "not_allowed").into() })
    }
}
