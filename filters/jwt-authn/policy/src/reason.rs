//! Reasons for rejecting a request. Each has a name for machines and a sentence for people: Envoy's, where
//! Envoy has one.

use std::borrow::Cow;
use tollgate_jwt_authn_token::extract::LimitExceeded;

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $status:literal, $text:literal;)*) => {
        /// Reason for rejecting a request.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Reason { $($(#[$doc])* $variant,)* }

        impl Reason {
            /// All reasons.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Name, used in the statistic `jwt_authn.denied.<name>`, in the response details and in `reason`
            /// of a body.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// HTTP status; 0 stands for `status_on_error`.
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }

            /// Sentence for people.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

impl tollgate_policy::Label for Reason {
    const ALL: &'static [Self] = Self::ALL;

    fn name(self) -> &'static str {
        self.name()
    }

    fn index(self) -> usize {
        self as usize
    }
}

reasons! {
    /// The request has no token.
    Missing = "missing", 401, "Jwt is missing";
    /// The token is longer than `max_token_bytes`.
    TooLong = "too_long", 401, "Jwt is too long";
    /// The token does not have three parts.
    BadFormat = "bad_format", 401, "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections";
    /// See [`tollgate_jose::TokenError::HeaderNotBase64`].
    HeaderNotBase64 = "header_not_base64", 401, "Jwt header is an invalid Base64url encoded";
    /// See [`tollgate_jose::TokenError::HeaderNotJson`].
    HeaderNotJson = "header_not_json", 401, "Jwt header is an invalid JSON";
    /// `alg` is absent or not a string.
    NoAlgorithm = "no_algorithm", 401, "Jwt header [alg] field is required and must be a string";
    /// `alg` is `none` or not supported.
    UnknownAlgorithm = "unknown_algorithm", 401, "Jwt header [alg] is not supported";
    /// `kid` is not a string.
    BadKeyId = "bad_key_id", 401, "Jwt header [kid] field is not a string";
    /// `typ` is not a string, or not in `allowed_types`.
    TypeNotAllowed = "type_not_allowed", 401, "Jwt header [typ] is not allowed";
    /// The header has `crit`.
    CriticalExtension = "critical_extension", 401, "Jwt header [crit] names extensions that are not supported";
    /// See [`tollgate_jose::TokenError::PayloadNotBase64`].
    PayloadNotBase64 = "payload_not_base64", 401, "Jwt payload is an invalid Base64url encoded";
    /// See [`tollgate_jose::TokenError::PayloadNotJson`].
    PayloadNotJson = "payload_not_json", 401, "Jwt payload is an invalid JSON";
    /// See [`tollgate_jose::TokenError::SignatureNotBase64`].
    SignatureNotBase64 = "signature_not_base64", 401, "Jwt signature is an invalid Base64url encoded";
    /// `iss` is not a string.
    BadIssuer = "bad_iss", 401, "Jwt payload [iss] field is not a string";
    /// `sub` is not a string.
    BadSubject = "bad_sub", 401, "Jwt payload [sub] field is not a string";
    /// `iat` is not a number.
    BadIssuedAt = "bad_iat", 401, "Jwt payload [iat] field is not an integer";
    /// `iat` is negative or does not fit in 64 bits.
    IssuedAtOutOfRange = "iat_out_of_range", 401, "Jwt payload [iat] field is not a positive 64 bit integer";
    /// `nbf` is not a number.
    BadNotBefore = "bad_nbf", 401, "Jwt payload [nbf] field is not an integer";
    /// `nbf` is negative or does not fit in 64 bits.
    NotBeforeOutOfRange = "nbf_out_of_range", 401, "Jwt payload [nbf] field is not a positive 64 bit integer";
    /// `exp` is not a number.
    BadExpiration = "bad_exp", 401, "Jwt payload [exp] field is not an integer";
    /// `exp` is negative or does not fit in 64 bits.
    ExpirationOutOfRange = "exp_out_of_range", 401, "Jwt payload [exp] field is not a positive 64 bit integer";
    /// `jti` is not a string.
    BadTokenId = "bad_jti", 401, "Jwt payload [jti] field is not a string";
    /// `aud` is neither a string nor an array of strings.
    BadAudience = "bad_aud", 401, "Jwt payload [aud] field is not a string or string list";
    /// Another claim that the filter reads has the wrong type.
    BadClaim = "bad_claim", 401, "Jwt payload has a claim of the wrong type";
    /// `exp` is in the past.
    Expired = "expired", 401, "Jwt is expired";
    /// `nbf` or `iat` is in the future.
    NotYetValid = "not_yet_valid", 401, "Jwt not yet valid";
    /// `exp` is required and absent, or further ahead than `max_lifetime`. The text is Envoy's.
    LifetimeTooLong = "lifetime_too_long", 401, "Jwt verification fails";
    /// No provider has this `iss`.
    UnknownIssuer = "unknown_issuer", 401, "Jwt issuer is not configured";
    /// `aud` contains none of the accepted audiences.
    AudienceNotAllowed = "audience_not_allowed", 403, "Audiences in Jwt are not allowed";
    /// `sub` does not match `subjects`. The text is Envoy's.
    SubjectNotAllowed = "subject_not_allowed", 401, "Jwt verification fails";
    /// A claim does not match `required_claims`.
    ClaimNotAllowed = "claim_not_allowed", 403, "Claims in Jwt are not allowed";
    /// The token lacks one of `required_scopes`.
    InsufficientScope = "insufficient_scope", 403, "Scopes in Jwt are insufficient";
    /// The provider does not accept the algorithm.
    AlgorithmNotAllowed = "algorithm_not_allowed", 401, "Jwt header [alg] is not allowed";
    /// The key set has no key with this `kid` or for this algorithm.
    UnknownKey = "unknown_key", 401, "Jwks doesn't have key to match kid or alg from Jwt";
    /// The signature is not valid.
    SignatureInvalid = "signature_invalid", 401, "Jwt verification fails";
    /// The token or its subject is revoked.
    Revoked = "revoked", 401, "Jwt is revoked";
    /// `cnf` names another certificate than the client's, or no certificate.
    CertificateMismatch = "certificate_mismatch", 401, "Jwt is bound to another client certificate";
    /// More than [`tollgate_jwt_authn_token::extract::MAX_TOKENS`] different tokens: for one provider, or for
    /// all of them where the requirement accepts any provider.
    TooManyTokens = "too_many_tokens", 401, "Too many Jwts in the request";
    /// The path cannot be read with certainty; see [`tollgate_policy::InvalidPath`].
    InvalidPath = "invalid_path", 400, "Path is not valid";
    /// The path can be read in several ways, for which the rules require different things.
    AmbiguousPath = "ambiguous_path", 400, "Path is ambiguous";
    /// The requirement refers to a provider that does not exist.
    UnknownRequirement = "unknown_requirement", 403, "Requirement of the route is not configured";
    /// The keys are unavailable.
    KeysUnavailable = "jwks_unavailable", 0, "Jwks remote fetch is failed";
    /// The revocation list is unavailable.
    RevocationUnavailable = "revocation_unavailable", 0, "Revocation list is unavailable";
    /// A host call failed.
    HostError = "host_error", 0, "Request cannot be checked";
}

impl tollgate_policy::ResponseDetails for Reason {
    // Built from the name on demand, because all of these texts take 2 KB.
    fn details(self) -> Cow<'static, str> {
        ["jwt_authn_access_denied{", self.name(), "}"].concat().into()
    }
}

impl From<LimitExceeded> for Reason {
    fn from(limit: LimitExceeded) -> Self {
        match limit {
            LimitExceeded::TooLong => Self::TooLong,
            LimitExceeded::TooMany => Self::TooManyTokens,
        }
    }
}
