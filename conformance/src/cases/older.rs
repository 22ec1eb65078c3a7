//! What Envoy 1.36 does otherwise: it is older than what the emulated host follows.

use crate::Sheet;

/// Why, and the cases.
const SINCE: &[(&str, &[&str])] = &[
    (
        "which hop-by-hop headers are taken away, and where, is another matter since",
        &[
            "headers/response-connection",
            "headers/forwarding/hop-by-hop-response",
            "headers/forwarding/hop-by-hop-upstream",
            "replies/headers/connection",
        ],
    ),
    (
        "the attribute `headers_bytes` is newer",
        &[
            "properties/request/request/headers-bytes",
            "properties/request/follows-edits",
            "properties/request/log-follows-edits",
            "properties/response/response/headers-bytes",
        ],
    ),
    (
        "keys in PEM, and what is looked at for them, are newer",
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
    ("the function `sign` is newer", &["foreign/sign/"]),
    (
        "filter state has got factories for more keys since",
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
        "the conversion to a text is another one since",
        &[
            "foreign/expr/strings/36",
            "foreign/expr/strings/39",
            "foreign/expr/strings/44",
            "foreign/expr/strings/46",
            "foreign/expr/strings/50",
        ],
    ),
    ("names in backticks are newer", &["foreign/expr/refused/51"]),
    (
        "the text for a connection that is refused says less since",
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
        "the environment was no part of what tells VMs apart",
        &["lifecycle/shared/environment", "lifecycle/shared/environment/"],
    ),
    ("to poll is newer", &["wasi/poll", "wasi/poll-nothing"]),
];

/// Lists them. A name that ends in a slash stands for all that begin with it.
pub fn list(mut sheets: Vec<Sheet>) -> Vec<Sheet> {
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
    fn each_stands_for_a_case_of_the_table() {
        let sheets = crate::cases::all();
        let names: Vec<_> =
            sheets.iter().flat_map(|sheet| &sheet.cases).map(|case| case.name.as_str()).collect();
        for listed in SINCE.iter().flat_map(|(_, names)| *names) {
            assert!(names.iter().any(|name| name.starts_with(listed)), "`{listed}`");
        }
    }
}
