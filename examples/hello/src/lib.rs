//! Rejects a request with 403 unless a header has one of the configured values.
use serde::Deserialize;
use tollgate::{ConfigError, Context, Flow, HttpFilter, Reply, RequestHeaders, Result};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    header: String,
    allowed: Vec<String>,
}

struct Hello(Config);

#[tollgate::filter]
impl HttpFilter for Hello {
    type Config = Config;
    type Stream = ();

    fn new(config: Config, _: &mut Context<'_, Self>) -> std::result::Result<Self, ConfigError> {
        Ok(Self(config))
    }

    fn on_request_headers(
        &mut self,
        _: &mut (),
        headers: &mut RequestHeaders<'_>,
        _: &mut Context<'_, Self>,
    ) -> Result<Flow> {
        let mut values = headers.get_all(&self.0.header)?;
        let allowed = values.any(|value| self.0.allowed.iter().any(|a| a.as_bytes() == value));
        Ok(if allowed { Flow::Continue } else { Reply::refuse(403, "not_allowed").into() })
    }
}
