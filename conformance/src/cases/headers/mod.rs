//! Header maps: when each is accessible, what each call returns, and what happens to written headers.

mod bytes;
mod edits;
mod forwarding;
pub mod inline;
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

/// Returns the sheets.
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

/// Shortens the route timeout, because some of these requests get no response.
fn soon(settings: &mut Settings) {
    settings.route_timeout = Duration::from_secs(1);
}

/// Creates a case that acts in `on_request_headers`.
fn request(name: &str, title: &str, steps: impl IntoIterator<Item = Step>) -> Case {
    Case::new(format!("headers/{name}"), title).on("request_headers", steps)
}

/// Creates a case that acts in `on_response_headers`.
fn response(name: &str, title: &str, steps: impl IntoIterator<Item = Step>) -> Case {
    Case::new(format!("headers/{name}"), title).on("response_headers", steps)
}

fn get() -> Request {
    Request::get("/")
}
