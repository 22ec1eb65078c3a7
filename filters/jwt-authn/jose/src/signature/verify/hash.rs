//! Selects a hash function's type.

/// Evaluates an expression with a type for the hash.
macro_rules! with_hash {
    ($hash:expr, $type:ident => $what:expr) => {
        match $hash {
            $crate::Hash::Sha256 => {
                type $type = sha2::Sha256;
                $what
            }
            $crate::Hash::Sha384 => {
                type $type = sha2::Sha384;
                $what
            }
            $crate::Hash::Sha512 => {
                type $type = sha2::Sha512;
                $what
            }
        }
    };
}

pub(super) use with_hash;
