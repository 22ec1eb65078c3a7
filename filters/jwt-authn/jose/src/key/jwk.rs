//! Parses JSON Web Keys (RFC 7517, RFC 7518 section 6, RFC 8037).

use super::{Key, Material, Result};
use crate::json::twice;
use crate::jws::MAX_KEY_ID;
use crate::{Algorithm, Curve, Family, Json, KeyError, base64url};
use sha2::{Digest, Sha256};

/// Values of `key_ops` that are consistent with `use: sig` (RFC 7517 section 4.3).
const SIGNING: [&str; 2] = ["sign", "verify"];

impl Key {
    /// Parses a JWK. Unknown members are ignored (RFC 7517 section 4), and a member that is `null` is absent.
    pub(crate) fn from_jwk(jwk: &Json) -> Result<Self> {
        let kty = text(jwk, "kty")?.ok_or(KeyError::Member("kty"))?;
        // Before other members, because a key of another kind may have members of other kinds.
        supported(jwk, kty)?;
        let id = text(jwk, "kid")?.filter(|id| !id.is_empty());
        if id.is_some_and(|id| id.len() > MAX_KEY_ID) {
            return Err(KeyError::Member("kid"));
        }
        for_verifying(jwk)?;
        let material = match kty {
            "RSA" => public(jwk, &["n", "e"], &["d", "p", "q", "dp", "dq", "qi", "oth"], &rsa)?,
            "EC" => public(jwk, &["x", "y"], &["d"], &ec)?,
            "OKP" => public(jwk, &["x"], &["d"], &okp)?,
            "oct" => Material::secret(&bytes(jwk, "k")?)?,
            other => return Err(KeyError::Unsupported(other.into())),
        };
        let mut key = Self::new(material);
        key.id = id.map(Into::into);
        if let Some(alg) = text(jwk, "alg")? {
            let algorithm = alg.parse().map_err(|_| KeyError::NotForVerifying("alg"))?;
            key.narrow(algorithm)?;
        }
        Ok(key)
    }

    fn narrow(&mut self, algorithm: Algorithm) -> Result<()> {
        if !self.material.takes(algorithm) {
            let secret = self.permits(Algorithm::Hs256) && algorithm.family() == Family::Hmac;
            let short = KeyError::Weak("secret is shorter than the hash of its `alg`");
            return Err(if secret { short } else { KeyError::NotForVerifying("alg") });
        }
        self.algorithms = [algorithm].into_iter().collect();
        Ok(())
    }
}

/// Checks that keys of this kind, and of the curve, are understood.
fn supported(jwk: &Json, kty: &str) -> Result<()> {
    let curves: &[&str] = match kty {
        "RSA" | "oct" => return Ok(()),
        "EC" => &["P-256", "P-384", "P-521"],
        "OKP" => &["Ed25519"],
        other => return Err(KeyError::Unsupported(other.into())),
    };
    // Without `crv`, a certificate may have the key.
    match text(jwk, "crv")? {
        Some(other) if !curves.contains(&other) => Err(KeyError::Unsupported(other.into())),
        _ => Ok(()),
    }
}

/// Checks `use` and `key_ops`, which are optional.
fn for_verifying(jwk: &Json) -> Result<()> {
    let sig = match text(jwk, "use")? {
        None => false,
        Some("sig") => true,
        Some(_) => return Err(KeyError::NotForVerifying("use")),
    };
    let Some(operations) = member(jwk, "key_ops") else { return Ok(()) };
    let operations: Option<Vec<_>> =
        operations.as_array().map(|list| list.iter().map(Json::as_str).collect()).unwrap_or_default();
    let operations = operations.ok_or(KeyError::Member("key_ops"))?;
    if twice(operations.clone()) {
        return Err(KeyError::Member("key_ops"));
    }
    let consistent = !sig || operations.iter().all(|operation| SIGNING.contains(operation));
    if consistent && operations.contains(&"verify") {
        Ok(())
    } else {
        Err(KeyError::NotForVerifying("key_ops"))
    }
}

