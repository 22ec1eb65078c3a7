//! What the services know and answer.

use super::{ORDER, USER};
use crate::http::{Reply, send};
use bytes::Bytes;
use http::StatusCode;
use http_body_util::Full;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;
use tollgate_host_test::{Headers, Request};

/// What a service must pass on for a trace to hold together: a proxy sees that a request came in and that one went out,
/// and not that one was the cause of the other.
const PROPAGATED: [&str; 3] = ["x-request-id", "traceparent", "tracestate"];

/// A report takes this long, to have something to measure.
pub const REPORT: Duration = Duration::from_millis(25);

/// The answer of a service to a request for this path.
pub async fn answer(
    service: &str,
    uri: &http::Uri,
    headers: &Headers,
    proxy: Option<SocketAddr>,
) -> http::Response<Full<Bytes>> {
    let path: Vec<&str> = uri.path().split('/').filter(|part| !part.is_empty()).collect();
    let (status, body) = match (service, path.as_slice()) {
        (USER, ["users"]) => (StatusCode::OK, json!(USERS.map(|(id, name)| json!({"id": id, "name": name})))),
        (USER, ["users", "report"]) => {
            tokio::time::sleep(REPORT).await;
            (StatusCode::OK, json!({"users": USERS.len()}))
        }
        (USER, ["users", id]) => user(id),
        (ORDER, ["orders", id]) => order(id, headers, proxy).await,
        _ => (StatusCode::NOT_FOUND, json!({"error": format!("{service} has no `{}`", uri.path())})),
    };
    let mut response = http::Response::new(Full::from(body.to_string()));
    *response.status_mut() = status;
    let set = response.headers_mut();
    set.insert("content-type", http::HeaderValue::from_static("application/json"));
    // What a framework would tell the world if nobody stopped it.
    set.insert("x-powered-by", http::HeaderValue::from_static("tollgate-demo"));
    response
}

const USERS: [(&str, &str); 3] = [("1", "Ada"), ("2", "Grace"), ("3", "Barbara")];

fn user(id: &str) -> (StatusCode, Value) {
    match USERS.iter().find(|(known, _)| *known == id) {
        Some((id, name)) => (StatusCode::OK, json!({"id": id, "name": name})),
        None => (StatusCode::NOT_FOUND, json!({"error": format!("no user `{id}`")})),
    }
}

async fn order(id: &str, headers: &Headers, proxy: Option<SocketAddr>) -> (StatusCode, Value) {
    let Some(proxy) = proxy else {
        return (StatusCode::SERVICE_UNAVAILABLE, json!({"error": "the proxy is not up yet"}));
    };
    let mut request = Request::get("/users/1").authority("shop.example").header("user-agent", ORDER);
    for name in PROPAGATED {
        for value in headers.get_all(name) {
            request = request.header(name, value);
        }
    }
    match send(proxy, &request).await {
        Ok(Reply { status: StatusCode::OK, body, .. }) => {
            let user: Value = serde_json::from_slice(&body).unwrap_or_default();
            (StatusCode::OK, json!({"id": id, "item": "tea", "user": user}))
        }
        Ok(reply) => bad_gateway(&format!("{USER} answered {}", reply.status)),
        Err(error) => bad_gateway(&format!("{error:#}")),
    }
}

fn bad_gateway(why: &str) -> (StatusCode, Value) {
    (StatusCode::BAD_GATEWAY, json!({"error": why}))
}
