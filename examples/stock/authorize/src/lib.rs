//! Asks an authorization service about each token, and remembers its answers.
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType, LogLevel};
use serde::{Deserialize, Deserializer, de};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|_| Box::new(Root::default()));
}}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    cluster: String,
    #[serde(default = "default_remember", deserialize_with = "duration")]
    remember: Duration,
    #[serde(default = "default_max_answers")]
    max_answers: usize,
}

fn default_remember() -> Duration {
    Duration::from_secs(60)
}

fn default_max_answers() -> usize {
    1000
}

/// Reads a duration such as `1m`.
fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let nanos = match unit {
        "ns" => 1,
        "us" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return Err(de::Error::custom(format!("`{text}` is not a duration"))),
    };
    let nanos = number.parse().ok().and_then(|number: u64| number.checked_mul(nanos));
    nanos.map(Duration::from_nanos).ok_or_else(|| de::Error::custom(format!("`{text}` is not a duration")))
}

/// Answers of the service, by token.
type Answers = HashMap<Vec<u8>, Answer>;

struct Answer {
    user: Vec<u8>,
    until: SystemTime,
}

#[derive(Default)]
struct Root {
    config: Rc<Config>,
    answers: Rc<RefCell<Answers>>,
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
        let (config, answers) = (Rc::clone(&self.config), Rc::clone(&self.answers));
        Some(Box::new(Stream { config, answers, token: Vec::new(), until: SystemTime::UNIX_EPOCH }))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

struct Stream {
    config: Rc<Config>,
    answers: Rc<RefCell<Answers>>,
    token: Vec<u8>,
    /// When the answer is no longer valid.
    until: SystemTime,
}

impl Context for Stream {
    fn on_http_call_response(&mut self, _: u32, headers: usize, size: usize, _: usize) {
        let status = self.get_http_call_response_header(":status").filter(|_| headers > 0);
        let body = self.get_http_call_response_body(0, size).unwrap_or_default();
        // Envoy itself responds when a call fails. Only the body identifies these responses.
        let failures =
            [("503", "upstream connect error"), ("503", "no healthy"), ("504", "upstream request timeout")];
        match status.as_deref() {
            Some("200") => {}
            Some(status)
                if !failures.iter().any(|(s, text)| *s == status && body.starts_with(text.as_bytes())) =>
            {
                return self.reject(403, "denied");
            }
            _ => return self.reject(503, "authz_unavailable"),
        }
        self.set_http_request_header_bytes("x-user", Some(&body));
        let mut answers = self.answers.borrow_mut();
        // Clients choose the tokens, so the number of answers must be bounded.
        if answers.len() >= self.config.max_answers {
            answers.clear();
        }
        answers.insert(std::mem::take(&mut self.token), Answer { user: body, until: self.until });
        self.resume_http_request();
    }
}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        let Some(token) = self.get_http_request_header_bytes("authorization") else {
            self.reject(401, "no_token");
            return Action::Pause;
        };
        let now = self.get_current_time();
        if let Some(answer) = self.answers.borrow().get(&token).filter(|answer| answer.until > now) {
            self.set_http_request_header_bytes("x-user", Some(&answer.user));
            return Action::Continue;
        }
        self.token = token;
        self.until = now + self.config.remember;
        if !self.ask() {
            self.reject(503, "authz_unavailable");
        }
        Action::Pause
    }
}

impl Stream {
    fn ask(&self) -> bool {
        // The stock SDK sends only values that are UTF-8.
        let Ok(token) = std::str::from_utf8(&self.token) else { return false };
        let headers =
            vec![(":method", "GET"), (":path", "/check"), (":authority", "authz"), ("authorization", token)];
        let timeout = Duration::from_secs(5);
        self.dispatch_http_call(&self.config.cluster, headers, None, Vec::new(), timeout).is_ok()
    }

    fn reject(&self, status: u32, reason: &str) {
        self.send_http_response(status, Vec::new(), Some(reason.as_bytes()));
    }
}
