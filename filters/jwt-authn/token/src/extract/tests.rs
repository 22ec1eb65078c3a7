use super::*;
use proptest::prelude::*;
use tollgate_jose::Algorithms;
use tollgate_jwt_authn_plan::plan::PlannedProvider;
use tollgate_policy::HeaderEdit;

fn provider(json: &str) -> Provider {
    tollgate_policy::config::parse(json).unwrap()
}

fn planned(config: &Provider) -> PlannedProvider {
    PlannedProvider { name: "main".into(), config: config.clone(), source: 0, allowed: Algorithms::default() }
}

fn strip_all<'p>(providers: &'p [PlannedProvider], request: &RequestFacts<'_>) -> Stripped<'p> {
    strip(providers, &|_| true, &|_| false, request)
}

fn usual() -> Provider {
    provider(
        r#"{"from_headers": [{"name": "Authorization", "value_prefix": "Bearer "}], "from_params": ["access_token"]}"#,
    )
}

type Pairs<'a> = Vec<(&'a [u8], &'a [u8])>;

fn pairs<'a>(path: &'a str, headers: &[(&'a str, &'a str)]) -> Pairs<'a> {
    let headers = headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
    [(&b":path"[..], path.as_bytes())].into_iter().chain(headers).collect()
}

fn found(provider: &Provider, pairs: &Pairs<'_>) -> Result<Vec<String>, LimitExceeded> {
    let tokens = tokens(provider, &RequestFacts::from_pairs(pairs), 100)?;
    assert_eq!(tokens.len(), tokens.iter().count());
    assert_eq!(tokens.is_empty(), tokens.iter().count() == 0);
    Ok(tokens.iter().map(|token| String::from_utf8_lossy(token).into_owned()).collect())
}

/// The request after the edits.
fn stripped(providers: &[Provider], keep: &str, pairs: &Pairs<'_>) -> (String, Vec<(String, String)>) {
    let request = RequestFacts::from_pairs(pairs);
    let planned: Vec<_> = providers.iter().map(planned).collect();
    let stripped = strip(&planned, &|_| true, &|token| token == keep.as_bytes(), &request);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut headers: Vec<_> = pairs[1..].iter().map(|(n, v)| (text(n), text(v))).collect();
    for edit in &stripped.edits {
        if !matches!(edit, HeaderEdit::Add(..)) {
            headers.retain(|(name, _)| name != edit.name().as_str());
        }
        headers.extend(edit.value().map(|value| (edit.name().to_string(), text(value))));
    }
    (text(stripped.path.as_deref().unwrap_or(request.path)), headers)
}

fn owned(headers: &[(&str, &str)]) -> Vec<(String, String)> {
    headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
}

#[test]
fn the_usual_token_is_borrowed() {
    let pairs = pairs("/", &[("authorization", "Bearer a.b.c")]);
    let tokens = tokens(&usual(), &RequestFacts::from_pairs(&pairs), 100).unwrap();
    assert!(matches!(tokens.first, Some(Cow::Borrowed(b"a.b.c"))));
    assert_eq!(tokens.more.capacity(), 0);
}

#[test]
fn a_header_with_a_prefix_is_read_as_envoy_does() {
    for (value, expected) in [
        ("Bearer a.b.c", &["a.b.c"][..]),
        ("Bearer   a.b.c", &["a.b.c"]),
        ("Basic x, Bearer a.b.c", &["a.b.c"]),
        ("Bearer a.b.c, Bearer d.e.f", &["a.b.c, Bearer d.e.f"]),
        ("Bearer \"a.b.c\"", &["a.b.c\""]),
        ("Bearer !!", &["Bearer !!"]),
        ("Bearer", &[]),
        ("Basic dTpw", &[]),
        ("", &[]),
        // Envoy requires the exact case here.
        ("bearer a.b.c", &["a.b.c"]),
        ("BEARER a.b.c", &["a.b.c"]),
    ] {
        let pairs = pairs("/", &[("authorization", value)]);
        assert_eq!(found(&usual(), &pairs).unwrap(), expected, "{value}");
    }
}

