//! Tokens, made before anything is measured.

use serde_json::json;
use std::cell::RefCell;
use std::collections::BTreeMap;
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

/// The tokens of a run. Rows with the same share them.
#[derive(Default)]
pub(super) struct TokenSets {
    made: RefCell<BTreeMap<Tokens, Rc<[String]>>>,
}

impl TokenSets {
    /// These tokens, made if there are none.
    pub(super) fn get(&self, tokens: Tokens) -> Rc<[String]> {
        self.made.borrow_mut().entry(tokens).or_insert_with(|| tokens.make().into()).clone()
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
