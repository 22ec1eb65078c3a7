//! The registered claims (RFC 7519 section 4.1), typed.

use crate::Reason;
use tollgate_jose::Json;

/// The registered claims of a token. A claim of the wrong type is rejected even if nothing uses it, as in
/// Envoy, because the upstream might interpret it in another way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registered {
    /// `iss`.
    pub issuer: Option<Box<str>>,
    /// `sub`.
    pub subject: Option<Box<str>>,
    /// `jti`.
    pub token_id: Option<Box<str>>,
    /// `aud`; a string becomes a list with one element.
    pub audiences: Box<[Box<str>]>,
    /// `iat`, in seconds since 1970.
    pub issued_at: Option<u64>,
    /// `nbf`, in seconds since 1970.
    pub not_before: Option<u64>,
    /// `exp`, in seconds since 1970.
    pub expires: Option<u64>,
}

impl Registered {
    /// Reads the claims in the order of Envoy's `Jwt::parseFromString`, so that both report the same one of
    /// two errors.
    pub fn read(claims: &Json) -> Result<Self, Reason> {
        use Reason as R;
        let issuer = text(claims, "iss", R::BadIssuer)?;
        let subject = text(claims, "sub", R::BadSubject)?;
        let issued_at = seconds(claims, "iat", R::BadIssuedAt, R::IssuedAtOutOfRange)?;
        let not_before = seconds(claims, "nbf", R::BadNotBefore, R::NotBeforeOutOfRange)?;
        let expires = seconds(claims, "exp", R::BadExpiration, R::ExpirationOutOfRange)?;
        let token_id = text(claims, "jti", R::BadTokenId)?;
        let audiences = texts(claims, "aud").ok_or(R::BadAudience)?;
        Ok(Self { issuer, subject, token_id, audiences, issued_at, not_before, expires })
    }
}

fn text(claims: &Json, name: &str, otherwise: Reason) -> Result<Option<Box<str>>, Reason> {
    match claims.get(name) {
        None => Ok(None),
        Some(Json::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(otherwise),
    }
}

fn texts(claims: &Json, name: &str) -> Option<Box<[Box<str>]>> {
    match claims.get(name) {
        None => Some(Box::default()),
        Some(Json::String(text)) => Some(Box::new([text.clone()])),
        Some(Json::Array(list)) => list.iter().map(|one| one.as_str().map(Into::into)).collect(),
        Some(_) => None,
    }
}

/// Reads a NumericDate (RFC 7519 section 2), which may have decimals. They are cut off, as in Envoy.
fn seconds(
    claims: &Json,
    name: &str,
    otherwise: Reason,
    out_of_range: Reason,
) -> Result<Option<u64>, Reason> {
    let Some(number) = claims.get(name) else { return Ok(None) };
    let value = number.as_f64().ok_or(otherwise)?;
    // In this form, NaN is out of range. The float nearest to `u64::MAX` is 2^64.
    if !(value >= 0.0 && value < u64::MAX as f64) {
        return Err(out_of_range);
    }
    Ok(Some(number.as_u64().unwrap_or(value as u64)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_json::json;

    #[test]
    fn each_claim_has_its_type() {
        let claims = json(
            r#"{"iss": "i", "sub": "s", "jti": "j", "aud": "a", "iat": 1, "nbf": 2.9, "exp": 3e9, "other": []}"#,
        );
        let read = Registered::read(&claims).unwrap();
        assert_eq!((read.issuer.as_deref(), read.subject.as_deref()), (Some("i"), Some("s")));
        assert_eq!((read.token_id.as_deref(), &*read.audiences), (Some("j"), &["a".into()][..]));
        assert_eq!((read.issued_at, read.not_before, read.expires), (Some(1), Some(2), Some(3_000_000_000)));
        assert_eq!(Registered::read(&json("{}")), Ok(Registered::default()));
        let list = Registered::read(&json(r#"{"aud": ["a", "b"]}"#)).unwrap();
        assert_eq!(&*list.audiences, ["a".into(), "b".into()]);
        assert!(Registered::read(&json(r#"{"aud": []}"#)).unwrap().audiences.is_empty());
    }

    #[test]
    fn a_claim_of_another_type_is_refused_by_name() {
        for (text, reason) in [
            (r#"{"iss": 1}"#, Reason::BadIssuer),
            (r#"{"iss": null}"#, Reason::BadIssuer),
            (r#"{"sub": ["s"]}"#, Reason::BadSubject),
            (r#"{"jti": {}}"#, Reason::BadTokenId),
            (r#"{"aud": 1}"#, Reason::BadAudience),
            (r#"{"aud": ["a", 1]}"#, Reason::BadAudience),
            (r#"{"aud": {"a": 1}}"#, Reason::BadAudience),
            (r#"{"aud": null}"#, Reason::BadAudience),
            (r#"{"exp": "1"}"#, Reason::BadExpiration),
            (r#"{"exp": null}"#, Reason::BadExpiration),
            (r#"{"exp": true}"#, Reason::BadExpiration),
            (r#"{"exp": [1]}"#, Reason::BadExpiration),
            (r#"{"exp": -1}"#, Reason::ExpirationOutOfRange),
            (r#"{"exp": -0.5}"#, Reason::ExpirationOutOfRange),
            (r#"{"exp": 1e300}"#, Reason::ExpirationOutOfRange),
            (r#"{"exp": 18446744073709551615}"#, Reason::ExpirationOutOfRange),
            (r#"{"exp": 18446744073709551616}"#, Reason::ExpirationOutOfRange),
            (r#"{"exp": -9223372036854775808}"#, Reason::ExpirationOutOfRange),
            (r#"{"nbf": "1"}"#, Reason::BadNotBefore),
            (r#"{"nbf": -1}"#, Reason::NotBeforeOutOfRange),
            (r#"{"iat": "1"}"#, Reason::BadIssuedAt),
            (r#"{"iat": -1e-9}"#, Reason::IssuedAtOutOfRange),
        ] {
            assert_eq!(Registered::read(&json(text)), Err(reason), "{text}");
        }
    }

    #[test]
    fn large_integers_are_exact() {
        let read = Registered::read(&json(r#"{"exp": 9007199254740993}"#)).unwrap();
        assert_eq!(read.expires, Some(9_007_199_254_740_993));
    }

    #[test]
    fn reports_the_error_that_envoy_reports_first() {
        let both = json(r#"{"aud": 1, "exp": "x", "sub": 2}"#);
        assert_eq!(Registered::read(&both), Err(Reason::BadSubject));
    }
}
