//! The `response` attributes.

use super::Logged::{Length, Value};
use super::everywhere;
use crate::Case;
use crate::script::calls::{get_property, reply};
use std::time::Duration;
use tollgate_host_test::{Answer, Response};

pub fn cases() -> Vec<Case> {
    let of =
        |path: &str, logged, title: &str| everywhere("response", &format!("response.{path}"), logged, title);
    let mut cases = vec![
        of("code", Value, "is the status, as soon as the upstream answers"),
        of("code_details", Value, "says who answered, as soon as there is a response"),
        of("flags", Value, "is a number of bit flags, in every callback"),
        of("grpc_status", Value, "is derived from the HTTP status if the response has no gRPC status"),
        of("size", Value, "is the number of body bytes sent"),
        of("total_size", Value, "is the size of the sent body and the accessible headers and trailers"),
        of("headers_bytes", Value, "is the size of the accessible headers, otherwise 0"),
        of("headers", Length, "is a map of the headers, or empty while they are not accessible"),
        of(
            "headers.x",
            Value,
            "is all values of a header, joined by commas, while the headers are accessible and in on_log",
        ),
        of("headers.:status", Value, "is the status as a string"),
        of("headers.missing", Value, "is not found"),
        of("trailers", Length, "is a map of the trailers, or empty while they are not accessible"),
        of("trailers.t", Value, "is a trailer, while the trailers are accessible and in on_log"),
        of("backend_latency", Length, "is available only in on_log"),
        of("nosuch", Value, "is not found"),
        of("code.x", Value, "is the status itself: segments after a number are ignored"),
        everywhere("response", "response", Value, "exists but returns SerializationFailure"),
    ];
    let paths = [
        "response\0code",
        "response\0code_details",
        "response\0flags",
        "response\0grpc_status",
        "response\0size",
        "response\0total_size",
    ];
    let ask = || paths.map(get_property);
    let of = |name: &str, title: &str| Case::new(format!("properties/response/{name}"), title);
    cases.extend([
        of("of-a-local-reply", "a local reply of the filter has its own code and details")
            .on("request_headers", [reply(403, "denied here", "no", "", -1)])
            .on("response_headers", ask())
            .on("log", ask()),
        of("of-no-route", "a request without a route has the flag for that")
            .on("request_headers", [crate::script::calls::remove(0, "x-forwarded-proto")])
            .on("response_headers", ask())
            .on("log", ask()),
        of("of-a-reset", "an upstream that resets has the flag and the details for that")
            .on("response_headers", ask())
            .on("log", ask())
            .answer("upstream", [Answer::Reset]),
        of("grpc-status-of-header", "a gRPC status in the headers is the status of the response")
            .on("response_headers", [get_property("response\0grpc_status")])
            .on("log", [get_property("response\0grpc_status")])
            .answer(
                "upstream",
                [Answer::Reply {
                    response: Response::new(200).header("grpc-status", "7"),
                    after: Duration::ZERO,
                }],
            ),
        of("grpc-status-of-trailer", "a gRPC status in the trailers is the status of the response in on_log")
            .on("response_headers", [get_property("response\0grpc_status")])
            .on("log", [get_property("response\0grpc_status")])
            .answer(
                "upstream",
                [Answer::Reply {
                    response: Response::new(200).chunk("a").trailer("grpc-status", "5"),
                    after: Duration::ZERO,
                }],
            ),
        of("grpc-status-of-nonsense", "a gRPC status that is not a number reads as -1")
            .on("log", [get_property("response\0grpc_status")])
            .answer(
                "upstream",
                [Answer::Reply {
                    response: Response::new(200).header("grpc-status", "x"),
                    after: Duration::ZERO,
                }],
            ),
    ]);
    let statuses = [
        (301, 2),
        (400, 13),
        (401, 16),
        (403, 7),
        (404, 12),
        (429, 14),
        (500, 2),
        (502, 14),
        (503, 14),
        (504, 14),
    ];
    for (code, status) in statuses {
        cases.push(
            of(
                &format!("grpc-status-of-code/{code}"),
                &format!("a response with status {code} has the gRPC status {status}"),
            )
            .on("log", [get_property("response\0grpc_status"), get_property("response\0code")])
            .answer("upstream", [Answer::Reply { response: Response::new(code), after: Duration::ZERO }]),
        );
    }
    cases
}
