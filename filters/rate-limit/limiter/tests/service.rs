//! Answers of the limiter over gRPC, called as Envoy does.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test ends by it, and what is tested takes real time"
)]

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};
use tollgate_limiter::{Behaviour, Limit, Limiter, Redis, Storage};
use tollgate_rate_limit_service::{Code, Descriptor, Entry, METHOD, Request, Response, SERVICE};

fn request(client: &str, hits: u32) -> Request {
    let entry = Entry { key: "client".into(), value: client.into() };
    let descriptors = vec![Descriptor { entries: vec![entry], hits_addend: None }];
    Request { domain: "shop".into(), descriptors, hits_addend: hits }
}

#[derive(Debug, PartialEq)]
enum Answer {
    Message(Vec<u8>),
    Status(u32),
    Nothing,
}

/// Asks on a connection of its own.
fn ask(limiter: &Limiter, request: &Request) -> Answer {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { call(limiter.port(), request).await.unwrap_or(Answer::Nothing) })
}

async fn call(port: u16, request: &Request) -> Option<Answer> {
    let stream = tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.ok()?;
    let (mut client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.ok()?;
    tokio::spawn(connection);
    let message = request.write();
    let mut frame = vec![0];
    frame.extend((message.len() as u32).to_be_bytes());
    frame.extend(message);
    let request = http::Request::post(format!("http://limiter/{SERVICE}/{METHOD}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Full::new(Bytes::from(frame)))
        .unwrap();
    let response = client.send_request(request).await.ok()?;
    assert_eq!(response.status(), 200);
    let number = |status: &http::HeaderValue| status.to_str().unwrap().parse().unwrap();
    if let Some(status) = response.headers().get("grpc-status") {
        return Some(Answer::Status(number(status)));
    }
    let body = response.into_body().collect().await.ok()?;
    assert_eq!(number(&body.trailers().unwrap()["grpc-status"]), 0);
    Some(Answer::Message(body.to_bytes()[5..].to_vec()))
}

#[track_caller]
fn code(limiter: &Limiter, request: &Request) -> Code {
    let Answer::Message(message) = ask(limiter, request) else { panic!("no message") };
    Code::try_from(Response::read(&message).unwrap().overall_code).unwrap()
}

fn limits() -> [Limit; 1] {
    [Limit::new("shop", 10, 3600, &["client"])]
}

#[test]
fn counts_by_key_and_ignores_rejected_requests() {
    let redis = Redis::start();
    for storage in [Storage::Memory, Storage::Redis(&redis)] {
        let limiter = Limiter::start(&limits(), storage);
        assert_eq!(code(&limiter, &request("a", 8)), Code::Ok);
        assert_eq!(code(&limiter, &request("a", 3)), Code::OverLimit);
        // 0 is 1.
        assert_eq!(code(&limiter, &request("a", 0)), Code::Ok);
        assert_eq!(code(&limiter, &request("a", 1)), Code::Ok);
        assert_eq!(code(&limiter, &request("a", 1)), Code::OverLimit);
        assert_eq!(code(&limiter, &request("b", 10)), Code::Ok);
        let other = Entry { key: "other".into(), value: "a".into() };
        let mut without = request("a", 1);
        without.descriptors[0].entries = vec![other];
        assert_eq!(code(&limiter, &without), Code::Ok);
        assert_eq!(code(&limiter, &Request { domain: String::new(), ..request("a", 1) }), Code::Unknown);
        assert_eq!(limiter.take_requests().len(), 8);
        assert!(limiter.take_requests().is_empty());
    }
}

#[test]
fn two_limiters_share_what_redis_counts() {
    let redis = Redis::start();
    let limiters = [(); 2].map(|()| Limiter::start(&limits(), Storage::Redis(&redis)));
    let mut admitted = 0;
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|at| {
                let limiter = &limiters[at % 2];
                scope.spawn(move || (0..10).filter(|_| code(limiter, &request("a", 1)) == Code::Ok).count())
            })
            .collect();
        admitted = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    });
    assert_eq!(admitted, 10);
}

#[test]
fn windows_end() {
    let redis = Redis::start();
    for storage in [Storage::Memory, Storage::Redis(&redis)] {
        let limiter = Limiter::start(&[Limit::new("shop", 1, 1, &["client"])], storage);
        assert_eq!(code(&limiter, &request("w", 1)), Code::Ok);
        let start = Instant::now();
        while code(&limiter, &request("w", 1)) == Code::OverLimit {
            assert!(start.elapsed() < Duration::from_secs(10), "it never ends");
        }
    }
}

#[test]
fn headers_contain_the_quota() {
    let limiter = Limiter::start_with_headers(&limits(), Storage::Memory);
    let Answer::Message(message) = ask(&limiter, &request("a", 4)) else { panic!("no message") };
    let headers = Response::read(&message).unwrap().response_headers_to_add;
    let texts: Vec<_> = headers.iter().map(|h| (h.key.as_str(), String::from_utf8_lossy(&h.value))).collect();
    assert_eq!(texts[0], ("X-RateLimit-Limit", "10, 10;w=3600".into()));
    assert_eq!(texts[1], ("X-RateLimit-Remaining", "6".into()));
    assert_eq!(texts[2].0, "X-RateLimit-Reset");
}

#[test]
fn answers_with_selected_faults() {
    let mut limiter = Limiter::start(&limits(), Storage::Memory);
    limiter.behave(Behaviour::Garbage(b"garbage".to_vec()));
    assert_eq!(ask(&limiter, &request("a", 1)), Answer::Message(b"garbage".to_vec()));
    limiter.behave(Behaviour::Status(13));
    assert_eq!(ask(&limiter, &request("a", 1)), Answer::Status(13));
    limiter.behave(Behaviour::Drop);
    assert_eq!(ask(&limiter, &request("a", 1)), Answer::Nothing);
    limiter.behave(Behaviour::Delay(Duration::from_millis(300)));
    let start = Instant::now();
    assert_eq!(code(&limiter, &request("a", 9)), Code::Ok);
    assert!(start.elapsed() >= Duration::from_millis(300));
    limiter.behave(Behaviour::Decide);
    let port = limiter.port();
    limiter.stop();
    assert_eq!(ask(&limiter, &request("a", 1)), Answer::Nothing);
    limiter.start_again();
    assert_eq!(limiter.port(), port);
    // What was counted still is.
    assert_eq!(code(&limiter, &request("a", 2)), Code::OverLimit);
    assert_eq!(code(&limiter, &request("a", 1)), Code::Ok);
}

#[test]
fn it_is_unavailable_without_redis() {
    let redis = Redis::start();
    let limiter = Limiter::start(&limits(), Storage::Redis(&redis));
    assert_eq!(code(&limiter, &request("a", 1)), Code::Ok);
    let directory = redis.directory().to_owned();
    drop(redis);
    assert!(!directory.exists());
    assert_eq!(ask(&limiter, &request("a", 1)), Answer::Status(14));
}
