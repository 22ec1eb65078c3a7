//! Foreign functions: functions of the host, called by name. They run natively and cost a fraction of the
//! same code in Wasm.
//!
//! The typed functions here are those of Envoy 1.36 and later (`source/extensions/common/wasm/foreign.cc`).
//! If a host lacks one of them, it returns [`Status::NotFound`]. [`call`] calls any
//! other function.

use crate::error::Result;
use crate::property::Value;
use crate::protobuf::{put, put_number};
use crate::{Error, Status, abi, host};

/// Name of the host call in errors.
const CALL: &str = "call_foreign_function";

/// Calls the function `name` with serialised arguments. Returns `None` if the host has no such function.
pub fn call(name: &str, args: &[u8]) -> Result<Option<Vec<u8>>> {
    let mut out = host::Returned::nothing();
    // SAFETY: pointers are to live values of the given lengths.
    let raw = unsafe {
        abi::proxy_call_foreign_function(
            name.as_ptr(),
            name.len(),
            args.as_ptr(),
            args.len(),
            &mut out.bytes,
            &mut out.len,
        )
    };
    Ok(host::check_found(CALL, raw)?.then(|| out.take()))
}

/// Like [`call`], for a function that the host must have.
fn call_known(name: &str, args: &[u8]) -> Result<Vec<u8>> {
    call(name, args)?.ok_or(Error::Host { call: CALL, status: Status::NotFound })
}

/// Makes the router select the route again, by the headers that the filters have changed. Returns whether the
/// host has this function. Envoy also does this for each change of a request header.
pub fn clear_route_cache() -> Result<bool> {
    Ok(call("clear_route_cache", &[])?.is_some())
}

/// Compresses bytes to a zlib stream (RFC 1950). This is not the format of `content-encoding: gzip`.
pub fn compress(bytes: &[u8]) -> Result<Vec<u8>> {
    call_known("compress", bytes)
}

/// Uncompresses a zlib stream (RFC 1950). Fails with
/// [`Status::SerializationFailure`] if it is invalid.
///
/// The host does not limit the size of the result: a stream can grow to a thousand times its size, so
/// uncompress only data that the filter trusts.
pub fn uncompress(stream: &[u8]) -> Result<Vec<u8>> {
    call_known("uncompress", stream)
}

/// The hash of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of the algorithms")]
pub enum Hash {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha224 => "sha224",
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }
}

/// A public key of RSA or of an elliptic curve.
#[derive(Clone, Copy, Debug)]
pub enum PublicKey<'a> {
    /// `SubjectPublicKeyInfo` (RFC 5280) in DER.
    Der(&'a [u8]),
    /// The same in PEM. Since Envoy 1.40.
    Pem(&'a str),
}

/// The result of [`verify_signature`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verification {
    /// The signature is valid.
    Valid,
    /// The signature is invalid, or the host does not support the key.
    Invalid {
        /// Reason, in the words of the host.
        reason: Vec<u8>,
    },
}

/// Verifies a signature with the host. The key selects the algorithm: RSA with PKCS #1 v1.5, or ECDSA with a
/// signature in DER (`Ecdsa-Sig-Value` of RFC 3279), not the two joined numbers of a JWS. Envoy supports
/// neither RSA with PSS nor Ed25519.
///
/// Fails with [`Status::BadArgument`] if the host cannot parse the key.
pub fn verify_signature(
    hash: Hash,
    key: PublicKey<'_>,
    text: &[u8],
    signature: &[u8],
) -> Result<Verification> {
    let mut args = Vec::with_capacity(text.len() + signature.len() + 256);
    put(&mut args, 1, hash.name().as_bytes());
    match key {
        PublicKey::Der(key) => put(&mut args, 2, key),
        PublicKey::Pem(key) => put(&mut args, 5, key.as_bytes()),
    }
    put(&mut args, 3, signature);
    put(&mut args, 4, text);
    verification(&call_known("verify_signature", &args)?)
}

/// Decodes `VerifySignatureResult`: 1 `result`, 2 `error`. Only `result: true` and nothing else is valid.
fn verification(result: &[u8]) -> Result<Verification> {
    match result {
        [0x08, 0x01] => Ok(Verification::Valid),
        [0x12, len, reason @ ..] if *len < 0x80 && usize::from(*len) == reason.len() => {
            Ok(Verification::Invalid { reason: reason.to_vec() })
        }
        _ => Err(Error::Malformed(CALL)),
    }
}

/// The time for which filter state exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LifeSpan {
    /// Until the filter chain ends: the request, without internal redirects.
    FilterChain = 0,
    /// Until the request ends, with internal redirects.
    Request = 1,
    /// Until the connection of the client ends. Later requests on it share the value.
    Connection = 2,
}

