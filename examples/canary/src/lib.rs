//! Sends a share of the clients to a canary, and each client always to the same version.
use tollgate::{Config, Flow, HttpFilter, Request, Response, Result, foreign, random};

/// The filter, which is its own configuration.
#[derive(Config)]
pub struct Canary {
    /// Percentage of the clients that use the canary.
    #[config(range = 0..=100)]
    percent: u8,
    /// Cookie that keeps a client at its version.
    #[config(default = "bucket")]
    cookie: String,
}

#[tollgate::filter]
impl HttpFilter for Canary {
    /// The bucket of a client that has no valid cookie yet, from 0 to 99.
    type Stream = Option<u8>;

    fn on_request_headers(&self, request: &mut Request<'_, Self>) -> Result {
        let known = request.headers.cookie_values(&self.cookie)?.find_map(bucket);
        let bucket = match known {
            Some(bucket) => bucket,
            None => {
                let [byte] = random::bytes()?;
                *request.stream = Some(byte % 100);
                byte % 100
            }
        };
        // The routes of the proxy select the version by this header, which clients must not choose.
        request.headers.set("x-canary", if bucket < self.percent { "true" } else { "false" })?;
        foreign::clear_route_cache()?;
        Ok(Flow::Continue)
    }

    fn on_response_headers(&self, response: &mut Response<'_, Self>) -> Result {
        if let Some(bucket) = response.stream {
            response.headers.add("set-cookie", format!("{}={bucket}; Path=/; HttpOnly", self.cookie))?;
        }
        Ok(Flow::Continue)
    }
}

fn bucket(value: &[u8]) -> Option<u8> {
    std::str::from_utf8(value).ok()?.parse().ok().filter(|bucket| *bucket < 100)
}
