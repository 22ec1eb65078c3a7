use tollgate::{Config, Flow, HttpCall, HttpFilter, Request, Result};

#[derive(Config)]
struct Mine {}

#[tollgate::filter]
impl HttpFilter for Mine {
    fn on_request_headers(&self, request: &mut Request<'_, Self>) -> Result {
        let call = HttpCall::new("authz", "GET", "authz.test", "/");
        request.http_call(&call, |_, _, _, _| Ok(Flow::Continue))?;
        Ok(Flow::Pause)
    }
}

fn main() {}
