use super::*;
use proptest::prelude::*;

fn matches(template: &str, path: &str) -> bool {
    let json = serde_json::json!({ "template": template }).to_string();
    crate::config::parse::<PathMatcher>(&json).unwrap().matches(path.as_bytes())
}

#[test]
fn a_placeholder_matches_one_segment() {
    for (template, yes, no) in [
        (
            "/users/{id}",
            vec!["/users/7", "/users/a.b"],
            vec!["/users", "/users/", "/users/7/", "/users/7/x", "users/7"],
        ),
        ("/users/*/orders", vec!["/users/7/orders"], vec!["/users//orders", "/users/7/8/orders"]),
        ("/static/**", vec!["/static", "/static/", "/static/a/b"], vec!["/statics", "/", ""]),
        ("/**", vec!["/", "/a/b"], vec!["", "*"]),
        ("/", vec!["/"], vec!["", "/a", "//"]),
        ("/a/", vec!["/a/"], vec!["/a", "/a//"]),
    ] {
        for path in yes {
            assert!(matches(template, path), "{template} {path}");
        }
        for path in no {
            assert!(!matches(template, path), "{template} {path}");
        }
    }
}

#[test]
fn matches_a_path_as_a_string() {
    let matcher: PathMatcher = crate::config::parse(r#"{"prefix": "/API", "ignore_case": true}"#).unwrap();
    assert!(matcher.matches(b"/api/x") && !matcher.matches(b"/x/api"));
}

#[test]
fn rejects_invalid_matchers() {
    for (json, message) in [
        ("{}", "expected either `template`, or"),
        (r#"{"template": "/a", "exact": "/a"}"#, "expected either `template`, or"),
        (r#"{"template": "/a", "ignore_case": true}"#, "expected either `template`, or"),
        (r#"{"template": "a"}"#, "`template` `a`: must begin with `/`"),
        (r#"{"template": "/{id}.json"}"#, "`template` `/{id}.json`: `{name}` and `*` must be whole segments"),
        (r#"{"template": "/**/a"}"#, "`template` `/**/a`: `{name}`"),
        (r#"{"template": "/{}"}"#, "`template` `/{}`: `{name}`"),
        (r#"{"template": "/{a}/{a}"}"#, "`template` `/{a}/{a}`: duplicate placeholder name"),
        (r#"{"template": "/a?b"}"#, "`template` `/a?b`: must not contain `?` or `#`"),
        (r#"{"prefix": "/a", "exact": "/a"}"#, "expected exactly one of"),
    ] {
        let error = crate::config::parse::<PathMatcher>(json).unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
    }
}

#[test]
fn rejects_patterns_that_no_path_matches() {
    let start = "expected a path that begins with `/`";
    let query = "expected a path without `?` and `#`";
    for (json, message) in [
        (r#"{"exact": "a"}"#, format!("`exact` `a` never matches, {start}")),
        (r#"{"prefix": "api/"}"#, format!("`prefix` `api/` never matches, {start}")),
        (r#"{"exact": "https://h.example/a"}"#, start.into()),
        (r#"{"exact": " /a"}"#, start.into()),
        (r#"{"regex": "api/.*"}"#, format!("`regex` `api/.*` never matches, {start}")),
        (r#"{"regex": "^v[0-9]+"}"#, start.into()),
        (r#"{"exact": "/a?x=1"}"#, format!("`exact` `/a?x=1` never matches, {query}")),
        (r#"{"prefix": "/a?"}"#, query.into()),
        (r#"{"suffix": "?x=1"}"#, query.into()),
        (r#"{"contains": "?x"}"#, query.into()),
        (r#"{"exact": "/a#b"}"#, query.into()),
    ] {
        let error = crate::config::parse::<PathMatcher>(json).unwrap_err().to_string();
        assert!(error.contains(&message), "{json}: {error}");
    }
    for (json, path) in [
        (r#"{"exact": ""}"#, ""),
        (r#"{"exact": "*"}"#, "*"),
        (r#"{"suffix": ".json"}"#, "/a.json"),
        (r#"{"contains": "a"}"#, "/a"),
        (r#"{"regex": ".*"}"#, "/a"),
        (r#"{"regex": "a?/b"}"#, "/b"),
        (r#"{"regex": "a|/b"}"#, "/b"),
        (r#"{"regex": "/a(\\?.*)?"}"#, "/a"),
    ] {
        assert!(crate::config::parse::<PathMatcher>(json).unwrap().matches(path.as_bytes()), "{json}");
    }
}

#[test]
fn escapes_in_a_pattern_match_readings() {
    for (json, path) in [
        (r#"{"exact": "/a%2fb"}"#, "/a%2Fb"),
        (r#"{"exact": "/%7euser"}"#, "/~user"),
        (r#"{"prefix": "/%c3%a4"}"#, "/%C3%A4/x"),
        (r#"{"suffix": "%c3%a4"}"#, "/x%C3%A4"),
        (r#"{"contains": "%2f"}"#, "/a%2Fb"),
        (r#"{"template": "/a%2fb/{id}"}"#, "/a%2Fb/7"),
        (r#"{"exact": "/100%"}"#, "/100%"),
        (r#"{"exact": "/%zz%2"}"#, "/%zz%2"),
    ] {
        assert!(crate::config::parse::<PathMatcher>(json).unwrap().matches(path.as_bytes()), "{json}");
    }
    let matcher = PathMatcher::from_uri_template("/%7euser/**/%c3").unwrap();
    assert!(matcher.matches(b"/~user/x/%C3"));
}

#[test]
fn knows_patterns_that_no_reading_matches() {
    let normalization = |json: &str| crate::config::parse::<PathNormalization>(json).unwrap();
    let reachable = |matcher: &str, json: &str| {
        let matcher: PathMatcher = crate::config::parse(matcher).unwrap();
        matcher.is_reachable(&normalization(json))
    };
    let all = |how: &str| {
        let names =
            ["dot_segments", "duplicate_slashes", "escaped_slashes", "backslashes", "path_parameters"];
        let fields = names.map(|name| format!(r#""{name}": "{how}""#)).join(", ");
        format!(r#"{{{fields}, "percent_encoding": "{how}"}}"#)
    };
    for (matcher, normalize, reject) in [
        (r#"{"exact": "/a"}"#, true, true),
        (r#"{"exact": ""}"#, true, true),
        (r#"{"exact": "*"}"#, true, true),
        (r#"{"exact": "/A", "ignore_case": true}"#, true, true),
        (r#"{"prefix": "/"}"#, true, true),
        (r#"{"prefix": "/a/."}"#, true, true),
        (r#"{"suffix": ".."}"#, true, true),
        (r#"{"template": "/a/{b}/**"}"#, true, true),
        (r#"{"regex": "//a"}"#, true, true),
        (r#"{"exact": "/100%"}"#, true, true),
        (r#"{"exact": "//a"}"#, false, false),
        (r#"{"prefix": "//a"}"#, false, false),
        (r#"{"exact": "/a/../b"}"#, false, false),
        (r#"{"prefix": "/a/./b"}"#, false, false),
        (r#"{"exact": "/a%2fb"}"#, false, false),
        (r#"{"exact": "/a\\b"}"#, false, false),
        (r#"{"exact": "/a;x=1"}"#, false, false),
        (r#"{"contains": "%20"}"#, false, false),
        (r#"{"template": "/a//{b}"}"#, false, false),
    ] {
        assert!(reachable(matcher, "{}"), "{matcher}");
        assert!(reachable(matcher, &all("keep")), "{matcher}");
        assert_eq!(reachable(matcher, &all("normalize")), normalize, "{matcher}");
        assert_eq!(reachable(matcher, &all("reject")), reject, "{matcher}");
    }
}

#[test]
fn matches_uri_templates_as_envoy_does() {
    for (template, yes, no) in [
        ("/a/*", vec!["/a/b", "/a/%20"], vec!["/a", "/a/", "/a/b/", "/a/b/c", "/b/b"]),
        ("/a/**", vec!["/a/", "/a/b", "/a/b/c/"], vec!["/a", "/ab", "/"]),
        ("/**", vec!["/", "/a/b"], vec!["", "*"]),
        ("/*/b/**", vec!["/a/b/", "/a/b/c"], vec!["/a/b", "//b/c", "/a/c/b/"]),
        ("/a/**/b", vec!["/a//b", "/a/x/b", "/a/x/y/b"], vec!["/a/b", "/a/x/bc", "/a/x/b/"]),
        ("/**/x.json/", vec!["/a/x.json/", "//x.json/"], vec!["/x.json/", "/a/x.json"]),
        ("/a/*/", vec!["/a/b/"], vec!["/a/b"]),
    ] {
        let matcher = PathMatcher::from_uri_template(template).unwrap();
        assert!(yes.iter().all(|path| matcher.matches(path.as_bytes())), "{template}");
        assert!(!no.iter().any(|path| matcher.matches(path.as_bytes())), "{template}");
    }
}

#[test]
fn rejects_invalid_uri_templates() {
    for (template, reason) in [
        ("a/*", "must begin with `/`"),
        ("/**/*", "`**` must be the last operator"),
        ("/**/a/**", "`**` must be the last operator"),
        ("/a*", "`*` and `**` must be whole segments"),
        ("/**/{a}", "`*` and `**` must be whole segments"),
        ("/a//*", "must not contain an empty segment"),
        ("/*?a=b", "`*` and `**` must be whole segments"),
        ("/*/a?b", "has a character that is not allowed in a path"),
    ] {
        let error = PathMatcher::from_uri_template(template).unwrap_err().to_string();
        assert_eq!(error, format!("`template` `{template}`: {reason}"));
    }
}

proptest! {
    /// Envoy translates a template to this regular expression.
    #[test]
    fn a_uri_template_matches_like_a_regex(
        template in "(/(a|b|\\*)){0,3}(/\\*\\*)?(/(a|b)){0,2}/?",
        path in "(/|a|b){0,8}",
    ) {
        let Ok(matcher) = PathMatcher::from_uri_template(&template) else {
            prop_assert!(template.is_empty());
            return Ok(());
        };
        let regex = template.replace("**", "\0").replace('*', "[^/]+").replace('\0', ".*");
        let json = serde_json::json!({ "regex": regex }).to_string();
        let regex: StringMatcher = crate::config::parse(json).unwrap();
        prop_assert_eq!(matcher.matches(path.as_bytes()), regex.matches(path.as_bytes()));
    }

    #[test]
    fn a_filled_in_template_matches(parts in proptest::collection::vec("[a-z]{1,4}", 1..5), holes: u8) {
        let template: String = parts.iter().enumerate().map(|(i, part)| {
            if holes >> i & 1 == 1 { format!("/{{p{i}}}") } else { format!("/{part}") }
        }).collect();
        let path = format!("/{}", parts.join("/"));
        let longer = format!("{path}/x");
        prop_assert!(matches(&template, &path));
        prop_assert!(!matches(&template, &longer));
    }
}
