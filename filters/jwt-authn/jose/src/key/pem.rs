//! Parses keys and certificates in PEM (RFC 7468).
//!
//! Lines may have any length and indentation, because such texts are often part of YAML. Text between the
//! blocks is a comment (section 5.2). A block with another label is rejected: it is a mistake, and may be a
//! private key.

use super::{Key, Material, Result};
use crate::{KeyError, base64url};

const PRIVATE: KeyError = KeyError::Pem("it contains a private key, which must stay with its signer");

/// Returns the keys of all blocks, in their order.
pub(crate) fn from_pem(text: &str) -> Result<Vec<Key>> {
    let mut keys = Vec::new();
    let mut lines = text.lines().map(str::trim);
    while let Some(line) = lines.next() {
        let Some(label) = boundary(line, "-----BEGIN ") else { continue };
        let mut base64 = String::new();
        loop {
            let line = lines.next().ok_or(KeyError::Pem("a block has no END line"))?;
            match boundary(line, "-----END ") {
                Some(end) if end == label => break,
                Some(_) => return Err(KeyError::Pem("BEGIN and END of a block have different labels")),
                None => base64.push_str(line),
            }
        }
        keys.push(Key::new(block(label, &base64)?));
    }
    if keys.is_empty() { Err(KeyError::Pem("expected at least one block")) } else { Ok(keys) }
}

fn boundary<'l>(line: &'l str, start: &str) -> Option<&'l str> {
    line.strip_prefix(start)?.strip_suffix("-----")
}

fn block(label: &str, base64: &str) -> Result<Material> {
    let read = match label {
        "PUBLIC KEY" => Material::from_spki,
        "RSA PUBLIC KEY" => Material::from_pkcs1,
        "CERTIFICATE" => Material::from_certificate,
        label if label.ends_with("PRIVATE KEY") => return Err(PRIVATE),
        _ => {
            return Err(KeyError::Pem(
                "unknown label of a block, expected `PUBLIC KEY`, `RSA PUBLIC KEY` or `CERTIFICATE`",
            ));
        }
    };
    read(&base64url::decode_standard(base64).ok_or(KeyError::Pem("a block is not valid base64"))?)
}
