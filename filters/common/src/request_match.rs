//! Conditions of rules on requests.

use crate::{
    Conditional, Config, ConfigError, HeaderMatcher, HostMatcher, Many, Method, PathMatcher,
    PathNormalization, QueryMatcher, RequestFacts,
};
use std::borrow::Cow;

/// The condition of a rule. Every given field must match. In `hosts`, `paths` and `methods`, one matching
/// entry is enough; in `headers` and `query`, all entries must match. A rule without fields matches every
/// request.
///
/// Rules are tried in order, and the first rule that matches decides.
// The other names are fields of Envoy's `RouteMatch`, the type of `match` in Envoy's filters.
#[derive(Clone, Debug, Default, Config)]
#[config(default, instead = [
    ("prefix", "use `paths`: `{\"paths\": [{\"prefix\": \"/api\"}]}`"),
    ("path", "use `paths`: `{\"paths\": [{\"exact\": \"/api\"}]}`"),
    ("safe_regex", "use `paths`: `{\"paths\": [{\"regex\": \"/v[0-9]+/.*\"}]}`"),
    ("path_separated_prefix", "use `paths`: `{\"paths\": [{\"template\": \"/api/**\"}]}`"),
    ("path_match_policy", "use `paths`: `{\"paths\": [{\"template\": \"/users/{id}\"}]}`"),
    (
        "query_parameters",
        "use `query`: `{\"query\": [{\"name\": \"debug\", \"present\": true}]}`",
    ),
])]
pub struct RequestMatch {
    /// Matchers of the host, in any case and without the port. A trailing dot stays; Envoy can remove it
    /// (`strip_trailing_host_dot`).
    pub hosts: Vec<HostMatcher>,
    /// Matchers of the path without the query. `path_normalization` of the filter determines how the path is
    /// read.
    pub paths: Vec<PathMatcher>,
    /// Methods, such as `GET`. Case-sensitive.
    pub methods: Vec<Method>,
    /// Matchers of headers.
    pub headers: Vec<HeaderMatcher>,
    /// Matchers of query parameters.
    pub query: Vec<QueryMatcher>,
}

impl RequestMatch {
    /// Returns whether a request matches, if its path is read as `path`. `many` values of each header and of
    /// each query parameter must match.
    pub fn matches(&self, facts: &RequestFacts<'_>, path: &[u8], many: Many) -> bool {
        any(&self.methods, |method| method.as_str().as_bytes() == facts.method)
            && any(&self.paths, |matcher| matcher.matches(path))
            && (self.hosts.is_empty() || {
                let host = lower_case(facts.host());
                self.hosts.iter().any(|matcher| matcher.matches(&host))
            })
            && self.headers.iter().all(|header| header.matches_in_rule(facts.headers, many))
            && self.query.iter().all(|parameter| parameter.matches_in_rule(facts.query(), many))
    }

    /// Checks that requests can match, with paths that are read in this way. Patterns that can never match
    /// were rejected when they were read, as far as they do not depend on it.
    pub fn check(&self, normalization: &PathNormalization) -> Result<(), ConfigError> {
        match self.paths.iter().position(|path| !path.is_reachable(normalization)) {
            Some(index) => {
                let message = "never matches with this `path_normalization`, expected a path as it reads one";
                Err(ConfigError::here(&message).in_list("paths", index))
            }
            None => Ok(()),
        }
    }

