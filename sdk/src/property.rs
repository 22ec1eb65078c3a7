//! Envoy's attributes, each with its type and encoding.
//!
//! Reading a property is a host call that returns bytes. It costs about as much as reading all headers, so
//! read values from a header if one contains them. Properties of the request cannot be read in response
//! callbacks.

use crate::clock::UnixNanos;
use crate::error::Result;
use crate::{Error, host};
use std::marker::PhantomData;
use std::net::IpAddr;

/// An attribute and the type of its value.
pub struct Property<T> {
    path: &'static str,
    value: PhantomData<T>,
}

impl<T: Value> Property<T> {
    /// Creates the attribute at `path`. The segments are separated by NUL: `"source\0address"`.
    pub const fn new(path: &'static str) -> Self {
        Self { path, value: PhantomData }
    }

    /// Returns the value, or `None` if the attribute is absent.
    pub fn get(&self) -> Result<Option<T>> {
        match host::property(self.path)? {
            None => Ok(None),
            Some(bytes) => T::decode(bytes).map(Some).ok_or(Error::Malformed("get_property")),
        }
    }
}

/// Returns the address of the client, as Envoy determines it: with `use_remote_address` and
/// `xff_num_trusted_hops`, that may be one of `x-forwarded-for`. `None` for a Unix domain socket.
pub fn client_address() -> Result<Option<IpAddr>> {
    Ok(SOURCE_ADDRESS.get()?.as_deref().and_then(address))
}

/// Parses an address as Envoy writes it: `192.0.2.1:443`, `[2001:db8::1]:443`. A Unix domain socket has none.
fn address(text: &[u8]) -> Option<IpAddr> {
    let (host, _port) = std::str::from_utf8(text).ok()?.rsplit_once(':')?;
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        // A zone names the interface, not the client.
        Some(host) => host.split('%').next()?.parse().ok().map(IpAddr::V6),
        None => host.parse().ok().map(IpAddr::V4),
    }
}

/// A type in which Envoy encodes attributes (`serializeValue` in `source/extensions/common/wasm/context.cc`).
pub trait Value: Sized {
    /// Decodes the encoding of the host. Returns `None` if the bytes are not a valid encoding.
    fn decode(bytes: Vec<u8>) -> Option<Self>;
}

impl Value for Vec<u8> {
    fn decode(bytes: Vec<u8>) -> Option<Self> {
        Some(bytes)
    }
}

impl Value for i64 {
    fn decode(bytes: Vec<u8>) -> Option<Self> {
        bytes.try_into().ok().map(Self::from_le_bytes)
    }
}

impl Value for u64 {
    fn decode(bytes: Vec<u8>) -> Option<Self> {
        bytes.try_into().ok().map(Self::from_le_bytes)
    }
}

