#![allow(unused_imports)]
use tollgate::{Config, Flow, HttpFilter, Request, Result};

#[derive(Config)]
struct Mine {}

#[tollgate::filter]
impl HttpFilter for Mine {
    async fn on_request_headers(&self, _: &mut Request<'_, Self>) -> Result {
        Ok(Flow::Continue)
    }
}

fn main() {}
