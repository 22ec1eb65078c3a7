//! A JWS in compact serialisation (RFC 7515 section 7.1).

use crate::{Algorithm, Json, TokenError};

/// What the protected header says and may say. `jku`, `jwk`, `x5u`, `x5c` and `x5t` are read past: a token does not
/// bring its key (RFC 8725 section 3.10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// `alg`.
    pub algorithm: Algorithm,
    /// `kid`, at most 1 KiB.
    pub key_id: Option<Box<str>>,
    /// `typ`.
    pub typ: Option<Box<str>>,
}

/// A token that was read and not yet believed.
#[derive(Clone, Debug, PartialEq)]
pub struct Jws<'t> {
    /// The protected header.
    pub header: Header,
    /// The payload's bytes.
    pub payload: Vec<u8>,
    /// What is signed: header and payload as they were sent.
    pub signing_input: &'t [u8],
    /// The signature.
    pub signature: Vec<u8>,
}

impl<'t> Jws<'t> {
    /// Reads a token. Costs time in proportion to its length, which the caller bounds.
    pub fn parse(_token: &'t [u8]) -> Result<Self, TokenError> {
        Err(TokenError::NotThreeParts)
    }

    /// The payload as a strict JSON object.
    pub fn claims(&self) -> Result<Json, TokenError> {
        match Json::parse(&self.payload) {
            Some(claims @ Json::Object(_)) => Ok(claims),
            _ => Err(TokenError::PayloadNotJson),
        }
    }
}
