//! `cnf`: whose a token is (RFC 7800). Of the ways to tell, one can be checked here: the client's certificate on the
//! connection (`x5t#S256`, RFC 8705 section 3.1).

use crate::config::CertificateBinding;
use tollgate_jose::{Json, base64url};

/// Members of `cnf` that bind the token to something that is not checked here: keys (RFC 7800 section 3.1), DPoP
/// (RFC 9449 section 6.1), a certificate by its SHA-1. A token that has one of them is only its owner's if that holds
/// too, whatever else `cnf` says. Others, `kid` among them, are hints or unknown and read past (RFC 7800 section 3.1).
const NOT_CHECKED: [&str; 6] = ["jwk", "jwe", "jku", "jkt", "x5t", "osc"];

/// The token is bound to something other than the client's certificate, or ought to be bound and is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotBound;

/// Who may use a token: what `cnf` says, read once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Confirmation {
    /// Whoever brings it.
    Bearer,
    /// The client whose certificate has this SHA-256, in base64url.
    Certificate(Box<str>),
}

impl Confirmation {
    /// Reads what the claims of a token say.
    pub fn read(claims: &Json, binding: CertificateBinding) -> Result<Self, NotBound> {
        let confirmation = match (claims.get("cnf"), binding) {
            (_, CertificateBinding::Ignore) | (None, CertificateBinding::IfPresent) => {
                return Ok(Self::Bearer);
            }
            (None, CertificateBinding::Require) => return Err(NotBound),
            (Some(confirmation), _) => confirmation,
        };
        if NOT_CHECKED.iter().any(|name| confirmation.get(name).is_some()) {
            return Err(NotBound);
        }
        let named = confirmation.get("x5t#S256").and_then(Json::as_str).ok_or(NotBound)?;
        Ok(Self::Certificate(named.into()))
    }

    /// Whether the request's client may use it. `certificate` gives the SHA-256 of its certificate in DER, and is asked
    /// only if that matters: it costs a host call.
    pub fn check(&self, certificate: impl FnOnce() -> Option<[u8; 32]>) -> Result<(), NotBound> {
        let Self::Certificate(named) = self else { return Ok(()) };
        let shown = certificate().ok_or(NotBound)?;
        // Written out and compared as text, there is one way to say it: no padding, no other alphabet, no stray bits.
        if base64url::encode(&shown) == **named { Ok(()) } else { Err(NotBound) }
    }
}

/// A SHA-256 as Envoy's attribute `connection.sha256_peer_certificate_digest` writes it: 64 hexadecimal digits.
pub fn digest_from_hex(text: &[u8]) -> Option<[u8; 32]> {
    let (pairs, []) = text.as_chunks::<2>() else { return None };
    let mut digest = [0; 32];
    if pairs.len() != digest.len() {
        return None;
    }
    for (byte, pair) in digest.iter_mut().zip(pairs) {
        let [high, low] = pair.map(|digit| char::from(digit).to_digit(16));
        *byte = u8::try_from(high? << 4 | low?).ok()?;
    }
    Some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use CertificateBinding::{IfPresent, Ignore, Require};

    /// RFC 8705 section 3.1, and the digest that it is of.
    const NAMED: &str = "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2";
    const SHOWN: &[u8] = b"6f070ad1eb1cdc0082dc3076639fe5112b1713ca3d96d734e4ef3d8dd37e760d";

    fn check(
        claims: &Json,
        binding: CertificateBinding,
        certificate: impl FnOnce() -> Option<[u8; 32]>,
    ) -> Result<(), NotBound> {
        Confirmation::read(claims, binding)?.check(certificate)
    }

    fn claims(cnf: &[(&str, &str)]) -> Json {
        let members =
            cnf.iter().map(|(name, value)| ((*name).into(), Json::String((*value).into()))).collect();
        Json::Object(vec![("sub".into(), Json::Null), ("cnf".into(), Json::Object(members))])
    }

    fn judged(cnf: &[(&str, &str)]) -> Result<(), NotBound> {
        let shown = digest_from_hex(SHOWN);
        let [if_present, required] =
            [IfPresent, Require].map(|binding| check(&claims(cnf), binding, || shown));
        assert_eq!(if_present, required, "{cnf:?}");
        assert_eq!(check(&claims(cnf), Ignore, || panic!("not asked for")), Ok(()));
        if_present
    }

    #[test]
    fn the_certificate_that_is_named_must_be_shown() {
        // The last character of the RFC's example has bits that are not part of the digest.
        let canonical = base64url::encode(&digest_from_hex(SHOWN).unwrap());
        assert_eq!(canonical[..42], NAMED[..42]);
        assert_eq!(judged(&[("x5t#S256", &canonical)]), Ok(()));
        assert_eq!(judged(&[("x5t#S256", &canonical), ("kid", "hint"), ("new", "unknown")]), Ok(()));
        let bound = claims(&[("x5t#S256", &canonical)]);
        for shown in [None, Some([0; 32])] {
            assert_eq!(check(&bound, IfPresent, || shown), Err(NotBound));
        }
    }

    #[test]
    fn a_digest_that_is_not_written_as_it_must_be_is_not_it() {
        let canonical = base64url::encode(&digest_from_hex(SHOWN).unwrap());
        let others = [
            String::new(),
            format!("{canonical}="),
            format!("{canonical}A"),
            format!(" {canonical}"),
            canonical[..42].to_owned(),
            canonical.replace('_', "/").replace('-', "+"),
            canonical.to_lowercase(),
            format!("{}1", &canonical[..42]),
            String::from_utf8_lossy(SHOWN).into_owned(),
        ];
        for other in others {
            assert_eq!(judged(&[("x5t#S256", &other)]), Err(NotBound), "{other}");
        }
    }

    #[test]
    fn what_cannot_be_checked_is_not_believed_even_beside_what_can() {
        let canonical = base64url::encode(&digest_from_hex(SHOWN).unwrap());
        assert_eq!(judged(&[]), Err(NotBound));
        for other in NOT_CHECKED {
            assert_eq!(judged(&[(other, "x")]), Err(NotBound), "{other}");
            assert_eq!(judged(&[("x5t#S256", &canonical), (other, "x")]), Err(NotBound), "{other}");
        }
        for cnf in [Json::Null, Json::Bool(true), Json::String(canonical.into()), Json::Array(Vec::new())] {
            let claims = Json::Object(vec![("cnf".into(), cnf)]);
            assert_eq!(check(&claims, IfPresent, || digest_from_hex(SHOWN)), Err(NotBound));
        }
    }

    #[test]
    fn a_token_that_is_not_bound_passes_unless_it_must_be() {
        let claims = Json::Object(vec![("x5t#S256".into(), Json::String(NAMED.into()))]);
        let asked = || panic!("not asked for");
        assert_eq!(check(&claims, IfPresent, asked), Ok(()));
        assert_eq!(check(&claims, Ignore, asked), Ok(()));
        assert_eq!(check(&claims, Require, asked), Err(NotBound));
    }

    #[test]
    fn a_digest_is_64_hexadecimal_digits() {
        assert_eq!(digest_from_hex(SHOWN).unwrap()[..3], [0x6f, 0x07, 0x0a]);
        assert_eq!(digest_from_hex(&SHOWN.to_ascii_uppercase()), digest_from_hex(SHOWN));
        for bad in
            [&SHOWN[..63], &SHOWN[..62], &[SHOWN, b"0"].concat(), &[SHOWN, b"00"].concat(), b"", &[b'g'; 64]]
        {
            assert_eq!(digest_from_hex(bad), None);
        }
    }
}
