use super::*;

fn header_cost(lines: &[&str]) -> u64 {
    let cost = Cost::Header { name: "x-cost".parse().unwrap(), default: 3, max: 100 };
    let pairs: Vec<(&[u8], &[u8])> = lines.iter().map(|line| (&b"x-cost"[..], line.as_bytes())).collect();
    cost.of_request(Headers(&pairs))
}

#[test]
fn a_header_sets_the_cost_within_bounds() {
    for (lines, expected) in [
        (&[][..], 3),
        (&["7"], 7),
        (&["007"], 7),
        (&["0"], 1),
        (&["101"], 100),
        (&["99999999999999999999999999"], 100),
        (&["18446744073709551616"], 100),
        (&[""], 3),
        (&["+7"], 3),
        (&["-1"], 3),
        (&["7.5"], 3),
        (&["0x10"], 3),
        (&["2", "9", "4"], 9),
        (&["2, 9"], 9),
        (&["1", "x"], 3),
    ] {
        assert_eq!(header_cost(lines), expected, "{lines:?}");
    }
}

#[test]
fn a_body_of_known_length_costs_by_its_length() {
    let cost = Cost::Body { per: 1024, max: 10 };
    let of = |pairs: &[(&[u8], &[u8])]| cost.of_request(Headers(pairs));
    assert_eq!(of(&[]), 1);
    for (length, expected) in [("0", 1), ("1024", 1), ("1025", 2), ("99999999999999999999", 10), ("x", 1)] {
        assert_eq!(of(&[(b"content-length", length.as_bytes())]), expected, "{length}");
    }
    assert_eq!((cost.of_body(0), cost.of_body(2048), cost.of_body(u64::MAX)), (1, 2, 10));
    assert!(cost.counts_body() && !Cost::Number(1).counts_body());
    assert_eq!(Cost::Number(5).of_request(Headers(&[])), 5);
    assert_eq!(Cost::Body { per: 0, max: 10 }.of_body(3), 3);
}

#[test]
fn a_response_sets_the_cost() {
    let rule = OnResponse {
        statuses: vec![(401, 401), (500, 599)],
        headers: vec![json(r#"{"name": "x-free", "present": false}"#)],
        cost_header: Some(("x-cost".parse().unwrap(), 50)),
        refund_without_response: false,
    };
    for (pairs, expected) in [
        (&[(&b":status"[..], &b"200"[..])][..], 0),
        (&[(b":status", b"401")], 2),
        (&[(b":status", b"503"), (b"x-cost", b"9")], 9),
        (&[(b":status", b"503"), (b"x-cost", b"0")], 0),
        (&[(b":status", b"503"), (b"x-cost", b"9"), (b"x-cost", b"70")], 50),
        (&[(b":status", b"503"), (b"x-cost", b"many")], 2),
        (&[(b":status", b"503"), (b"x-free", b"")], 0),
    ] {
        assert_eq!(rule.cost(&ResponseFacts::from_pairs(pairs), 2), expected, "{pairs:?}");
    }
    let all =
        OnResponse { statuses: vec![], headers: vec![], cost_header: None, refund_without_response: true };
    assert_eq!(all.cost(&ResponseFacts::default(), 2), 2);
}
