//! The path for operators.

use core::fmt;
use std::str::FromStr;
use tollgate_policy::Config;

/// Path on which operators read the states, and force them with a secret. Requests to this path never reach
/// the upstream.
#[derive(Clone, Debug, Config)]
pub struct Admin {
    /// Path without a query, such as `/.tollgate/breakers`. It is compared byte by byte.
    pub path: String,
    /// Secret that a request must send as `authorization: Bearer <secret>`, 16 to 256 visible ASCII
    /// characters.
    pub secret: Secret,
    /// Whether states can be read without the secret. Default: `false`.
    #[config(default)]
    pub public_read: bool,
}

/// A secret. Its text is never shown.
#[derive(Clone, Default, PartialEq, Eq, Config)]
#[config(text(expected = "a secret of 16 to 256 visible ASCII characters", pattern = "^[!-~]{16,256}$"))]
pub struct Secret(Box<[u8]>);

impl Secret {
    /// Returns whether the secret equals a value. The time does not depend on where they differ.
    pub fn equals(&self, value: &[u8]) -> bool {
        let pairs = self.0.iter().zip(value);
        let difference = pairs.fold(0, |difference, (a, b)| core::hint::black_box(difference | (a ^ b)));
        self.0.len() == value.len() && difference == 0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl FromStr for Secret {
    type Err = InvalidSecret;

    fn from_str(text: &str) -> Result<Self, InvalidSecret> {
        let is_valid = (16..=256).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if is_valid { Ok(Self(text.as_bytes().into())) } else { Err(InvalidSecret) }
    }
}

/// A text that cannot be a secret. It is not part of the error, which appears in logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidSecret;

impl fmt::Display for InvalidSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("invalid secret, expected 16 to 256 visible ASCII characters")
    }
}

impl std::error::Error for InvalidSecret {}