    /// Checks the conditions of a list of rules, of which the first one that matches applies: each rule can
    /// match, and none is after one that matches all requests.
    pub fn check_rules<'r>(
        rules: impl Iterator<Item = &'r Self>,
        normalization: &PathNormalization,
    ) -> Result<(), ConfigError> {
        let mut last = None;
        for (index, rule) in rules.enumerate() {
            rule.check(normalization).map_err(|error| error.in_member("match").in_list("rules", index))?;
            if let Some(last) = last {
                let message = format_args!("never applies, because `rules[{last}]` matches all requests");
                return Err(ConfigError::here(&message).in_list("rules", index));
            }
            last = rule.matches_all().then_some(index);
        }
        Ok(())
    }

    /// Returns whether all requests match. A path `/` and what follows is not all: `CONNECT` has no path, and
    /// `OPTIONS` may have `*`.
    fn matches_all(&self) -> bool {
        let Self { hosts, paths, methods, headers, query } = self;
        hosts.is_empty() && paths.is_empty() && methods.is_empty() && headers.is_empty() && query.is_empty()
    }

    /// Returns the first rule that matches a request, if its path is read as `path`. For long lists, use
    /// [`crate::Rules`].
    pub fn first<'r, R: Conditional>(rules: &'r [R], facts: &RequestFacts<'_>, path: &[u8]) -> Option<&'r R> {
        rules.iter().find(|rule| rule.condition().matches(facts, path, rule.many()))
    }
}

/// Returns the host in lower case. Most clients send it in lower case, so that no copy is needed.
fn lower_case(host: &[u8]) -> Cow<'_, [u8]> {
    if host.iter().any(u8::is_ascii_uppercase) {
        Cow::Owned(host.to_ascii_lowercase())
    } else {
        Cow::Borrowed(host)
    }
}

