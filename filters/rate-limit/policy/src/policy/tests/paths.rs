//! Rules and paths that can be read in several ways, and repeated header lines.

use super::*;

const LIMITS: &str = "
limits:
  a: {rates: [{token_bucket: {max_tokens: 1, fill_interval: 1h}}]}
  b: {rates: [{token_bucket: {max_tokens: 3, fill_interval: 1h}}]}
";

fn rig(rules: &str) -> Rig {
    Rig::new(&format!("{LIMITS}{rules}"))
}

impl Rig {
    /// The limits that a request to a path takes from, or the reason of its rejection.
    fn at(&mut self, path: &str) -> Result<Vec<usize>, Reason> {
        let before = [self.counted(0, Event::Ok), self.counted(1, Event::Ok)];
        match self.send(&[(":method", "GET"), (":path", path)]) {
            Decision::Pass(pass) => {
                drop(pass);
                let after = [self.counted(0, Event::Ok), self.counted(1, Event::Ok)];
                Ok((0..2).filter(|limit| after[*limit] > before[*limit]).collect())
            }
            Decision::Refuse(refusal) => Err(refusal.reason),
            other => panic!("{other:?}"),
        }
    }
}

/// Rules by which `/admin` has the limit `a`, and all other paths the limit `b`.
const ADMIN: &str = "
rules:
- {match: {paths: [{template: '/admin/**'}]}, limits: [a]}
- {limits: [b]}
";

#[test]
fn no_spelling_bypasses_a_limit() {
    for path in [
        "/admin",
        "//admin",
        "/./admin",
        "/x/../admin",
        "/%61dmin",
        "/%2561dmin",
        "/%2e%2e/admin",
        "/%252e%252e/admin",
        "/x%2f..%2fadmin",
        r"/x\..\admin",
        r"/\admin",
        "/x/..;/admin",
        "/;/admin",
        "/admin;a=b",
        "/admin%3Ba=b",
        "/admin%00",
        "/admin%2F",
        r"/admin\",
        "/admin//",
        "/admin/.",
        "/admin/x/..",
        "/x%c0%afadmin",
        "/admin?x",
    ] {
        match rig(ADMIN).at(path) {
            Ok(limits) => assert!(limits.contains(&0), "{path}: {limits:?}"),
            Err(reason) => assert_eq!(reason, Reason::InvalidPath, "{path}"),
        }
    }
    for path in ["/", "/ADMIN", "/x/admin", "/admins"] {
        assert_eq!(rig(ADMIN).at(path), Ok(vec![1]), "{path}");
    }
}

#[test]
fn no_spelling_makes_a_path_unlimited() {
    let rules = "
rules:
- {match: {paths: [{prefix: /public/}]}, limits: []}
- {limits: [b, a]}
";
    assert_eq!(rig(rules).at("/public/x"), Ok(vec![]));
    assert_eq!(rig(rules).at("/public/a%20b"), Ok(vec![]));
    for path in [
        "/public/../admin",
        "/public/%2e%2e/admin",
        "/public/..%2fadmin",
        "/public/..;/admin",
        "/admin/../public/x",
        "//public/x",
        "/public%2Fx",
    ] {
        assert_ne!(rig(rules).at(path), Ok(vec![]), "{path}");
    }
}

#[test]
fn the_limits_of_all_readings_apply() {
    let mut rig = rig(ADMIN);
    assert_eq!(rig.at("//admin"), Ok(vec![0, 1]));
    assert_eq!(rig.at("//admin"), Err(Reason::LocalLimit));
    assert_eq!(rig.at("/admin"), Err(Reason::LocalLimit));
    assert_eq!(rig.at("//x"), Ok(vec![1]));
    assert_eq!(rig.at("/admin//x"), Err(Reason::LocalLimit));
}

#[test]
fn rejects_an_invalid_path_with_400() {
    let mut rig = rig(ADMIN);
    let refusal = rig.refuses(&[(":path", "/admin%00")]);
    assert_eq!((refusal.reason, refusal.status, refusal.grpc_status), (Reason::InvalidPath, 400, 13));
    assert!(!refusal.headers.iter().any(|(name, _)| name == "retry-after"));
    let open = format!("{ADMIN}on_error: allow");
    assert_eq!(Rig::new(&format!("{LIMITS}{open}")).at("/admin%00"), Err(Reason::InvalidPath));
    for shadow in ["shadow: true", "filter_enforced: 0"] {
        let pass = Rig::new(&format!("{LIMITS}{ADMIN}{shadow}")).passes(&[(":path", "/admin%00")]);
        assert_eq!(pass.allowed_by, Some(AllowedBy::Shadow(Reason::InvalidPath)));
    }
}

#[test]
fn a_path_is_not_read_if_no_rule_needs_it() {
    let rules = "rules: [{match: {methods: [GET]}, limits: [a, b]}]";
    assert_eq!(rig(rules).at("/a%00"), Ok(vec![0, 1]));
    assert_eq!(Rig::new(LIMITS).at("/a%00"), Ok(vec![0, 1]));
}

#[test]
fn the_operator_selects_the_readings() {
    for (notation, expected) in [
        ("both", Ok(vec![0, 1])),
        ("normalize", Ok(vec![0])),
        ("keep", Ok(vec![1])),
        ("reject", Err(Reason::InvalidPath)),
    ] {
        let config = format!("{ADMIN}path_normalization: {{duplicate_slashes: {notation}}}");
        assert_eq!(rig(&config).at("//admin"), expected, "{notation}");
    }
}

#[test]
fn an_added_header_line_never_makes_a_request_unlimited() {
    let rules = "
rules:
- {match: {headers: [{name: x-internal, exact: '1'}]}, limits: []}
- {match: {headers: [{name: accept, exact: x}]}, limits: [a]}
- {limits: [b]}
";
    let limits = |headers: &[(&str, &str)]| {
        let mut rig = rig(rules);
        drop(rig.passes(headers));
        (rig.counted(0, Event::Ok), rig.counted(1, Event::Ok))
    };
    assert_eq!(limits(&[("x-internal", "1")]), (0, 0));
    assert_eq!(limits(&[("x-internal", "0"), ("x-internal", "1")]), (0, 1));
    assert_eq!(limits(&[("accept", "y,x")]), (1, 0));
    assert_eq!(limits(&[("accept", "y"), ("accept", "x")]), (1, 0));
    assert_eq!(limits(&[("accept", "y")]), (0, 1));
}
