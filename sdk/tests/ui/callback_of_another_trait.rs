#![allow(unused_imports)]
use tollgate::{Config, Flow, Request, Result, TcpFilter};

#[derive(Config)]
struct Mine {}

#[tollgate::filter]
impl TcpFilter for Mine {
    fn on_request_headers(&self, _: &mut Request<'_, Self>) -> Result {
        Ok(Flow::Continue)
    }
}

fn main() {}