/// Sets filter state of Envoy, which native filters read, such as `envoy.tcp_proxy.cluster` or
/// `envoy.ratelimit.hits_addend`. Call it in a callback of a stream. To read the value, use
/// [`FILTER_STATE`](crate::property::FILTER_STATE).
///
/// Fails with [`Status::NotFound`] if Envoy has no factory for this key, and with
/// [`Status::BadArgument`] if the factory rejects the value.
pub fn set_envoy_filter_state(key: &str, value: &str, span: LifeSpan) -> Result<()> {
    let mut args = Vec::new();
    put(&mut args, 1, key.as_bytes());
    put(&mut args, 2, value.as_bytes());
    put_number(&mut args, 3, span as u8);
    call_known("set_envoy_filter_state", &args).map(drop)
}

/// The type of a declared property, by which expressions in Envoy's configuration read it.
#[derive(Clone, Copy, Debug)]
pub enum PropertyType<'a> {
    /// Bytes.
    Bytes,
    /// A string.
    String,
    /// A FlatBuffers table.
    FlatBuffers {
        /// The schema, in its binary form.
        schema: &'a [u8],
    },
    /// A protobuf message.
    Protobuf {
        /// The type URL, such as `type.googleapis.com/google.protobuf.Struct`.
        type_url: &'a str,
    },
}

/// The declaration of a property that [`property::set_state`](crate::property::set_state) sets.
#[derive(Clone, Copy, Debug)]
pub struct Declaration<'a> {
    /// Name, without the prefix `wasm.` of the filter state.
    pub name: &'a str,
    /// Whether the property can be set only once.
    pub readonly: bool,
    /// Type of the value.
    pub ty: PropertyType<'a>,
    /// Time for which the value exists.
    pub span: LifeSpan,
}

/// Declares a property. Call it when the filter is created: a declaration in a callback of a stream has no
/// effect. Without one, a property has bytes that can be replaced, and exists until the filter chain ends.
///
/// Fails with [`Status::BadArgument`] if the plugin has declared this name
/// already.
pub fn declare_property(declaration: &Declaration<'_>) -> Result<()> {
    let (ty, schema) = match declaration.ty {
        PropertyType::Bytes => (0, &[][..]),
        PropertyType::String => (1, &[][..]),
        PropertyType::FlatBuffers { schema } => (2, schema),
        PropertyType::Protobuf { type_url } => (3, type_url.as_bytes()),
    };
    let mut args = Vec::new();
    put(&mut args, 1, declaration.name.as_bytes());
    put_number(&mut args, 2, declaration.readonly.into());
    put_number(&mut args, 3, ty);
    put(&mut args, 4, schema);
    put_number(&mut args, 5, declaration.span as u8);
    call_known("declare_property", &args).map(drop)
}

/// An expression of the Common Expression Language over the attributes of a stream, such as
/// `request.path.startsWith('/a') && source.port > 1024`. The host compiles it once, and evaluates it
/// natively.
///
/// Create it when the filter is created: each plugin has its own expressions. Dropping it deletes it.
#[derive(Debug)]
pub struct Expression(u32);

impl Expression {
    /// Compiles an expression. Fails with [`Status::BadArgument`] if it is
    /// invalid; Envoy logs the reason.
    pub fn new(source: &str) -> Result<Self> {
        let token = call_known("expr_create", source.as_bytes())?;
        let token = token.try_into().map_err(|_| Error::Malformed(CALL))?;
        Ok(Self(u32::from_le_bytes(token)))
    }

    /// Evaluates the expression for the stream of the current callback. The attributes are available as with
    /// [`property`](crate::property).
    ///
    /// Fails with [`Status::InternalFailure`] if the evaluation fails, for
    /// example because an attribute is absent, and with [`Error::Malformed`] if the result is not of type
    /// `T`.
    pub fn evaluate<T: Value>(&self) -> Result<T> {
        T::decode(call_known("expr_evaluate", &self.0.to_le_bytes())?).ok_or(Error::Malformed(CALL))
    }
}

impl Drop for Expression {
    fn drop(&mut self) {
        // If this fails, the expression exists until the plugin ends.
        if let Err(error) = call("expr_delete", &self.0.to_le_bytes()) {
            crate::log::debug!("cannot delete an expression: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_true_and_nothing_else_is_a_valid_signature() {
        assert_eq!(verification(b"\x08\x01"), Ok(Verification::Valid));
        assert_eq!(verification(b"\x12\x02no"), Ok(Verification::Invalid { reason: b"no".to_vec() }));
        for malformed in
            [&b""[..], b"\x08", b"\x08\x00", b"\x08\x01\x12\x00", b"\x12", b"\x12\x03no", b"\x12\x01no"]
        {
            assert!(verification(malformed).is_err(), "{malformed:?}");
        }
    }
}
