//! Data and responses of the services.

use super::{ORDER, USER};
use crate::http::{Reply, send};
use bytes::Bytes;
use http::StatusCode;
use http_body_util::Full;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;
use tollgate_host_test::{Headers, Request};

/// Headers that a service must forward to continue a trace. A proxy sees an inbound and an outbound request,
/// but not that one caused the other.
const PROPAGATED: [&str; 3] = ["x-request-id", "traceparent", "tracestate"];

/// Time that a report takes, so that there is a delay to measure.
pub const REPORT: Duration = Duration::from_millis(25);

/// Returns the response of a service to a request.
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
        (USER, ["users", "busy"]) => (StatusCode::SERVICE_UNAVAILABLE, json!({"error": "busy"})),
        (USER, ["users", id]) => user(id),
        (ORDER, ["orders", id]) => order(id, headers, proxy).await,
        _ => (StatusCode::NOT_FOUND, json!({"error": format!("{service} has no `{}`", uri.path())})),
    };
    let mut response = http::Response::new(Full::from(body.to_string()));
    *response.status_mut() = status;
    let set = response.headers_mut();
    set.insert("content-type", http::HeaderValue::from_static("application/json"));
    // Frameworks add such a header by default; the tour shows how a filter removes it.
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
        return (StatusCode::SERVICE_UNAVAILABLE, json!({"error": "the proxy has not started yet"}));
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
