//! Replaces a text in HTML responses. A response that is compressed or too large passes unchanged.
use tollgate::{Config, Flow, HttpFilter, Response, ResponseBody, Result, Whole};

/// The filter, which is its own configuration.
#[derive(Config)]
pub struct Rewrite {
    /// Text to replace.
    from: String,
    /// Text in its place.
    to: String,
    /// Maximum size of the body in bytes.
    #[config(default = 1048576)]
    max_bytes: usize,
}

#[tollgate::filter]
impl HttpFilter for Rewrite {
    /// Whether the body is rewritten.
    type Stream = bool;

    fn on_response_headers(&self, response: &mut Response<'_, Self>) -> Result {
        let is_html = response.headers.get_all("content-type")?.any(|ty| ty.starts_with(b"text/html"));
        let is_encoded = response.headers.get_all("content-encoding")?.next().is_some();
        *response.stream = is_html && !is_encoded;
        if *response.stream {
            response.headers.body_may_change()?;
        }
        Ok(Flow::Continue)
    }

    fn on_response_body(&self, response: &mut ResponseBody<'_, Self>) -> Result {
        if !*response.stream {
            return Ok(Flow::Continue);
        }
        match response.body.whole(self.max_bytes)? {
            Whole::NotYet => return Ok(Flow::Pause),
            Whole::TooLarge(_) => *response.stream = false,
            Whole::Complete(body) => {
                if let Ok(text) = String::from_utf8(body) {
                    response.body.replace(text.replace(&self.from, &self.to).as_bytes())?;
                }
            }
        }
        Ok(Flow::Continue)
    }
}
