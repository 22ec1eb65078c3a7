//! Sends a share of the clients to a canary, and each client always to the same version.
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType, LogLevel};
use serde::Deserialize;
use std::rc::Rc;

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|_| Box::new(Root::default()));
}}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    percent: u8,
    #[serde(default = "default_cookie")]
    cookie: String,
}

fn default_cookie() -> String {
    "bucket".into()
}

impl Config {
    fn parse(bytes: &[u8]) -> Result<Self, String> {
        let config: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if config.percent > 100 {
            return Err(format!("percent: `{}` is above 100", config.percent));
        }
        Ok(config)
    }
}

#[derive(Default)]
struct Root {
    config: Rc<Config>,
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _: usize) -> bool {
        let bytes = self.get_plugin_configuration().unwrap_or_default();
        match Config::parse(&bytes) {
            Ok(config) => {
                self.config = Rc::new(config);
                true
            }
            Err(error) => {
                log::error!("configuration rejected: {error}");
                false
            }
        }
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream { config: Rc::clone(&self.config), new_bucket: None }))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

struct Stream {
    config: Rc<Config>,
    /// The bucket of a client that has no valid cookie yet, from 0 to 99.
    new_bucket: Option<u8>,
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        let headers = self.get_http_request_headers_bytes();
        let cookies = headers.iter().filter(|(name, _)| name == "cookie").map(|(_, value)| value);
        let mut cookies = cookies.flat_map(|value| value.split(|byte| *byte == b';'));
        let bucket = match cookies.find_map(|cookie| self.bucket(cookie)) {
            Some(bucket) => bucket,
            None => {
                let mut bytes = [0];
                if getrandom::fill(&mut bytes).is_err() {
                    self.send_http_response(500, Vec::new(), Some(b"no_randomness"));
                    return Action::Pause;
                }
                let [byte] = bytes;
                self.new_bucket = Some(byte % 100);
                byte % 100
            }
        };
        // The routes of the proxy select the version by this header, which clients must not choose.
        let is_canary = if bucket < self.config.percent { "true" } else { "false" };
        self.set_http_request_header("x-canary", Some(is_canary));
        if let Err(status) = self.call_foreign_function("clear_route_cache", None) {
            log::warn!("cannot clear the route cache: {status:?}");
        }
        Action::Continue
    }

    fn on_http_response_headers(&mut self, _: usize, _: bool) -> Action {
        if let Some(bucket) = self.new_bucket {
            let cookie = format!("{}={bucket}; Path=/; HttpOnly", self.config.cookie);
            self.add_http_response_header("set-cookie", &cookie);
        }
        Action::Continue
    }
}

impl Stream {
    /// Reads the bucket of a cookie, if it has one.
    fn bucket(&self, cookie: &[u8]) -> Option<u8> {
        let (name, value) = std::str::from_utf8(cookie).ok()?.split_once('=')?;
        let value = value.trim_ascii();
        let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
        let bucket = value.parse().ok().filter(|bucket| *bucket < 100)?;
        (name.trim_ascii() == self.config.cookie).then_some(bucket)
    }
}
