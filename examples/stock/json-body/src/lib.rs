//! Rejects requests whose body is not a JSON object with the configured members.
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType, LogLevel};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::rc::Rc;

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|_| Box::new(Root::default()));
}}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    members: BTreeMap<String, Type>,
    #[serde(default = "default_max_bytes")]
    max_bytes: usize,
}

fn default_max_bytes() -> usize {
    65536
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Type {
    String,
    Number,
    Boolean,
    Array,
    Object,
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
        Some(Box::new(Stream { config: Rc::clone(&self.config), holds_body: false }))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

struct Stream {
    config: Rc<Config>,
    holds_body: bool,
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _: usize, end_of_stream: bool) -> Action {
        if end_of_stream { self.reject(400, "no_body") } else { Action::Continue }
    }

    fn on_http_request_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        if size > self.config.max_bytes {
            return self.reject(413, "body_too_large");
        }
        self.holds_body = !end_of_stream;
        if end_of_stream { self.check(size) } else { Action::Pause }
    }

    fn on_http_request_trailers(&mut self, _: usize) -> Action {
        // With trailers, no part of the body was the last.
        if self.holds_body { self.check(self.config.max_bytes) } else { Action::Continue }
    }
}

impl Stream {
    fn check(&self, size: usize) -> Action {
        let body = self.get_http_request_body(0, size).unwrap_or_default();
        let Ok(value) = serde_json::from_slice::<Value>(&body) else {
            return self.reject(400, "invalid_json");
        };
        for (name, ty) in &self.config.members {
            if !value.get(name).is_some_and(|member| ty.fits(member)) {
                return self.reject(400, &format!("invalid `{name}`"));
            }
        }
        if value.is_object() { Action::Continue } else { self.reject(400, "not_an_object") }
    }

    fn reject(&self, status: u32, reason: &str) -> Action {
        self.send_http_response(status, Vec::new(), Some(reason.as_bytes()));
        Action::Pause
    }
}

impl Type {
    fn fits(&self, value: &Value) -> bool {
        match self {
            Self::String => value.is_string(),
            Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
            Self::Array => value.is_array(),
            Self::Object => value.is_object(),
        }
    }
}
