#![allow(unused_imports)]
use tollgate::{Config, Flow, HttpFilter, Request, Result};

#[derive(Config)]
struct Mine {}

#[tollgate::filter]
impl HttpFilter for Mine {
    fn on_request_header(&self, _: &mut Request<'_, Self>) -> Result {
        Ok(Flow::Continue)
    }
}

fn main() {}
