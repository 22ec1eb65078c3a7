//! `cnf`, which binds a token to its owner (RFC 7800): here, to a client certificate (RFC 8705 section 3.1).

use crate::Reason;
use crate::config::CertificateBinding;
use tollgate_jose::{Json, base64url};

/// Members of `cnf` with bindings that this filter cannot check: keys (RFC 7800 section 3.1), DPoP (RFC 9449
/// section 6.1), a certificate by its SHA-1. A token with one of them is valid only if that binding is
/// checked too, whatever else `cnf` contains. Other members, such as `kid`, are hints or unknown, and are
/// ignored (RFC 7800 section 3.1).
const OTHERS: [&str; 6] = ["jwk", "jwe", "jku", "jkt", "x5t", "osc"];

/// Binding of a token to its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    /// No binding: anyone who has the token may use it.
    Bearer,
    /// Valid only over a connection with the certificate with this SHA-256.
    Certificate([u8; 32]),
}

impl Binding {
    /// Reads `cnf`. A token with a binding that cannot be checked is rejected, because its issuer did not
    /// intend it for everyone.
    ///
    /// # Errors
    /// [`Reason::CertificateMismatch`], or [`Reason::BadClaim`] for a `cnf` that is malformed by RFC 8705.
    pub fn read(claims: &Json, mode: CertificateBinding) -> Result<Self, Reason> {
        let required = match mode {
            CertificateBinding::Ignore => return Ok(Self::Bearer),
            CertificateBinding::IfPresent => false,
            CertificateBinding::Require => true,
        };
        let cnf = match claims.get("cnf") {
            None if required => return Err(Reason::CertificateMismatch),
            None => return Ok(Self::Bearer),
            Some(cnf @ Json::Object(_)) => cnf,
            Some(_) => return Err(Reason::BadClaim),
        };
        if OTHERS.iter().any(|name| cnf.get(name).is_some()) {
            return Err(Reason::CertificateMismatch);
        }
        let thumbprint = match cnf.get("x5t#S256") {
            None => return Err(Reason::CertificateMismatch),
            Some(Json::String(text)) => base64url::decode(text.as_bytes()),
            Some(_) => return Err(Reason::BadClaim),
        };
        let thumbprint = thumbprint.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        thumbprint.map(Self::Certificate).ok_or(Reason::BadClaim)
    }

    /// Checks that the client is the owner of the token. Calls `certificate` only if the token is bound to
    /// one.
    pub fn check(&self, certificate: impl FnOnce() -> Option<[u8; 32]>) -> Result<(), Reason> {
        match self {
            Self::Certificate(bound) if certificate() != Some(*bound) => Err(Reason::CertificateMismatch),
            Self::Bearer | Self::Certificate(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_json::json;
    use CertificateBinding::{IfPresent, Ignore, Require};

    const ZEROS: &str = r#"{"cnf": {"x5t#S256": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}}"#;

    #[test]
    fn a_token_is_bound_as_cnf_says() {
        let bound = Ok(Binding::Certificate([0; 32]));
        for (claims, mode, expected) in [
            (ZEROS, IfPresent, bound),
            (ZEROS, Require, bound),
            (ZEROS, Ignore, Ok(Binding::Bearer)),
            ("{}", IfPresent, Ok(Binding::Bearer)),
            ("{}", Require, Err(Reason::CertificateMismatch)),
            ("{}", Ignore, Ok(Binding::Bearer)),
            (r#"{"cnf": {"jkt": "x"}}"#, IfPresent, Err(Reason::CertificateMismatch)),
            (r#"{"cnf": {"jkt": "x"}}"#, Ignore, Ok(Binding::Bearer)),
            (r#"{"cnf": {}}"#, IfPresent, Err(Reason::CertificateMismatch)),
            (r#"{"cnf": null}"#, IfPresent, Err(Reason::BadClaim)),
            (r#"{"cnf": "x"}"#, IfPresent, Err(Reason::BadClaim)),
            (r#"{"cnf": {"x5t#S256": 1}}"#, IfPresent, Err(Reason::BadClaim)),
            (r#"{"cnf": {"x5t#S256": "AAAA"}}"#, IfPresent, Err(Reason::BadClaim)),
            (r#"{"cnf": {"x5t#S256": "=="}}"#, IfPresent, Err(Reason::BadClaim)),
        ] {
            assert_eq!(Binding::read(&json(claims), mode), expected, "{claims} {mode:?}");
        }
        let both = ZEROS.replace(r#"{"x5t"#, r#"{"jkt": "x", "x5t"#);
        assert_eq!(Binding::read(&json(&both), IfPresent), Err(Reason::CertificateMismatch));
    }

    #[test]
    fn the_certificate_must_be_that_one_and_is_asked_for_only_then() {
        let bound = Binding::Certificate([7; 32]);
        assert_eq!(bound.check(|| Some([7; 32])), Ok(()));
        assert_eq!(bound.check(|| Some([8; 32])), Err(Reason::CertificateMismatch));
        assert_eq!(bound.check(|| None), Err(Reason::CertificateMismatch));
        let unasked = Binding::Bearer.check(|| panic!("asked"));
        assert_eq!(unasked, Ok(()));
    }
}
