//! Why a request is refused: one word for machines each, Envoy's sentence for people where Envoy has one.

use tollgate_jwt_authn_extract::TooMuch;

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $status:literal, $text:literal;)*) => {
        /// Why a request is refused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Reason { $($(#[$doc])* $variant,)* }

        impl Reason {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name of its statistic, `jwt_authn.denied.<name>`, and what `reason` of a body says.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The HTTP status; 0 for what `status_on_error` says.
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }

            /// A sentence.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

reasons! {
    /// No token.
    Missing = "missing", 401, "Jwt is missing";
    /// Longer than `max_token_bytes`.
    TooLong = "too_long", 401, "Jwt is too long";
    /// Not three parts.
    BadFormat = "bad_format", 401, "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections";
    /// See [`tollgate_jose::TokenError::HeaderNotBase64`].
    HeaderNotBase64 = "header_not_base64", 401, "Jwt header is an invalid Base64url encoded";
    /// See [`tollgate_jose::TokenError::HeaderNotJson`].
    HeaderNotJson = "header_not_json", 401, "Jwt header is an invalid JSON";
    /// `alg` is absent or not a string.
    NoAlgorithm = "no_algorithm", 401, "Jwt header [alg] field is required and must be a string";
    /// `alg` is `none` or not offered.
    UnknownAlgorithm = "unknown_algorithm", 401, "Jwt header [alg] is not supported";
    /// `kid` is not a string.
    BadKeyId = "bad_key_id", 401, "Jwt header [kid] field is not a string";
    /// `typ` is not a string or not one that is accepted.
    TypeNotAllowed = "type_not_allowed", 401, "Jwt header [typ] is not allowed";
    /// `crit` is there.
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
    /// `iat` is negative or too large for any clock.
    IssuedAtOutOfRange = "iat_out_of_range", 401, "Jwt payload [iat] field is not a positive 64 bit integer";
    /// `nbf` is not a number.
    BadNotBefore = "bad_nbf", 401, "Jwt payload [nbf] field is not an integer";
    /// `nbf` is negative or too large for any clock.
    NotBeforeOutOfRange = "nbf_out_of_range", 401, "Jwt payload [nbf] field is not a positive 64 bit integer";
    /// `exp` is not a number.
    BadExpiration = "bad_exp", 401, "Jwt payload [exp] field is not an integer";
    /// `exp` is negative or too large for any clock.
    ExpirationOutOfRange = "exp_out_of_range", 401, "Jwt payload [exp] field is not a positive 64 bit integer";
    /// `jti` is not a string.
    BadTokenId = "bad_jti", 401, "Jwt payload [jti] field is not a string";
    /// `aud` is neither a string nor an array of strings.
    BadAudience = "bad_aud", 401, "Jwt payload [aud] field is not a string or string list";
    /// Another claim that is needed is of the wrong type.
    BadClaim = "bad_claim", 401, "Jwt payload has a claim of the wrong type";
    /// `exp` is past.
    Expired = "expired", 401, "Jwt is expired";
    /// `nbf` or `iat` is ahead.
    NotYetValid = "not_yet_valid", 401, "Jwt not yet valid";
    /// `exp` is required and absent, or too far ahead. Envoy says no more.
    LifetimeTooLong = "lifetime_too_long", 401, "Jwt verification fails";
    /// `iss` is no provider's.
    UnknownIssuer = "unknown_issuer", 401, "Jwt issuer is not configured";
    /// `aud`.
    AudienceNotAllowed = "audience_not_allowed", 403, "Audiences in Jwt are not allowed";
    /// `sub`. Envoy says no more.
    SubjectNotAllowed = "subject_not_allowed", 401, "Jwt verification fails";
    /// `required_claims`.
    ClaimNotAllowed = "claim_not_allowed", 403, "Claims in Jwt are not allowed";
    /// `required_scopes`.
    InsufficientScope = "insufficient_scope", 403, "Scopes in Jwt are insufficient";
    /// The algorithm is not one of the provider's.
    AlgorithmNotAllowed = "algorithm_not_allowed", 401, "Jwt header [alg] is not allowed";
    /// No key of that `kid` or for that algorithm.
    UnknownKey = "unknown_key", 401, "Jwks doesn't have key to match kid or alg from Jwt";
    /// The signature.
    VerificationFails = "verification_fails", 401, "Jwt verification fails";
    /// It is in the list.
    Revoked = "revoked", 401, "Jwt is revoked";
    /// `cnf` names another certificate, or there is none.
    NotBound = "not_bound", 401, "Jwt is bound to another client certificate";
    /// More than one token where one is allowed.
    TooManyTokens = "too_many_tokens", 401, "Too many Jwts in the request";
    /// A named requirement or a filter state's does not exist.
    UnknownRequirement = "unknown_requirement", 403, "Requirement of the route is not configured";
    /// Keys cannot be had.
    KeysUnavailable = "jwks_unavailable", 0, "Jwks remote fetch is failed";
    /// The list of what is revoked cannot be had.
    RevocationUnavailable = "revocation_unavailable", 0, "Revocation list cannot be had";
    /// A host call failed.
    HostError = "host_error", 0, "Request cannot be checked";
}

impl Reason {
    /// `%RESPONSE_CODE_DETAILS%`. Made of the name when it is asked for: all of them are 2 KB.
    pub fn details(self) -> String {
        ["jwt_authn_access_denied{", self.name(), "}"].concat()
    }
}

impl From<TooMuch> for Reason {
    fn from(too_much: TooMuch) -> Self {
        match too_much {
            TooMuch::TooLong => Self::TooLong,
            TooMuch::TooMany => Self::TooManyTokens,
        }
    }
}
