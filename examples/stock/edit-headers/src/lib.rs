//! Sets, adds and removes headers of requests and responses.
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
    #[serde(default)]
    request: Vec<Edit>,
    #[serde(default)]
    response: Vec<Edit>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Edit {
    Set(Field),
    Add(Field),
    Remove(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Field {
    name: String,
    value: String,
}

impl Config {
    fn parse(bytes: &[u8]) -> Result<Self, String> {
        let config: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        for edit in config.request.iter().chain(&config.response) {
            let (name, value) = match edit {
                Edit::Set(field) | Edit::Add(field) => (&field.name, field.value.as_str()),
                Edit::Remove(name) => (name, ""),
            };
            if !is_editable(name) {
                return Err(format!("invalid header name `{name}`"));
            }
            if value.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') {
                return Err(format!("invalid value of `{name}`"));
            }
        }
        Ok(config)
    }
}

/// Whether the name is a token, and not that of a header of the connection.
fn is_editable(name: &str) -> bool {
    let connection = [
        "connection",
        "content-length",
        "host",
        "keep-alive",
        "proxy-connection",
        "transfer-encoding",
        "upgrade",
    ];
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
        && !connection.iter().any(|other| name.eq_ignore_ascii_case(other))
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
        Some(Box::new(Stream { config: Rc::clone(&self.config) }))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

struct Stream {
    config: Rc<Config>,
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        for edit in &self.config.request {
            match edit {
                Edit::Set(field) => self.set_http_request_header(&field.name, Some(&field.value)),
                Edit::Add(field) => self.add_http_request_header(&field.name, &field.value),
                Edit::Remove(name) => self.remove_http_request_header(name),
            }
        }
        Action::Continue
    }

    fn on_http_response_headers(&mut self, _: usize, _: bool) -> Action {
        for edit in &self.config.response {
            match edit {
                Edit::Set(field) => self.set_http_response_header(&field.name, Some(&field.value)),
                Edit::Add(field) => self.add_http_response_header(&field.name, &field.value),
                Edit::Remove(name) => self.remove_http_response_header(name),
            }
        }
        Action::Continue
    }
}
