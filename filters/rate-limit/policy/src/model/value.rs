//! Values of entries. They are hashed as bytes, and converted to text only where text is needed.

use super::text;
use std::borrow::Cow;
use std::net::IpAddr;
use tollgate_counting::table::KeyHasher;

/// Value of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    /// Bytes.
    Bytes(Cow<'a, [u8]>),
    /// Address; never an IPv4-mapped IPv6 address.
    Address(IpAddr),
    /// Network: its first address and its prefix length.
    Network(IpAddr, u8),
    /// Default value for a client that has no address.
    NoAddress(&'a str),
}

impl<'a> Value<'a> {
    /// Returns a value of bytes.
    pub(crate) fn bytes(bytes: impl Into<Cow<'a, [u8]>>) -> Self {
        Self::Bytes(bytes.into())
    }

    /// Adds the value to a hash. Two values of one action hash alike only if they are equal: an address has 4
    /// or 16 octets, so the empty value before a default value cannot be an address.
    pub(crate) fn hash(&self, hasher: &mut KeyHasher) {
        match self {
            Self::Bytes(bytes) => hasher.value(bytes),
            Self::Address(IpAddr::V4(address)) | Self::Network(IpAddr::V4(address), _) => {
                hasher.value(&address.octets());
            }
            Self::Address(IpAddr::V6(address)) | Self::Network(IpAddr::V6(address), _) => {
                hasher.value(&address.octets());
            }
            Self::NoAddress(text) => {
                hasher.value(b"");
                hasher.value(text.as_bytes());
            }
        }
    }

    /// Returns the value as text, for the rate limit service and for people.
    pub(crate) fn into_text(self) -> Cow<'a, str> {
        match self {
            Self::Bytes(bytes) => text::of(bytes),
            Self::Address(address) => Cow::Owned(address.to_string()),
            Self::Network(address, prefix) => Cow::Owned(format!("{address}/{prefix}")),
            Self::NoAddress(text) => text::of(Cow::Borrowed(text.as_bytes())),
        }
    }

    /// Returns the value in full and unchanged, for string matchers.
    pub(crate) fn raw(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Bytes(bytes) => Cow::Borrowed(bytes),
            Self::Address(address) => Cow::Owned(address.to_string().into_bytes()),
            Self::Network(address, prefix) => Cow::Owned(format!("{address}/{prefix}").into_bytes()),
            Self::NoAddress(text) => Cow::Borrowed(text.as_bytes()),
        }
    }

    /// Returns the value as an address: the first address of a network, or a text that is an address.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Address(address) | Self::Network(address, _) => Some(*address),
            Self::Bytes(bytes) => Some(str::from_utf8(bytes).ok()?.parse::<IpAddr>().ok()?.to_canonical()),
            Self::NoAddress(_) => None,
        }
    }
}

/// Returns the network of an address.
pub(crate) fn masked(address: IpAddr, v4_prefix_len: u8, v6_prefix_len: u8) -> Value<'static> {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32u32.saturating_sub(v4_prefix_len.into())).unwrap_or(0);
            Value::Network(IpAddr::V4((address.to_bits() & mask).into()), v4_prefix_len)
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128u32.saturating_sub(v6_prefix_len.into())).unwrap_or(0);
            Value::Network(IpAddr::V6((address.to_bits() & mask).into()), v6_prefix_len)
        }
    }
}
