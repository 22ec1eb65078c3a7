//! Return values of callbacks, and how a stream continues after each.

use super::{agree, guests};
use tollgate_host_test::FailurePolicy;

agree! {
    request_headers_returns_1: guests::returns("request_headers", 1);
    request_headers_returns_2: guests::returns("request_headers", 2);
    request_headers_returns_3: guests::returns("request_headers", 3);
    request_headers_returns_4: guests::returns("request_headers", 4);
    request_headers_returns_5: guests::returns("request_headers", 5);
    request_body_returns_1: guests::returns("request_body", 1);
    request_body_returns_2: guests::returns("request_body", 2);
    request_body_returns_3: guests::returns("request_body", 3);
    request_body_returns_4: guests::returns("request_body", 4);
    request_trailers_returns_1: guests::returns("request_trailers", 1);
    request_trailers_returns_2: guests::returns("request_trailers", 2);
    response_headers_returns_1: guests::returns("response_headers", 1);
    response_headers_returns_2: guests::returns("response_headers", 2);
    response_headers_returns_3: guests::returns("response_headers", 3);
    response_headers_returns_4: guests::returns("response_headers", 4);
    response_headers_returns_5: guests::returns("response_headers", 5);
    response_body_returns_1: guests::returns("response_body", 1);
    response_body_returns_2: guests::returns("response_body", 2);
    response_body_returns_3: guests::returns("response_body", 3);
    response_body_returns_4: guests::returns("response_body", 4);
    response_trailers_returns_1: guests::returns("response_trailers", 1);
    response_trailers_returns_2: guests::returns("response_trailers", 2);
    traps_and_fails_open: guests::traps(FailurePolicy::FailOpen);
    traps_and_fails_closed: guests::traps(FailurePolicy::FailClosed);
}
