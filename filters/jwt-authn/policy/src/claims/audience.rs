//! Checks of `aud`.

/// Whether one of a token's audiences is allowed. An empty list allows every token.
///
/// As in Envoy's `CheckAudience`, `https://a.example/`, `http://a.example` and `a.example` are the same
/// audience: issuers and operators often write the scheme and the final slash of a service's URL differently.
pub fn audience_allowed<A: AsRef<str>>(allowed: &[A], audiences: &[Box<str>]) -> bool {
    let is_allowed = |one: &str| allowed.iter().any(|other| bare(other.as_ref()) == bare(one));
    allowed.is_empty() || audiences.iter().any(|one| is_allowed(one))
}

fn bare(audience: &str) -> &str {
    let rest = audience.strip_prefix("http://").or_else(|| audience.strip_prefix("https://"));
    let rest = rest.unwrap_or(audience);
    rest.strip_suffix('/').unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_the_audiences_is_enough() {
        let allowed = ["a", "b"];
        assert!(audience_allowed(&allowed, &["x".into(), "b".into()]));
        assert!(!audience_allowed(&allowed, &["x".into(), "B".into()]));
        assert!(!audience_allowed(&allowed, &[]));
        assert!(audience_allowed::<&str>(&[], &[]));
        assert!(audience_allowed::<&str>(&[], &["x".into()]));
    }

    #[test]
    fn ignores_the_scheme_and_a_final_slash_of_an_audience() {
        for (configured, sent, same) in [
            ("https://a.example/", "a.example", true),
            ("a.example", "http://a.example", true),
            ("http://a.example", "https://a.example/", true),
            ("a.example", "a.example//", false),
            ("a.example", "HTTPS://a.example", false),
            ("a.example", "https://https://a.example", false),
            ("a.example/x", "https://a.example/x/", true),
            ("a.example", "https://b.example", false),
            ("a.example", "", false),
        ] {
            assert_eq!(audience_allowed(&[configured], &[sent.into()]), same, "{configured} {sent}");
        }
    }
}
