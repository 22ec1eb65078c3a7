use super::*;
use crate::Event;
use crate::model::{Cost, MAX_LEN, OnResponse, Overrides, Source, ValueMatch, property};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use tollgate_counting::{Failure, Host, LocalMemory, SharedMemory};
use tollgate_policy::{Headers, PathNormalization, RequestFacts, ResponseFacts, UnixNanos};

#[derive(Default)]
struct Proxy {
    shared: LocalMemory,
    address: Option<IpAddr>,
    properties: BTreeMap<String, Vec<u8>>,
    asked: usize,
}

impl Host for Proxy {
    fn shared(&mut self) -> &mut dyn SharedMemory {
        &mut self.shared
    }

    fn now(&mut self) -> Result<UnixNanos, Failure> {
        Err(Failure::Host)
    }

    fn random(&mut self) -> Result<u64, Failure> {
        Ok(0)
    }

    fn property(&mut self, path: &str) -> Result<Option<Vec<u8>>, Failure> {
        self.asked += 1;
        Ok(match path {
            "source\0address" => self.address.map(|ip| SocketAddr::new(ip, 1).to_string().into_bytes()),
            path => self.properties.get(path).cloned(),
        })
    }
}

impl Environment for Proxy {
    fn host(&mut self) -> &mut dyn Host {
        self
    }

    fn count(&mut self, _: usize, _: Event) {}
}

fn proxy(address: &str, properties: &[(&str, &[u8])]) -> Proxy {
    let properties = properties.iter().map(|(path, value)| ((*path).to_owned(), value.to_vec())).collect();
    // A key must not use shared memory.
    let shared = LocalMemory { failure: Some(Failure::Host), ..LocalMemory::default() };
    Proxy { shared, address: address.parse().ok(), properties, ..Proxy::default() }
}

fn of(source: Source) -> Action {
    let descriptor_key = source.default_key().unwrap_or("key").to_owned();
    Action { descriptor_key, source, if_absent: IfAbsent::NoKey }
}

fn header(name: &str) -> Action {
    of(Source::RequestHeader { name: name.into() })
}

fn placer() -> Placer {
    Placer::new([7; 16], 1 << 20)
}

/// The descriptor, which has a place if and only if it is one.
fn descriptor(
    actions: &[Action],
    pairs: &[(&[u8], &[u8])],
    proxy: &mut Proxy,
) -> Option<Vec<(String, String)>> {
    let request = RequestFacts::from_pairs(pairs);
    let place =
        place(actions, &mut Facts::new(&request, PathNormalization::default()), proxy, placer().key(0));
    let mut facts = Facts::new(&request, PathNormalization::default());
    let entries = entries(actions, &mut facts, proxy);
    assert_eq!(place.is_some(), entries.is_some());
    Some(entries?.into_iter().map(|entry| (entry.key.to_owned(), entry.value.into_owned())).collect())
}

/// The value of one action.
fn one(source: Source, pairs: &[(&[u8], &[u8])], proxy: &mut Proxy) -> Option<String> {
    descriptor(&[of(source)], pairs, proxy)?.pop().map(|(_, value)| value)
}

fn path(source: Source, path: &str) -> Option<String> {
    one(source, &[(b":path", path.as_bytes())], &mut Proxy::default())
}

fn json<T: tollgate_policy::Config>(text: &str) -> T {
    tollgate_policy::config::parse(text).unwrap()
}

fn matcher(text: &str) -> ValueMatch {
    ValueMatch::Text(json(text))
}

fn network(text: &str) -> ValueMatch {
    ValueMatch::Network(text.parse().unwrap())
}

fn entry(key: &str, value: &str) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

