//! Cases in which Envoy 1.36 differs. It is older than the Envoy that the emulator follows.

use crate::Sheet;

/// Envoy 1.36's behaviour, as a sentence without its subject, and the cases.
const SINCE: &[(&str, &[&str])] = &[
    (
        "removes other hop-by-hop headers, and at other points",
        &[
            "headers/response-connection",
            "headers/forwarding/hop-by-hop-response",
            "headers/forwarding/hop-by-hop-upstream",
            "replies/headers/connection",
        ],
    ),
    (
        "has no attribute `headers_bytes`",
        &[
            "properties/request/request/headers-bytes",
            "properties/request/follows-edits",
            "properties/request/log-follows-edits",
            "properties/response/response/headers-bytes",
        ],
    ),
    (
        "does not accept PEM keys and checks keys in another way",
        &[
            "foreign/verify-signature/pem",
            "foreign/verify-signature/pem-text-before",
            "foreign/verify-signature/pem-trailing",
            "foreign/verify-signature/pem-two",
            "foreign/verify-signature/pem-crlf",
            "foreign/verify-signature/pem-no-final-newline",
            "foreign/verify-signature/pem-one-line-b64",
            "foreign/verify-signature/both",
            "foreign/verify-signature/none",
            "foreign/verify-signature/pem-second-is-the-key",
            "foreign/verify-signature/badhash-nokey",
            "foreign/verify-signature/empty",
        ],
    ),
    ("has no function `sign`", &["foreign/sign/"]),
    (
        "has factories for fewer filter state keys",
        &[
            "foreign/filter-state/value-03",
            "foreign/filter-state/value-04",
            "foreign/filter-state/value-05",
            "foreign/filter-state/value-06",
            "foreign/filter-state/value-07",
            "foreign/filter-state/value-08",
            "foreign/filter-state/value-15",
            "foreign/filter-state/value-20",
            "foreign/filter-state/root-in-effect",
            "foreign/filter-state/tick",
        ],
    ),
    (
        "converts numbers to strings in another way",
        &[
            "foreign/expr/strings/36",
            "foreign/expr/strings/39",
            "foreign/expr/strings/44",
            "foreign/expr/strings/46",
            "foreign/expr/strings/50",
        ],
    ),
    ("does not accept names in backticks", &["foreign/expr/refused/51"]),
    (
        "has a longer message for a refused connection",
        &[
            "callouts/answered/refused",
            "callouts/flight/reversed",
            "flow/resume/again",
            "grpc/call/refused",
            "grpc/stream/refused",
            "lifecycle/context/reset",
        ],
    ),
    (
        "does not distinguish VMs by their environment",
        &["lifecycle/shared/environment", "lifecycle/shared/environment/"],
    ),
    ("does not have this call", &["wasi/poll", "wasi/poll-nothing"]),
];

/// Marks the listed cases. A name that ends with a slash marks all cases that begin with it.
pub fn mark(mut sheets: Vec<Sheet>) -> Vec<Sheet> {
    let is =
        |name: &str, listed: &&str| name == *listed || (listed.ends_with('/') && name.starts_with(*listed));
    for case in sheets.iter_mut().flat_map(|sheet| &mut sheet.cases) {
        if let Some((reason, _)) =
            SINCE.iter().find(|(_, names)| names.iter().any(|listed| is(&case.name, listed)))
        {
            *case = case.clone().differs(reason, &["1.36"]);
        }
    }
    sheets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_name_matches_a_case() {
        let sheets = crate::cases::all();
        let names: Vec<_> =
            sheets.iter().flat_map(|sheet| &sheet.cases).map(|case| case.name.as_str()).collect();
        for listed in SINCE.iter().flat_map(|(_, names)| *names) {
            assert!(names.iter().any(|name| name.starts_with(listed)), "`{listed}`");
        }
    }
}
