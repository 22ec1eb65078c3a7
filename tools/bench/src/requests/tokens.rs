//! Tokens, made before anything is measured and kept in files.

use anyhow::{Context, Result};
use serde_json::json;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use tollgate_mint::Signer;

/// Who issues the tokens.
pub const ISSUER: &str = "https://issuer.bench";
/// Whom they are for.
pub const AUDIENCE: &str = "orders";
/// Their length, whatever signs them, so that requests differ in nothing that costs time elsewhere.
const LENGTH: usize = 1025;

/// Tokens that are alike but for their `jti`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tokens {
    /// What signs them.
    pub algorithm: &'static str,
    /// How many there are.
    pub count: u32,
}

impl Tokens {
    fn make(self) -> Vec<String> {
        let signer = Signer::new(self.algorithm, 0);
        let token = |number: u32, padding: usize| {
            signer.token(&json!({
                "iss": ISSUER,
                "sub": "user-4711@example.test",
                "aud": ["billing", AUDIENCE],
                "iat": 1_700_000_000u64,
                "exp": 4_000_000_000u64,
                "jti": format!("{number:032x}"),
                "scope": "orders:read orders:write profile",
                "realm_access": {"roles": ["customer", "beta", "offline_access"]},
                "email": "user-4711@example.test",
                "padding": "x".repeat(padding),
            }))
        };
        // Three bytes of JSON are four characters of a token.
        let padding = LENGTH.saturating_sub(token(0, 0).len()) * 3 / 4;
        (0..self.count).map(|number| token(number, padding)).collect()
    }
}

/// Replaces the token of the request that wrk was told. `jit`'s strings may take 2 GB in all.
pub(super) const SCRIPT: &str = r#"local tokens, at, before, behind = {}, 0
function init(arguments)
  for token in io.lines(arguments[1]) do tokens[#tokens + 1] = token end
  at = tonumber(arguments[2]) % #tokens
  wrk.headers["authorization"] = "Bearer @"
  before, behind = wrk.format():match("^(.*Bearer )@(.*)$")
end
function request()
  at = at % #tokens + 1
  return before .. tokens[at] .. behind
end
"#;

/// The files of tokens of a run. Rows with the same tokens share one.
#[derive(Default)]
pub(super) struct TokenFiles {
    made: RefCell<BTreeMap<Tokens, Rc<TokenFile>>>,
}

pub(super) struct TokenFile {
    pub(super) path: PathBuf,
    pub(super) first: String,
}

impl TokenFiles {
    /// The file of these tokens, made in the directory if there is none.
    pub(super) fn file(&self, tokens: Tokens, directory: &Path) -> Result<Rc<TokenFile>> {
        if let Some(file) = self.made.borrow().get(&tokens) {
            return Ok(file.clone());
        }
        let path = directory.join(format!("{}-{}", tokens.algorithm, tokens.count));
        let made = tokens.make();
        let mut text = String::new();
        for token in &made {
            writeln!(text, "{token}")?;
        }
        std::fs::write(&path, text).with_context(|| format!("cannot write `{}`", path.display()))?;
        let first = made.into_iter().next().context("a set without tokens")?;
        let file = Rc::new(TokenFile { path, first });
        self.made.borrow_mut().insert(tokens, file.clone());
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_and_are_of_one_length() {
        for algorithm in ["HS256", "ES256", "EdDSA"] {
            let tokens = Tokens { algorithm, count: 3 }.make();
            let distinct: std::collections::BTreeSet<_> = tokens.iter().collect();
            assert_eq!(distinct.len(), 3);
            assert!(tokens.iter().all(|token| token.len().abs_diff(LENGTH) <= 2), "{}", tokens[0].len());
        }
    }
}
