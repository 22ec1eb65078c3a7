//! Networks in CIDR notation.

use crate::Config;
use core::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A network: `"10.0.0.0/8"` or `"2001:db8::/32"`. An address without a prefix length is a network of one
/// address.
///
/// Bits after the prefix must be zero. `10.1.2.3/8` is ambiguous, and a wrong guess would allow or reject
/// sixteen million addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Config)]
#[config(
    text(
        expected = "a network such as `10.0.0.0/8` or `2001:db8::/32`",
        pattern = "^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$"
    ),
    blank = Self::V4 { network: 0, mask: u32::MAX }
)]
pub enum Cidr {
    /// An IPv4 network.
    V4 {
        /// Its first address.
        network: u32,
        /// The bits that all its addresses share.
        mask: u32,
    },
    /// An IPv6 network.
    V6 {
        /// Its first address.
        network: u128,
        /// The bits that all its addresses share.
        mask: u128,
    },
}

impl Cidr {
    /// Returns whether the network contains an address. An IPv4-mapped IPv6 address (`::ffff:10.0.0.1`), as a
    /// dual-stack listener reports, counts as the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (*self, address.to_canonical()) {
            (Self::V4 { network, mask }, IpAddr::V4(address)) => address.to_bits() & mask == network,
            (Self::V6 { network, mask }, IpAddr::V6(address)) => address.to_bits() & mask == network,
            _ => false,
        }
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::V4 { network, mask } => write!(f, "{}/{}", Ipv4Addr::from_bits(network), mask.count_ones()),
            Self::V6 { network, mask } => write!(f, "{}/{}", Ipv6Addr::from_bits(network), mask.count_ones()),
        }
    }
}

impl FromStr for Cidr {
    type Err = InvalidCidr;

    fn from_str(text: &str) -> Result<Self, InvalidCidr> {
        let syntax = || InvalidCidr::Syntax(text.into());
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix_length(prefix).ok_or_else(syntax)?)),
            None => (text, None),
        };
        let beyond = |first: IpAddr, prefix| InvalidCidr::HostBits { text: text.into(), first, prefix };
        match address.parse::<IpAddr>().map_err(|_| syntax())? {
            IpAddr::V4(address) => {
                let prefix = prefix.unwrap_or(32);
                let host = 32u32.checked_sub(prefix).ok_or_else(syntax)?;
                let mask = u32::MAX.checked_shl(host).unwrap_or(0);
                let network = address.to_bits() & mask;
                if network != address.to_bits() {
                    return Err(beyond(Ipv4Addr::from_bits(network).into(), prefix));
                }
                Ok(Self::V4 { network, mask })
            }
            IpAddr::V6(address) => {
                let prefix = prefix.unwrap_or(128);
                let host = 128u32.checked_sub(prefix).ok_or_else(syntax)?;
                let mask = u128::MAX.checked_shl(host).unwrap_or(0);
                let network = address.to_bits() & mask;
                if network != address.to_bits() {
                    return Err(beyond(Ipv6Addr::from_bits(network).into(), prefix));
                }
                // No address would ever match: IPv4-mapped addresses are compared as IPv4.
                if address.to_ipv4_mapped().is_some() {
                    return Err(InvalidCidr::Mapped(text.into()));
                }
                Ok(Self::V6 { network, mask })
            }
        }
    }
}

/// Parses a prefix length of digits only: `parse` alone would accept `+8`.
fn prefix_length(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// Why a text is not a network.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidCidr {
    /// The text is not an address, or its prefix length is invalid.
    Syntax(Box<str>),
    /// The address has bits set after the prefix.
    HostBits {
        /// The text.
        text: Box<str>,
        /// The first address of the network that contains the address.
        first: IpAddr,
        /// The prefix length.
        prefix: u32,
    },
    /// The network is IPv4 in IPv6 form.
    Mapped(Box<str>),
}

impl fmt::Display for InvalidCidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(text) => {
                write!(
                    f,
                    "`{}` is not a network such as `10.0.0.0/8` or `2001:db8::/32`",
                    text.escape_default()
                )
            }
            Self::HostBits { text, first, prefix } => {
                write!(f, "`{text}` has bits set after its prefix, expected `{first}/{prefix}`")
            }
            Self::Mapped(text) => write!(f, "`{text}` is an IPv4 network in IPv6 form, expected IPv4 form"),
        }
    }
}

impl std::error::Error for InvalidCidr {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn contains_its_first_and_last_address_and_no_other() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", ["10.0.0.0", "10.255.255.255"], ["9.255.255.255", "11.0.0.0"]),
            ("192.0.2.7", ["192.0.2.7", "::ffff:192.0.2.7"], ["192.0.2.6", "192.0.2.8"]),
            ("0.0.0.0/0", ["0.0.0.0", "255.255.255.255"], ["::", "2001:db8::1"]),
            ("::/0", ["::", "ffff::1"], ["1.2.3.4", "::ffff:1.2.3.4"]),
            ("2001:db8::/32", ["2001:db8::", "2001:db8:ffff::1"], ["2001:db7:ffff::", "2001:db9::"]),
            ("2001:db8::1", ["2001:db8::1", "2001:db8:0::1"], ["2001:db8::", "2001:db8::2"]),
        ] {
            let network: Cidr = network.parse().unwrap();
            for address in inside {
                assert!(network.contains(address.parse().unwrap()), "{network:?} {address}");
            }
            for address in outside {
                assert!(!network.contains(address.parse().unwrap()), "{network:?} {address}");
            }
        }
    }

    #[test]
    fn rejects_invalid_networks() {
        for text in [
            "",
            "10.0.0.0/33",
            "10.0.0/8",
            "::/129",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "/8",
            "a",
            "10.0.0.0/8/8",
            " ::",
        ] {
            assert!(matches!(text.parse::<Cidr>(), Err(InvalidCidr::Syntax(_))), "{text}");
        }
        let error = crate::config::parse::<Cidr>("\"10.1.2.3/8\"").unwrap_err().to_string();
        assert!(
            error.starts_with("`10.1.2.3/8` has bits set after its prefix, expected `10.0.0.0/8`"),
            "{error}"
        );
        assert!(matches!("::ffff:10.0.0.0/104".parse::<Cidr>(), Err(InvalidCidr::Mapped(_))));
    }

    #[test]
    fn is_written_as_it_is_read() {
        for text in ["10.0.0.0/8", "192.0.2.7/32", "0.0.0.0/0", "2001:db8::/32", "::/0"] {
            assert_eq!(text.parse::<Cidr>().unwrap().to_string(), text);
        }
    }

    proptest! {
        #[test]
        fn contains_an_address_at_every_prefix_length(bits: u32, prefix in 0u32..=32) {
            let mask = u32::MAX.checked_shl(32 - prefix).unwrap_or(0);
            let network: Cidr = format!("{}/{prefix}", Ipv4Addr::from_bits(bits & mask)).parse().unwrap();
            prop_assert!(network.contains(Ipv4Addr::from_bits(bits).into()));
        }

        #[test]
        fn never_panics(text in "[0-9a-f:./]{0,40}") {
            let _ = text.parse::<Cidr>();
        }
    }
}
