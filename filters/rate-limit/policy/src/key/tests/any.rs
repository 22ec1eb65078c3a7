//! Properties for any client.

use super::*;
use proptest::prelude::*;

#[derive(Clone, Debug)]
struct Client {
    headers: Vec<(&'static str, Vec<u8>)>,
    address: Option<IpAddr>,
    route: Option<Vec<u8>>,
}

fn client() -> impl Strategy<Value = Client> {
    let value = || proptest::collection::vec(prop_oneof![Just(b'a'), Just(0xff), any::<u8>()], 0..3);
    let name = prop_oneof![
        Just("x-a"),
        Just("x-b"),
        Just("cookie"),
        Just(":path"),
        Just(":method"),
        Just(":authority")
    ];
    let route = proptest::option::of(value());
    let address = proptest::option::of(prop_oneof![
        (0u32..4).prop_map(|bits| IpAddr::V4(bits.into())),
        (0u128..4).prop_map(|bits| IpAddr::V6(bits.into())),
        (0u32..4).prop_map(|bits| IpAddr::V6(std::net::Ipv4Addr::from(bits).to_ipv6_mapped())),
    ]);
    (proptest::collection::vec((name, value()), 0..4), address, route)
        .prop_map(|(headers, address, route)| Client { headers, address, route })
}

fn actions() -> Vec<(Action, &'static str)> {
    let sources = [
        Source::RequestHeader { name: "x-a".into() },
        Source::RequestHeader { name: "x-b".into() },
        Source::RemoteAddress,
        Source::MaskedRemoteAddress { v4_prefix_len: 31, v6_prefix_len: 127 },
        Source::Cookie { name: "a".into() },
        Source::QueryParameter { name: "a".into() },
        Source::Path,
        Source::Host,
        Source::Method,
        Source::Constant("c".into()),
        Source::Property { path: property::ROUTE.into() },
        Source::SourceCluster,
    ];
    let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
    sources.into_iter().map(of).zip(names).collect()
}

proptest! {
    /// Two requests have the same place if, and only if, they have the same descriptor.
    #[test]
    fn places_are_alike_if_descriptors_are(
        a in client(),
        b in client(),
        chosen in proptest::sample::subsequence(actions(), 1..4),
        absent in proptest::collection::vec(0u8..3, 3),
    ) {
        let key: Vec<Action> = chosen.into_iter().zip(absent).map(|((action, name), absent)| Action {
            descriptor_key: name.to_owned(),
            if_absent: match absent {
                0 => IfAbsent::NoKey,
                1 => IfAbsent::Skip,
                _ => IfAbsent::Value("a".into()),
            },
            ..action
        }).collect();
        let both = |client: &Client| {
            let pairs: Vec<_> = client.headers.iter().map(|(name, value)| (name.as_bytes(), value.as_slice())).collect();
            let route = client.route.iter().map(|route| (property::ROUTE.to_owned(), route.clone())).collect();
            let mut proxy = Proxy { address: client.address, properties: route, ..Proxy::default() };
            let request = RequestFacts::from_pairs(&pairs);
            let at = place(&key, &mut Facts::new(&request, PathNormalization::default()), &mut proxy, placer().key(1));
            (at, descriptor(&key, &pairs, &mut proxy))
        };
        let (a, b) = (both(&a), both(&b));
        prop_assert_eq!(a.0 == b.0, a.1 == b.1);
    }

    #[test]
    fn no_request_panics(value in proptest::collection::vec(any::<u8>(), 0..40)) {
        let pairs: &[(&[u8], &[u8])] = &[
            (b":path", &value), (b":method", &value), (b":authority", &value), (b"cookie", &value), (b"x-a", &value),
        ];
        let mut proxy = Proxy::default();
        proxy.properties.insert(property::PAYLOAD.into(), value.clone());
        for (action, _) in actions() {
            let text = descriptor(&[action], pairs, &mut proxy);
            prop_assert!(text.is_none_or(|text| text.iter().all(|(_, value)| value.len() <= MAX_LEN)));
        }
        let _ = one(Source::claim("a.b"), pairs, &mut proxy);
    }
}