/// Reads a public key from its members, or from its certificate if it has none of them. If both are present,
/// they must agree.
#[inline(never)]
fn public(
    jwk: &Json,
    members: &[&'static str],
    private: &[&'static str],
    read: &dyn Fn(&Json) -> Result<Material>,
) -> Result<Material> {
    let has = |name: &&&'static str| member(jwk, name).is_some();
    if let Some(name) = private.iter().find(has) {
        return Err(KeyError::Private(name));
    }
    let certified = certificate(jwk)?.map(|der| Material::from_certificate(&der)).transpose()?;
    match certified {
        Some(material) if !members.iter().any(|name| has(&name)) => {
            let (kty, crv) = material.kind();
            let same = text(jwk, "kty")? == Some(kty) && text(jwk, "crv")?.is_none_or(|name| name == crv);
            if same {
                Ok(material)
            } else {
                Err(KeyError::Invalid("`x5c` contains a key that does not match `kty` or `crv`"))
            }
        }
        certified => {
            let material = read(jwk)?;
            // RFC 7517 section 4.7.
            let same = certified.is_none_or(|certified| certified == material);
            if same {
                Ok(material)
            } else {
                Err(KeyError::Invalid("`x5c` contains a different key than the JWK"))
            }
        }
    }
}

fn rsa(jwk: &Json) -> Result<Material> {
    Material::rsa(&bytes(jwk, "n")?, &bytes(jwk, "e")?)
}

fn ec(jwk: &Json) -> Result<Material> {
    let curve = match text(jwk, "crv")?.ok_or(KeyError::Member("crv"))? {
        "P-256" => Curve::P256,
        "P-384" => Curve::P384,
        "P-521" => Curve::P521,
        other => return Err(KeyError::Unsupported(other.into())),
    };
    let mut point = vec![4];
    for name in ["x", "y"] {
        let coordinate = bytes(jwk, name)?;
        // RFC 7518 section 6.2.1.2: leading zeros are required.
        if coordinate.len() != curve.bytes() {
            return Err(KeyError::Member(name));
        }
        point.extend(coordinate);
    }
    match curve {
        Curve::P256 => Material::p256(&point),
        Curve::P384 => Material::p384(&point),
        Curve::P521 => Material::p521(&point),
    }
}

fn okp(jwk: &Json) -> Result<Material> {
    match text(jwk, "crv")?.ok_or(KeyError::Member("crv"))? {
        "Ed25519" => Material::ed25519(&bytes(jwk, "x")?),
        other => Err(KeyError::Unsupported(other.into())),
    }
}

/// Returns the first certificate of `x5c`, in DER. `x5t` uses SHA-1 and is ignored.
fn certificate(jwk: &Json) -> Result<Option<Vec<u8>>> {
    let Some(chain) = member(jwk, "x5c") else { return Ok(None) };
    let first = chain.as_array().and_then(|chain| chain.first()).and_then(Json::as_str);
    // base64, not base64url (RFC 7517 section 4.7).
    let der = first.and_then(base64url::decode_standard).ok_or(KeyError::Member("x5c"))?;
    if member(jwk, "x5t#S256").is_some() && bytes(jwk, "x5t#S256")? != *Sha256::digest(&der) {
        return Err(KeyError::Invalid("`x5t#S256` does not match `x5c`"));
    }
    Ok(Some(der))
}

/// Returns a member that is not `null`.
fn member<'j>(jwk: &'j Json, name: &str) -> Option<&'j Json> {
    jwk.get(name).filter(|value| **value != Json::Null)
}

fn text<'j>(jwk: &'j Json, name: &'static str) -> Result<Option<&'j str>> {
    member(jwk, name).map(|value| value.as_str().ok_or(KeyError::Member(name))).transpose()
}

/// Decodes a member. Accepts padding, as Envoy does: some issuers write it, although RFC 7515 section 2
/// forbids it.
fn bytes(jwk: &Json, name: &'static str) -> Result<Vec<u8>> {
    let text = text(jwk, name)?.ok_or(KeyError::Member(name))?;
    let padding =
        if text.len() % 4 == 0 { ["==", "="].iter().find_map(|end| text.strip_suffix(end)) } else { None };
    base64url::decode(padding.unwrap_or(text).as_bytes()).ok_or(KeyError::Member(name))
}
