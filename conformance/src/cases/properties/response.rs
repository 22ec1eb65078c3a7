//! `response`.

use super::Told::{Length, Value};
use super::everywhere;
use crate::Case;
use crate::script::calls::{get_property, reply};
use std::time::Duration;
use tollgate_host_test::{Answer, Response};

pub fn cases() -> Vec<Case> {
    let of = |path: &str, told, says: &str| everywhere("response", &format!("response.{path}"), told, says);
    let mut cases = vec![
        of("code", Value, "is the status, from when the upstream answers"),
        of("code_details", Value, "says who answered, from when somebody does"),
        of("flags", Value, "is a number of bits, in every phase"),
        of("grpc_status", Value, "is made from the status when there is none"),
        of("size", Value, "is the bytes of body that were sent"),
        of("total_size", Value, "is the body that was sent and the headers and trailers in reach"),
        of("headers_bytes", Value, "is the size of the headers in reach, and else 0"),
        of("headers", Length, "is a map of the headers; out of their reach it is empty"),
        of(
            "headers.x",
            Value,
            "is all values of a header, with commas, while the headers are in reach and in the log",
        ),
        of("headers.:status", Value, "is the status as a text"),
        of("headers.missing", Value, "is not found"),
        of("trailers", Length, "is a map of the trailers; out of their reach it is empty"),
        of("trailers.t", Value, "is a trailer, while they are in reach and in the log"),
        of("backend_latency", Length, "is there in the log alone"),
        of("nosuch", Value, "is not found"),
        of("code.x", Value, "is the status still: what follows a number is not looked at"),
        everywhere("response", "response", Value, "is there and has no bytes: SerializationFailure"),
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
    let of = |name: &str, says: &str| Case::new(format!("properties/response/{name}"), says);
    cases.extend([
        of("of-a-local-reply", "a reply of the filter itself has its code and its details")
            .on("request_headers", [reply(403, "denied here", "no", "", -1)])
            .on("response_headers", ask())
            .on("log", ask()),
        of("of-no-route", "a request without a route has the flag of it")
            .on("request_headers", [crate::script::calls::remove(0, "x-forwarded-proto")])
            .on("response_headers", ask())
            .on("log", ask()),
        of("of-a-reset", "an upstream that breaks off has the flag and the details of it")
            .on("response_headers", ask())
            .on("log", ask())
            .answer("upstream", [Answer::Reset]),
        of("grpc-status-of-header", "a gRPC status in the headers is that of the response")
            .on("response_headers", [get_property("response\0grpc_status")])
            .on("log", [get_property("response\0grpc_status")])
            .answer(
                "upstream",
                [Answer::Reply {
                    response: Response::new(200).header("grpc-status", "7"),
                    after: Duration::ZERO,
                }],
            ),
        of("grpc-status-of-trailer", "a gRPC status in the trailers is that of the response in the log")
            .on("response_headers", [get_property("response\0grpc_status")])
            .on("log", [get_property("response\0grpc_status")])
            .answer(
                "upstream",
                [Answer::Reply {
                    response: Response::new(200).chunk("a").trailer("grpc-status", "5"),
                    after: Duration::ZERO,
                }],
            ),
        of("grpc-status-of-nonsense", "a gRPC status that is no number is -1")
            .on("log", [get_property("response\0grpc_status")])
            .answer(
                "upstream",
                [Answer::Reply {
                    response: Response::new(200).header("grpc-status", "x"),
                    after: Duration::ZERO,
                }],
            ),
    ]);
    for code in [301, 400, 401, 403, 404, 429, 500, 502, 503, 504] {
        cases.push(
            of(
                &format!("grpc-status-of-code/{code}"),
                &format!("a response {code} has the gRPC status that maps to it"),
            )
            .on("log", [get_property("response\0grpc_status"), get_property("response\0code")])
            .answer("upstream", [Answer::Reply { response: Response::new(code), after: Duration::ZERO }]),
        );
    }
    cases
}
