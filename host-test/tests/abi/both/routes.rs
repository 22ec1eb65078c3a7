//! Routes: which one matches, when it is selected again, and what filters can read from it.

use super::{agree, guests};
use crate::call;
use crate::guest::{Do, Guest};
use serde_json::json;
use tollgate_host_test::{
    HeaderMatch, PathMatch, Request, Response, Route, RouteAction, Scenario, StringMatch, Upstream,
    VirtualHost,
};

fn get(path: &str) -> Request {
    Request::get(path)
}

/// Reads all properties of the route.
fn look() -> Vec<Do> {
    let names = [
        "xds\0route_name",
        "xds\0cluster_name",
        "xds\0virtual_host_name",
        "xds\0route_metadata",
        "xds\0route_metadata\0filter_metadata\0ns",
        "xds\0route_metadata\0filter_metadata\0ns\0text",
        "xds\0route_metadata\0filter_metadata\0other\0number",
        "xds\0route_metadata\0filter_metadata\0none",
        "xds\0virtual_host_metadata",
        "xds\0cluster_metadata",
        "response\0flags",
        "response\0code_details",
    ];
    guests::told(
        names
            .iter()
            .map(|name| {
                let name = *name;
                call!("get_property", name, _, _)
            })
            .collect(),
    )
}

/// Reads the route in every callback, before and after it changes the request's headers.
fn looker(change: Vec<Do>) -> Guest {
    let changed = [look(), change, look()].concat();
    ["request_body", "response_headers", "response_body", "log"]
        .iter()
        .fold(Guest::new(), |guest, name| guest.on(name, look()))
        .on("request_headers", changed)
}

fn set(name: &str, value: &str) -> Do {
    call!("replace_header_map_value", 0, name, value)
}

fn ups(scenario: Scenario) -> Scenario {
    let scenario = scenario.upstream(Upstream::replies("a", Response::new(200).chunk("from a")));
    scenario.upstream(Upstream::replies("b", Response::new(200).chunk("from b")))
}

fn to_cluster(header: &str) -> RouteAction {
    RouteAction::ClusterHeader(header.into())
}

/// A route that matches a header, and one for all other requests.
fn two(scenario: Scenario) -> Scenario {
    ups(scenario)
        .route(
            Route::to("/", "b")
                .named("to b")
                .header("x-to", StringMatch::Exact("b".into()))
                .metadata("ns", json!({"text": "of b"})),
        )
        .route(Route::to("/", "a").named("to a").metadata("ns", json!({"text": "of a"})))
}

fn matched(matches: impl Fn(Route) -> Route, requests: Vec<Request>) -> Scenario {
    let scenario = ups(looker(vec![]).scenario())
        .route(matches(Route::to("/", "b").named("it")))
        .route(Route::to("/", "a").named("other"));
    requests.into_iter().fold(scenario, Scenario::request)
}

fn path(path: PathMatch) -> Scenario {
    let paths = ["/", "/p", "/p?q", "/p/", "/p/q", "/pq", "/P", "/x/../p", "//p", "/p%2fq", "/p#f"];
    matched(|route| Route { path: path.clone(), ..route }, paths.map(get).to_vec())
}

fn header(value: StringMatch, invert: bool) -> Scenario {
    let header = HeaderMatch { name: "X-To".into(), value, invert };
    let requests = vec![
        get("/"),
        get("/").header("x-to", "bcd"),
        get("/").header("x-to", ""),
        get("/").header("x-to", "abc"),
        get("/").header("x-to", "bc").header("x-to", "d"),
        get("/").header("x-to", "xbcd"),
        get("/").header("x-to", "BCD"),
    ];
    matched(move |route| Route { headers: vec![header.clone()], ..route }, requests)
}

fn query(value: StringMatch) -> Scenario {
    let paths =
        ["/", "/?q", "/?q=", "/?q=bcd", "/?q=x&q=bcd", "/?a=1&q=bcd#q=1", "/?Q=bcd", "/?q=%62cd", "/?q=abcd"];
    matched(|route| route.query("q", value.clone()), paths.map(get).to_vec())
}

