//! The value of an entry: hashed as bytes, written as text only where somebody reads it.

use super::text;
use crate::table::KeyHasher;
use std::borrow::Cow;
use std::net::IpAddr;

/// The value of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// Bytes that stand for themselves.
    Bytes(Cow<'a, [u8]>),
    /// An address; never IPv4 in IPv6 form.
    Address(IpAddr),
    /// A network: its first address, and how many bits are its own.
    Network(IpAddr, u8),
    /// What is configured for a client that has no address.
    NoAddress(&'a str),
}

impl<'a> Value<'a> {
    /// Bytes that need no copy.
    pub(super) fn bytes(bytes: impl Into<Cow<'a, [u8]>>) -> Self {
        Self::Bytes(bytes.into())
    }

    /// Tells it to the hash. Two values of one action are told alike only if they are alike: addresses have 4 or 16
    /// octets, so the empty value before what is in place of one is none.
    pub(super) fn hash(&self, hasher: &mut KeyHasher) {
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

    /// As the rate limit service and people are told it.
    pub(super) fn into_text(self) -> Cow<'a, str> {
        match self {
            Self::Bytes(bytes) => text::of(bytes),
            Self::Address(address) => Cow::Owned(address.to_string()),
            Self::Network(address, prefix) => Cow::Owned(format!("{address}/{prefix}")),
            Self::NoAddress(text) => text::of(Cow::Borrowed(text.as_bytes())),
        }
    }

    /// As matchers of texts see it: in full, and as it was sent.
    pub(super) fn raw(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Bytes(bytes) => Cow::Borrowed(bytes),
            Self::Address(address) => Cow::Owned(address.to_string().into_bytes()),
            Self::Network(address, prefix) => Cow::Owned(format!("{address}/{prefix}").into_bytes()),
            Self::NoAddress(text) => Cow::Borrowed(text.as_bytes()),
        }
    }

    /// The address that it is: of a network, the first one; of a text, if it is an address and nothing else.
    pub(super) fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Address(address) | Self::Network(address, _) => Some(*address),
            Self::Bytes(bytes) => Some(str::from_utf8(bytes).ok()?.parse::<IpAddr>().ok()?.to_canonical()),
            Self::NoAddress(_) => None,
        }
    }
}

/// The network of an address, of so many bits.
pub(super) fn masked(address: IpAddr, v4_prefix_len: u8, v6_prefix_len: u8) -> Value<'static> {
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
