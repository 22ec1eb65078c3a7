//! Matchers of hosts.

use crate::string_matcher::{Literal, StringMatcher};
use crate::{Config, ConfigError, InvalidMatcher, Value, uri};

/// Matches a host: the authority without its port, in any case (RFC 9110 section 4.2.3).
///
/// Rejects patterns that no host matches: with a port, with a scheme or a path, with wildcards, or with
/// characters that must be written in another way (`xn--` for names in other scripts).
#[derive(Clone, Debug, Hash)]
pub struct HostMatcher(StringMatcher);

impl HostMatcher {
    /// Returns whether a host in lower case matches.
    pub fn matches(&self, host: &[u8]) -> bool {
        self.0.matches(host)
    }

    /// Returns the matcher. It expects hosts in lower case.
    pub fn matcher(&self) -> &StringMatcher {
        &self.0
    }
}

impl Config for HostMatcher {
    fn blank() -> Self {
        Self(Config::blank())
    }

    fn fill(&mut self, value: &Value) -> Result<(), ConfigError> {
        let matcher: StringMatcher = crate::config::read(value)?;
        let matcher = match matcher.never_of_host() {
            None => matcher.in_lower_case(),
            Some(error) => Err(error),
        };
        self.0 = matcher.map_err(|error| ConfigError::here(&error))?;
        Ok(())
    }
}

crate::json_schema_of!(HostMatcher, |generator| generator.subschema_for::<StringMatcher>());

impl StringMatcher {
    /// Returns why no host matches, if none does. Expressions are only checked for a port at the end.
    fn never_of_host(&self) -> Option<InvalidMatcher> {
        let never = |field, text: &[u8], expected| {
            Some(InvalidMatcher::Never { field, text: String::from_utf8_lossy(text).into(), expected })
        };
        const PORT: &str = "a host without a port: ports are not compared";
        let Some(literal) = self.literal() else {
            // The port of a `(:80)?` is optional.
            let text = self.regex_text()?;
            // Other alternatives may have no port.
            if text.contains('|') {
                return None;
            }
            let text = text.trim_end_matches('$');
            let digits = ["[0-9]+", r"\d+"].iter().find_map(|digits| text.strip_suffix(digits));
            let before = digits.unwrap_or_else(|| text.trim_end_matches(|c: char| c.is_ascii_digit()));
            let has_port = before.len() < text.len() && before.ends_with(':');
            return if has_port { never("regex", text.as_bytes(), PORT) } else { None };
        };
        let (field, text) = literal.parts();
        let in_brackets = match literal {
            Literal::Exact(_) => text.starts_with(b"[") && text.ends_with(b"]"),
            Literal::Prefix(_) => text.starts_with(b"["),
            Literal::Suffix(_) => text.ends_with(b"]"),
            Literal::Contains(_) => {
                text.iter().all(|byte| byte.is_ascii_hexdigit() || b":.[]".contains(byte))
            }
        };
        let is_of_host = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()+,;=:[]".contains(byte);
        match () {
            () if text.contains(&b'*') => {
                never(field, text, "a host without wildcards: use `suffix` or `prefix`")
            }
            () if !text.iter().all(is_of_host) => {
                never(field, text, "a host, without a scheme and a path, in ASCII")
            }
            // The colons of an IPv6 address are in brackets.
            () if text.contains(&b':') && !in_brackets => {
                let is_address = uri::host(text).contains(&b':');
                never(
                    field,
                    text,
                    if is_address { "an IPv6 address in brackets, without a port" } else { PORT },
                )
            }
            () => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<HostMatcher, String> {
        crate::config::parse(json).map_err(|error| error.to_string())
    }

    #[test]
    fn a_pattern_matches_hosts_in_any_case() {
        for pattern in [
            r#"{"exact": "H.Example"}"#,
            r#"{"prefix": "H."}"#,
            r#"{"suffix": ".EXAMPLE"}"#,
            r#"{"contains": ".E"}"#,
            r#"{"regex": "[A-Z]\\.Example"}"#,
            r#"{"exact": "H.EXAMPLE", "ignore_case": true}"#,
        ] {
            let matcher = read(pattern).unwrap();
            assert!(matcher.matches(b"h.example") && !matcher.matches(b"x"), "{pattern}");
        }
        assert!(read(r#"{"exact": ""}"#).unwrap().matches(b""));
    }

    #[test]
    fn rejects_patterns_that_no_host_matches() {
        let port = "expected a host without a port: ports are not compared";
        for (pattern, message) in [
            (r#"{"exact": "h.example:8080"}"#, format!("`exact` `h.example:8080` never matches, {port}")),
            (r#"{"exact": "h.example:"}"#, format!("`exact` `h.example:` never matches, {port}")),
            (r#"{"suffix": ".example:443"}"#, format!("`suffix` `.example:443` never matches, {port}")),
            (r#"{"prefix": "h.example:"}"#, format!("`prefix` `h.example:` never matches, {port}")),
            (r#"{"contains": "example:"}"#, format!("`contains` `example:` never matches, {port}")),
            (r#"{"exact": "[::1]:80"}"#, "an IPv6 address in brackets, without a port".into()),
            (r#"{"exact": "::1"}"#, "an IPv6 address in brackets, without a port".into()),
            (r#"{"regex": "h\\.example:80"}"#, port.into()),
            (r#"{"regex": "h\\.example:\\d+$"}"#, port.into()),
            (r#"{"regex": ".*:[0-9]+"}"#, port.into()),
            (r#"{"exact": "*.example"}"#, "expected a host without wildcards".into()),
            (r#"{"exact": "https://h.example"}"#, "expected a host, without a scheme and a path".into()),
            (r#"{"suffix": ".example/"}"#, "expected a host, without a scheme and a path".into()),
            (r#"{"exact": "h.example "}"#, "expected a host".into()),
            (r#"{"exact": "b\u00fccher.example"}"#, "in ASCII".into()),
            (r#"{"prefix": ""}"#, "`prefix` is empty".into()),
        ] {
            let error = read(pattern).map(|matcher| panic!("accepted {matcher:?}")).unwrap_err();
            assert!(error.contains(&message), "{pattern}: {error}");
        }
    }

    #[test]
    fn accepts_addresses_and_optional_ports() {
        for (pattern, host) in [
            (r#"{"exact": "[::1]"}"#, "[::1]"),
            (r#"{"prefix": "[2001:db8:"}"#, "[2001:db8::1]"),
            (r#"{"suffix": "::1]"}"#, "[::1]"),
            (r#"{"contains": ":db8:"}"#, "[2001:db8::1]"),
            (r#"{"exact": "192.0.2.1"}"#, "192.0.2.1"),
            (r#"{"exact": "h.example."}"#, "h.example."),
            (r#"{"regex": "h\\.example(:80)?"}"#, "h.example"),
            (r#"{"regex": "h[0-9]+"}"#, "h12"),
            (r#"{"regex": "h\\.example|h\\.example:8080"}"#, "h.example"),
        ] {
            assert!(read(pattern).unwrap().matches(host.as_bytes()), "{pattern}");
        }
    }
}
