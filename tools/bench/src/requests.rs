//! What a row is sent: [`HEADERS`], or the same with one of many tokens at a time.
//!
//! wrk takes them from a file, one after another, and goes on where it stopped the round before: with 100,000 tokens
//! and 15,000 requests a second a token comes again after seven seconds, whatever the length of a round.

use crate::rows::{HEADERS, Row};
use anyhow::{Context, Result};
use serde_json::json;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::rc::Rc;
use tempfile::TempDir;
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
    #[cfg(test)]
    /// What requests with them have in common, as far as a proxy sees that does not read them.
    pub fn shape(self) -> u32 {
        self.count
    }

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

/// The files of tokens of a run. Rows with the same tokens share one.
pub struct TokenFiles {
    directory: TempDir,
    made: RefCell<BTreeMap<Tokens, Rc<TokenFile>>>,
}

struct TokenFile {
    path: PathBuf,
    first: String,
}

/// Replaces the token of the request that wrk was told. `jit`'s strings may take 2 GB in all.
const SCRIPT: &str = r#"local tokens, at, before, behind = {}, 0
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

impl TokenFiles {
    pub fn new() -> Result<Self> {
        let directory = tempfile::tempdir().context("no directory for tokens")?;
        std::fs::write(directory.path().join("tokens.lua"), SCRIPT)?;
        Ok(Self { directory, made: RefCell::default() })
    }

    /// What a row is sent.
    pub fn requests(&self, row: &Row) -> Result<Requests> {
        let tokens = row.bearer.map(|tokens| self.file(tokens)).transpose()?;
        let script = self.directory.path().join("tokens.lua");
        Ok(Requests { tokens, script, different: row.bearer.map_or(1, |t| t.count), sent: Cell::new(0) })
    }

    fn file(&self, tokens: Tokens) -> Result<Rc<TokenFile>> {
        if let Some(file) = self.made.borrow().get(&tokens) {
            return Ok(file.clone());
        }
        let path = self.directory.path().join(format!("{}-{}", tokens.algorithm, tokens.count));
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

/// What a row is sent.
pub struct Requests {
    tokens: Option<Rc<TokenFile>>,
    script: PathBuf,
    different: u32,
    sent: Cell<u64>,
}

impl Requests {
    /// How many different ones there are.
    pub fn different(&self) -> u64 {
        self.different.into()
    }

    /// The headers of the first.
    pub fn first(&self) -> Vec<(&'static str, String)> {
        let value = |name: &str, value: &str| match &self.tokens {
            Some(tokens) if name == "authorization" => format!("Bearer {}", tokens.first),
            _ => value.to_owned(),
        };
        HEADERS.iter().map(|(name, of)| (*name, value(name, of))).collect()
    }

    /// What makes wrk send the others; `None` if there are none. A script costs wrk time, and a slower wrk is another
    /// load: rows that are compared have it alike.
    pub fn script(&self) -> Option<&PathBuf> {
        (self.different > 1).then_some(&self.script)
    }

    /// What the script is told.
    pub fn script_arguments(&self) -> Vec<String> {
        let file = self.tokens.iter().map(|tokens| tokens.path.display().to_string());
        let sent = self.sent.get().to_string();
        ["--".to_owned()].into_iter().chain(file).chain([sent]).collect()
    }

    /// So many more were sent.
    pub fn were_sent(&self, more: u64) {
        self.sent.set(self.sent.get() + more);
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
