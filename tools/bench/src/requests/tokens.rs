//! Tokens, signed before the measurement.

use serde_json::json;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use tollgate_mint::Signer;

/// Issuer of the tokens.
pub const ISSUER: &str = "https://issuer.bench";
/// Audience of the tokens.
pub const AUDIENCE: &str = "orders";
/// Length of a token with any algorithm, so that requests have the same size.
const LENGTH: usize = 1025;

/// Tokens that differ only in their `jti`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tokens {
    /// Signature algorithm.
    pub algorithm: &'static str,
    /// Number of tokens.
    pub count: u32,
}

impl Tokens {
    fn sign(self) -> Vec<String> {
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
        // Base64 turns three bytes of JSON into four characters of a token.
        let padding = LENGTH.saturating_sub(token(0, 0).len()) * 3 / 4;
        (0..self.count).map(|number| token(number, padding)).collect()
    }
}

/// The tokens of a run. Rows with the same tokens share them.
#[derive(Default)]
pub(super) struct TokenSets {
    signed: RefCell<BTreeMap<Tokens, Rc<[String]>>>,
}

impl TokenSets {
    /// Returns these tokens. Signs them on first use.
    pub(super) fn get(&self, tokens: Tokens) -> Rc<[String]> {
        self.signed.borrow_mut().entry(tokens).or_insert_with(|| tokens.sign().into()).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_distinct_and_of_equal_length() {
        for algorithm in ["HS256", "ES256", "EdDSA"] {
            let tokens = Tokens { algorithm, count: 3 }.sign();
            let distinct: std::collections::BTreeSet<_> = tokens.iter().collect();
            assert_eq!(distinct.len(), 3);
            assert!(tokens.iter().all(|token| token.len().abs_diff(LENGTH) <= 2), "{}", tokens[0].len());
        }
    }
}
