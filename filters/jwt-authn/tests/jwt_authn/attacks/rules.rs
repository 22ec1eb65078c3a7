//! Ways around a rule.

use super::setup::Forge;
use super::{Attack, passes, refused};
use tollgate_host_test::Request;
use tollgate_jwt_authn_policy::Reason::Missing;

pub fn attacks(_: &Forge) -> Vec<Attack> {
    [preflight(), paths()].into_iter().flatten().collect()
}

fn preflight() -> Vec<Attack> {
    let options = || Request::new("OPTIONS", "/");
    let asks = |request: Request| request.header("access-control-request-method", "GET");
    let whole = || asks(options().header("origin", "https://app.test"));
    vec![
        refused("OPTIONS alone", Missing, options()),
        refused("a preflight without Origin", Missing, asks(options())),
        refused("a preflight without a method", Missing, options().header("origin", "https://app.test")),
        refused("a preflight by GET", Missing, asks(Request::get("/").header("origin", "https://app.test"))),
        refused(
            "a preflight by POST with another method in a header",
            Missing,
            asks(
                Request::post("/", "x")
                    .header("origin", "https://app.test")
                    .header("x-http-method-override", "OPTIONS"),
            ),
        ),
        refused(
            "a preflight with empty fields",
            Missing,
            options().header("origin", "").header("access-control-request-method", ""),
        ),
        passes("a preflight", whole(), &[("x-sub", None)]),
        passes("a preflight with forged results", whole().header("x-sub", "admin"), &[("x-sub", None)]),
    ]
}

/// `/area/` is open, except `/area/admin`. Envoy can normalise paths (`normalize_path`, `merge_slashes`,
/// `path_with_escaped_slashes_action`), but does not here. The filter compares the path as received.
fn paths() -> Vec<Attack> {
    let get = Request::get;
    vec![
        refused("the path of the rule", Missing, get("/area/admin")),
        refused("more after the path", Missing, get("/area/admin/users")),
        refused("a parameter after the path", Missing, get("/area/admin;x=1")),
        refused("a query after the path", Missing, get("/area/admin?/open/")),
        refused("up again, after the path", Missing, get("/area/admin/../x")),
        refused("an open path in the query", Missing, get("/?/open/")),
        refused("a whole URL", Missing, get("http://tollgate.test/area/admin")),
        refused("another method", Missing, Request::new("DELETE", "/area/admin")),
        refused("another authority", Missing, get("/area/admin").authority("attacker.test")),
        refused("x-original-url", Missing, get("/area/admin").header("x-original-url", "/open/")),
        refused(
            "x-envoy-original-path",
            Missing,
            get("/area/admin").header("x-envoy-original-path", "/open/"),
        ),
        refused("two slashes, which Envoy can merge", Missing, get("/area//admin")),
        refused("an escape, which Envoy can decode", Missing, get("/area/%61dmin")),
        refused("up again, which Envoy can resolve", Missing, get("/area/x/../admin")),
        passes("another case, which is another path", get("/area/Admin"), &[]),
    ]
}
