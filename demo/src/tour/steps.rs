//! The steps, filter by filter.

use super::check::{Expect, Is, Place};
use super::{Action, Step};
use crate::proxy::filters::{ISSUER, TELEMETRY};
use crate::services::{CHAOS, ORDER, USER};
use Expect::{Body, Counted, Header, Reached, Rejected, Status};
use Place::{At, Response};
use serde_json::json;
use tollgate_host_test::Request;
use tollgate_mint::Signer;

/// The trace id and the span id of the examples in W3C Trace Context.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

/// All steps, in order.
pub fn all() -> Vec<Step> {
    [
        request_id(),
        trace_context(),
        headers(),
        hello(),
        tokens(),
        roles(),
        limits(),
        retries(),
        breaker(),
        outage(),
        configuration(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn step<const N: usize>(title: &'static str, request: Request, expect: [Expect; N]) -> Step {
    Step { title, action: Action::Send(request), expect: expect.into() }
}

/// Returns a GET request, as `curl` would send it.
fn get(path: &str) -> Request {
    Request::get(path).authority("shop.example").header("user-agent", "tour/1")
}

fn request_id() -> Vec<Step> {
    const ID: &str = "x-request-id";
    vec![
        step(
            "A request without an id gets an id and a trace",
            get("/users/1"),
            [
                Status(200),
                Reached(&[USER]),
                Header(At(USER), ID, Is::Uuid),
                Header(Response, ID, Is::SameAt(At(USER))),
                Header(At(USER), "traceparent", Is::Trace),
                Counted("request_id_generated", 1),
                Counted("trace_generated", 1),
            ],
        ),
        step(
            "A valid id of the client is kept and returned in the response",
            get("/users/2").header(ID, "checkout-2024:0042"),
            [
                Status(200),
                Header(At(USER), ID, Is::Text("checkout-2024:0042")),
                Header(Response, ID, Is::Text("checkout-2024:0042")),
                Counted("request_id_kept", 1),
            ],
        ),
        step(
            "An id that is not safe to log is replaced",
            get("/users/3").header(ID, "$(curl evil.example)"),
            [
                Status(200),
                Header(At(USER), ID, Is::Uuid),
                Header(Response, ID, Is::SameAt(At(USER))),
                Counted("request_id_invalid", 1),
                Counted("request_id_generated", 1),
            ],
        ),
    ]
}

fn trace_context() -> Vec<Step> {
    const PARENT: &str = "traceparent";
    vec![
        step(
            "A trace that the client started is continued",
            get("/users/1").header(PARENT, format!("00-{TRACE}-{SPAN}-01")).header("tracestate", "shop=1"),
            [
                Status(200),
                Header(At(USER), PARENT, Is::Continues(TRACE, SPAN)),
                Header(At(USER), "tracestate", Is::Text("shop=1")),
                Counted("trace_continued", 1),
            ],
        ),
        step(
            "An invalid trace context is replaced by a new trace",
            get("/users/1")
                .header(PARENT, format!("00-{TRACE}-0000000000000000-01"))
                .header("tracestate", "shop=1"),
            [
                Status(200),
                Header(At(USER), PARENT, Is::NotOfTrace(TRACE)),
                Header(At(USER), "tracestate", Is::Absent),
                Counted("traceparent_invalid", 1),
                Counted("trace_restarted", 1),
            ],
        ),
        step(
            "Two hops form one trace: order-service calls user-service through the proxy",
            get("/orders/7"),
            [
                Status(200),
                Reached(&[ORDER, USER]),
                Header(At(ORDER), PARENT, Is::Trace),
                Header(At(USER), PARENT, Is::NextSpanAfter(At(ORDER))),
                Header(At(USER), "x-request-id", Is::SameAt(At(ORDER))),
                Counted("trace_generated", 1),
                Counted("trace_continued", 1),
            ],
        ),
    ]
}

fn headers() -> Vec<Step> {
    vec![
        step(
            "Headers of requests and responses are set and removed",
            get("/users").header("x-debug", "1"),
            [
                Status(200),
                Header(At(USER), "x-debug", Is::Absent),
                Header(At(USER), "x-caller", Is::Text("tour/1")),
                Header(Response, "x-powered-by", Is::Absent),
                Header(Response, "cache-control", Is::Text("no-store")),
            ],
        ),
        step(
            "Browsers see how long the service took: a report takes 25 ms",
            get("/users/report"),
            [Status(200), Header(Response, "server-timing", Is::Timing("upstream", 25))],
        ),
    ]
}

fn hello() -> Vec<Step> {
    vec![
        step(
            "The example filter rejects a request without a team",
            get("/staff/1"),
            [Status(403), Body("not_allowed"), Reached(&[])],
        ),
        step(
            "... and allows a request of an allowed team",
            get("/staff/1").header("x-team", "support"),
            [Status(200), Reached(&[USER])],
        ),
    ]
}

/// Adds a token of the demo's issuer, whose private key is public.
fn with_token(request: Request, sub: &str, expires: u64) -> Request {
    let claims =
        json!({ "iss": ISSUER, "sub": sub, "exp": expires, "scope": "account:read", "account": "1" });
    request.header("authorization", format!("Bearer {}", Signer::es256().token(&claims)))
}

fn tokens() -> Vec<Step> {
    const CHALLENGE: &str = "www-authenticate";
    const REALM: &str = r#"Bearer realm="http://shop.example/account/1""#;
    const EXPIRED: &str = r#"Bearer realm="http://shop.example/account/1", error="invalid_token", error_description="Jwt is expired""#;
    const LACKS_SCOPE: &str = r#"Bearer realm="http://shop.example/account/1", error="insufficient_scope", error_description="Scopes in Jwt are insufficient", scope="account:delete""#;
    let future = 4_000_000_000;
    vec![
        step(
            "A request for an account without a token is rejected",
            get("/account/1"),
            [
                Status(401),
                Body("Jwt is missing"),
                Header(Response, CHALLENGE, Is::Text(REALM)),
                Reached(&[]),
                Counted("denied.missing", 1),
            ],
        ),
        step(
            "A valid token is accepted, and `x-user` is set from its claim, not by the client",
            with_token(get("/account/1").header("x-user", "root"), "alice", future),
            [
                Status(200),
                Reached(&[USER]),
                Header(At(USER), "x-user", Is::Text("alice")),
                Header(At(USER), "authorization", Is::Absent),
                Counted("jwt_authn.allowed", 1),
            ],
        ),
        step(
            "An expired token is rejected, and the response gives the reason",
            with_token(get("/account/1"), "alice", 1_700_000_000),
            [
                Status(401),
                Header(Response, CHALLENGE, Is::Text(EXPIRED)),
                Reached(&[]),
                Counted("denied.expired", 1),
            ],
        ),
        step(
            "Deleting the account needs another scope",
            with_token(Request::new("DELETE", "/account/1").authority("shop.example"), "alice", future),
            [Status(403), Header(Response, CHALLENGE, Is::Text(LACKS_SCOPE)), Reached(&[])],
        ),
    ]
}

fn roles() -> Vec<Step> {
    let alice = |path: &str| with_token(get(path), "alice", 4_000_000_000);
    const NO_POLICY: &str = "RBAC: access denied (policy none)";
    vec![
        step(
            "A token for account 1 does not open account 2",
            alice("/account/2"),
            [Status(403), Body(NO_POLICY), Reached(&[]), Counted("denied.no_policy", 1)],
        ),
        step(
            "... nor does a path that the service could read as account 2",
            alice("/account/1/..%2f2"),
            [Status(400), Reached(&[]), Counted("denied.invalid_path", 1)],
        ),
        step(
            "... it opens account 1",
            alice("/account/1"),
            [Status(200), Reached(&[USER]), Counted("policy.own-account.allowed", 1)],
        ),
    ]
}

fn limits() -> Vec<Step> {
    const POLICY: &str = "ratelimit-policy";
    const REMAINING: &str = "ratelimit";
    const CUSTOMER: &str = "x-customer";
    let tickets = |customer: &str| get("/tickets/1").header(CUSTOMER, customer);
    vec![
        step(
            "Two tickets per minute: the first is allowed, and the response shows the remaining quota",
            tickets("alice"),
            [
                Status(200),
                Reached(&[USER]),
                Header(Response, POLICY, Is::Text(r#""per-customer";q=2;w=60"#)),
                Header(Response, REMAINING, Is::Containing(r#""per-customer";r=1;t="#)),
                Counted("limit.per-customer.ok", 1),
            ],
        ),
        step(
            "... the second is allowed",
            tickets("alice"),
            [Status(200), Reached(&[USER]), Header(Response, REMAINING, Is::Containing(";r=0;t="))],
        ),
        step(
            "The third is rejected, and `retry-after` says when to retry",
            tickets("alice"),
            [
                Status(429),
                Body("quota-exceeded"),
                Reached(&[]),
                Header(Response, "retry-after", Is::Number(1, 30)),
                Header(Response, REMAINING, Is::Containing(";r=0;t=")),
                Counted("limit.per-customer.rate_limited", 1),
                Counted("denied.local_rate_limited", 1),
            ],
        ),
        step(
            "Another customer has a separate bucket",
            tickets("bob"),
            [Status(200), Reached(&[USER]), Header(Response, REMAINING, Is::Containing(";r=1;t="))],
        ),
        step(
            "A limit in shadow mode rejects no request: it only counts, and adds a header for the service",
            get("/tickets/2"),
            [
                Status(200),
                Reached(&[USER]),
                Header(At(USER), "x-over-limit", Is::Text("trial")),
                Counted("limit.trial.shadow_rate_limited", 1),
            ],
        ),
    ]
}

fn retries() -> Vec<Step> {
    const ATTEMPTS: &str = "x-attempts";
    let order = Request::post("/retried/busy", "{}").authority("shop.example").header("user-agent", "tour/1");
    vec![
        step(
            "A busy service receives a read three times, and the response shows the attempts",
            get("/retried/busy"),
            [
                Status(503),
                Reached(&[USER, USER, USER]),
                Header(Response, ATTEMPTS, Is::Text("3")),
                Counted("retries.router", 2),
            ],
        ),
        step(
            "... it receives an order once: a `POST` without an `Idempotency-Key` is never sent twice",
            order,
            [
                Status(503),
                Reached(&[USER]),
                Header(Response, ATTEMPTS, Is::Text("1")),
                Counted("not_safe", 1),
            ],
        ),
    ]
}

fn breaker() -> Vec<Step> {
    let missing = |title| step(title, get("/reviews/9"), [Status(404), Reached(&[USER])]);
    vec![
        missing("Reviews of user 9 are missing, which counts as a failure here"),
        missing("... the second failure in a row opens the breaker"),
        step(
            "The next request fails fast, and `retry-after` says when to retry",
            get("/reviews/1"),
            [
                Status(503),
                Reached(&[]),
                Header(Response, "retry-after", Is::Number(1, 30)),
                Counted("breaker.reviews.rejected", 1),
                Counted("denied.open", 1),
            ],
        ),
    ]
}

fn outage() -> Vec<Step> {
    const MARK: &str = "x-tollgate-fault";
    let switch = |method: &str| Request::new(method, CHAOS).authority("shop.example");
    vec![
        step(
            "Before the game day, requests pass through",
            get("/game-day/1"),
            [Status(200), Reached(&[USER]), Header(Response, MARK, Is::Absent)],
        ),
        step("The control endpoint switches an outage on", switch("PUT"), [Status(200)]),
        Step {
            title: "... within seconds, requests fail after a delay, and the response names the fault",
            action: Action::SendUntil(get("/game-day/1"), 503),
            expect: vec![
                Status(503),
                Body("outage"),
                Reached(&[]),
                Header(Response, MARK, Is::Containing("outage-users;delay=")),
                Counted("rule.outage-users.aborts_injected", 1),
            ],
        },
        step("... other paths are not affected", get("/users/1"), [Status(200), Reached(&[USER])]),
        step("The control endpoint switches the outage off", switch("DELETE"), [Status(200)]),
        Step {
            title: "... within seconds, requests pass through again",
            action: Action::SendUntil(get("/game-day/1"), 200),
            expect: vec![Status(200), Reached(&[USER]), Header(Response, MARK, Is::Absent)],
        },
    ]
}

fn configuration() -> Vec<Step> {
    vec![Step {
        title: "A configuration with a misspelt field is rejected when it is loaded",
        action: Action::Validate(TELEMETRY, json!({ "reqest_id": {} })),
        expect: vec![Rejected(&["reqest_id", "request_id"])],
    }]
}
