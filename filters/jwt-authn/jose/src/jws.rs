//! A JWS in compact serialisation (RFC 7515 section 7.1).

use crate::{Algorithm, Json, TokenError, base64url};

/// Maximum length of `kid` in bytes.
pub(crate) const MAX_KEY_ID: usize = 1024;

/// The protected header. `jku`, `jwk`, `x5u`, `x5c` and `x5t` are ignored: a token cannot supply its own key
/// (RFC 8725 section 3.10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// `alg`.
    pub algorithm: Algorithm,
    /// `kid`, at most 1 KiB; `None` if it is empty, as in Envoy.
    pub key_id: Option<Box<str>>,
    /// `typ`.
    pub typ: Option<Box<str>>,
}

/// A parsed token whose signature is not verified yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Jws<'t> {
    /// The protected header.
    pub header: Header,
    /// The payload, decoded.
    pub payload: Vec<u8>,
    /// The signed text: header and payload as sent.
    pub signing_input: &'t [u8],
    /// The signature.
    pub signature: Vec<u8>,
}

impl<'t> Jws<'t> {
    /// Parses a token. The time is proportional to its length, which the caller must limit.
    pub fn parse(token: &'t [u8]) -> Result<Self, TokenError> {
        let (signing_input, signature) = split_last(token).ok_or(TokenError::NotThreeParts)?;
        let (header, payload) = split_last(signing_input).ok_or(TokenError::NotThreeParts)?;
        if header.contains(&b'.') {
            return Err(TokenError::NotThreeParts);
        }
        let header = Header::parse(&base64url::decode(header).ok_or(TokenError::HeaderNotBase64)?)?;
        let payload = base64url::decode(payload).ok_or(TokenError::PayloadNotBase64)?;
        let signature = base64url::decode(signature).filter(|signature| !signature.is_empty());
        let signature = signature.ok_or(TokenError::SignatureNotBase64)?;
        Ok(Self { header, payload, signing_input, signature })
    }

    /// Parses the payload as a strict JSON object.
    pub fn claims(&self) -> Result<Json, TokenError> {
        match Json::parse(&self.payload) {
            Some(claims @ Json::Object(_)) => Ok(claims),
            _ => Err(TokenError::PayloadNotJson),
        }
    }
}

/// Returns the text before and after the last dot.
fn split_last(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let dot = text.iter().rposition(|byte| *byte == b'.')?;
    Some((text.get(..dot)?, text.get(dot + 1..)?))
}

impl Header {
    fn parse(json: &[u8]) -> Result<Self, TokenError> {
        let Some(header @ Json::Object(_)) = Json::parse(json) else { return Err(TokenError::HeaderNotJson) };
        let text = |name, error| match header.get(name) {
            None => Ok(None),
            Some(Json::String(text)) => Ok(Some(text)),
            Some(_) => Err(error),
        };
        let algorithm = text("alg", TokenError::HeaderWithoutAlgorithm)?;
        let algorithm = algorithm.ok_or(TokenError::HeaderWithoutAlgorithm)?;
        let algorithm = algorithm.parse().map_err(|_| TokenError::UnknownAlgorithm)?;
        let key_id = text("kid", TokenError::BadKeyId)?.filter(|id| !id.is_empty());
        if key_id.is_some_and(|id| id.len() > MAX_KEY_ID) {
            return Err(TokenError::BadKeyId);
        }
        let typ = text("typ", TokenError::BadType)?;
        text("cty", TokenError::BadType)?;
        // `b64` other than true changes the signing input (RFC 7797). `enc` and `zip` belong to JWE (RFC
        // 7516), so the token has another meaning. RFC 7797 requires `b64` in `crit`, but some issuers omit
        // it there.
        let unencoded = header.get("b64").is_some_and(|b64| b64.as_bool() != Some(true));
        if unencoded || ["crit", "enc", "zip"].iter().any(|name| header.get(name).is_some()) {
            return Err(TokenError::CriticalExtension);
        }
        Ok(Self { algorithm, key_id: key_id.cloned(), typ: typ.cloned() })
    }
}
