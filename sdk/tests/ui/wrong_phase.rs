#![allow(unused_imports)]
use tollgate::{Config, Flow, HttpFilter, Response, Result};

#[derive(Config)]
struct Mine {}

#[tollgate::filter]
impl HttpFilter for Mine {
    fn on_request_headers(&self, _: &mut Response<'_, Self>) -> Result {
        Ok(Flow::Continue)
    }
}

fn main() {}