impl Value for bool {
    fn decode(bytes: Vec<u8>) -> Option<Self> {
        match bytes.as_slice() {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }
}

impl Value for UnixNanos {
    fn decode(bytes: Vec<u8>) -> Option<Self> {
        u64::decode(bytes).map(Self)
    }
}

/// A SHA-256 digest, which Envoy encodes as 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sha256(pub [u8; 32]);

impl Value for Sha256 {
    fn decode(bytes: Vec<u8>) -> Option<Self> {
        let mut digest = [0; 32];
        if bytes.len() != 2 * digest.len() {
            return None;
        }
        for (byte, pair) in digest.iter_mut().zip(bytes.as_chunks::<2>().0) {
            let [high, low] = pair.map(|digit| char::from(digit).to_digit(16));
            *byte = u8::try_from(high? << 4 | low?).ok()?;
        }
        Some(Self(digest))
    }
}

macro_rules! properties {
    ($($(#[$meta:meta])* $name:ident: $type:ty = $path:literal;)*) => {
        $($(#[$meta])* pub const $name: Property<$type> = Property::new($path);)*
    };
}

properties! {
    /// Time at which the first byte of the request arrived.
    REQUEST_TIME: UnixNanos = "request\0time";
    /// Protocol of the request: `HTTP/1.1`, `HTTP/2`, ...
    REQUEST_PROTOCOL: Vec<u8> = "request\0protocol";
    /// Address and port of the client.
    SOURCE_ADDRESS: Vec<u8> = "source\0address";
    /// Address and port that the client connected to.
    DESTINATION_ADDRESS: Vec<u8> = "destination\0address";
    /// Id of the downstream connection.
    CONNECTION_ID: u64 = "connection\0id";
    /// Whether the client presented a certificate that was verified.
    CONNECTION_MTLS: bool = "connection\0mtls";
    /// First URI SAN of the client certificate: the SPIFFE id in a mesh.
    CONNECTION_URI_SAN_PEER_CERTIFICATE: Vec<u8> = "connection\0uri_san_peer_certificate";
    /// SHA-256 digest of the client certificate in DER. Absent if there is no certificate.
    CONNECTION_SHA256_PEER_CERTIFICATE_DIGEST: Sha256 = "connection\0sha256_peer_certificate_digest";
    /// Server name (SNI) that the client requested.
    CONNECTION_REQUESTED_SERVER_NAME: Vec<u8> = "connection\0requested_server_name";
    /// Status code of the response.
    RESPONSE_CODE: i64 = "response\0code";
    /// Response code details (`%RESPONSE_CODE_DETAILS%`).
    RESPONSE_CODE_DETAILS: Vec<u8> = "response\0code_details";
    /// Envoy's response flags as a bit set.
    RESPONSE_FLAGS: i64 = "response\0flags";
    /// Address of the upstream host that served the request.
    UPSTREAM_ADDRESS: Vec<u8> = "upstream\0address";
    /// Name of the cluster that the route selected.
    XDS_CLUSTER_NAME: Vec<u8> = "xds\0cluster_name";
    /// Name of the route.
    XDS_ROUTE_NAME: Vec<u8> = "xds\0route_name";
    /// Name of the plugin (`PluginConfig.name`).
    PLUGIN_NAME: Vec<u8> = "plugin_name";
    /// Root id of the plugin (`PluginConfig.root_id`).
    PLUGIN_ROOT_ID: Vec<u8> = "plugin_root_id";
}

/// Sets the filter state `wasm.<name>` of this stream. Later filters read it with [`state`], and the access
/// log with `%FILTER_STATE(wasm.<name>:PLAIN)%`.
pub fn set_state(name: &'static str, value: &[u8]) -> Result<()> {
    host::set_property(name, value)
}

/// Returns the filter state that this or an earlier filter of the stream set with [`set_state`].
pub fn state(name: &'static str) -> Result<Option<Vec<u8>>> {
    host::property(name)
}

/// Returns the filter state of the stream with this full name, whichever filter set it. Filter state set with
/// [`set_state`] has the name `wasm.<name>`.
pub fn filter_state(name: &str) -> Result<Option<Vec<u8>>> {
    host::property(&format!("filter_state\0{name}"))
}

/// Returns the attribute at a path that is known only at run time, in Envoy's encoding, or `None` if it is
/// absent. The segments are separated by NUL. An empty value is not the same as an absent one.
pub fn by_path(path: &str) -> Result<Option<Vec<u8>>> {
    host::property(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_a_value_of_the_wrong_length() {
        assert_eq!(i64::decode(vec![1, 0, 0, 0, 0, 0, 0, 0]), Some(1));
        assert_eq!(i64::decode(vec![1, 0]), None);
        assert_eq!(u64::decode(Vec::new()), None);
        assert_eq!(bool::decode(vec![2]), None);
        assert_eq!(bool::decode(vec![1]), Some(true));
    }

    #[test]
    fn an_address_has_a_port_and_no_zone() {
        for (text, expected) in [
            ("192.0.2.1:443", Some("192.0.2.1")),
            ("[2001:db8::1]:443", Some("2001:db8::1")),
            ("[fe80::1%eth0]:443", Some("fe80::1")),
            ("/run/envoy.sock", None),
            ("192.0.2.1", None),
            ("", None),
        ] {
            assert_eq!(address(text.as_bytes()), expected.map(|text| text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn a_digest_is_64_hexadecimal_digits() {
        let text = "6f070AD1eb1cdc0082dc3076639fe5112b1713ca3d96d734e4ef3d8dd37e760d";
        let digest = Sha256::decode(text.into()).unwrap();
        assert_eq!((digest.0[..4].to_vec(), digest.0[31]), (vec![0x6f, 0x07, 0x0a, 0xd1], 0x0d));
        for bad in [
            "",
            text.get(..63).unwrap(),
            text.get(..62).unwrap(),
            &format!("{text}00"),
            &text.replace('6', "g"),
        ] {
            assert_eq!(Sha256::decode(bad.into()), None, "{bad}");
        }
    }
}