#[test]
fn a_prefix_in_another_header_is_exact() {
    let provider = provider(r#"{"from_headers": [{"name": "x-jwt", "value_prefix": "jwt="}]}"#);
    assert_eq!(found(&provider, &pairs("/", &[("x-jwt", "jwt=a.b.c")])).unwrap(), ["a.b.c"]);
    assert_eq!(found(&provider, &pairs("/", &[("x-jwt", "JWT=a.b.c")])).unwrap(), [""; 0]);
}

#[test]
fn a_header_without_a_prefix_is_the_token() {
    let provider = provider(r#"{"from_headers": [{"name": "x-jwt"}]}"#);
    let all = pairs("/", &[("x-jwt", "a.b.c"), ("authorization", "Bearer d"), ("x-jwt", "e f")]);
    assert_eq!(found(&provider, &all).unwrap(), ["a.b.c", "e f"]);
    assert_eq!(found(&provider, &pairs("/", &[("x-jwt", "")])).unwrap(), [""]);
}

#[test]
fn every_value_of_a_parameter_counts_and_is_decoded_once() {
    for (path, expected) in [
        ("/a?access_token=a.b.c", &["a.b.c"][..]),
        ("/a?x=1&access_token=a.b.c&access_token=d", &["a.b.c", "d"]),
        ("/a?access%5Ftoken=%61.b%2ec", &["a.b.c"]),
        ("/a?access_token=%2561", &["%61"]),
        ("/a?access_token=a+b%zz%", &["a+b%zz%"]),
        ("/a?access_token", &[""]),
        ("/a?access_token=b=c", &["b=c"]),
        ("/a?xaccess_token=b&ACCESS_TOKEN=c;access_token=d", &[]),
        ("/access_token=a", &[]),
        ("/a?", &[]),
    ] {
        assert_eq!(found(&usual(), &pairs(path, &[])).unwrap(), expected, "{path}");
    }
}

#[test]
fn cookies_of_every_header_are_read() {
    let provider = provider(r#"{"from_cookies": ["jwt", "__Host-jwt"]}"#);
    let headers = [
        ("cookie", "a=1; jwt=a.b.c;jwt=\"d\""),
        ("cookie", "xjwt=1; jwt = e ; __Host-jwt=f=g; jwt"),
        ("jwt", "h"),
    ];
    let expected = ["a.b.c", "d", "e", "", "f=g"];
    assert_eq!(found(&provider, &pairs("/?jwt=i", &headers)).unwrap(), expected);
}

#[test]
fn the_same_token_in_two_places_is_one() {
    let pairs = pairs("/?access_token=a.b.c", &[("authorization", "Bearer a.b.c")]);
    assert_eq!(found(&usual(), &pairs).unwrap(), ["a.b.c"]);
}

#[test]
fn tokens_are_bounded_in_number_and_length() {
    let query = |count: usize| {
        let all: Vec<_> = (0..count).map(|index| format!("access_token={index}")).collect();
        format!("/?{}", all.join("&"))
    };
    assert_eq!(found(&usual(), &pairs(&query(MAX_TOKENS), &[])).unwrap().len(), MAX_TOKENS);
    assert_eq!(found(&usual(), &pairs(&query(MAX_TOKENS + 1), &[])), Err(LimitExceeded::TooMany));
    for (length, fits) in [(100, true), (101, false), (1000, false)] {
        let token = "a".repeat(length);
        for (path, header) in
            [(format!("/?access_token={token}"), String::new()), ("/".to_owned(), format!("Bearer {token}"))]
        {
            let result = found(&usual(), &pairs(&path, &[("authorization", &header)]));
            assert_eq!(result, if fits { Ok(vec![token.clone()]) } else { Err(LimitExceeded::TooLong) });
        }
    }
    let encoded = format!("/?access_token={}", "%61".repeat(100));
    assert_eq!(found(&usual(), &pairs(&encoded, &[])).unwrap(), ["a".repeat(100)]);
}

#[test]
fn a_token_goes_from_all_three_places_and_nothing_else_does() {
    let provider = provider(
        r#"{"from_headers": [{"name": "authorization", "value_prefix": "Bearer "}, {"name": "x-jwt"}],
            "from_params": ["access_token"], "from_cookies": ["jwt"]}"#,
    );
    let before = pairs(
        "/a%20b?x=%41+1&access_token=t&&y&access%5Ftoken=u&z=",
        &[
            ("authorization", "Bearer t"),
            ("accept", "*/*"),
            ("cookie", "a=\"1\"; jwt=t; b=2"),
            ("authorization", "Basic dTpw"),
            ("x-jwt", "t"),
            ("cookie", "jwt=u"),
        ],
    );
    let (path, headers) = stripped(&[provider], "-", &before);
    assert_eq!(path, "/a%20b?x=%41+1&&y&z=");
    let expected = [("accept", "*/*"), ("authorization", "Basic dTpw"), ("cookie", "a=\"1\"; b=2")];
    assert_eq!(headers, owned(&expected));
}

#[test]
fn what_becomes_empty_goes_wholly() {
    let provider = provider(r#"{"from_params": ["t"], "from_cookies": ["t"]}"#);
    let before = pairs("/a?t=1&t=2", &[("cookie", "t=1"), ("cookie", "t=2;")]);
    assert_eq!(stripped(&[provider], "-", &before), ("/a".to_owned(), Vec::new()));
}

#[test]
fn a_request_without_tokens_stays_as_it_is() {
    let provider = provider(
        r#"{"from_headers": [{"name": "authorization", "value_prefix": "Bearer "}],
            "from_params": ["t"], "from_cookies": ["t"]}"#,
    );
    let pairs = pairs("/a?&x", &[("authorization", "Basic x"), ("cookie", "a=1 ;b=2;")]);
    let request = RequestFacts::from_pairs(&pairs);
    assert_eq!(strip_all(&[planned(&provider)], &request), Stripped::default());
}

#[test]
fn tokens_that_are_forwarded_stay() {
    let before = pairs("/?access_token=b", &[("authorization", "Bearer a")]);
    let forwarding = Provider { forward: true, ..usual() };
    assert_eq!(
        stripped(std::slice::from_ref(&forwarding), "-", &before),
        ("/?access_token=b".to_owned(), owned(&[("authorization", "Bearer a")]))
    );
    // Both providers read the same locations. A token that one verified and forwards is kept by the other.
    assert_eq!(
        stripped(&[usual(), forwarding], "a", &before),
        ("/".to_owned(), owned(&[("authorization", "Bearer a")]))
    );
}

fn anything() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just("t".to_owned()),
        Just("%74".to_owned()),
        Just("=".to_owned()),
        Just("&".to_owned()),
        Just(";".to_owned()),
        Just("?".to_owned()),
        Just("\"".to_owned()),
        Just("Bearer ".to_owned()),
        Just(" ".to_owned()),
        Just(",".to_owned()),
        "[%a-c/.+]{0,3}",
    ];
    proptest::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #[test]
    fn once_stripped_no_token_is_found(
        path in anything(),
        values in proptest::collection::vec((0usize..4, anything()), 0..6),
    ) {
        let provider = provider(
            r#"{"from_headers": [{"name": "authorization", "value_prefix": "Bearer "}, {"name": "t"}],
                "from_params": ["t"], "from_cookies": ["t"]}"#,
        );
        let names: [&[u8]; 4] = [b"authorization", b"t", b"cookie", b"other"];
        let mut before: Pairs<'_> = vec![(b":path", &path)];
        before.extend(values.iter().map(|(name, value)| (names[*name], &value[..])));
        let (path, headers) = stripped(std::slice::from_ref(&provider), "-", &before);
        let borrowed: Vec<_> = headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        prop_assert_eq!(found(&provider, &pairs(&path, &borrowed)), Ok(Vec::new()));
        let others = |all: Vec<(&str, &str)>| all.iter().filter(|(n, _)| *n == "other").count();
        let sent = values.iter().filter(|(name, _)| *name == 3).count();
        prop_assert_eq!(others(borrowed), sent);
    }

    #[test]
    fn other_parameters_stay_byte_for_byte(
        before in "[a-s%&=+.]{0,12}", between in "[a-s%&=+.]{0,12}", token in "[a-z.]{0,8}",
    ) {
        let path = format!("/p?{before}&t={token}&{between}");
        let pairs = pairs(&path, &[]);
        let request = RequestFacts::from_pairs(&pairs);
        let provider = provider(r#"{"from_params": ["t"]}"#);
        let stripped = strip_all(&[planned(&provider)], &request).path.unwrap();
        prop_assert_eq!(String::from_utf8(stripped).unwrap(), format!("/p?{before}&{between}"));
    }

    #[test]
    fn nothing_panics_and_what_is_found_is_bounded(
        path in proptest::collection::vec(any::<u8>(), 0..200),
        value in proptest::collection::vec(any::<u8>(), 0..200),
        limit in 0usize..50,
    ) {
        let provider = provider(
            r#"{"from_headers": [{"name": "a", "value_prefix": "B"}, {"name": "a"}], "from_params": ["a"],
                "from_cookies": ["a"]}"#,
        );
        let pairs: Pairs<'_> = vec![(b":path", &path), (b"a", &value), (b"cookie", &value)];
        let request = RequestFacts::from_pairs(&pairs);
        if let Ok(tokens) = tokens(&provider, &request, limit) {
            prop_assert!(tokens.len() <= MAX_TOKENS);
            prop_assert!(tokens.iter().all(|token| token.len() <= limit));
        }
        strip_all(&[planned(&provider)], &request);
    }
}
