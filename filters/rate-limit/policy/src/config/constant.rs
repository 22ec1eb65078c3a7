//! Actions that produce a constant, some of them under a condition, and masked addresses.

use tollgate_policy::{Cidr, Config, HeaderMatcher, QueryMatcher};

/// Number of bits of an address that count.
#[derive(Clone, Debug, Config)]
#[config(default)]
pub struct MaskedAddress {
    /// Number of bits of an IPv4 address. Default: 32.
    pub v4_prefix_mask_len: u32,
    /// Number of bits of an IPv6 address. Most clients own at least the lower 64. Default: 128.
    pub v6_prefix_mask_len: u32,
    /// Descriptor key of the entry. Default: `masked_remote_address`.
    pub descriptor_key: Option<String>,
    /// Value to use if the request has none. Default: none.
    pub default_value: Option<String>,
    /// Whether to leave the entry out of the key if the request has no value for it. Otherwise, the limit
    /// does not apply to such a request. Default: `false`.
    pub skip_if_absent: bool,
}

impl Default for MaskedAddress {
    fn default() -> Self {
        Self {
            v4_prefix_mask_len: 32,
            v6_prefix_mask_len: 128,
            descriptor_key: None,
            default_value: None,
            skip_if_absent: false,
        }
    }
}

/// Produces a constant if the client's address is in one of the networks.
#[derive(Clone, Debug, Default, Config)]
#[config(instead = [("address_matcher", "use `cidrs`: `[\"10.0.0.0/8\"]`, and `invert`")])]
pub struct AddressMatch {
    /// Networks, such as `10.0.0.0/8`.
    pub cidrs: Vec<Cidr>,
    /// Whether the address must be in none of the networks instead. Default: `false`.
    #[config(default)]
    pub invert: bool,
    /// Descriptor key of the entry. Default: `remote_address_match`.
    pub descriptor_key: Option<String>,
    /// Value of the entry.
    pub descriptor_value: String,
}

/// Produces a constant.
#[derive(Clone, Debug, Default, Config)]
#[config(instead = [
    ("default_value", "use `descriptor_value` for the constant"),
])]
pub struct Constant {
    /// Descriptor key of the entry. Default: `generic_key`.
    pub descriptor_key: Option<String>,
    /// Value of the entry.
    pub descriptor_value: String,
}

/// Produces a constant if headers match.
#[derive(Clone, Debug, Config)]
pub struct HeaderValueMatch {
    /// Descriptor key of the entry. Default: `header_match`.
    pub descriptor_key: Option<String>,
    /// Value of the entry.
    pub descriptor_value: String,
    /// Whether all headers must match. With `false`, the constant is produced if not all match.
    /// Default: `true`.
    #[config(default = true)]
    pub expect_match: bool,
    /// Headers to match.
    pub headers: Vec<HeaderMatcher>,
}

/// Produces a constant if query parameters match.
#[derive(Clone, Debug, Config)]
pub struct QueryValueMatch {
    /// Descriptor key of the entry. Default: `query_match`.
    pub descriptor_key: Option<String>,
    /// Value of the entry.
    pub descriptor_value: String,
    /// Whether all parameters must match. With `false`, the constant is produced if not all match.
    /// Default: `true`.
    #[config(default = true)]
    pub expect_match: bool,
    /// Query parameters to match.
    pub query_parameters: Vec<QueryMatcher>,
}
