//! Replaces a text in HTML responses. A response that is compressed or too large passes unchanged.
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
    from: String,
    to: String,
    #[serde(default = "default_max_bytes")]
    max_bytes: usize,
}

fn default_max_bytes() -> usize {
    1048576
}

#[derive(Default)]
struct Root {
    config: Rc<Config>,
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _: usize) -> bool {
        let bytes = self.get_plugin_configuration().unwrap_or_default();
        match serde_json::from_slice(&bytes) {
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
        Some(Box::new(Stream { config: Rc::clone(&self.config), rewrites: false, held: 0 }))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

struct Stream {
    config: Rc<Config>,
    rewrites: bool,
    held: usize,
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_response_headers(&mut self, _: usize, _: bool) -> Action {
        let headers = self.get_http_response_headers_bytes();
        let mut types = headers.iter().filter(|(name, _)| name == "content-type");
        let is_html = types.any(|(_, ty)| ty.starts_with(b"text/html"));
        let is_encoded = headers.iter().any(|(name, _)| name == "content-encoding");
        self.rewrites = is_html && !is_encoded;
        if self.rewrites {
            self.remove_http_response_header("content-length");
        }
        Action::Continue
    }

    fn on_http_response_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        if size > self.config.max_bytes {
            self.rewrites = false;
        }
        if !self.rewrites {
            return Action::Continue;
        }
        self.held = size;
        if !end_of_stream {
            return Action::Pause;
        }
        self.rewrite();
        Action::Continue
    }

    fn on_http_response_trailers(&mut self, _: usize) -> Action {
        // With trailers, no part of the body was the last.
        if self.rewrites {
            self.rewrite();
        }
        Action::Continue
    }
}

impl Stream {
    fn rewrite(&mut self) {
        let body = self.get_http_response_body(0, self.held).unwrap_or_default();
        if let Ok(text) = String::from_utf8(body) {
            let text = text.replace(&self.config.from, &self.config.to);
            self.set_http_response_body(0, self.held, text.as_bytes());
        }
        self.rewrites = false;
    }
}