/// `config/route/v3/route_components.proto`, and the example of composing in `rate_limits.rst`.
#[test]
fn descriptors_are_those_of_envoy() {
    let mut proxy =
        proxy("192.168.1.77", &[("xds\0node\0cluster", b"web"), ("xds\0cluster_name", b"foo_cluster")]);
    let pairs: &[(&[u8], &[u8])] = &[(b":path", b"/foo?a=1&x=2"), (b"x-header", b"my_value")];
    let header_match = |name: &str, expect_match| Source::HeaderValueMatch {
        headers: vec![json(&format!(r#"{{"name": "{name}", "present": true}}"#))],
        expect_match,
        value: "yes".into(),
    };
    let query_match = |name: &str, expect_match| Source::QueryParameterValueMatch {
        parameters: vec![json(&format!(r#"{{"name": "{name}", "present": true}}"#))],
        expect_match,
        value: "yes".into(),
    };
    let address_match = |cidr: &str, invert| Source::RemoteAddressMatch {
        networks: vec![cidr.parse().unwrap()],
        invert,
        value: "internal".into(),
    };
    for (source, expected) in [
        (Source::SourceCluster, Some(entry("source_cluster", "web"))),
        (
            Source::Property { path: property::DESTINATION_CLUSTER.into() },
            Some(entry("destination_cluster", "foo_cluster")),
        ),
        (Source::RemoteAddress, Some(entry("remote_address", "192.168.1.77"))),
        (
            Source::MaskedRemoteAddress { v4_prefix_len: 24, v6_prefix_len: 64 },
            Some(entry("masked_remote_address", "192.168.1.0/24")),
        ),
        (Source::Constant("some_value".into()), Some(entry("generic_key", "some_value"))),
        (header_match("x-header", true), Some(entry("header_match", "yes"))),
        (header_match("x-header", false), None),
        (header_match("x-other", true), None),
        (header_match("x-other", false), Some(entry("header_match", "yes"))),
        (query_match("x", true), Some(entry("query_match", "yes"))),
        (query_match("x", false), None),
        (query_match("y", false), Some(entry("query_match", "yes"))),
        (address_match("192.168.0.0/16", false), Some(entry("remote_address_match", "internal"))),
        (address_match("192.168.0.0/16", true), None),
        (address_match("10.0.0.0/8", true), Some(entry("remote_address_match", "internal"))),
        (Source::RequestHeader { name: "x-header".into() }, Some(entry("key", "my_value"))),
        (Source::RequestHeader { name: ":path".into() }, Some(entry("key", "/foo?a=1&x=2"))),
        (Source::QueryParameter { name: "x".into() }, Some(entry("key", "2"))),
    ] {
        let name = format!("{source:?}");
        assert_eq!(descriptor(&[of(source)], pairs, &mut proxy), expected.map(|one| vec![one]), "{name}");
    }
    let both = [of(Source::Constant("some_value".into())), of(Source::SourceCluster)];
    assert_eq!(
        descriptor(&both, pairs, &mut proxy),
        Some(vec![entry("generic_key", "some_value"), entry("source_cluster", "web")])
    );
    assert_eq!(descriptor(&[], pairs, &mut proxy), Some(vec![]));
}

#[test]
fn a_missing_value_drops_the_key_by_default() {
    let key = |if_absent| [of(Source::Constant("a".into())), Action { if_absent, ..header("x-team") }];
    let mut proxy = Proxy::default();
    assert_eq!(descriptor(&key(IfAbsent::NoKey), &[], &mut proxy), None);
    assert_eq!(descriptor(&key(IfAbsent::Skip), &[], &mut proxy), Some(vec![entry("generic_key", "a")]));
    let default = key(IfAbsent::Value("none".into()));
    let expected = vec![entry("generic_key", "a"), entry("key", "none")];
    assert_eq!(descriptor(&default, &[], &mut proxy), Some(expected));
    // There, though empty.
    assert_eq!(
        descriptor(&default, &[(b"x-team", b"")], &mut proxy),
        Some(vec![entry("generic_key", "a"), entry("key", "")])
    );
}

#[test]
fn only_the_first_of_several_values_is_used() {
    let mut proxy = Proxy::default();
    let pairs: &[(&[u8], &[u8])] = &[
        (b"x-team", b"a"),
        (b"x-team", b"b"),
        (b"cookie", b"x=1; sid=\"s 1\""),
        (b"cookie", b"sid=2"),
        (b":path", b"/?q&%71=%31+1&q=2"),
    ];
    assert_eq!(one(Source::RequestHeader { name: "x-team".into() }, pairs, &mut proxy).as_deref(), Some("a"));
    assert_eq!(one(Source::Cookie { name: "sid".into() }, pairs, &mut proxy).as_deref(), Some("s 1"));
    assert_eq!(one(Source::Cookie { name: "SID".into() }, pairs, &mut proxy), None);
    assert_eq!(one(Source::QueryParameter { name: "q".into() }, pairs, &mut proxy).as_deref(), Some(""));
    assert_eq!(path(Source::QueryParameter { name: "q".into() }, "/?%71=%31+1").as_deref(), Some("1 1"));
}

#[test]
fn a_client_has_one_address_however_it_connects() {
    let masked = || Source::MaskedRemoteAddress { v4_prefix_len: 24, v6_prefix_len: 64 };
    for (address, whole, network) in [
        ("10.1.2.3", "10.1.2.3", "10.1.2.0/24"),
        ("::ffff:10.1.2.3", "10.1.2.3", "10.1.2.0/24"),
        ("2001:DB8:0:0:1::7", "2001:db8::1:0:0:7", "2001:db8::/64"),
    ] {
        let mut proxy = proxy(address, &[]);
        assert_eq!(one(Source::RemoteAddress, &[], &mut proxy).as_deref(), Some(whole));
        assert_eq!(one(masked(), &[], &mut proxy).as_deref(), Some(network));
    }
    assert_eq!(one(Source::RemoteAddress, &[], &mut Proxy::default()), None);
    let all = Source::MaskedRemoteAddress { v4_prefix_len: 0, v6_prefix_len: 0 };
    assert_eq!(one(all, &[], &mut proxy("10.1.2.3", &[])).as_deref(), Some("0.0.0.0/0"));
}

#[test]
fn spellings_of_a_value_are_one_value() {
    for (authority, expected) in
        [("Shop.Example.:8443", Some("shop.example")), ("[::1]:80", Some("[::1]")), ("", None)]
    {
        let pairs: &[(&[u8], &[u8])] = &[(b":authority", authority.as_bytes())];
        assert_eq!(one(Source::Host, pairs, &mut Proxy::default()).as_deref(), expected, "{authority}");
    }
    for (method, expected) in
        [("GET", Some("GET")), ("get", Some("other")), ("AAAB", Some("other")), ("", None)]
    {
        let pairs: &[(&[u8], &[u8])] = &[(b":method", method.as_bytes())];
        assert_eq!(one(Source::Method, pairs, &mut Proxy::default()).as_deref(), expected, "{method}");
    }
    for spelling in ["/a/%2e%2e/login?x=/y", "//login", "/%256Cogin", "/login;a=b", "/%6cogin"] {
        assert_eq!(path(Source::Path, spelling).as_deref(), Some("/login"), "{spelling}");
    }
    assert_eq!(path(Source::Path, ""), None);
}

#[test]
fn a_segment_of_a_path_is_a_value_where_the_template_matches() {
    let tenant = || Source::PathSegment { template: json(r#"{"template": "/tenants/{id}/**"}"#), index: 1 };
    assert_eq!(path(tenant(), "/tenants/7/x").as_deref(), Some("7"));
    assert_eq!(path(tenant(), "/tenants//%37?x").as_deref(), Some("7"));
    assert_eq!(path(tenant(), "/other/7"), None);
}

#[test]
fn claims_are_those_of_the_verified_token() {
    let payload =
        br#"{"sub": "ann", "org": {"team": "x", "n": 7, "list": ["a", 1], "no": null}, "a.b": true}"#;
    let mut proxy = proxy("", &[(property::PAYLOAD, payload)]);
    for (name, expected) in [
        ("sub", Some("ann")),
        ("org.team", Some("x")),
        ("org.n", Some("7")),
        ("org.list", Some(r#"["a",1]"#)),
        ("a.b", Some("true")),
        ("org.no", None),
        ("sub.x", None),
        ("nobody", None),
    ] {
        assert_eq!(one(Source::claim(name), &[], &mut proxy).as_deref(), expected, "{name}");
    }
    for payload in [&b""[..], b"{", b"[1]", b"\xff"] {
        let mut proxy = self::proxy("", &[(property::PAYLOAD, payload)]);
        assert_eq!(one(Source::claim("sub"), &[], &mut proxy), None);
    }
}

#[test]
fn attributes_are_values_unless_they_are_empty() {
    let of = |path: String| Source::Property { path };
    let team = property::metadata(property::Metadata::Dynamic, "ns", ["a", "b"]);
    assert_eq!(team, "metadata\0filter_metadata\0ns\0a\0b");
    let mut proxy =
        proxy("", &[(&team, b"gold"), (property::ROUTE, b""), (&property::filter_state("wasm.x"), b"\xff")]);
    assert_eq!(one(of(team), &[], &mut proxy).as_deref(), Some("gold"));
    assert_eq!(one(of(property::ROUTE.into()), &[], &mut proxy), None);
    assert_eq!(one(of(property::filter_state("wasm.x")), &[], &mut proxy).as_deref(), Some("\u{FFFD}ff"));
    assert_eq!(one(of(property::PRINCIPAL.into()), &[], &mut proxy), None);
    // Envoy has it always, though it may be empty.
    assert_eq!(one(Source::SourceCluster, &[], &mut proxy).as_deref(), Some(""));
}

#[test]
fn reads_the_address_and_the_claims_once() {
    let mut proxy = proxy("10.0.0.1", &[(property::PAYLOAD, br#"{"a": 1, "b": 2}"#)]);
    let actions = [
        of(Source::RemoteAddress),
        of(Source::MaskedRemoteAddress { v4_prefix_len: 8, v6_prefix_len: 8 }),
        of(Source::claim("a")),
        of(Source::claim("b")),
    ];
    let mut facts = Facts::new(&RequestFacts::default(), PathNormalization::default());
    for _ in 0..2 {
        assert!(place(&actions, &mut facts, &mut proxy, placer().key(0)).is_some());
    }
    assert_eq!(proxy.asked, 2);
}

#[test]
fn a_default_value_never_equals_an_address() {
    let action = Action { if_absent: IfAbsent::Value("none".into()), ..of(Source::RemoteAddress) };
    let at = |address: &str| {
        let mut facts = Facts::new(&RequestFacts::default(), PathNormalization::default());
        let key = placer().key(0);
        place(core::slice::from_ref(&action), &mut facts, &mut proxy(address, &[]), key)
    };
    // `none` in octets.
    assert_ne!(at(""), at("110.111.110.101"));
}

mod any;
mod costs;
mod overrides;