fn hosts() -> Scenario {
    let host =
        |name: &str, domains: &[&str]| VirtualHost::new(name, domains).route(Route::to("/", "a").named(name));
    let scenario = ups(looker(vec![]).scenario()).settings(|s| {
        s.virtual_hosts = vec![
            host("suffix", &["*.test"]),
            host("longer suffix", &["*.b.test"]),
            host("prefix", &["a.*"]),
            host("exact", &["A.test", "port.test:8080"]),
            host("hyphen", &["*-x.test"]),
        ];
    });
    let authorities = [
        "a.test",
        "A.TEST",
        "b.test",
        "x.b.test",
        "a.other",
        "other",
        "port.test:8080",
        "port.test",
        "a.test:80",
        "-x.test",
        "y-x.test",
        "a.",
        ".test",
    ];
    authorities.iter().fold(scenario, |scenario, a| scenario.request(get("/").authority(a)))
}

agree! {
    path_prefix: path(PathMatch::Prefix("/p".into()));
    path_exact: path(PathMatch::Exact("/p".into()));
    path_segments: path(PathMatch::Segments("/p".into()));
    header_present: header(StringMatch::Present, false);
    header_absent: header(StringMatch::Present, true);
    header_exact: header(StringMatch::Exact("bcd".into()), false);
    header_not_exact: header(StringMatch::Exact("bcd".into()), true);
    header_joined: header(StringMatch::Exact("bc,d".into()), false);
    header_is_one_of_several: header(StringMatch::Exact("d".into()), false);
    header_is_the_first_of_several: header(StringMatch::Exact("bc".into()), false);
    header_is_not_one_of_several: header(StringMatch::Exact("d".into()), true);
    header_prefix: header(StringMatch::Prefix("b".into()), false);
    header_suffix: header(StringMatch::Suffix("d".into()), false);
    header_contains: header(StringMatch::Contains("bc".into()), false);
    header_does_not_contain: header(StringMatch::Contains("bc".into()), true);
    query_present: query(StringMatch::Present);
    query_exact: query(StringMatch::Exact("bcd".into()));
    query_prefix: query(StringMatch::Prefix("b".into()));
    virtual_hosts: hosts();
    no_virtual_host_has_a_route: ups(looker(vec![]).scenario())
        .settings(|s| s.virtual_hosts = vec![VirtualHost::new("empty", &["*"])])
        .request(get("/"));
    a_new_header_selects_another_route: two(looker(vec![set("x-to", "b")]).scenario())
        .request(get("/"))
        .request(Request::post("/", "abc"));
    an_unrelated_header_changes_nothing: two(looker(vec![set("x", "y")]).scenario()).request(get("/"));
    removing_a_missing_header: two(looker(vec![call!("remove_header_map_value", 0, "nope")]).scenario())
        .request(get("/").header("x-to", "b"));
    removing_a_header_selects_another_route: two(looker(vec![call!("remove_header_map_value", 0, "x-to")]).scenario())
        .request(get("/").header("x-to", "b"));
    a_second_filter_reads_the_old_route: {
        let scenario = two(looker(vec![set("x-to", "b")]).scenario());
        let second = looker(vec![]).filter().named("second");
        scenario.filter(second).request(get("/"))
    };
    clearing_the_route_cache: {
        let clear = call!("call_foreign_function", "clear_route_cache", "", _, _);
        two(looker(vec![clear]).scenario()).request(get("/").header("x-to", "b"))
    };
    a_reply_after_clearing: {
        let reply = call!("send_local_response", 403, "mine", "no", "", (-1));
        two(looker(vec![set("x-to", "b"), reply]).scenario()).request(get("/"))
    };
    a_change_in_the_response_has_no_effect: {
        let guest = looker(vec![]).on("response_headers", [look(), vec![set("x-to", "b")], look()].concat());
        two(guest.scenario()).request(get("/"))
    };
    another_path_selects_another_route: ups(looker(vec![set(":path", "/b/c")]).scenario())
        .route(Route::to("/b/", "b").named("b"))
        .route(Route::to("/", "a").named("a"))
        .request(get("/"));
    another_authority_selects_another_host: ups(looker(vec![set(":authority", "b.test")]).scenario())
        .settings(|s| {
            s.virtual_hosts = vec![
                VirtualHost::new("b", &["b.test"]).route(Route::to("/", "b")),
                VirtualHost::new("a", &["*"]).route(Route::to("/", "a")),
            ];
        })
        .request(get("/"));
    a_change_leads_nowhere: ups(looker(vec![set(":path", "/none")]).scenario())
        .route(Route::to("/b/", "b").named("b"))
        .request(get("/b/"))
        .request(get("/none"));
    no_scheme: two(looker(vec![call!("remove_header_map_value", 0, ":scheme")]).scenario()).request(get("/"));
    no_forwarded_proto: two(looker(vec![call!("remove_header_map_value", 0, "x-forwarded-proto")]).scenario())
        .request(get("/"));
    cluster_header: ups(looker(vec![set("x-cluster", "b")]).scenario())
        .route(Route::new(PathMatch::Prefix("/".into()), to_cluster("x-cluster")).named("by header"))
        .request(get("/"))
        .request(get("/").header("x-cluster", "a"));
    cluster_header_is_missing: ups(looker(vec![]).scenario())
        .route(Route::new(PathMatch::Prefix("/".into()), to_cluster("x-cluster")))
        .request(get("/"))
        .request(get("/").header("x-cluster", "nope"))
        .request(get("/").header("x-cluster", "b"));
    unknown_cluster: ups(looker(vec![]).scenario()).route(Route::to("/", "nope").named("n")).request(get("/"));
    header_replaced: {
        let replaces = ["host", "b", "content-type", ":path", "te"].map(|name| call!("replace_header_map_value", 0, name, "/x"));
        let tell = super::guests::told(vec![call!("get_header_map_pairs", 0, _, _)]);
        let guest = Guest::new().on("request_headers", [replaces.to_vec(), tell].concat());
        let request = get("/").header("a", "1").header("b", "2").header("content-type", "y").header("b", "3").header("c", "4");
        guest.scenario().request(request)
    };
    direct_response: ups(looker(vec![]).scenario())
        .route(Route::new(
            PathMatch::Prefix("/".into()),
            RouteAction::DirectResponse { status: 418, body: "teapot".into() },
        ).named("direct"))
        .request(get("/"))
        .request(Request::post("/", "abc"))
        .request(Request::new("HEAD", "/"))
        .request(get("/").header("content-type", "application/grpc"));
    direct_response_without_body: ups(looker(vec![]).scenario())
        .route(Route::new(
            PathMatch::Prefix("/".into()),
            RouteAction::DirectResponse { status: 200, body: String::new() },
        ))
        .request(get("/"));
    redirect: ups(looker(vec![]).scenario())
        .route(Route::new(
            PathMatch::Prefix("/host".into()),
            RouteAction::Redirect { host: "other.test".into(), path: String::new() },
        ))
        .route(Route::new(
            PathMatch::Prefix("/path".into()),
            RouteAction::Redirect { host: String::new(), path: "/new".into() },
        ))
        .request(get("/host/a?b"))
        .request(get("/path/a?b"))
        .request(Request::post("/path/a?b", "abc"));
    metadata: ups(looker(vec![]).scenario())
        .route(
            Route::to("/", "a")
                .metadata("ns", json!({"list": [1, "x", true]}))
        )
        .request(get("/"));
    metadata_of_a_host: ups(looker(vec![]).scenario())
        .settings(|s| {
            let mut host = VirtualHost::new("h", &["*"])
                .route(Route::to("/", "a").metadata("other", json!({"number": 1.5})));
            host.metadata.insert("ns".into(), json!({"b": true}));
            s.virtual_hosts = vec![host];
        })
        .request(get("/"));
    a_disabled_filter_sees_nothing: {
        let scenario = two(looker(vec![set("x-to", "b")]).scenario());
        let mut scenario = scenario.filter(looker(vec![]).filter().named("second")).request(get("/")).request(get("/").header("x-to", "b"));
        scenario.settings.virtual_hosts[0].routes[0].disabled = vec!["second".into()];
        scenario
    };
    a_filter_is_disabled_by_the_first_route: {
        let mut scenario = two(looker(vec![set("x-to", "b")]).scenario()).filter(looker(vec![]).filter().named("second"));
        scenario.settings.virtual_hosts[0].routes[1].disabled = vec!["second".into()];
        scenario.request(get("/"))
    };
    callouts_are_separate_from_routed_requests: {
        let headers = super::pairs(&[(":method", "GET"), (":path", "/c"), (":authority", "a")]);
        let call = call!("http_call", "b", headers, "", "", 1000, _);
        let go = vec![call!("set_effective_context", 2), call!("continue_stream", 0)];
        let guest = Guest::new().on_returning("request_headers", [call], 1).on("http_call_response", go);
        ups(guest.scenario()).route(Route::to("/", "b")).request(get("/"))
    };
}
