//! Header maps: which are in reach when, what each call answers, and what becomes of what is written.

mod bytes;
mod edits;
mod forwarding;
mod inline;
mod late;
mod pairs;
mod reach;
mod sizes;
mod trailers;
mod values;

use crate::script::Step;
use crate::{Case, Sheet};
use std::time::Duration;
use tollgate_host_test::{Request, Settings};

/// The sheets.
pub fn sheets() -> Vec<Sheet> {
    vec![
        Sheet::new("header values", [values::cases(), sizes::cases()].concat()),
        Sheet::new("header edits", edits::cases()),
        Sheet::new("headers with one entry", inline::cases()),
        Sheet::new("header pairs", pairs::cases()),
        Sheet::new("odd bytes in headers", bytes::cases()).settings(soon),
        Sheet::new("headers that the proxy needs", forwarding::cases()).settings(soon),
        Sheet::new("late headers", late::cases()),
        Sheet::new("trailers", trailers::cases()),
        Sheet::new("header maps in each phase", reach::cases()),
        Sheet::new("header maps before the headers", reach::before_the_headers()),
    ]
}

/// Some of these requests get no answer: it need not take long.
fn soon(settings: &mut Settings) {
    settings.route_timeout = Duration::from_secs(1);
}

/// A case that acts in `on_request_headers`.
fn request(name: &str, says: &str, steps: impl IntoIterator<Item = Step>) -> Case {
    Case::new(format!("headers/{name}"), says).on("request_headers", steps)
}

/// A case that acts in `on_response_headers`.
fn response(name: &str, says: &str, steps: impl IntoIterator<Item = Step>) -> Case {
    Case::new(format!("headers/{name}"), says).on("response_headers", steps)
}

fn get() -> Request {
    Request::get("/")
}
