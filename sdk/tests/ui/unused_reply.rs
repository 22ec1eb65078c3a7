#![deny(unused_must_use)]
use tollgate::{Config, Flow, GrpcCall, HttpCall, HttpFilter, Reply, Request, Result};

#[derive(Config)]
struct Mine {}

#[tollgate::filter]
impl HttpFilter for Mine {
    fn on_request_headers(&self, request: &mut Request<'_, Self>) -> Result {
        if request.headers.first("authorization")?.is_none() {
            Reply::refuse(401, "no_token");
            (|| Flow::Pause)();
            HttpCall::new("authz", "GET", "authz.test", "/");
            GrpcCall::new("authz", "Authz", "Check", "");
        }
        Ok(Flow::Continue)
    }
}

fn main() {}
