//! Scopes, from `scope` (RFC 8693 section 4.2) and its common alternative `scp`: text separated by spaces, or
//! a list.

use tollgate_jose::Json;

/// Claims whose text is always a list separated by spaces.
pub const SPACE_DELIMITED: [&str; 3] = ["scope", "scp", "permission"];

/// Scopes of a token, from `scope` and `scp`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes(Box<str>);

impl Scopes {
    /// Reads the scopes. A claim that is neither a text nor a list of texts contains none.
    pub fn read(claims: &Json) -> Self {
        let mut all = String::new();
        let mut add = |scope: &str| {
            // A scope contains no space (RFC 6749 section 3.3). An element with a space must not become two
            // scopes.
            if !scope.is_empty() && !scope.contains(' ') {
                all.push_str(scope);
                all.push(' ');
            }
        };
        for name in ["scope", "scp"] {
            match claims.get(name) {
                Some(Json::String(text)) => text.split(' ').for_each(&mut add),
                Some(Json::Array(list)) => list.iter().filter_map(Json::as_str).for_each(&mut add),
                _ => {}
            }
        }
        Self(all.into())
    }

    /// Length in bytes.
    pub fn bytes(&self) -> usize {
        self.0.len()
    }

    /// Whether the token has all of these scopes. Case is significant.
    pub fn hold(&self, required: &[String]) -> bool {
        required.iter().all(|scope| self.0.split_terminator(' ').any(|held| held == scope))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_json::json;

    fn hold(claims: &str, required: &[&str]) -> bool {
        let required: Vec<String> = required.iter().map(|scope| (*scope).into()).collect();
        Scopes::read(&json(claims)).hold(&required)
    }

    #[test]
    fn scopes_are_text_or_a_list_in_either_claim() {
        for claims in [
            r#"{"scope": "read write"}"#,
            r#"{"scope": "  write   read "}"#,
            r#"{"scp": "read write"}"#,
            r#"{"scope": ["read", "write"]}"#,
            r#"{"scp": ["write", "other", "read"]}"#,
            r#"{"scope": "read", "scp": ["write"]}"#,
            r#"{"scope": ["read", 7, "write"], "scp": null}"#,
        ] {
            assert!(hold(claims, &["read", "write"]), "{claims}");
            assert!(hold(claims, &[]), "{claims}");
        }
    }

    #[test]
    fn every_scope_must_be_there_as_it_is_written() {
        for claims in [
            "{}",
            r#"{"scope": ""}"#,
            r#"{"scope": "read"}"#,
            r#"{"scope": "Read write"}"#,
            r#"{"scope": "readwrite"}"#,
            r#"{"scope": ["read write"]}"#,
            r#"{"scope": {"read": 1, "write": 1}}"#,
            r#"{"scope": "read\twrite"}"#,
            r#"{"other": "read write"}"#,
        ] {
            assert!(!hold(claims, &["read", "write"]), "{claims}");
        }
        assert!(!hold(r#"{"scope": "read "}"#, &[""]));
    }
}