fn any<T>(list: &[T], matches: impl Fn(&T) -> bool) -> bool {
    list.is_empty() || list.iter().any(matches)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Headers;

    fn rule(json: &str) -> RequestMatch {
        crate::config::parse(json).unwrap()
    }

    fn matches(json: &str, facts: &RequestFacts<'_>) -> bool {
        rule(json).matches(facts, facts.path_only(), Many::Any)
    }

    const FACTS: RequestFacts<'_> = RequestFacts {
        method: b"GET",
        path: b"/users/7?debug=1",
        authority: b"Shop.Example:8443",
        headers: Headers(&[(b"x-env", b"test")]),
    };

    #[test]
    fn a_rule_without_fields_matches_everything() {
        assert!(matches("{}", &FACTS));
        assert!(matches("{}", &RequestFacts::default()));
    }

    #[test]
    fn every_field_and_one_entry_of_a_list_must_match() {
        for (json, expected) in [
            (r#"{"hosts": [{"exact": "a"}, {"exact": "shop.example"}]}"#, true),
            (r#"{"hosts": [{"suffix": ".example"}], "methods": ["POST"]}"#, false),
            (r#"{"methods": ["POST", "GET"], "paths": [{"template": "/users/{id}"}]}"#, true),
            (r#"{"hosts": [{"exact": "SHOP.example"}]}"#, true),
            (r#"{"hosts": [{"regex": "S.*\\.example"}]}"#, true),
            (r#"{"headers": [{"name": "host", "prefix": "Shop."}]}"#, false),
            (
                r#"{"headers": [{"name": "x-env", "exact": "test"}, {"name": "x-other", "present": true}]}"#,
                false,
            ),
            (
                r#"{"headers": [{"name": "x-env", "exact": "test"}], "query": [{"name": "debug", "exact": "1"}]}"#,
                true,
            ),
            (r#"{"query": [{"name": "debug", "present": false}]}"#, false),
        ] {
            assert_eq!(matches(json, &FACTS), expected, "{json}");
        }
    }

    #[test]
    fn rejects_rules_that_never_match() {
        let error = |json: &str| crate::config::parse::<RequestMatch>(json).unwrap_err().to_string();
        for (json, message) in [
            (r#"{"methods": ["GET", "post"]}"#, "methods[1]: `post` never matches, expected one method"),
            (r#"{"hosts": [{"exact": "h.example:80"}]}"#, "hosts[0]: `exact` `h.example:80` never matches"),
            (r#"{"paths": [{"exact": "/a?x=1"}]}"#, "paths[0]: `exact` `/a?x=1` never matches"),
            (r#"{"paths": [{"exact": "a"}]}"#, "paths[0]: `exact` `a` never matches"),
            (r#"{"headers": [{"name": "a", "exact": "b "}]}"#, "headers[0]: `exact` `b ` never matches"),
        ] {
            assert!(error(json).starts_with(message), "{}", error(json));
        }
    }

    #[test]
    fn rejects_rules_that_others_hide() {
        let check = |json: &[&str], normalization: &str| {
            let rules: Vec<_> = json.iter().map(|json| rule(json)).collect();
            let normalization = crate::config::parse(normalization).unwrap();
            RequestMatch::check_rules(rules.iter(), &normalization).map_err(|error| error.to_string())
        };
        let admin = r#"{"paths": [{"prefix": "/admin"}]}"#;
        let hidden = "rules[1]: never applies, because `rules[0]` matches all requests";
        assert_eq!(check(&["{}", admin], "{}"), Err(hidden.into()));
        assert_eq!(check(&[admin, "{}"], "{}"), Ok(()));
        for some in [
            r#"{"methods": ["GET"]}"#,
            r#"{"paths": [{"prefix": "/a"}]}"#,
            // `CONNECT`, and `OPTIONS *`, have no such path.
            r#"{"paths": [{"prefix": "/"}]}"#,
            r#"{"paths": [{"template": "/**"}]}"#,
            r#"{"hosts": [{"suffix": "a"}]}"#,
        ] {
            assert_eq!(check(&[some, admin], "{}"), Ok(()));
        }
        let doubled = r#"{"paths": [{"exact": "/a"}, {"exact": "//a"}]}"#;
        assert_eq!(check(&[doubled], "{}"), Ok(()));
        let error = check(&[admin, doubled], r#"{"duplicate_slashes": "normalize"}"#).unwrap_err();
        assert!(
            error.starts_with("rules[1].match.paths[1]: never matches with this `path_normalization`"),
            "{error}"
        );
    }

    #[test]
    fn a_matcher_of_host_reads_the_authority() {
        let pairs: [(&[u8], &[u8]); 3] =
            [(b":method", b"GET"), (b":path", b"/"), (b":authority", b"a.example:80")];
        let facts = RequestFacts::from_pairs(&pairs);
        assert!(matches(r#"{"headers": [{"name": "Host", "exact": "a.example:80"}]}"#, &facts));
        assert!(matches(r#"{"headers": [{"name": "host", "present": true}]}"#, &facts));
        assert!(!matches(r#"{"headers": [{"name": "host", "exact": "b.example"}]}"#, &facts));
    }

    #[test]
    fn the_first_rule_that_matches_decides() {
        let rules = [rule(r#"{"methods": ["POST"]}"#), rule(r#"{"methods": ["GET"]}"#), rule("{}")];
        let found = RequestMatch::first(&rules, &FACTS, FACTS.path_only()).unwrap();
        assert!(std::ptr::eq(found, &rules[1]));
        assert!(RequestMatch::first(&rules[..1], &FACTS, FACTS.path_only()).is_none());
    }

    #[test]
    fn the_schema_lists_the_fields_that_are_accepted() {
        let schema = crate::config::schema::of::<RequestMatch>();
        let has = |path: &str| assert!(schema.pointer(path).is_some(), "{path} in {schema}");
        for field in ["hosts", "paths", "methods", "headers", "query"] {
            has(&format!("/properties/{field}/description"));
        }
        has("/$defs/StringMatcher/properties/ignore_case");
        has("/$defs/PathMatcher/properties/template");
        has("/$defs/HeaderMatcher/properties/present");
        has("/$defs/HeaderMatcher/properties/name/$ref");
        assert_eq!(schema["$defs"]["QueryMatcher"]["properties"]["name"]["type"], "string");
        assert_eq!(schema["$defs"]["HeaderMatcher"]["additionalProperties"], false);
    }

    #[test]
    fn removes_the_port_of_a_host() {
        for (authority, host) in [
            ("a.example", "a.example"),
            ("a.example:80", "a.example"),
            ("[::1]:80", "[::1]"),
            ("[::1]", "[::1]"),
            ("a.example:", "a.example"),
            (":80", ""),
            ("", ""),
        ] {
            let facts = RequestFacts { authority: authority.as_bytes(), ..RequestFacts::default() };
            assert_eq!(facts.host(), host.as_bytes(), "{authority}");
        }
    }
}
