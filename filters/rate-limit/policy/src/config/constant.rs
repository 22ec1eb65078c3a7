//! Parts of a key that are constants, some of them under a condition, and addresses.

use tollgate_policy::{Cidr, HeaderMatcher, QueryMatcher, read_object};

/// How much of an address counts.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
pub struct MaskedAddress {
    /// Bits of an IPv4 address. Default: 32.
    pub v4_prefix_mask_len: u32,
    /// Bits of an IPv6 address; most clients have at least 64 to themselves. Default: 128.
    pub v6_prefix_mask_len: u32,
    /// What it is called in the key. Default: `masked_remote_address`.
    pub descriptor_key: Option<String>,
    /// Counts in its place if there is none.
    pub default_value: Option<String>,
    /// Whether the key goes without it if there is none, in place of not being counted. Default: `false`.
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

/// A constant, if the client's address is in one of the networks.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct AddressMatch {
    /// The networks.
    pub cidrs: Vec<Cidr>,
    /// Whether it must be in none of them. Default: `false`.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub invert: bool,
    /// What it is called in the key. Default: `remote_address_match`.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub descriptor_key: Option<String>,
    /// The constant.
    pub descriptor_value: String,
}

/// A constant.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Constant {
    /// What it is called in the key. Default: `generic_key`.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub descriptor_key: Option<String>,
    /// The constant.
    pub descriptor_value: String,
}

/// A constant, if headers match.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct HeaderValueMatch {
    /// What it is called in the key. Default: `header_match`.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub descriptor_key: Option<String>,
    /// The constant.
    pub descriptor_value: String,
    /// Whether they must match, or must not. Default: `true`.
    #[cfg_attr(feature = "schema", schemars(default = "yes"))]
    pub expect_match: bool,
    /// Headers; all must match.
    pub headers: Vec<HeaderMatcher>,
}

/// A constant, if query parameters match.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct QueryValueMatch {
    /// What it is called in the key. Default: `query_match`.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub descriptor_key: Option<String>,
    /// The constant.
    pub descriptor_value: String,
    /// Whether they must match, or must not. Default: `true`.
    #[cfg_attr(feature = "schema", schemars(default = "yes"))]
    pub expect_match: bool,
    /// Query parameters; all must match.
    pub query_parameters: Vec<QueryMatcher>,
}

#[cfg(feature = "schema")]
fn yes() -> bool {
    true
}

read_object!(
    MaskedAddress = Self::default();
    v4_prefix_mask_len, v6_prefix_mask_len, descriptor_key, default_value, skip_if_absent
);
read_object!(
    AddressMatch = Self::default();
    cidrs (required), invert, descriptor_key, descriptor_value (required);
    instead [("address_matcher", "give the networks as `cidrs`: `[\"10.0.0.0/8\"]`, and `invert`")]
);
read_object!(Constant = Self::default(); descriptor_key, descriptor_value (required); instead [
    ("default_value", "the constant is `descriptor_value`"),
]);
read_object!(
    HeaderValueMatch = Self {
        descriptor_key: None,
        descriptor_value: String::new(),
        expect_match: true,
        headers: Vec::new(),
    };
    descriptor_key, descriptor_value (required), expect_match, headers (required)
);
read_object!(
    QueryValueMatch = Self {
        descriptor_key: None,
        descriptor_value: String::new(),
        expect_match: true,
        query_parameters: Vec::new(),
    };
    descriptor_key, descriptor_value (required), expect_match, query_parameters (required)
);
