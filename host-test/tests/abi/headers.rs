//! Header maps: which exist in which phase, and the results of each call.

use crate::call;
use crate::guest::{Guest, answers};
use tollgate_host_test::{ClientView, Request};

#[test]
fn a_filter_changes_request_and_response_headers() {
    let guest = Guest::new()
        .on(
            "request_headers",
            [
                call!("add_header_map_value", 0, "X-Added", "1"),
                call!("replace_header_map_value", 0, "x-client", "other"),
            ],
        )
        .on("response_headers", [call!("add_header_map_value", 2, "x-answer", "2")]);
    let scenario = guest.scenario().request(Request::get("/").header("x-client", "c"));
    let outcome = tollgate_host_test::emulator::run(&scenario).unwrap();
    let exchange = &outcome.exchanges[0];
    let seen = &exchange.upstream[0].headers;
    assert_eq!(seen.get("x-added"), Some(b"1".as_slice()), "{outcome:#?}");
    assert_eq!(seen.get("x-client"), Some(b"other".as_slice()));
    let ClientView::Response(response) = &exchange.client else { panic!("{:?}", exchange.client) };
    assert_eq!(response.status, 200);
    assert_eq!(response.body(), b"ok");
    assert_eq!(response.headers.get("x-answer"), Some(b"2".as_slice()));
    assert_eq!(exchange.details, "via_upstream");
    assert_eq!(answers(&outcome.trace, "proxy_add_header_map_value"), ["Ok", "Ok"]);
}
